// metrics and log: how a run is watched.
#include <fmt/format.h>

#include "src/config/choices.h"
#include "src/config/read_host_port.h"
#include "src/config/sections.h"

namespace meridian {
namespace {

/// All processes of the deployment take one port each, from the one given.
void refuse_too_high_port(Fields& metrics, const HostPort& address, const Config& config) {
  std::size_t processes = 0;
  for (const DatacenterConfig& datacenter : config.datacenters)
    processes += datacenter.servers + datacenter.workers;
  constexpr std::size_t kLastPort = 65535;
  if (address.port == 0 || address.port + processes <= kLastPort + 1) return;
  metrics.problems().add(metrics.place_of("address"),
                         fmt::format("metrics.address begins at port {}, and {} processes take one each",
                                     address.port, processes),
                         fmt::format("a port of at most {}", kLastPort + 1 - processes));
}

void read_metrics(Fields metrics, Config& config) {
  const YamlNode* const address = metrics.find("address");
  const bool none = address != nullptr && address->kind == YamlNode::Kind::scalar && address->text == "none";
  if (none) {
    config.metrics.address.reset();
  } else if (HostPort given; read_host_port(metrics, "address", given, 0, Presence::optional)) {
    refuse_too_high_port(metrics, given, config);
    config.metrics.address = std::move(given);
  }
  std::string targets;
  if (metrics.text("targets", targets, "a file")) {
    config.metrics.targets = (config.file.parent_path() / targets).lexically_normal();
  }
  metrics.refuse_unknown();
}

}  // namespace

void read_watching(Fields& root, Config& config) {
  read_metrics(root.map("metrics"), config);
  Fields log = root.map("log");
  log.choice("format", config.log.format, kLogFormats);
  log.choice("level", config.log.level, kLogLevels);
  log.refuse_unknown();
}

}  // namespace meridian

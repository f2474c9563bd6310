// metrics and log: how a run is watched.
#include <fmt/format.h>

#include "src/config/choices.h"
#include "src/config/read_host_port.h"
#include "src/config/sections.h"

namespace meridian {
namespace {

void read_metrics(Fields metrics, Config& config) {
  const YamlNode* const address = metrics.find("address");
  const bool none = address != nullptr && address->kind == YamlNode::Kind::scalar && address->text == "none";
  if (none) {
    config.metrics.address.reset();
  } else if (HostPort given; read_host_port(metrics, "address", given, 0, Presence::optional)) {
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

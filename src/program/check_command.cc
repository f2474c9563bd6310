// meridian check CONFIG: is it valid, and what does it say? CONFIG may also be the file of an emulation, or
// one of links.
#include <fmt/format.h>

#include <string>

#include "src/config/emulation_config.h"
#include "src/config/expansion.h"
#include "src/config/links_table.h"
#include "src/config/mode_explanation.h"
#include "src/config/run_identity.h"
#include "src/data/idx_reader.h"
#include "src/program/commands.h"
#include "src/program/run_setup.h"
#include "src/program/wan_parts.h"

namespace meridian::program {

namespace {

/// A run would say so only when it begins.
void print_missing_data(const DataConfig& data) {
  if (data.format != "idx") return;
  const auto print_if_missing = [](const std::filesystem::path& path, const std::string& key,
                                   const std::string& if_none, const std::string& if_some) {
    const IdxPresence presence = find_idx_files(path);
    if (presence == IdxPresence::all) return;
    const bool none = presence == IdxPresence::none;
    print_error(fmt::format("note: {} data in {} ({}): {}", none ? "no" : "incomplete", path.string(), key,
                            none ? if_none : if_some));
  };
  for (const auto& [name, path] : data.paths) {
    const std::string would = fmt::format("a process of {} would fail on this machine", name);
    print_if_missing(path, "workload.data.paths." + name, would, would);
  }
  if (!data.paths.empty()) return;
  print_if_missing(data.path, "workload.data.path",
                   data.if_missing == "generated" ? "a run takes the generated set (workload.data.if_missing)"
                                                  : "a run would fail",
                   "a run would fail");
}

int print_refusal(const std::string& reason) {
  print_error(reason);
  return kBadUsage;
}

std::string describe_address(const HostPort& address) {
  const bool is_ipv6 = address.host.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? fmt::format("[{}]", address.host) : address.host;
  return address.port == 0 ? fmt::format("{}, a free port", host) : fmt::format("{}:{}", host, address.port);
}

std::string describe_links_of(const EmulationConfig& emulation) {
  return describe_links(emulation.places, emulation.links, emulation.caps, emulation.events) +
         describe_prices(emulation.places, emulation.prices);
}

int check_links(const CheckArguments& arguments) {
  const std::string file = arguments.config.file.string();
  if (!arguments.config.overrides.empty()) {
    return print_refusal(
        fmt::format("--set {}: {} is a links file; expected no --set, which only a run's or an "
                    "emulation's file takes",
                    arguments.config.overrides.front(), file));
  }
  const Result<EmulationConfig> links = read_links_file(arguments.config.file);
  if (!links) return print_refusal(links.error().message);
  fmt::print("{} is valid: links\n\n{}", file, describe_links_of(links.value()));
  return kDone;
}

int check_emulation(const CheckArguments& arguments) {
  const Result<EmulationConfig> read =
      read_emulation(arguments.config.file, arguments.config.overrides, process_environment);
  if (!read) return print_refusal(read.error().message);
  const EmulationConfig& emulation = read.value();
  fmt::print("{} is valid: an emulation, seed {}\n\n{}\n", arguments.config.file.string(), emulation.seed,
             describe_links_of(emulation));
  for (const RelayConfig& relay : emulation.relays) {
    fmt::print("relay {} -> {}: from {} to {}\n", emulation.places[relay.from], emulation.places[relay.to],
               describe_address(relay.listen), describe_address(relay.target));
  }
  fmt::print("API: {}\n", emulation.api ? describe_address(*emulation.api) : "none");
  return kDone;
}

int check_run(const CheckArguments& arguments) {
  const Result<Config> read = load_config(arguments.config);
  if (!read) return print_refusal(read.error().message);
  const Config& config = read.value();
  fmt::print("{} is valid: run {}\n\n", arguments.config.file.string(), run_id(config));
  for (const DatacenterConfig& datacenter : config.datacenters) {
    const std::string machines = datacenter.machines ? fmt::format(", {} machine{}", *datacenter.machines,
                                                                   *datacenter.machines == 1 ? "" : "s")
                                                     : std::string();
    fmt::print("{}: {} worker{}, {} server{}{}\n", datacenter.name, datacenter.workers,
               datacenter.workers == 1 ? "" : "s", datacenter.servers, datacenter.servers == 1 ? "" : "s",
               machines);
  }
  fmt::print("\nmode {}\n{}", config.wan.mode, describe_links_table(config));
  if (arguments.explain) {
    Config explained = config;
    explained.wan.topology.groups = hub_groups(config);
    fmt::print("\n{}", explain_mode(explained));
  }
  print_missing_data(config.workload.data);
  return kDone;
}

}  // namespace

int check_command(const CheckArguments& arguments) {
  const ConfigKind kind = kind_of_config(arguments.config.file);
  if (kind == ConfigKind::run) return check_run(arguments);
  if (arguments.explain) {
    return print_refusal(fmt::format(
        "--explain: {} is {}, which says nothing of synchronisation; expected a run's "
        "configuration",
        arguments.config.file.string(), kind == ConfigKind::links ? "a links file" : "an emulation"));
  }
  return kind == ConfigKind::links ? check_links(arguments) : check_emulation(arguments);
}

}  // namespace meridian::program

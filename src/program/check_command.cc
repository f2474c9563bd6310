// meridian check CONFIG: is it valid, and what does it say?
#include <fmt/format.h>

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
  const IdxPresence presence = find_idx_files(data.path);
  if (presence == IdxPresence::all) return;
  const bool generated = presence == IdxPresence::none && data.if_missing == "generated";
  print_error(fmt::format(
      "note: {} data in {} (workload.data.path): {}", presence == IdxPresence::none ? "no" : "incomplete",
      data.path.string(),
      generated ? "a run takes the generated set (workload.data.if_missing)" : "a run would fail"));
}

}  // namespace

int check_command(const CheckArguments& arguments) {
  const Result<Config> read = load_config(arguments.config);
  if (!read) {
    print_error(read.error().message);
    return kBadUsage;
  }
  const Config& config = read.value();
  fmt::print("{} is valid: run {}\n\n", arguments.config.file.string(), run_id(config));
  for (const DatacenterConfig& datacenter : config.datacenters) {
    fmt::print("{}: {} worker{}, {} server{}\n", datacenter.name, datacenter.workers,
               datacenter.workers == 1 ? "" : "s", datacenter.servers, datacenter.servers == 1 ? "" : "s");
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

}  // namespace meridian::program

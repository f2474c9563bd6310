// meridian check CONFIG: is it valid, and what does it say?
#include <fmt/format.h>

#include "src/config/links_table.h"
#include "src/config/run_identity.h"
#include "src/program/commands.h"
#include "src/program/run_setup.h"

namespace meridian::program {

int check_command(const ConfigArguments& arguments) {
  const Result<Config> read = load_config(arguments);
  if (!read) {
    print_error(read.error().message);
    return kBadUsage;
  }
  const Config& config = read.value();
  fmt::print("{} is valid: run {}\n\n", arguments.file.string(), run_id(config));
  for (const DatacenterConfig& datacenter : config.datacenters) {
    fmt::print("{}: {} worker{}, {} server{}\n", datacenter.name, datacenter.workers,
               datacenter.workers == 1 ? "" : "s", datacenter.servers, datacenter.servers == 1 ? "" : "s");
  }
  fmt::print("\nmode {}\n{}", config.wan.mode, describe_links_table(config));
  return kDone;
}

}  // namespace meridian::program

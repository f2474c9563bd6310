#include "src/workloads/make_workloads.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

namespace meridian {
namespace {

namespace fs = std::filesystem;

/// Whether something is there. A pattern is there if its folder is: that nothing matches it is a mistake.
bool is_there(const std::string& source) {
  std::error_code error;
  const fs::path path(source);
  const bool pattern = source.find_first_of("*?[") != std::string::npos;
  return fs::exists(pattern ? path.parent_path() : path, error);
}

}  // namespace

bool is_generated(const WorkloadData& data) {
  if (data.format == "generated") return true;
  return data.generate_if_missing && !is_there(data.path);
}

Result<MadeWorkload> made_from(const WorkloadData& data, std::string digest,
                               Result<std::unique_ptr<Workload>> workload) {
  if (!workload) return workload.error();
  MadeWorkload made{std::move(workload).value(), std::move(digest)};
  if (is_generated(data)) made.contents = data.format == "generated" ? "" : "generated";
  return made;
}

std::string note_of(const WorkloadData& data, const std::string& what) {
  const fs::path path(data.path);
  std::string name = (path.has_filename() ? path : path.parent_path()).filename().string();
  if (!is_generated(data)) return name;
  const std::string why = data.format == "generated" ? "" : fmt::format(" ({} is not on this machine)", name);
  return fmt::format("GENERATED {}, not real ones{}", what, why);
}

PartitionOptions partition_of(const WorkloadOptions& options, std::size_t samples) {
  PartitionOptions partition = options.partition;
  if (!options.data.datacenter) return partition;
  partition.between_datacenters = "ranges";
  partition.ranges.assign(partition.workers.size(), 0);
  partition.ranges.at(*options.data.datacenter) = samples;
  partition.sizes.clear();
  return partition;
}

}  // namespace meridian

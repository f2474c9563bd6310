// Divides a training set between all workers of all datacenters: every sample belongs to exactly one worker,
// and no two workers' numbers of samples differ by more than one, so a datacenter's share follows its number
// of workers. A further way to divide is one function and one line in partition.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/workload/workload.h"

namespace meridian {

struct PartitionOptions {
  std::string kind = "random";       ///< random (seeded) | contiguous | round_robin
  std::uint64_t seed = 1;            ///< for random
  std::vector<std::size_t> workers;  ///< of each datacenter, in the configuration's order; each at least 1
};

/// Immutable; any thread may read it.
class Partition {
 public:
  /// Divides `samples` samples. Errors: an unknown kind, a datacenter without workers, no datacenter, fewer
  /// samples than workers (some worker's part would be empty), more than 2^32 - 1 samples.
  static Result<Partition> make(const PartitionOptions& options, std::size_t samples);

  /// The positions of the samples that belong to a worker. Requires a place that exists.
  std::span<const std::uint32_t> samples_of(WorkerPlace place) const;

  /// A worker's position among all workers, datacenter after datacenter. Requires a place that exists.
  std::size_t global_index(WorkerPlace place) const;

  std::size_t workers() const { return starts_.size() - 1; }

 private:
  std::vector<std::size_t> first_worker_;  // of each datacenter, and the total
  std::vector<std::size_t> starts_;        // of each worker in order_, and the total
  std::vector<std::uint32_t> order_;
};

}  // namespace meridian

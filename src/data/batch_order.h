// Which of its samples a worker sees at which clock: it goes through its own part in a new random order each
// epoch, without replacement, and a batch may span two epochs. A batch is a function of (seed, worker, clock)
// alone: clocks may be asked for in any order, and again after a restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "src/base/time.h"
#include "src/data/partition.h"

namespace meridian {

/// Thread-safe: the order of the last epoch asked for is kept, which changes how fast it answers, never what.
class BatchOrder {
 public:
  /// `samples` must outlive this and not be empty; `worker` is its position among all workers; batch is at
  /// least 1.
  BatchOrder(std::uint64_t seed, std::size_t worker, std::span<const std::uint32_t> samples,
             std::size_t batch);

  /// For a worker of a partition, which must outlive this; where workers' samples overlap, each epoch has
  /// those that the partition says. The same order as above where they do not.
  BatchOrder(std::uint64_t seed, const Partition& partition, WorkerPlace place, std::size_t batch);

  /// Writes the samples of the batch at `clock` (from 1). `batch` has the size given at the start.
  void fill_batch(Clock clock, std::span<std::uint32_t> batch) const;

 private:
  using Order = std::shared_ptr<const std::vector<std::uint32_t>>;
  Order order_of(std::uint64_t epoch) const;

  std::uint64_t seed_;
  std::size_t worker_;
  std::span<const std::uint32_t> samples_;
  const Partition* partition_ = nullptr;  // where its samples change from epoch to epoch
  WorkerPlace place_;
  std::size_t samples_per_epoch_;
  std::size_t batch_;

  mutable std::mutex mutex_;  // guards the two below
  mutable std::uint64_t kept_epoch_ = 0;
  mutable Order kept_order_;
};

}  // namespace meridian

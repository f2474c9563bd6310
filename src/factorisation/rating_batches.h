// The batches of one worker's ratings. They are drawn without replacement, epoch by epoch (BatchOrder), and
// each is put into the order of users, so that a user's factors are fetched once for all its ratings in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/time.h"
#include "src/data/batch_order.h"
#include "src/factorisation/rating_pass.h"

namespace meridian {

/// Not thread-safe. A batch is a function of (seed, worker, clock).
class RatingBatches {
 public:
  /// `ratings` are all of the worker's, at least one, those of a user one after the other. `worker` is its
  /// position among all workers; batch is at least 1.
  RatingBatches(std::uint64_t seed, std::size_t worker, std::vector<PlacedRating> ratings, std::size_t batch);

  /// Writes the ratings of the batch at `clock` (from 1), in their order among all ratings. Has the size of a
  /// batch.
  void fill(Clock clock, std::span<PlacedRating> batch);

  std::span<const PlacedRating> ratings() const { return ratings_; }

 private:
  void sort();

  std::vector<PlacedRating> ratings_;
  std::vector<std::uint32_t> positions_;  // 0, 1, 2, ...: what order_ puts into an order
  std::vector<std::uint32_t> drawn_;      // positions of the ratings of the batch
  std::vector<std::uint32_t> other_;      // where sort() puts them meanwhile
  std::vector<std::uint32_t> counts_;
  BatchOrder order_;
};

}  // namespace meridian

// The sums of the open clock's updates, of one table that workers read and update whole. An entry is summed
// for good once the last worker's part of it has arrived, long before the clock is closed where the table
// takes many messages to cross; whoever uses the sums need not wait for the rest, and finds them in the
// cache.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

/// Owned by one server; not thread-safe. With one worker it keeps no sums, and no memory for them.
class DenseSums {
 public:
  /// Entries that are given away together: with what their step changes they fit into the nearest caches.
  static constexpr std::size_t kBlock = 4096;

  DenseSums(std::size_t entries, std::size_t workers)
      : sums_(workers > 1 ? entries : 0), arrived_(workers, 0) {}

  /// Adds the floats that `worker` pushes of entries [first, first + bytes.size() / 4), which follow those
  /// that it pushed before. Calls `summed(first, sums)` for what no worker has left to push, in rising blocks
  /// of at most kBlock entries; it may write over the sums.
  template <typename Summed>
  void add(std::size_t worker, std::size_t first, std::span<const std::byte> bytes, Summed summed) {
    MERIDIAN_CHECK(first == arrived_[worker], "entry {} after {}", first, arrived_[worker]);
    const std::size_t end = first + bytes.size() / sizeof(float);
    arrived_[worker] = end;
    std::size_t all_others = end;  // up to here every other worker has pushed
    std::size_t any_other = 0;     // up to here at least one has
    for (std::size_t other = 0; other < arrived_.size(); ++other) {
      if (other == worker) continue;
      all_others = std::min(all_others, arrived_[other]);
      any_other = std::max(any_other, arrived_[other]);
    }
    const auto bytes_of = [&](std::size_t from, std::size_t to) {
      return bytes.subspan((from - first) * sizeof(float), (to - from) * sizeof(float));
    };
    const bool alone = arrived_.size() == 1;
    for (std::size_t from = first; from < all_others; from += kBlock) {
      const std::size_t to = std::min(all_others, from + kBlock);
      const std::span<float> sums = block_.span().first(to - from);
      if (alone) {
        copy_floats(sums, bytes_of(from, to));
      } else {
        set_to_sum(sums, sums_.data() + from, bytes_of(from, to));
      }
      summed(from, sums);
    }
    if (alone) return;
    // What another has pushed and not all have is added to; the rest begins here.
    const std::size_t added_from = std::max(first, all_others);
    const std::size_t begun_from = std::max(added_from, std::min(end, any_other));
    add_floats(sums_.span().subspan(added_from, begun_from - added_from), bytes_of(added_from, begun_from));
    copy_floats(sums_.span().subspan(begun_from, end - begun_from), bytes_of(begun_from, end));
  }

  /// The next clock begins.
  void restart() { std::fill(arrived_.begin(), arrived_.end(), std::size_t{0}); }

 private:
  FloatBuffer sums_;                  // of entries that some, and not all, workers have pushed
  std::vector<std::size_t> arrived_;  // of each worker, up to where
  FloatBuffer block_ = FloatBuffer(kBlock);
};

}  // namespace meridian::datacenter

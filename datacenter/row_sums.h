// The sums of the open clock's updates, of one table that is read by row: which rows the workers touched, and
// what they add up to there. Rows that nobody touches cost nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "datacenter/row_selection.h"
#include "src/base/float_buffer.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

/// Owned by one server; not thread-safe. Rows and entries count from the beginning of the server's range.
class RowSums {
 public:
  RowSums(std::size_t entries, std::size_t columns)
      : columns_(columns), sums_(entries), is_touched_(entries / columns, false) {}

  /// Adds entries [first, first + bytes.size() / 4) among `rows`, one after the other, of which `first_row`
  /// is the first that this server owns.
  void add(std::span<const std::uint32_t> rows, std::size_t first_row, std::size_t first,
           std::span<const std::byte> bytes);

  /// Calls `each(first, sums)` for every run of touched rows, rising; it may write over the sums.
  template <typename Each>
  void for_each_run(Each each) {
    if (!std::is_sorted(touched_.begin(), touched_.end())) std::sort(touched_.begin(), touched_.end());
    for (std::size_t i = 0; i < touched_.size();) {
      const std::size_t begin = i;
      while (i < touched_.size() && touched_[i] - touched_[begin] == i - begin) ++i;
      each(touched_[begin] * columns_,
           sums_.span().subspan(touched_[begin] * columns_, (i - begin) * columns_));
    }
  }

  /// All sums; 0 in rows that were not touched.
  std::span<const float> all() const { return sums_.span(); }

  /// The next clock begins.
  void restart();

 private:
  std::size_t columns_;
  FloatBuffer sums_;
  std::vector<bool> is_touched_;
  std::vector<std::uint32_t> touched_;
};

}  // namespace meridian::datacenter

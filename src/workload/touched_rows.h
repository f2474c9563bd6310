// The rows of a table that a batch touches: its samples name rows in any order and many times over; a learner
// lists each row once, rising, and must know afterwards where in the list each sample's row is.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/check.h"

namespace meridian {

/// Takes time linear in the rows that are named (and a look at one word for each 4096 rows of the table):
/// bits stand for rows, so nothing is sorted. It holds about 4 bytes for each row of the table and allocates
/// once. Not thread-safe.
class TouchedRows {
 public:
  explicit TouchedRows(std::size_t rows)
      : words_((rows + kBits - 1) / kBits), summary_((words_.size() + kBits - 1) / kBits), place_(rows) {}

  /// Appends the distinct ones of `touched` to `rows` (which is empty), rising, and writes to places[i] where
  /// in `rows` touched[i] is. Both spans have the same size. Requires every row to be one of the table's.
  void collect(std::span<const std::uint32_t> touched, std::vector<std::uint32_t>& rows,
               std::span<std::uint32_t> places) {
    MERIDIAN_CHECK(rows.empty() && touched.size() == places.size(), "{} rows before, {} rows for {} places",
                   rows.size(), touched.size(), places.size());
    for (const std::uint32_t row : touched) {
      const std::size_t word = row / kBits;
      words_[word] |= std::uint64_t{1} << (row % kBits);
      summary_[word / kBits] |= std::uint64_t{1} << (word % kBits);
    }
    rows.reserve(std::min(touched.size(), place_.size()));
    for (std::size_t group = 0; group < summary_.size(); ++group) {
      for_each_bit(summary_[group], group, [&](std::size_t word) {
        for_each_bit(words_[word], word, [&](std::size_t row) {
          place_[row] = static_cast<std::uint32_t>(rows.size());
          rows.push_back(static_cast<std::uint32_t>(row));
        });
      });
    }
    for (std::size_t i = 0; i < touched.size(); ++i) places[i] = place_[touched[i]];
  }

 private:
  static constexpr std::size_t kBits = 64;

  // Calls take(position) for each bit that is set, rising, and clears them.
  template <typename Take>
  static void for_each_bit(std::uint64_t& bits, std::size_t word, Take take) {
    for (; bits != 0; bits &= bits - 1) take(word * kBits + static_cast<std::size_t>(std::countr_zero(bits)));
  }

  std::vector<std::uint64_t> words_;    // a bit for each row
  std::vector<std::uint64_t> summary_;  // a bit for each word above that has any
  std::vector<std::uint32_t> place_;    // of each row in the last list that held it
};

}  // namespace meridian

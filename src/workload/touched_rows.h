// The rows of a table that a batch touches: its samples name rows in any order and many times over; a learner
// lists each row once, rising, and must know afterwards where in the list each sample's row is.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "src/base/check.h"

namespace meridian {

/// Takes time linear in the rows that are named (and a look at one byte for each 512 rows of the table):
/// bits stand for rows, so nothing is sorted. It holds about 4 bytes for each row of the table and allocates
/// once. Not thread-safe.
class TouchedRows {
 public:
  explicit TouchedRows(std::size_t rows)
      : groups_((rows + kGroupRows - 1) / kGroupRows), words_(groups_.size() * kGroupWords), place_(rows) {}

  /// Appends the distinct ones of `touched` to `rows` (which is empty), rising, and writes to places[i] where
  /// in `rows` touched[i] is. Both spans have the same size. Requires every row to be one of the table's.
  void collect(std::span<const std::uint32_t> touched, std::vector<std::uint32_t>& rows,
               std::span<std::uint32_t> places) {
    MERIDIAN_CHECK(rows.empty() && touched.size() == places.size(), "{} rows before, {} rows for {} places",
                   rows.size(), touched.size(), places.size());
    for (const std::uint32_t row : touched) {
      words_[row / kBits] |= std::uint64_t{1} << (row % kBits);
      groups_[row / kGroupRows] = 1;
    }
    rows.reserve(std::min(touched.size(), place_.size()));
    for (std::size_t group = 0; group < groups_.size(); ++group) {
      if (groups_[group] == 0) continue;
      groups_[group] = 0;
      for (std::size_t word = group * kGroupWords; word < (group + 1) * kGroupWords; ++word)
        take_rows(word, rows);
    }
    for (std::size_t i = 0; i < touched.size(); ++i) places[i] = place_[touched[i]];
  }

 private:
  static constexpr std::size_t kBits = 64;
  static constexpr std::size_t kGroupWords = 8;
  static constexpr std::size_t kGroupRows = kGroupWords * kBits;

  // Appends the rows whose bits are set in a word, rising, and clears them.
  void take_rows(std::size_t word, std::vector<std::uint32_t>& rows) {
    for (std::uint64_t bits = std::exchange(words_[word], 0); bits != 0; bits &= bits - 1) {
      const std::size_t row = word * kBits + static_cast<std::size_t>(std::countr_zero(bits));
      place_[row] = static_cast<std::uint32_t>(rows.size());
      rows.push_back(static_cast<std::uint32_t>(row));
    }
  }

  std::vector<std::uint8_t>
      groups_;  // whether any row of each group is marked: written, never read, to mark one
  std::vector<std::uint64_t> words_;  // a bit for each row
  std::vector<std::uint32_t> place_;  // of each row in the last list that held it
};

}  // namespace meridian

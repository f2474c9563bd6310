// What a filter took out of a residual at one clock: for each table the entries that go out and their values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"

namespace meridian::wan {

/// Entries of one table, by rising offset from the beginning of the server's range.
struct TableSelection {
  std::vector<std::uint32_t> offsets;
  std::vector<float> values;

  std::size_t size() const { return offsets.size(); }
  void add(std::size_t offset, float value) {
    offsets.push_back(static_cast<std::uint32_t>(offset));
    values.push_back(value);
  }
  /// `count` more, which begin there.
  void append(const std::uint32_t* more_offsets, const float* more_values, std::size_t count) {
    offsets.insert(offsets.end(), more_offsets, more_offsets + count);
    values.insert(values.end(), more_values, more_values + count);
  }
  /// Drops entries beyond the first `size`. Requires so many.
  void shorten(std::size_t size) {
    offsets.resize(size);
    values.resize(size);
  }
  void clear() {
    offsets.clear();
    values.clear();
  }
};

/// One TableSelection for each table.
using Selection = std::vector<TableSelection>;

/// Appends the entries of `values` that are not zero; the first of them is at `offset`.
void append_nonzeros(std::span<const float> values, TableSelection& out, std::size_t offset = 0);
/// Appends those of magnitude_bits() of at least `least`.
void append_large(std::span<const float> values, std::uint32_t least, TableSelection& out);
/// Moves those that are not zero: what is left are zeros.
void take_nonzeros(std::span<float> values, TableSelection& out, std::size_t offset = 0);

/// Writes into `selection` all entries of `sums` that are not zero. Returns the first table in which one is
/// not finite, if any: it must not be sent.
std::optional<std::size_t> select_nonzeros(std::span<const FloatBuffer> sums, Selection& selection);

}  // namespace meridian::wan

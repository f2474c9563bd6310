// A block of values that are integers times a power of two: the power is said once, then each integer in 4, 8
// or 16 bits. What comes of rounding to 8 or 4 bits, and of merging such values.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "wan/block_statistics.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

class ValueGrid {
 public:
  /// The name of the code, a block's first byte, to which the logarithm of a quarter of the bits, 0 to 2, is
  /// added.
  static constexpr unsigned kCode = 32;

  /// The coarsest grid on which all values of a block with these statistics lie; nothing where there is none.
  static std::optional<ValueGrid> of(const BlockStatistics& statistics);

  /// Whether a block's first byte names such a code.
  static bool is_code(unsigned code);

  /// Bytes of a block of so many values, the first included.
  std::size_t bytes(std::size_t values) const;

  /// Requires that the values lie on the grid.
  void append(std::span<const float> values, EncodedBytes& out) const;

  /// Reads a block whose first byte is_code(), this byte included; returns the bytes it took.
  static Result<std::size_t> read(std::span<const std::byte> bytes, std::span<float> values);

 private:
  ValueGrid(int exponent, unsigned size) : exponent_(exponent), size_(size) {}
  unsigned code_bits() const { return 4U << size_; }

  int exponent_;
  unsigned size_;  ///< the logarithm of a quarter of the bits
};

}  // namespace meridian::wan

// A block of values of few magnitudes: these are said once, and each value is a sign and the number of its
// magnitude. What comes of rounding to 2 bits or to signs, and of merging a few such values.
//
// Of one or two magnitudes that are bf16 numbers below 2, whose bf16s differ by less than 256, the first is
// said in the byte that names the code and another one, the second as the difference, in a third.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "wan/block_statistics.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

class ValueLevels {
 public:
  static constexpr std::size_t kMost = 4;
  /// The names of the codes, a block's first byte. The logarithm of the number of magnitudes, 0 to 2, is
  /// added to the first two. The last is a bit; 6 bits of the first magnitude stand below it.
  static constexpr unsigned kShort = 16;  ///< magnitudes as bf16
  static constexpr unsigned kLong = 24;   ///< magnitudes as floats
  static constexpr unsigned kNear = 128;

  /// The levels of a block with these statistics; nothing where there are more than kMost.
  static std::optional<ValueLevels> of(std::span<const float> values, const BlockStatistics& statistics);

  /// Whether no value has another magnitude.
  bool are_those_of(std::span<const float> values) const;

  /// Whether a block's first byte names such a code.
  static bool is_code(unsigned code);

  /// Bytes of a block of so many values, the first included.
  std::size_t bytes(std::size_t values) const;

  /// Requires that these are the values' levels.
  void append(std::span<const float> values, EncodedBytes& out) const;

  /// Reads a block whose first byte is_code(), this byte included; returns the bytes it took.
  static Result<std::size_t> read(std::span<const std::byte> bytes, std::span<float> values);

 private:
  /// The logarithm of the number of magnitudes that the code has room for.
  unsigned size() const;
  bool are_short() const;
  bool are_near() const;
  std::size_t head_bytes() const;
  void append_head(EncodedBytes& out) const;

  std::array<std::uint32_t, kMost> magnitudes_{};  ///< rising; the last ones may be equal
  std::size_t count_ = 1;
};

}  // namespace meridian::wan

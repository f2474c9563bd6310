// What one look at a block of values tells about the codes that it fits into (compact_values.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wan/float_bits.h"

namespace meridian::wan {

struct BlockStatistics {
  std::uint32_t least = 0;    ///< magnitude
  std::uint32_t largest = 0;  ///< magnitude
  std::uint32_t bits = 0;     ///< that are set in any value
  bool all_fp16 = false;      ///< each is what its fp16 stands for
  bool any_off_grid = false;  ///< a -0, or a number other than 0 that is not a normal one
  int lowest_exponent = 0;    ///< of the lowest bit that is set in any mantissa; meaningless where all are 0
  bool all_zeros() const { return largest == 0; }
  bool all_bf16() const { return (bits & 0xFFFFU) == 0; }
  /// Of the largest value, as of a normal number.
  int highest_exponent() const { return static_cast<int>(largest >> kMantissaBits) - kExponentBias; }
};

/// Requires at least one value.
BlockStatistics statistics_of(std::span<const float> values);

/// Of the values of both together.
BlockStatistics joined(const BlockStatistics& one, const BlockStatistics& other);

}  // namespace meridian::wan

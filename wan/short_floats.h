// Floats of 16 bits: IEEE 754's half (fp16) and the upper half of a float (bf16), as bits. Without branches,
// so that loops over them are vectorised.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "wan/float_bits.h"

namespace meridian::wan {

/// The nearest bf16, ties to even; infinite where that is.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (magnitude_bits(value) > std::uint32_t{kInfinityBits})
    return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
  return static_cast<std::uint16_t>(rounded >> 16);
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// The nearest fp16 of a finite value, ties to even. Beyond its range the largest finite one; below its
/// smallest normal number, 2^-14, a multiple of 2^-24.
inline std::uint16_t to_fp16(float value) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  const std::int32_t sign = (bits >> 16) & 0x8000;
  const std::int32_t magnitude = std::min(bits & kMagnitudeMask, kLargestFp16Bits);
  // Adding 2^-1 leaves multiples of 2^-24 in the mantissa, rounded to even.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  const std::int32_t subnormal = std::bit_cast<std::int32_t>(shifted) - 0x3F00'0000;
  const std::int32_t normal = (magnitude + 0x0FFF + ((magnitude >> 13) & 1) - 0x3800'0000) >> 13;
  const std::int32_t small = (magnitude - kSmallestNormalFp16Bits) >> 31;  // all ones or zeros
  return static_cast<std::uint16_t>(sign | (subnormal & small) | (normal & ~small));
}

/// Exact; what stands for infinite or not a number becomes that.
inline float from_fp16(std::uint16_t bits) {
  const std::int32_t sign = (std::int32_t{bits} & 0x8000) << 16;
  const std::int32_t rest = std::int32_t{bits} & 0x7FFF;
  const float multiple = static_cast<float>(rest) * (1.0F / 16777216.0F);
  const std::int32_t normal = (rest << 13) + (rest < 0x7C00 ? 0x3800'0000 : 0x7000'0000);
  const std::int32_t small = (rest - 0x0400) >> 31;  // all ones or zeros
  return std::bit_cast<float>(sign | (std::bit_cast<std::int32_t>(multiple) & small) | (normal & ~small));
}

}  // namespace meridian::wan

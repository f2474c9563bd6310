// Floats of 16 bits: IEEE 754's half (fp16) and the upper half of a float (bf16), as bits.
#pragma once

#include <bit>
#include <cstdint>

namespace meridian::wan {

/// The nearest bf16, ties to even; infinite where that is.
inline std::uint16_t to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  constexpr std::uint32_t kInfinity = 0x7F80'0000;
  if ((bits & ~0x8000'0000U) > kInfinity) return static_cast<std::uint16_t>((bits >> 16) | 0x40U);
  const std::uint32_t rounded = bits + 0x7FFFU + ((bits >> 16) & 1U);
  return static_cast<std::uint16_t>(rounded >> 16);
}

inline float from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// The nearest fp16 of a finite value, ties to even. Beyond its range the largest finite one; below its
/// smallest normal number, 2^-14, a multiple of 2^-24.
inline std::uint16_t to_fp16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const float magnitude = std::bit_cast<float>(bits & 0x7FFF'FFFFU);
  constexpr float kLargest = 65504.0F;
  if (!(magnitude < kLargest)) return static_cast<std::uint16_t>(sign | 0x7BFFU);
  constexpr float kSmallestNormal = 1.0F / 16384.0F;
  if (magnitude < kSmallestNormal) {
    // Adding 2^-1 leaves multiples of 2^-24 in the mantissa, rounded to even.
    const float shifted = magnitude + 0.5F;
    return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(shifted) - 0x3F00'0000U));
  }
  const std::uint32_t magnitude_bits = bits & 0x7FFF'FFFFU;
  const std::uint32_t rounded = magnitude_bits + 0x0FFFU + ((magnitude_bits >> 13) & 1U);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x3800'0000U) >> 13));
}

/// Exact; what stands for infinite or not a number becomes that.
inline float from_fp16(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  const std::uint32_t rest = bits & 0x7FFFU;
  if (rest >= 0x7C00U) return std::bit_cast<float>(sign | 0x7F80'0000U | ((rest & 0x03FFU) << 13));
  if (rest < 0x0400U) {
    const float magnitude = static_cast<float>(rest) * (1.0F / 16777216.0F);
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | ((rest << 13) + 0x3800'0000U));
}

}  // namespace meridian::wan

// What the bits of a float mean (IEEE 754), for loops that look at floats as integers. Signed where they are
// compared: the smallest instruction sets compare no others.
#pragma once

#include <bit>
#include <cstdint>

namespace meridian::wan {

inline constexpr std::uint32_t kFloatSign = 0x8000'0000;
inline constexpr int kMantissaBits = 23;
inline constexpr int kExponentBias = 127;
inline constexpr std::int32_t kMagnitudeMask = 0x7FFF'FFFF;
inline constexpr std::int32_t kInfinityBits = 0x7F80'0000;
inline constexpr std::int32_t kLargestFp16Bits = 0x477F'E000;         // 65504
inline constexpr std::int32_t kSmallestNormalFp16Bits = 0x3880'0000;  // 2^-14

/// A float's bits without the sign: integers that rise with the magnitude; those that are not numbers are
/// above all.
inline std::uint32_t magnitude_bits(float value) { return std::bit_cast<std::uint32_t>(value) & ~kFloatSign; }

}  // namespace meridian::wan

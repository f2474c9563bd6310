#include "wan/block_statistics.h"

#include <algorithm>

#include "src/base/instruction_sets.h"

namespace meridian::wan {
namespace {

constexpr std::int32_t kMantissa = (1 << kMantissaBits) - 1;
constexpr std::int32_t kFp16Lost = 0x1FFF;  // of the mantissa of a normal one
constexpr std::int32_t kMost = kMagnitudeMask;

/// Signed integers throughout: the smallest instruction sets compare no others.
struct Sums {
  std::int32_t least = kMost;
  std::int32_t least_of_others = kMost;  ///< than 0
  std::int32_t largest = 0;
  std::int32_t bits = 0;
  std::int32_t no_fp16 = 0;         ///< not 0 where one is none
  std::int32_t lowest = kMost;      ///< biased exponent plus the position of the lowest bit of the mantissa
  std::int32_t negative_zeros = 0;  ///< not 0 where there is one
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(Sums, sums_of, (const float* values, std::size_t count), (values, count)) {
  std::int32_t least = kMost;
  std::int32_t least_of_others = kMost;
  std::int32_t largest = 0;
  std::int32_t bits = 0;
  std::int32_t no_fp16 = 0;
  std::int32_t lowest = kMost;
  std::int32_t negative_zeros = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto own = std::bit_cast<std::int32_t>(values[i]);
    const std::int32_t magnitude = own & kMost;
    bits |= own;
    least = std::min(least, magnitude);
    largest = std::max(largest, magnitude);
    // Masks, all ones or zeros: a loop with selections of results is not vectorised.
    const std::int32_t zero = (magnitude - 1) >> 31;
    least_of_others = std::min(least_of_others, magnitude | (zero & kMost));
    negative_zeros |= own & zero;
    // Of a small magnitude one half more keeps the multiple of 2^-24.
    const float half_more = std::bit_cast<float>(magnitude) + 0.5F;
    const float kept = half_more - 0.5F;
    const std::int32_t lost_of_small = std::bit_cast<std::int32_t>(kept) ^ magnitude;
    const std::int32_t lost = magnitude & kFp16Lost;
    const std::int32_t small = (magnitude - kSmallestNormalFp16Bits) >> 31;
    no_fp16 |= (lost_of_small & small) | (lost & ~small);
    // The lowest bit of the mantissa, whose position is the exponent of that bit alone as a float.
    const std::int32_t mantissa = (magnitude & kMantissa) | (kMantissa + 1);
    const auto alone = static_cast<float>(mantissa & -mantissa);
    const std::int32_t position = std::bit_cast<std::int32_t>(alone) >> kMantissaBits;
    lowest = std::min(lowest, ((magnitude >> kMantissaBits) + position) | (zero & kMost));
  }
  return {least, least_of_others, largest, bits, no_fp16, lowest, negative_zeros};
}

}  // namespace

BlockStatistics statistics_of(std::span<const float> values) {
  const Sums sums = sums_of(values.data(), values.size());
  BlockStatistics found;
  found.least = static_cast<std::uint32_t>(sums.least);
  found.largest = static_cast<std::uint32_t>(sums.largest);
  found.bits = static_cast<std::uint32_t>(sums.bits);
  found.all_fp16 = sums.no_fp16 == 0 && sums.largest <= kLargestFp16Bits;
  found.any_off_grid =
      sums.negative_zeros != 0 || sums.largest >= kInfinityBits || sums.least_of_others <= kMantissa;
  if (!found.all_zeros()) found.lowest_exponent = sums.lowest - 2 * kExponentBias - kMantissaBits;
  return found;
}

BlockStatistics joined(const BlockStatistics& one, const BlockStatistics& other) {
  BlockStatistics both;
  both.least = std::min(one.least, other.least);
  both.largest = std::max(one.largest, other.largest);
  both.bits = one.bits | other.bits;
  both.all_fp16 = one.all_fp16 && other.all_fp16;
  both.any_off_grid = one.any_off_grid || other.any_off_grid;
  both.lowest_exponent = one.all_zeros()     ? other.lowest_exponent
                         : other.all_zeros() ? one.lowest_exponent
                                             : std::min(one.lowest_exponent, other.lowest_exponent);
  return both;
}

}  // namespace meridian::wan

#include "wan/grating.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/block_statistics.h"
#include "wan/compact_values.h"
#include "wan/short_floats.h"

namespace meridian::wan {
namespace {

constexpr std::uint16_t kLargestBf16 = 0x7F7F;

std::int32_t magnitude_of(float value) { return std::bit_cast<std::int32_t>(value) & kMagnitudeMask; }

/// All ones where the magnitude is finite, zeros elsewhere.
std::int32_t finite_mask(std::int32_t magnitude) { return (magnitude - kInfinityBits) >> 31; }

/// The magnitude `rounded` with the sign of `value`, and how far that is off; a value that is not finite, and
/// 0.
void settle(float& value, float rounded, float& error) {
  const auto bits = std::bit_cast<std::int32_t>(value);
  const std::int32_t finite = finite_mask(bits & kMagnitudeMask);
  const std::int32_t signed_bits =
      (std::bit_cast<std::int32_t>(rounded) & kMagnitudeMask) | (bits & ~kMagnitudeMask);
  const float result = std::bit_cast<float>((signed_bits & finite) | (bits & ~finite));
  error = std::bit_cast<float>(std::bit_cast<std::int32_t>(value - result) & finite);
  value = result;
}

/// The multiple of a unit next to `steps` of it.
float whole_steps(float steps, float unit, float limit) {
  const auto below = static_cast<float>(static_cast<std::int32_t>(steps));
  return (below + static_cast<float>(static_cast<std::int32_t>(steps - below > limit))) * unit;
}

/// A magnitude of which the lowest `kLost` bits are rounded away.
template <int kLost>
std::int32_t shortened(std::int32_t magnitude, float limit) {
  constexpr float kStep = 1 << kLost;
  constexpr std::int32_t kRest = (1 << kLost) - 1;
  const auto rest = static_cast<float>(magnitude & kRest);
  return (magnitude & ~kRest) + (static_cast<std::int32_t>(rest > limit * kStep) << kLost);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, round_fp16,
                                  (float* values, std::size_t count, const float* limits, float* errors),
                                  (values, count, limits, errors)) {
  constexpr std::int32_t kMantissaOfFp16 = 10 << kMantissaBits;
  constexpr std::int32_t kReciprocal = 2 * kExponentBias << kMantissaBits;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t any = magnitude_of(values[i]);
    const std::int32_t magnitude = any & finite_mask(any);
    // Halves of one exponent are multiples of a power of two, as are those below the smallest normal one.
    const std::int32_t unit = std::max(magnitude & kInfinityBits, kSmallestNormalFp16Bits) - kMantissaOfFp16;
    const float steps = std::bit_cast<float>(magnitude) * std::bit_cast<float>(kReciprocal - unit);
    const float rounded = whole_steps(steps, std::bit_cast<float>(unit), limits[i]);
    settle(values[i], std::bit_cast<float>(std::min(std::bit_cast<std::int32_t>(rounded), kLargestFp16Bits)),
           errors[i]);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, round_bf16,
                                  (float* values, std::size_t count, const float* limits, float* errors),
                                  (values, count, limits, errors)) {
  constexpr std::int32_t kLargest = std::int32_t{kLargestBf16} << 16;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t magnitude = std::min(magnitude_of(values[i]), kLargest);
    settle(values[i], std::bit_cast<float>(shortened<16>(magnitude, limits[i])), errors[i]);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, round_to_grid,
                                  (float* values, std::size_t count, float inverse_unit, float unit,
                                   float most, const float* limits, float* errors),
                                  (values, count, inverse_unit, unit, most, limits, errors)) {
  for (std::size_t i = 0; i < count; ++i) {
    const float magnitude = std::bit_cast<float>(magnitude_of(values[i]));
    const float steps = std::min(most, magnitude * inverse_unit);  // most, where that is no number
    settle(values[i], whole_steps(steps, unit, limits[i]), errors[i]);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, round_to_levels,
                                  (float* values, std::size_t count, float low, float high,
                                   const float* limits, float* errors),
                                  (values, count, low, high, limits, errors)) {
  const float step = high - low;
  const auto low_bits = std::bit_cast<std::int32_t>(low);
  const auto difference = std::bit_cast<std::int32_t>(high) ^ low_bits;
  for (std::size_t i = 0; i < count; ++i) {
    const float above_low = std::bit_cast<float>(magnitude_of(values[i])) - low;
    const std::int32_t up = -static_cast<std::int32_t>(above_low > limits[i] * step);
    settle(values[i], std::bit_cast<float>(low_bits ^ (difference & up)), errors[i]);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::int32_t, largest_finite, (const float* values, std::size_t count),
                                  (values, count)) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t magnitude = magnitude_of(values[i]);
    largest = std::max(largest, magnitude & finite_mask(magnitude));
  }
  return largest;
}

/// Sums of finite magnitudes, up to a threshold and above it.
struct LevelSums {
  double below = 0.0;
  double above = 0.0;
  std::int32_t count_below = 0;
  std::int32_t count_above = 0;
};

/// In lanes, whose sums are added at the end: the same order for every instruction set. Vectors of the
/// compiler's, since it makes none of such a loop by itself.
constexpr std::size_t kLanes = 8;
using Floats [[gnu::vector_size(kLanes * sizeof(float))]] = float;
using Integers [[gnu::vector_size(kLanes * sizeof(std::int32_t))]] = std::int32_t;
using Doubles [[gnu::vector_size(kLanes * sizeof(double))]] = double;

/// Of whole lanes.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(LevelSums, sum_levels,
                                  (const float* values, std::size_t count, float threshold),
                                  (values, count, threshold)) {
  Doubles below{};
  Doubles above{};
  Integers count_below{};
  Integers count_above{};
  for (std::size_t first = 0; first < count; first += kLanes) {
    Integers magnitude;
    std::memcpy(&magnitude, values + first, sizeof(magnitude));
    magnitude &= kMagnitudeMask;
    const Integers finite = (magnitude - kInfinityBits) >> 31;
    const Integers up = (reinterpret_cast<Floats>(magnitude) > threshold) & finite;
    const Integers down = ~up & finite;
    below += __builtin_convertvector(reinterpret_cast<Floats>(magnitude & down), Doubles);
    above += __builtin_convertvector(reinterpret_cast<Floats>(magnitude & up), Doubles);
    count_below -= down;
    count_above -= up;
  }
  LevelSums sums;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    sums.below += below[lane];
    sums.above += above[lane];
    sums.count_below += count_below[lane];
    sums.count_above += count_above[lane];
  }
  return sums;
}

float shortened_mean(double sum, std::int32_t count) {
  if (count == 0) return 0.0F;
  return from_bf16(std::min(to_bf16(static_cast<float>(sum / count)), kLargestBf16));
}

}  // namespace

Grating::Grating(ValueFormat format, std::span<const float> block) : format_(format) {
  if (format == ValueFormat::bits8 || format == ValueFormat::bits4) set_grid(block);
  if (format == ValueFormat::bits2 || format == ValueFormat::sign) set_levels(block);
}

/// The largest value takes the most bits that the integers have.
void Grating::set_grid(std::span<const float> block) {
  const auto largest = std::bit_cast<float>(largest_finite(block.data(), block.size()));
  const int bits = format_ == ValueFormat::bits8 ? 7 : 3;
  most_ = std::ldexp(1.0F, bits) - 1.0F;
  const int exponent = largest > 0.0F ? std::ilogb(largest) - bits + 1 : 0;
  unit_ = std::ldexp(1.0F, std::max(exponent, kLeastGridExponent));
}

void Grating::set_levels(std::span<const float> block) {
  // Whole lanes; what fills them up is not finite and does not count.
  std::array<float, kValueBlock> padded{};
  const std::size_t size = (block.size() + kLanes - 1) / kLanes * kLanes;
  std::fill(std::copy(block.begin(), block.end(), padded.begin()),
            padded.begin() + static_cast<std::ptrdiff_t>(size), std::bit_cast<float>(kInfinityBits));
  const LevelSums all = sum_levels(padded.data(), size, std::bit_cast<float>(kInfinityBits));
  low_ = high_ = shortened_mean(all.below, all.count_below);
  if (format_ == ValueFormat::sign || all.count_below == 0) return;
  const auto mean = static_cast<float>(all.below / all.count_below);
  const LevelSums halves = sum_levels(padded.data(), size, mean);
  if (halves.count_above == 0) return;
  low_ = shortened_mean(halves.below, halves.count_below);
  high_ = shortened_mean(halves.above, halves.count_above);
}

void Grating::round(std::span<float> values, const float* limits, float* errors) const {
  switch (format_) {
    case ValueFormat::fp16:
      return round_fp16(values.data(), values.size(), limits, errors);
    case ValueFormat::bf16:
      return round_bf16(values.data(), values.size(), limits, errors);
    case ValueFormat::bits8:
    case ValueFormat::bits4:
      return round_to_grid(values.data(), values.size(), 1.0F / unit_, unit_, most_, limits, errors);
    case ValueFormat::bits2:
    case ValueFormat::sign:
      return round_to_levels(values.data(), values.size(), low_, high_, limits, errors);
    case ValueFormat::fp32:
      std::fill_n(errors, values.size(), 0.0F);
  }
}

}  // namespace meridian::wan

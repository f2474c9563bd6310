#include "wan/rounding.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "src/base/random.h"
#include "wan/compact_values.h"
#include "wan/short_floats.h"

namespace meridian::wan {
namespace {

constexpr std::array<std::pair<std::string_view, ValueFormat>, 7> kFormats{{
    {"fp32", ValueFormat::fp32},
    {"fp16", ValueFormat::fp16},
    {"bf16", ValueFormat::bf16},
    {"8bit", ValueFormat::bits8},
    {"4bit", ValueFormat::bits4},
    {"2bit", ValueFormat::bits2},
    {"sign", ValueFormat::sign},
}};

/// The two representable magnitudes between which one lies; equal where it is one of them, or beyond all.
struct Neighbours {
  float below = 0.0F;
  float above = 0.0F;
};

/// What a block's values are rounded to.
class Grating {
 public:
  Grating(ValueFormat format, std::span<const float> block) : format_(format) {
    if (format == ValueFormat::bits8 || format == ValueFormat::bits4) set_grid(block);
    if (format == ValueFormat::bits2 || format == ValueFormat::sign) set_levels(block);
  }

  Neighbours around(float magnitude) const {
    switch (format_) {
      case ValueFormat::fp16:
        return around_half(magnitude, to_fp16(magnitude), from_fp16);
      case ValueFormat::bf16:
        return around_half(magnitude, std::min<std::uint16_t>(to_bf16(magnitude), kLargestBf16), from_bf16);
      case ValueFormat::bits8:
      case ValueFormat::bits4: {
        const float steps = std::min(std::floor(magnitude / unit_), most_);
        return {steps * unit_, std::min(magnitude == steps * unit_ ? steps : steps + 1, most_) * unit_};
      }
      case ValueFormat::bits2:
      case ValueFormat::sign:
        if (magnitude <= low_) return {low_, low_};
        if (magnitude >= high_) return {high_, high_};
        return {low_, high_};
      case ValueFormat::fp32:
        break;
    }
    return {magnitude, magnitude};
  }

 private:
  static constexpr std::uint16_t kLargestBf16 = 0x7F7F;

  template <typename Lengthen>
  static Neighbours around_half(float magnitude, std::uint16_t nearest, Lengthen lengthen) {
    const float rounded = lengthen(nearest);
    if (rounded > magnitude) return {lengthen(static_cast<std::uint16_t>(nearest - 1)), rounded};
    if (rounded == magnitude) return {rounded, rounded};
    const float next = lengthen(static_cast<std::uint16_t>(nearest + 1));
    return {rounded, std::isfinite(next) ? next : rounded};
  }

  /// The largest value takes the most bits that the integers have.
  void set_grid(std::span<const float> block) {
    float largest = 0.0F;
    for (const float value : block) {
      if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
    }
    const int bits = format_ == ValueFormat::bits8 ? 7 : 3;
    most_ = std::ldexp(1.0F, bits) - 1.0F;
    const int exponent = largest > 0.0F ? std::ilogb(largest) - bits + 1 : 0;
    unit_ = std::ldexp(1.0F, std::max(exponent, kLeastGridExponent));
  }

  void set_levels(std::span<const float> block) {
    const auto mean_of = [&](auto counts) {
      double sum = 0.0;
      std::size_t count = 0;
      for (const float value : block) {
        if (!std::isfinite(value) || !counts(std::fabs(value))) continue;
        sum += static_cast<double>(std::fabs(value));
        ++count;
      }
      return count == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(count));
    };
    const auto shortened = [](float value) { return from_bf16(std::min(to_bf16(value), kLargestBf16)); };
    const float mean = mean_of([](float) { return true; });
    low_ = high_ = shortened(mean);
    if (format_ == ValueFormat::sign) return;
    const float above = mean_of([&](float magnitude) { return magnitude > mean; });
    if (above == 0.0F) return;
    low_ = shortened(mean_of([&](float magnitude) { return magnitude <= mean; }));
    high_ = shortened(above);
  }

  ValueFormat format_;
  float unit_ = 1.0F;
  float most_ = 0.0F;
  float low_ = 0.0F;
  float high_ = 0.0F;
};

/// In [0, 1), by the entry and its value: another one in every datacenter.
float chance(const FilterPass& pass, std::uint32_t offset, float value) {
  const auto place = (std::uint64_t{pass.clock} << 32) | offset;
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint64_t mixed = mix_bits(place ^ mix_bits((std::uint64_t{pass.table} << 32) | bits));
  return static_cast<float>(mixed >> 40) * 0x1.0p-24F;
}

/// `value` as one of the two numbers around it.
float rounded_value(RoundingMode mode, Neighbours neighbours, const FilterPass& pass, std::uint32_t offset,
                    float value) {
  const auto [below, above] = neighbours;
  const float share = above > below ? (std::fabs(value) - below) / (above - below) : 0.0F;
  const float limit = mode == RoundingMode::stochastic ? chance(pass, offset, value) : 0.5F;
  return std::copysign(share > limit ? above : below, value);
}

}  // namespace

std::optional<ValueFormat> value_format_named(std::string_view name) {
  for (const auto& [known, format] : kFormats) {
    if (known == name) return format;
  }
  return {};
}

Rounded::Rounded(std::unique_ptr<What> inner, ValueFormat format, RoundingMode mode)
    : inner_(std::move(inner)), format_(format), mode_(mode) {}

void Rounded::select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
                     TableSelection& out) const {
  const std::size_t begin = out.size();
  inner_->select(pass, values, residual, out);
  if (format_ == ValueFormat::fp32) return;
  std::size_t kept = begin;
  std::optional<Grating> grating;
  for (std::size_t i = begin; i < out.size(); ++i) {
    // What comes to nothing leaves its place in the block to what follows, so that blocks stay full.
    if ((kept - begin) % kValueBlock == 0) {
      grating.emplace(format_,
                      std::span<const float>(out.values).subspan(i, std::min(kValueBlock, out.size() - i)));
    }
    const std::uint32_t offset = out.offsets[i];
    const float value = out.values[i];
    float rounded = value;
    if (std::isfinite(value)) {
      rounded = rounded_value(mode_, grating->around(std::fabs(value)), pass, offset, value);
      residual[offset] += value - rounded;
    }
    if (rounded == 0.0F) continue;
    out.offsets[kept] = offset;
    out.values[kept] = rounded;
    ++kept;
  }
  out.offsets.resize(kept);
  out.values.resize(kept);
}

}  // namespace meridian::wan

#include "wan/value_grid.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/compact_values.h"
#include "wan/packed_codes.h"

namespace meridian::wan {
namespace {

constexpr unsigned kSizes = 3;
constexpr int kWidest = 16;
/// The largest power of two of a grid of 16-bit integers that are floats still; a signed byte holds it.
constexpr int kMostExponent = 104;
constexpr std::size_t kHeadBytes = 2;

using Nibbles = std::array<std::uint8_t, kValueBlock + kCodesAtOnce>;

/// Exact: the scale is a power of two, and the product an integer of 16 bits.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, to_nibbles,
                                  (const float* values, std::size_t count, float scale, std::uint8_t* out),
                                  (values, count, scale, out)) {
  for (std::size_t i = 0; i < count; ++i)
    out[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(values[i] * scale) & 15);
}

/// The same as integers of one or two bytes.
template <typename Integer>
[[gnu::always_inline]] inline void to_integers(const float* values, std::size_t count, float scale,
                                               std::byte* out) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto code = static_cast<Integer>(static_cast<std::int32_t>(values[i] * scale));
    std::memcpy(out + i * sizeof(code), &code, sizeof(code));
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, to_bytes,
                                  (const float* values, std::size_t count, float scale, std::byte* out),
                                  (values, count, scale, out)) {
  to_integers<std::int8_t>(values, count, scale, out);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, to_shorts,
                                  (const float* values, std::size_t count, float scale, std::byte* out),
                                  (values, count, scale, out)) {
  to_integers<std::int16_t>(values, count, scale, out);
}

template <typename Integer>
[[gnu::always_inline]] inline void from_integers(const std::byte* codes, std::size_t count, float unit,
                                                 float* values) {
  for (std::size_t i = 0; i < count; ++i) {
    Integer code = 0;
    std::memcpy(&code, codes + i * sizeof(code), sizeof(code));
    values[i] = static_cast<float>(code) * unit;
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, from_nibbles,
                                  (const std::uint8_t* codes, std::size_t count, float unit, float* values),
                                  (codes, count, unit, values)) {
  for (std::size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>((std::int32_t{codes[i]} ^ 8) - 8) * unit;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, from_bytes,
                                  (const std::byte* codes, std::size_t count, float unit, float* values),
                                  (codes, count, unit, values)) {
  from_integers<std::int8_t>(codes, count, unit, values);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, from_shorts,
                                  (const std::byte* codes, std::size_t count, float unit, float* values),
                                  (codes, count, unit, values)) {
  from_integers<std::int16_t>(codes, count, unit, values);
}

}  // namespace

std::optional<ValueGrid> ValueGrid::of(const BlockStatistics& statistics) {
  if (statistics.any_off_grid) return {};
  if (statistics.all_zeros()) return ValueGrid{0, 0};
  const int lowest = statistics.lowest_exponent;
  const int bits = statistics.highest_exponent() - lowest + 2;
  if (bits > kWidest || lowest < kLeastGridExponent || lowest > kMostExponent) return {};
  return ValueGrid{lowest, bits <= 4 ? 0U : bits <= 8 ? 1U : 2U};
}

bool ValueGrid::is_code(unsigned code) { return code >= kCode && code < kCode + kSizes; }

std::size_t ValueGrid::bytes(std::size_t values) const {
  return kHeadBytes + packed_bytes(values, code_bits());
}

void ValueGrid::append(std::span<const float> values, EncodedBytes& out) const {
  out.push_back(static_cast<std::byte>(kCode + size_));
  out.push_back(static_cast<std::byte>(static_cast<std::int8_t>(exponent_)));
  const float scale = std::ldexp(1.0F, -exponent_);
  const std::size_t at = out.size();
  out.resize(at + packed_bytes(values.size(), code_bits()) + kPackingSlack);
  if (size_ == 0) {
    Nibbles codes{};
    to_nibbles(values.data(), values.size(), scale, codes.data());
    pack<4>(codes.data(), values.size(), out.data() + at);
  } else {
    (size_ == 1 ? to_bytes : to_shorts)(values.data(), values.size(), scale, out.data() + at);
  }
  out.resize(out.size() - kPackingSlack);
}

Result<std::size_t> ValueGrid::read(std::span<const std::byte> bytes, std::span<float> values) {
  const unsigned size = std::to_integer<unsigned>(bytes.front()) - kCode;
  const std::size_t coded = packed_bytes(values.size(), 4U << size);
  if (bytes.size() < kHeadBytes + coded) return Error{"values that are cut short"};
  const int byte = std::to_integer<int>(bytes[1]);
  const int exponent = byte < 128 ? byte : byte - 256;
  if (exponent < kLeastGridExponent || exponent > kMostExponent)
    return Error{fmt::format("values on a grid of 2^{}", exponent)};
  const float unit = std::ldexp(1.0F, exponent);
  const std::byte* const from = bytes.data() + kHeadBytes;
  if (size == 0) {
    std::array<std::byte, kValueBlock / 2 + kPackingSlack> packed{};
    std::memcpy(packed.data(), from, coded);
    Nibbles codes{};
    unpack<4>(packed.data(), values.size(), codes.data());
    from_nibbles(codes.data(), values.size(), unit, values.data());
  } else {
    (size == 1 ? from_bytes : from_shorts)(from, values.size(), unit, values.data());
  }
  return kHeadBytes + coded;
}

}  // namespace meridian::wan

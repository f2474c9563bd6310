#include "wan/value_levels.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/compact_values.h"
#include "wan/packed_codes.h"

namespace meridian::wan {
namespace {

constexpr unsigned kSizes = 3;
constexpr unsigned kTwoNear = 64;
constexpr unsigned kUpperBits = 63;           // of a near magnitude, in the first byte
constexpr std::uint32_t kNearBelow = 0x4000;  // as bf16: 2
constexpr std::uint32_t kMostApart = 255;
constexpr unsigned kBf16Shift = 16;

using Codes = std::array<std::uint8_t, kValueBlock + kCodesAtOnce>;

/// The magnitudes next to the outer ones of a block; these where there are no others.
struct Inner {
  std::int32_t below_largest = 0;
  std::int32_t above_least = 0;
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(Inner, inner_magnitudes,
                                  (const float* values, std::size_t count, std::int32_t least,
                                   std::int32_t largest),
                                  (values, count, least, largest)) {
  std::int32_t below = least;
  std::int32_t above = largest;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t magnitude = std::bit_cast<std::int32_t>(values[i]) & 0x7FFF'FFFF;
    below = std::max(below, magnitude == largest ? least : magnitude);
    above = std::min(above, magnitude == least ? largest : magnitude);
  }
  return {below, above};
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::int32_t, count_others,
                                  (const float* values, std::size_t count, const std::uint32_t* levels),
                                  (values, count, levels)) {
  const auto level0 = static_cast<std::int32_t>(levels[0]);
  const auto level1 = static_cast<std::int32_t>(levels[1]);
  const auto level2 = static_cast<std::int32_t>(levels[2]);
  const auto level3 = static_cast<std::int32_t>(levels[3]);
  std::int32_t others = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int32_t magnitude = std::bit_cast<std::int32_t>(values[i]) & 0x7FFF'FFFF;
    others += static_cast<std::int32_t>(magnitude != level0) &
              static_cast<std::int32_t>(magnitude != level1) &
              static_cast<std::int32_t>(magnitude != level2) & static_cast<std::int32_t>(magnitude != level3);
  }
  return others;
}

/// A sign and above it the number of the magnitude: how many levels are smaller.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, find_codes,
                                  (const float* values, std::size_t count, const std::uint32_t* levels,
                                   std::uint8_t* codes),
                                  (values, count, levels, codes)) {
  const auto level0 = static_cast<std::int32_t>(levels[0]);
  const auto level1 = static_cast<std::int32_t>(levels[1]);
  const auto level2 = static_cast<std::int32_t>(levels[2]);
  for (std::size_t i = 0; i < count; ++i) {
    const auto bits = std::bit_cast<std::int32_t>(values[i]);
    const std::int32_t magnitude = bits & 0x7FFF'FFFF;
    const std::int32_t number = static_cast<std::int32_t>(magnitude > level0) +
                                static_cast<std::int32_t>(magnitude > level1) +
                                static_cast<std::int32_t>(magnitude > level2);
    codes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(bits < 0) | number * 2);
  }
}

template <typename Value>
void append_plain(Value value, EncodedBytes& out) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(value));
  std::memcpy(out.data() + at, &value, sizeof(value));
}

template <typename Value>
Value load(const std::byte* bytes) {
  Value value{};
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

/// What a block's first bytes say.
struct Head {
  std::array<std::uint32_t, ValueLevels::kMost> magnitudes{};
  unsigned size = 0;      ///< the logarithm of their number
  std::size_t bytes = 0;  ///< 0: cut short
};

Head read_near_head(std::span<const std::byte> bytes) {
  const auto code = std::to_integer<std::uint32_t>(bytes.front());
  Head head;
  head.size = (code & kTwoNear) != 0 ? 1 : 0;
  if (bytes.size() < 2 + std::size_t{head.size}) return head;
  const std::uint32_t first = (code & kUpperBits) << 8U | std::to_integer<std::uint32_t>(bytes[1]);
  head.magnitudes[0] = first << kBf16Shift;
  if (head.size == 1) head.magnitudes[1] = (first + std::to_integer<std::uint32_t>(bytes[2])) << kBf16Shift;
  head.bytes = 2 + std::size_t{head.size};
  return head;
}

Head read_head(std::span<const std::byte> bytes) {
  const auto code = std::to_integer<unsigned>(bytes.front());
  if (code >= ValueLevels::kNear) return read_near_head(bytes);
  const bool is_long = code >= ValueLevels::kLong;
  Head head;
  head.size = code - (is_long ? ValueLevels::kLong : ValueLevels::kShort);
  const std::size_t count = std::size_t{1} << head.size;
  const std::size_t each = is_long ? sizeof(std::uint32_t) : sizeof(std::uint16_t);
  if (bytes.size() < 1 + count * each) return head;
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* const at = bytes.data() + 1 + i * each;
    head.magnitudes[i] =
        is_long ? load<std::uint32_t>(at) : std::uint32_t{load<std::uint16_t>(at)} << kBf16Shift;
  }
  head.bytes = 1 + count * each;
  return head;
}

void pack_codes(unsigned bits, const std::uint8_t* codes, std::size_t count, std::byte* out) {
  if (bits == 1) pack<1>(codes, count, out);
  if (bits == 2) pack<2>(codes, count, out);
  if (bits == 3) pack<3>(codes, count, out);
}

void unpack_codes(unsigned bits, const std::byte* packed, std::size_t count, std::uint8_t* codes) {
  if (bits == 1) unpack<1>(packed, count, codes);
  if (bits == 2) unpack<2>(packed, count, codes);
  if (bits == 3) unpack<3>(packed, count, codes);
}

}  // namespace

std::optional<ValueLevels> ValueLevels::of(std::span<const float> values, const BlockStatistics& statistics) {
  ValueLevels levels;
  levels.magnitudes_.fill(statistics.largest);
  levels.magnitudes_[0] = statistics.least;
  if (statistics.least == statistics.largest) return levels;
  const Inner inner =
      inner_magnitudes(values.data(), values.size(), static_cast<std::int32_t>(statistics.least),
                       static_cast<std::int32_t>(statistics.largest));
  const auto above = static_cast<std::uint32_t>(inner.above_least);
  const auto below = static_cast<std::uint32_t>(inner.below_largest);
  levels.magnitudes_[1] = above;
  levels.count_ = above == statistics.largest ? 2 : above == below ? 3 : 4;
  if (levels.count_ < kMost) return levels;
  levels.magnitudes_[2] = below;
  if (!levels.are_those_of(values)) return {};
  return levels;
}

bool ValueLevels::are_those_of(std::span<const float> values) const {
  return count_others(values.data(), values.size(), magnitudes_.data()) == 0;
}

bool ValueLevels::is_code(unsigned code) {
  return code >= kNear || (code >= kShort && code < kShort + kSizes) ||
         (code >= kLong && code < kLong + kSizes);
}

unsigned ValueLevels::size() const { return static_cast<unsigned>(std::bit_width(count_ - 1)); }

bool ValueLevels::are_short() const {
  return std::all_of(magnitudes_.begin(), magnitudes_.end(),
                     [](std::uint32_t magnitude) { return (magnitude & 0xFFFFU) == 0; });
}

bool ValueLevels::are_near() const {
  return count_ <= 2 && are_short() && magnitudes_[0] >> kBf16Shift < kNearBelow &&
         (magnitudes_[1] - magnitudes_[0]) >> kBf16Shift <= kMostApart;
}

std::size_t ValueLevels::head_bytes() const {
  if (are_near()) return 1 + count_;
  return 1 + (std::size_t{1} << size()) * (are_short() ? sizeof(std::uint16_t) : sizeof(std::uint32_t));
}

std::size_t ValueLevels::bytes(std::size_t values) const {
  return head_bytes() + packed_bytes(values, size() + 1);
}

void ValueLevels::append_head(EncodedBytes& out) const {
  if (are_near()) {
    const std::uint32_t first = magnitudes_[0] >> kBf16Shift;
    const unsigned code = kNear | (count_ == 2 ? kTwoNear : 0);
    out.push_back(static_cast<std::byte>(code | first >> 8U));
    out.push_back(static_cast<std::byte>(first & 0xFFU));
    if (count_ == 2) out.push_back(static_cast<std::byte>((magnitudes_[1] >> kBf16Shift) - first));
    return;
  }
  const bool is_long = !are_short();
  out.push_back(static_cast<std::byte>((is_long ? kLong : kShort) + size()));
  for (std::size_t i = 0; i < (std::size_t{1} << size()); ++i) {
    is_long ? append_plain(magnitudes_[i], out)
            : append_plain(static_cast<std::uint16_t>(magnitudes_[i] >> kBf16Shift), out);
  }
}

void ValueLevels::append(std::span<const float> values, EncodedBytes& out) const {
  append_head(out);
  // Of equal levels only the first is counted: a value is above none of those that are as large.
  Codes codes{};
  find_codes(values.data(), values.size(), magnitudes_.data(), codes.data());
  const std::size_t at = out.size();
  out.resize(at + packed_bytes(values.size(), size() + 1) + kPackingSlack);
  pack_codes(size() + 1, codes.data(), values.size(), out.data() + at);
  out.resize(out.size() - kPackingSlack);
}

Result<std::size_t> ValueLevels::read(std::span<const std::byte> bytes, std::span<float> values) {
  const Head head = read_head(bytes);
  const unsigned bits = head.size + 1;
  const std::size_t coded = packed_bytes(values.size(), bits);
  if (head.bytes == 0 || bytes.size() < head.bytes + coded) return Error{"values that are cut short"};
  std::array<float, 2 * kMost> table{};
  for (std::uint32_t code = 0; code < table.size(); ++code)
    table[code] = std::bit_cast<float>(head.magnitudes[code >> 1U] ^ code << 31U);
  std::array<std::byte, kValueBlock + kPackingSlack> packed;  // NOLINT: what is read is written before
  std::memcpy(packed.data(), bytes.data() + head.bytes, coded);
  Codes codes;  // NOLINT: what is read is written before
  unpack_codes(bits, packed.data(), values.size(), codes.data());
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = table[codes[i]];
  return head.bytes + coded;
}

}  // namespace meridian::wan

#include "wan/compact_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/block_statistics.h"
#include "wan/short_floats.h"
#include "wan/value_grid.h"
#include "wan/value_levels.h"

namespace meridian::wan {
namespace {

/// A block's first byte: one of these, or a code of value_levels.h or value_grid.h.
constexpr unsigned kFloats = 0;
constexpr unsigned kFp16 = 1;
constexpr unsigned kBf16 = 2;

using Halves = std::array<std::uint16_t, kValueBlock>;

/// Of values that are bf16 numbers.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, shorten_bf16,
                                  (const float* values, std::size_t count, std::uint16_t* halves),
                                  (values, count, halves)) {
  for (std::size_t i = 0; i < count; ++i)
    halves[i] = static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(values[i]) >> 16U);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, shorten_fp16,
                                  (const float* values, std::size_t count, std::uint16_t* halves),
                                  (values, count, halves)) {
  for (std::size_t i = 0; i < count; ++i) halves[i] = to_fp16(values[i]);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, lengthen_bf16,
                                  (const std::uint16_t* halves, std::size_t count, float* values),
                                  (halves, count, values)) {
  for (std::size_t i = 0; i < count; ++i) values[i] = from_bf16(halves[i]);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, lengthen_fp16,
                                  (const std::uint16_t* halves, std::size_t count, float* values),
                                  (halves, count, values)) {
  for (std::size_t i = 0; i < count; ++i) values[i] = from_fp16(halves[i]);
}

void append_plain(unsigned code, const void* values, std::size_t bytes, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + 1 + bytes);
  out[at] = static_cast<std::byte>(code);
  std::memcpy(out.data() + at + 1, values, bytes);
}

void append_halves(unsigned code, std::span<const float> values, std::vector<std::byte>& out) {
  Halves halves{};
  (code == kBf16 ? shorten_bf16 : shorten_fp16)(values.data(), values.size(), halves.data());
  append_plain(code, halves.data(), values.size() * sizeof(halves[0]), out);
}

void append_block(std::span<const float> values, std::vector<std::byte>& out) {
  const BlockStatistics statistics = statistics_of(values);
  const std::size_t halves = 1 + values.size() * sizeof(std::uint16_t);
  const std::size_t floats = 1 + values.size_bytes();
  const auto grid = ValueGrid::of(statistics);
  const std::size_t by_grid = grid ? grid->bytes(values.size()) : floats;
  const auto levels = ValueLevels::of(values, statistics);
  const std::size_t by_levels = levels ? levels->bytes(values.size()) : floats;
  if (levels && by_levels <= by_grid && by_levels < floats) return levels->append(values, out);
  if (grid && by_grid <= halves) return grid->append(values, out);
  if (statistics.all_bf16()) return append_halves(kBf16, values, out);
  if (statistics.all_fp16) return append_halves(kFp16, values, out);
  if (grid && by_grid < floats) return grid->append(values, out);
  append_plain(kFloats, values.data(), values.size_bytes(), out);
}

Error cut_short() { return Error{"values that are cut short"}; }

Result<std::size_t> read_halves(unsigned code, std::span<const std::byte> bytes, std::span<float> values) {
  Halves halves{};
  const std::size_t size = values.size() * sizeof(halves[0]);
  if (bytes.size() < 1 + size) return cut_short();
  std::memcpy(halves.data(), bytes.data() + 1, size);
  (code == kBf16 ? lengthen_bf16 : lengthen_fp16)(halves.data(), values.size(), values.data());
  return 1 + size;
}

/// Reads a block of at least one value, and returns the bytes it took.
Result<std::size_t> read_block(std::span<const std::byte> bytes, std::span<float> values) {
  if (bytes.empty()) return cut_short();
  const auto code = std::to_integer<unsigned>(bytes.front());
  if (ValueLevels::is_code(code)) return ValueLevels::read(bytes, values);
  if (ValueGrid::is_code(code)) return ValueGrid::read(bytes, values);
  if (code == kBf16 || code == kFp16) return read_halves(code, bytes, values);
  if (code != kFloats) return Error{fmt::format("values in the unknown code {}", code)};
  if (bytes.size() < 1 + values.size_bytes()) return cut_short();
  std::memcpy(values.data(), bytes.data() + 1, values.size_bytes());
  return 1 + values.size_bytes();
}

}  // namespace

void append_values(std::span<const float> values, std::vector<std::byte>& out) {
  for (std::size_t first = 0; first < values.size(); first += kValueBlock) {
    append_block(values.subspan(first, std::min(kValueBlock, values.size() - first)), out);
  }
}

Result<std::size_t> read_values(std::span<const std::byte> bytes, std::span<float> values) {
  std::size_t at = 0;
  for (std::size_t first = 0; first < values.size(); first += kValueBlock) {
    const std::span<float> block = values.subspan(first, std::min(kValueBlock, values.size() - first));
    const auto read = read_block(bytes.subspan(at), block);
    if (!read) return read.error();
    at += read.value();
  }
  return at;
}

}  // namespace meridian::wan

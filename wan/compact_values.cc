#include "wan/compact_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>

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

/// So many values show whether a block is worth a closer look.
constexpr std::size_t kShown = 64;

void store_half(std::uint16_t half, std::byte* halves, std::size_t i) {
  std::memcpy(halves + i * sizeof(half), &half, sizeof(half));
}

std::uint16_t half_at(const std::byte* halves, std::size_t i) {
  std::uint16_t half = 0;
  std::memcpy(&half, halves + i * sizeof(half), sizeof(half));
  return half;
}

/// Of values that are bf16 numbers.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, shorten_bf16,
                                  (const float* values, std::size_t count, std::byte* halves),
                                  (values, count, halves)) {
  for (std::size_t i = 0; i < count; ++i)
    store_half(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(values[i]) >> 16U), halves, i);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, shorten_fp16,
                                  (const float* values, std::size_t count, std::byte* halves),
                                  (values, count, halves)) {
  for (std::size_t i = 0; i < count; ++i) store_half(to_fp16(values[i]), halves, i);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, lengthen_bf16,
                                  (const std::byte* halves, std::size_t count, float* values),
                                  (halves, count, values)) {
  for (std::size_t i = 0; i < count; ++i) values[i] = from_bf16(half_at(halves, i));
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, lengthen_fp16,
                                  (const std::byte* halves, std::size_t count, float* values),
                                  (halves, count, values)) {
  for (std::size_t i = 0; i < count; ++i) values[i] = from_fp16(half_at(halves, i));
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::uint32_t, bits_set, (const float* values, std::size_t count),
                                  (values, count)) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) bits |= std::bit_cast<std::uint32_t>(values[i]);
  return bits;
}

bool all_bf16(std::span<const float> values) {
  return (bits_set(values.data(), values.size()) & 0xFFFFU) == 0;
}

/// A block's first byte, and room for its values behind it, which it returns.
std::byte* append_code(unsigned code, std::size_t bytes, EncodedBytes& out) {
  const std::size_t at = out.size();
  out.resize(at + 1 + bytes);
  out[at] = static_cast<std::byte>(code);
  return out.data() + at + 1;
}

void append_floats(std::span<const float> values, EncodedBytes& out) {
  // Not memcpy(), which for few bytes may become an instruction that takes long to begin.
  std::ranges::copy(std::as_bytes(values), append_code(kFloats, values.size_bytes(), out));
}

void append_halves(unsigned code, std::span<const float> values, EncodedBytes& out) {
  std::byte* const halves = append_code(code, values.size() * sizeof(std::uint16_t), out);
  (code == kBf16 ? shorten_bf16 : shorten_fp16)(values.data(), values.size(), halves);
}

/// The codes that some values fit into, floats besides. More values do not fit into more, but for a grid
/// where the first few are all beyond 2^104.
struct Fits {
  std::optional<ValueLevels> levels;
  std::optional<ValueGrid> grid;
  bool bf16 = false;
  bool fp16 = false;

  Fits(std::span<const float> values, const BlockStatistics& statistics, bool any_levels)
      : levels(any_levels ? ValueLevels::of(values, statistics) : std::nullopt),
        grid(ValueGrid::of(statistics)),
        bf16(statistics.all_bf16()),
        fp16(statistics.all_fp16) {}
  bool any() const { return levels || grid || bf16 || fp16; }
};

/// In the smallest of the codes that `fits` has.
void append_fitting(std::span<const float> values, const Fits& fits, EncodedBytes& out) {
  const std::size_t halves = 1 + values.size() * sizeof(std::uint16_t);
  const std::size_t floats = 1 + values.size_bytes();
  const std::size_t by_grid = fits.grid ? fits.grid->bytes(values.size()) : floats;
  const std::size_t by_levels = fits.levels ? fits.levels->bytes(values.size()) : floats;
  if (by_levels <= by_grid && by_levels < floats) return fits.levels->append(values, out);
  if (by_grid <= halves) return fits.grid->append(values, out);
  if (fits.bf16) return append_halves(kBf16, values, out);
  if (fits.fp16) return append_halves(kFp16, values, out);
  if (by_grid < floats) return fits.grid->append(values, out);
  append_floats(values, out);
}

void append_block(std::span<const float> values, EncodedBytes& out) {
  const std::span<const float> first = values.first(std::min(kShown, values.size()));
  const std::span<const float> rest = values.subspan(first.size());
  const BlockStatistics shown = statistics_of(first);
  const Fits fits(first, shown, true);
  // What most whole blocks are shows by their first few values, and one more look at the others is enough:
  // not rounded, of these levels, or bf16 numbers that are too far apart for a grid of fewer bits.
  if (!fits.any()) return append_floats(values, out);
  if (values.size() == kValueBlock) {
    if (fits.levels && fits.levels->are_those_of(rest)) return fits.levels->append(values, out);
    const bool wide = !fits.levels && (!fits.grid || fits.grid->bytes(values.size()) > 2 * values.size());
    if (wide && fits.bf16 && all_bf16(rest)) return append_halves(kBf16, values, out);
  }
  if (rest.empty()) return append_fitting(values, fits, out);
  append_fitting(values, Fits(values, joined(shown, statistics_of(rest)), fits.levels.has_value()), out);
}

Error cut_short() { return Error{"values that are cut short"}; }

Result<std::size_t> read_halves(unsigned code, std::span<const std::byte> bytes, std::span<float> values) {
  const std::size_t size = values.size() * sizeof(std::uint16_t);
  if (bytes.size() < 1 + size) return cut_short();
  (code == kBf16 ? lengthen_bf16 : lengthen_fp16)(bytes.data() + 1, values.size(), values.data());
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
  std::ranges::copy(bytes.subspan(1, values.size_bytes()), std::as_writable_bytes(values).begin());
  return 1 + values.size_bytes();
}

}  // namespace

void append_values(std::span<const float> values, EncodedBytes& out) {
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

#include "wan/compact_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>

#include "wan/bit_stream.h"
#include "wan/short_floats.h"

namespace meridian::wan {
namespace {

/// A block's first byte. Levels and grids add what they come in: the logarithm of the number of magnitudes
/// (0 to 2), of a quarter of the bits (0 to 2).
constexpr unsigned kFloats = 0;
constexpr unsigned kFp16 = 1;
constexpr unsigned kBf16 = 2;
constexpr unsigned kShortLevels = 16;  // magnitudes as bf16
constexpr unsigned kLevels = 24;       // magnitudes as floats
constexpr unsigned kGrid = 32;
constexpr std::size_t kMostLevels = 4;
constexpr unsigned kLevelSizes = 3;
constexpr unsigned kGridSizes = 3;
constexpr std::uint32_t kSign = 0x8000'0000;
constexpr int kMantissaBits = 23;
/// The largest power of two of a grid of 16-bit integers that are floats still; a signed byte holds it.
constexpr int kMostGridExponent = 104;

std::uint32_t bits_of(float value) { return std::bit_cast<std::uint32_t>(value); }

std::size_t bytes_for_bits(std::size_t bits) { return (bits + 7) / 8; }

template <typename Value>
void append_plain(const Value* values, std::size_t count, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + count * sizeof(Value));
  std::memcpy(out.data() + at, values, count * sizeof(Value));
}

// ---- levels

struct Levels {
  std::array<std::uint32_t, kMostLevels> magnitudes{};
  std::size_t count = 0;

  /// The logarithm of the number of magnitudes that the code has room for.
  unsigned size() const { return static_cast<unsigned>(std::bit_width(count - 1)); }
  bool are_short() const {
    return std::all_of(magnitudes.begin(), magnitudes.begin() + static_cast<std::ptrdiff_t>(count),
                       [](std::uint32_t magnitude) { return (magnitude & 0xFFFFU) == 0; });
  }
  std::size_t bytes(std::size_t values) const {
    const std::size_t each = are_short() ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
    return (std::size_t{1} << size()) * each + bytes_for_bits(values * (size() + 1));
  }
  unsigned number_of(std::uint32_t magnitude) const {
    unsigned number = 0;
    while (magnitudes[number] != magnitude) ++number;
    return number;
  }
};

/// The magnitudes of a block; nothing where there are too many. Most blocks of plain floats show that at
/// their first few values.
std::optional<Levels> find_levels(std::span<const float> values) {
  Levels levels;
  for (const float value : values) {
    const std::uint32_t magnitude = bits_of(value) & ~kSign;
    const auto end = levels.magnitudes.begin() + static_cast<std::ptrdiff_t>(levels.count);
    if (std::find(levels.magnitudes.begin(), end, magnitude) != end) continue;
    if (levels.count == kMostLevels) return {};
    levels.magnitudes[levels.count++] = magnitude;
  }
  return levels;
}

void append_levels(std::span<const float> values, const Levels& levels, std::vector<std::byte>& out) {
  const bool are_short = levels.are_short();
  out.push_back(static_cast<std::byte>((are_short ? kShortLevels : kLevels) + levels.size()));
  for (std::size_t i = 0; i < (std::size_t{1} << levels.size()); ++i) {
    const std::uint32_t magnitude = levels.magnitudes[i];
    const auto upper = static_cast<std::uint16_t>(magnitude >> 16);
    are_short ? append_plain(&upper, 1, out) : append_plain(&magnitude, 1, out);
  }
  BitWriter bits(out);
  for (const float value : values) {
    const std::uint32_t sign = bits_of(value) >> 31;
    bits.put(sign | (levels.number_of(bits_of(value) & ~kSign) << 1), levels.size() + 1);
  }
  bits.finish();
}

// ---- grids

/// The coarsest grid on which all values lie, and the bits that its integers take.
struct Grid {
  int exponent = 0;
  unsigned bits = 0;

  unsigned size() const { return bits <= 4 ? 0 : bits <= 8 ? 1 : 2; }
  unsigned code_bits() const { return 4U << size(); }
  std::size_t bytes(std::size_t values) const { return 1 + bytes_for_bits(values * code_bits()); }
};

std::optional<Grid> find_grid(std::span<const float> values) {
  constexpr int kWidest = 16;
  int lowest = std::numeric_limits<int>::max();
  int highest = std::numeric_limits<int>::min();
  for (const float value : values) {
    const std::uint32_t magnitude = bits_of(value) & ~kSign;
    if (magnitude == 0) {
      if (bits_of(value) != 0) return {};  // the integers know no -0
      continue;
    }
    const int biased = static_cast<int>(magnitude >> kMantissaBits);
    if (biased == 0 || biased == 0xFF) return {};
    const int exponent = biased - 127;
    const std::uint32_t mantissa = (magnitude & 0x007F'FFFFU) | 0x0080'0000U;
    lowest = std::min(lowest, exponent - kMantissaBits + std::countr_zero(mantissa));
    highest = std::max(highest, exponent);
    if (highest - lowest + 2 > kWidest) return {};
  }
  if (lowest > highest) return Grid{0, 1};
  if (lowest < kLeastGridExponent || lowest > kMostGridExponent) return {};
  return Grid{lowest, static_cast<unsigned>(highest - lowest + 2)};
}

void append_grid(std::span<const float> values, const Grid& grid, std::vector<std::byte>& out) {
  out.push_back(static_cast<std::byte>(kGrid + grid.size()));
  out.push_back(static_cast<std::byte>(static_cast<std::int8_t>(grid.exponent)));
  const std::uint32_t mask = (1U << grid.code_bits()) - 1;
  BitWriter bits(out);
  for (const float value : values) {
    const auto integer = static_cast<std::int32_t>(std::ldexp(value, -grid.exponent));
    bits.put(static_cast<std::uint32_t>(integer) & mask, grid.code_bits());
  }
  bits.finish();
}

// ---- 16 bits

bool all_bf16(std::span<const float> values) {
  std::uint32_t lower = 0;
  for (const float value : values) lower |= bits_of(value);
  return (lower & 0xFFFFU) == 0;
}

bool all_fp16(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) {
    return std::isfinite(value) && bits_of(from_fp16(to_fp16(value))) == bits_of(value);
  });
}

template <typename Shorten>
void append_halves(unsigned code, std::span<const float> values, Shorten shorten,
                   std::vector<std::byte>& out) {
  out.push_back(static_cast<std::byte>(code));
  for (const float value : values) {
    const std::uint16_t half = shorten(value);
    append_plain(&half, 1, out);
  }
}

// ---- a block

void append_block(std::span<const float> values, std::vector<std::byte>& out) {
  const auto levels = find_levels(values);
  const auto grid = find_grid(values);
  const std::size_t halves = values.size() * sizeof(std::uint16_t);
  const std::size_t floats = values.size() * sizeof(float);
  const std::size_t by_levels = levels ? levels->bytes(values.size()) : floats;
  const std::size_t by_grid = grid ? grid->bytes(values.size()) : floats;
  if (levels && by_levels <= by_grid && by_levels < floats) return append_levels(values, *levels, out);
  if (grid && by_grid <= halves) return append_grid(values, *grid, out);
  if (all_bf16(values)) return append_halves(kBf16, values, to_bf16, out);
  if (all_fp16(values)) return append_halves(kFp16, values, to_fp16, out);
  if (grid && by_grid < floats) return append_grid(values, *grid, out);
  out.push_back(static_cast<std::byte>(kFloats));
  append_plain(values.data(), values.size(), out);
}

Error cut_short() { return Error{"values that are cut short"}; }

template <typename Value>
Value load(const std::byte* bytes) {
  Value value{};
  std::memcpy(&value, bytes, sizeof(value));
  return value;
}

Result<std::size_t> read_levels(unsigned size, bool are_short, std::span<const std::byte> bytes,
                                std::span<float> values) {
  const std::size_t count = std::size_t{1} << size;
  const std::size_t each = are_short ? sizeof(std::uint16_t) : sizeof(std::uint32_t);
  const std::size_t coded = bytes_for_bits(values.size() * (size + 1));
  if (bytes.size() < count * each + coded) return cut_short();
  std::array<std::uint32_t, kMostLevels> magnitudes{};
  for (std::size_t i = 0; i < count; ++i) {
    const std::byte* const at = bytes.data() + i * each;
    magnitudes[i] = are_short ? std::uint32_t{load<std::uint16_t>(at)} << 16 : load<std::uint32_t>(at);
  }
  BitReader bits(bytes.subspan(count * each, coded));
  for (float& value : values) {
    const std::uint32_t code = bits.take(size + 1);
    value = std::bit_cast<float>(magnitudes[code >> 1] ^ (code << 31));
  }
  return count * each + coded;
}

Result<std::size_t> read_grid(unsigned size, std::span<const std::byte> bytes, std::span<float> values) {
  const unsigned code_bits = 4U << size;
  const std::size_t coded = bytes_for_bits(values.size() * code_bits);
  if (bytes.size() < 1 + coded) return cut_short();
  const int byte = std::to_integer<int>(bytes.front());
  const int exponent = byte < 128 ? byte : byte - 256;
  if (exponent < kLeastGridExponent || exponent > kMostGridExponent) {
    return Error{fmt::format("values on a grid of 2^{}", exponent)};
  }
  const float unit = std::ldexp(1.0F, exponent);
  const auto half = static_cast<std::int32_t>(std::size_t{1} << (code_bits - 1));
  BitReader bits(bytes.subspan(1, coded));
  for (float& value : values) {
    const auto code = static_cast<std::int32_t>(bits.take(code_bits));
    const std::int32_t integer = code < half ? code : code - 2 * half;
    value = static_cast<float>(integer) * unit;
  }
  return 1 + coded;
}

template <typename Lengthen>
Result<std::size_t> read_halves(std::span<const std::byte> bytes, Lengthen lengthen,
                                std::span<float> values) {
  const std::size_t size = values.size() * sizeof(std::uint16_t);
  if (bytes.size() < size) return cut_short();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = lengthen(load<std::uint16_t>(bytes.data() + i * sizeof(std::uint16_t)));
  }
  return size;
}

Result<std::size_t> read_coded(unsigned code, std::span<const std::byte> bytes, std::span<float> values) {
  if (code == kFloats) {
    if (bytes.size() < values.size_bytes()) return cut_short();
    std::memcpy(values.data(), bytes.data(), values.size_bytes());
    return values.size_bytes();
  }
  if (code == kBf16) return read_halves(bytes, from_bf16, values);
  if (code == kFp16) return read_halves(bytes, from_fp16, values);
  if (code >= kShortLevels && code < kShortLevels + kLevelSizes) {
    return read_levels(code - kShortLevels, true, bytes, values);
  }
  if (code >= kLevels && code < kLevels + kLevelSizes)
    return read_levels(code - kLevels, false, bytes, values);
  if (code >= kGrid && code < kGrid + kGridSizes) return read_grid(code - kGrid, bytes, values);
  return Error{fmt::format("values in the unknown code {}", code)};
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
    if (at == bytes.size()) return cut_short();
    const auto code = std::to_integer<unsigned>(bytes[at++]);
    const auto read = read_coded(code, bytes.subspan(at), block);
    if (!read) return read.error();
    at += read.value();
  }
  return at;
}

}  // namespace meridian::wan

#include "wan/compact_indexes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "src/base/instruction_sets.h"
#include "wan/bit_stream.h"
#include "wan/golomb_code.h"
#include "wan/payload_reader.h"

namespace meridian::wan {
namespace {

/// The first byte of a list of indexes: one of these, or a Rice code's parameter above kRice.
constexpr unsigned kWords = 0;
constexpr unsigned kBitmap = 1;
constexpr unsigned kVarint = 2;
constexpr unsigned kGolomb = 3;
constexpr unsigned kRice = 16;
constexpr unsigned kMostRice = 31;
/// Added where the first index and the last of the span are there, which are not coded then.
constexpr unsigned kTight = 128;
constexpr unsigned kVarintBits = 7;
/// Rice codes that are tried: parameters near the logarithm of the mean gap.
constexpr std::size_t kRiceTried = 4;

/// The indexes [first, past) in which those that are coded lie.
struct Range {
  std::size_t first = 0;
  std::size_t past = 0;
  std::size_t size() const { return past - first; }
};

/// Offsets have 32 bits.
Range whole_range(std::size_t span) { return {0, std::min(span, std::size_t{1} << 32U)}; }
Range inner_range(Range range) { return {range.first + 1, range.past - 1}; }

/// Calls visit(gap) for every offset: how many indexes of the range lie between it and the one before.
template <typename Visit>
[[gnu::always_inline]] inline void for_each_gap(std::span<const std::uint32_t> offsets, Range range,
                                                Visit visit) {
  auto next = static_cast<std::uint32_t>(range.first);
  for (const std::uint32_t offset : offsets) {
    visit(offset - next);
    next = offset + 1;
  }
}

// ---- sizes

/// Sums over the gaps from which the sizes of the codes follow.
struct GapSums {
  std::array<std::uint32_t, kRiceTried> quotients{};  ///< by Rice parameter, from the first that is tried
  std::uint32_t varint_bytes = 0;                     ///< beyond one each
};

/// Of the gaps after each of `count` offsets but the last. No sum is beyond the last offset.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(GapSums, sum_gaps,
                                  (const std::uint32_t* offsets, std::size_t count, unsigned first_parameter),
                                  (offsets, count, first_parameter)) {
  std::uint32_t quotients0 = 0;
  std::uint32_t quotients1 = 0;
  std::uint32_t quotients2 = 0;
  std::uint32_t quotients3 = 0;
  std::uint32_t varint_bytes = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const std::uint32_t gap = offsets[i + 1] - offsets[i] - 1;
    const std::uint32_t quotient = gap >> first_parameter;
    quotients0 += quotient;
    quotients1 += quotient >> 1U;
    quotients2 += quotient >> 2U;
    quotients3 += quotient >> 3U;
    varint_bytes += static_cast<std::uint32_t>(gap >> kVarintBits != 0);
    varint_bytes += static_cast<std::uint32_t>(gap >> 2 * kVarintBits != 0);
    varint_bytes += static_cast<std::uint32_t>(gap >> 3 * kVarintBits != 0);
    varint_bytes += static_cast<std::uint32_t>(gap >> 4 * kVarintBits != 0);
  }
  return {{quotients0, quotients1, quotients2, quotients3}, varint_bytes};
}

struct GolombSums {
  std::uint32_t quotients = 0;
  std::uint32_t longs = 0;  ///< remainders that take a bit more
};

/// Of the gaps after each of `count` offsets but the last, all below 2^31. A quotient is the product with the
/// reciprocal: the half keeps it further from a whole number than that is off.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(GolombSums, sum_golomb,
                                  (const std::uint32_t* offsets, std::size_t count, std::int32_t parameter,
                                   std::int32_t shorts),
                                  (offsets, count, parameter, shorts)) {
  const double reciprocal = 1.0 / parameter;
  std::int32_t quotients = 0;
  std::int32_t longs = 0;
  for (std::size_t i = 0; i + 1 < count; ++i) {
    const auto gap = static_cast<std::int32_t>(offsets[i + 1] - offsets[i] - 1);
    const auto quotient = static_cast<std::int32_t>((static_cast<double>(gap) + 0.5) * reciprocal);
    quotients += quotient;
    longs += static_cast<std::int32_t>(gap - quotient * parameter >= shorts);
  }
  return {static_cast<std::uint32_t>(quotients), static_cast<std::uint32_t>(longs)};
}

/// Of all gaps.
std::uint64_t golomb_bits(std::span<const std::uint32_t> offsets, Range range, const GolombCode& code) {
  std::uint64_t bits = 0;
  if (range.past > INT32_MAX) {
    for_each_gap(offsets, range, [&](std::uint32_t gap) { bits += code.bits(gap); });
    return bits;
  }
  const GolombSums sums =
      sum_golomb(offsets.data(), offsets.size(), static_cast<std::int32_t>(code.parameter()),
                 static_cast<std::int32_t>(code.shorts()));
  return code.bits(static_cast<std::uint32_t>(offsets.front() - range.first)) +
         code.bits(offsets.size() - 1, sums.quotients, sums.longs);
}

std::uint64_t bytes_for_bits(std::uint64_t bits) { return (bits + 7) / 8; }

/// A code and the bytes it takes.
struct Choice {
  unsigned code = kWords;
  std::uint64_t bytes = 0;
};

Choice smallest(std::span<const std::uint32_t> offsets, Range range) {
  if (offsets.empty()) return {};
  const auto count = static_cast<std::uint64_t>(offsets.size());
  const auto width = static_cast<unsigned>(std::bit_width(range.size() / offsets.size()));
  const unsigned parameter = std::min(width > 2 ? width - 2 : 0, kMostRice - unsigned{kRiceTried} + 1);
  const GapSums sums = sum_gaps(offsets.data(), offsets.size(), parameter);
  const auto first_gap = static_cast<std::uint32_t>(offsets.front() - range.first);

  // Of equal ones, those that are read fastest come first.
  Choice best{kBitmap, bytes_for_bits(range.size())};
  const auto consider = [&](unsigned code, std::uint64_t bytes) {
    if (bytes < best.bytes) best = {code, bytes};
  };
  for (unsigned i = 0; i < kRiceTried; ++i) {
    const std::uint64_t quotients = std::uint64_t{sums.quotients[i]} + (first_gap >> (parameter + i));
    consider(kRice + parameter + i, bytes_for_bits(count * (parameter + i + 1) + quotients));
  }
  consider(kVarint, count - 1 + sums.varint_bytes + varint_bytes(first_gap));
  consider(kWords, count * sizeof(std::uint32_t));
  const GolombCode golomb = GolombCode::for_gaps(count, range.size());
  // Of so many the parameter is 1, and the code a bitmap.
  if (best.code == kBitmap && count * 2 > range.size()) return best;
  consider(kGolomb, bytes_for_bits(golomb_bits(offsets, range, golomb)));
  return best;
}

// ---- writing

void write_bitmap(std::span<const std::uint32_t> offsets, Range range, std::byte* out) {
  for (const std::uint32_t offset : offsets) {
    const std::size_t bit = offset - range.first;
    out[bit / 8] |= static_cast<std::byte>(1U << (bit % 8));
  }
}

void write_varints(std::span<const std::uint32_t> offsets, Range range, std::byte* out) {
  for_each_gap(offsets, range, [&](std::uint32_t gap) {
    for (; gap >= (1U << kVarintBits); gap >>= kVarintBits) *out++ = static_cast<std::byte>(gap | 0x80U);
    *out++ = static_cast<std::byte>(gap);
  });
}

void write_gaps(std::span<const std::uint32_t> offsets, Range range, GolombCode code, std::byte* out) {
  BitWriter bits(out);
  for_each_gap(offsets, range, [&](std::uint32_t gap) { code.put(gap, bits); });
}

void write_coded(unsigned code, std::span<const std::uint32_t> offsets, Range range, std::byte* out) {
  if (offsets.empty()) return;
  if (code == kWords) std::memcpy(out, offsets.data(), offsets.size_bytes());
  if (code == kBitmap) {
    std::memset(out, 0, bytes_for_bits(range.size()));
    write_bitmap(offsets, range, out);
  }
  if (code == kVarint) write_varints(offsets, range, out);
  if (code == kGolomb) write_gaps(offsets, range, GolombCode::for_gaps(offsets.size(), range.size()), out);
  if (code >= kRice) write_gaps(offsets, range, GolombCode(1U << (code - kRice)), out);
}

// ---- reading

Error cut_short() { return Error{"indexes that are cut short"}; }
Error beyond(Range range) {
  return Error{fmt::format("an index beyond [{}, {}) of a segment", range.first, range.past)};
}

Result<std::size_t> read_words(std::span<const std::byte> bytes, Range range,
                               std::span<std::uint32_t> offsets) {
  const std::size_t size = offsets.size_bytes();
  if (bytes.size() < size) return cut_short();
  std::memcpy(offsets.data(), bytes.data(), size);
  std::size_t next = range.first;
  for (const std::uint32_t offset : offsets) {
    if (offset < next) return Error{"indexes that do not rise"};
    if (offset >= range.past) return beyond(range);
    next = std::size_t{offset} + 1;
  }
  return size;
}

Result<std::size_t> read_bitmap(std::span<const std::byte> bytes, Range range,
                                std::span<std::uint32_t> offsets) {
  const std::size_t size = bytes_for_bits(range.size());
  if (bytes.size() < size) return cut_short();
  std::size_t found = 0;
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    std::uint64_t left = 0;
    std::memcpy(&left, bytes.data() + at, std::min(sizeof(left), size - at));
    if (left == 0) continue;
    const std::size_t first = range.first + at * 8;
    if (first + static_cast<std::size_t>(std::bit_width(left)) > range.past) return beyond(range);
    if (static_cast<std::size_t>(std::popcount(left)) > offsets.size() - found)
      return Error{fmt::format("a bitmap of more than {} indexes", offsets.size())};
    for (; left != 0; left &= left - 1) {
      offsets[found++] = static_cast<std::uint32_t>(first + static_cast<std::size_t>(std::countr_zero(left)));
    }
  }
  if (found != offsets.size()) {
    return Error{fmt::format("a bitmap of {} indexes where {} belong", found, offsets.size())};
  }
  return size;
}

Result<std::size_t> read_varints(std::span<const std::byte> bytes, Range range,
                                 std::span<std::uint32_t> offsets) {
  std::size_t next = range.first;
  std::size_t at = 0;
  for (std::uint32_t& offset : offsets) {
    std::uint64_t gap = 0;
    for (unsigned shift = 0;; shift += kVarintBits) {
      if (at == bytes.size()) return cut_short();
      if (shift > 4 * kVarintBits) return beyond(range);
      const auto byte = std::to_integer<std::uint64_t>(bytes[at++]);
      gap |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) break;
    }
    if (gap >= range.past - next) return beyond(range);
    offset = static_cast<std::uint32_t>(next + gap);
    next += gap + 1;
  }
  return at;
}

Result<std::size_t> read_gaps(std::span<const std::byte> bytes, GolombCode code, Range range,
                              std::span<std::uint32_t> offsets) {
  std::size_t next = range.first;
  BitReader bits(bytes);
  for (std::uint32_t& offset : offsets) {
    const std::uint64_t gap = code.take(bits, range.past - next);
    if (gap >= range.past - next) return bits.overrun() ? cut_short() : beyond(range);
    offset = static_cast<std::uint32_t>(next + gap);
    next += gap + 1;
  }
  if (bits.overrun()) return cut_short();
  return bits.bytes_taken();
}

/// Requires offsets, and a range with room for them.
Result<std::size_t> read_coded(unsigned code, std::span<const std::byte> bytes, Range range,
                               std::span<std::uint32_t> offsets) {
  if (code == kWords) return read_words(bytes, range, offsets);
  if (code == kBitmap) return read_bitmap(bytes, range, offsets);
  if (code == kVarint) return read_varints(bytes, range, offsets);
  if (code == kGolomb)
    return read_gaps(bytes, GolombCode::for_gaps(offsets.size(), range.size()), range, offsets);
  if (code >= kRice && code <= kRice + kMostRice)
    return read_gaps(bytes, GolombCode(1U << (code - kRice)), range, offsets);
  return Error{fmt::format("indexes in the unknown code {}", code)};
}

}  // namespace

void append_indexes(std::span<const std::uint32_t> offsets, std::size_t span, EncodedBytes& out) {
  if (offsets.empty()) return;
  Range range = whole_range(span);
  const bool tight =
      offsets.size() > 1 && offsets.front() == 0 && offsets.back() + std::size_t{1} == range.past;
  if (tight) {
    range = inner_range(range);
    offsets = offsets.subspan(1, offsets.size() - 2);
  }
  const Choice choice = smallest(offsets, range);
  out.push_back(static_cast<std::byte>(choice.code + (tight ? kTight : 0)));
  const std::size_t end = out.size() + choice.bytes;
  out.resize(end + BitWriter::kSlack);
  write_coded(choice.code, offsets, range, out.data() + end - choice.bytes);
  out.resize(end);
}

Result<std::size_t> read_indexes(std::span<const std::byte> bytes, std::size_t span,
                                 std::span<std::uint32_t> offsets) {
  if (offsets.empty()) return std::size_t{0};
  if (bytes.empty()) return cut_short();
  Range range = whole_range(span);
  const auto code = std::to_integer<unsigned>(bytes.front());
  const bool tight = code >= kTight;
  if (offsets.size() > range.size() || (tight && offsets.size() < 2))
    return Error{fmt::format("{} indexes in a span of {}", offsets.size(), span)};
  if (tight) {
    offsets.front() = 0;
    offsets.back() = static_cast<std::uint32_t>(range.past - 1);
    range = inner_range(range);
    offsets = offsets.subspan(1, offsets.size() - 2);
    if (offsets.empty()) return std::size_t{1};
  }
  const auto read = read_coded(tight ? code - kTight : code, bytes.subspan(1), range, offsets);
  if (!read) return read.error();
  return read.value() + 1;
}

}  // namespace meridian::wan

#include "wan/compact_indexes.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "wan/bit_stream.h"

namespace meridian::wan {
namespace {

/// The first byte of a list of indexes: one of these, or a Rice code's parameter above kRice.
constexpr unsigned kWords = 0;
constexpr unsigned kBitmap = 1;
constexpr unsigned kVarint = 2;
constexpr unsigned kRice = 16;
constexpr unsigned kMostRice = 31;
constexpr unsigned kVarintBits = 7;

/// Calls visit(gap) for every offset: how many entries lie between it and the one before.
template <typename Visit>
void for_each_gap(std::span<const std::uint32_t> offsets, Visit visit) {
  std::uint32_t next = 0;
  for (const std::uint32_t offset : offsets) {
    visit(offset - next);
    next = offset + 1;
  }
}

std::size_t varint_bytes(std::uint32_t value) {
  return value == 0 ? 1 : (static_cast<unsigned>(std::bit_width(value)) + kVarintBits - 1) / kVarintBits;
}

/// Bytes of the Rice code with this parameter.
std::size_t rice_bytes(std::span<const std::uint32_t> offsets, unsigned parameter) {
  std::size_t bits = offsets.size() * (parameter + 1);
  for_each_gap(offsets, [&](std::uint32_t gap) { bits += gap >> parameter; });
  return (bits + 7) / 8;
}

/// The parameter is best near the logarithm of the mean gap.
unsigned best_rice(std::span<const std::uint32_t> offsets) {
  const std::size_t mean = (std::size_t{offsets.back()} + 1) / offsets.size();
  const auto near = static_cast<unsigned>(std::bit_width(mean));
  const unsigned first = near > 2 ? near - 2 : 0;
  unsigned best = first;
  std::size_t fewest = rice_bytes(offsets, first);
  for (unsigned parameter = first + 1; parameter <= std::min(near + 1, kMostRice); ++parameter) {
    const std::size_t bytes = rice_bytes(offsets, parameter);
    if (bytes < fewest) {
      fewest = bytes;
      best = parameter;
    }
  }
  return best;
}

void append_bitmap(std::span<const std::uint32_t> offsets, std::size_t span, std::vector<std::byte>& out) {
  const std::size_t at = out.size();
  out.resize(at + (span + 7) / 8);
  for (const std::uint32_t offset : offsets) {
    out[at + offset / 8] |= static_cast<std::byte>(1U << (offset % 8));
  }
}

void append_varints(std::span<const std::uint32_t> offsets, std::vector<std::byte>& out) {
  for_each_gap(offsets, [&](std::uint32_t gap) {
    for (; gap >= (1U << kVarintBits); gap >>= kVarintBits)
      out.push_back(static_cast<std::byte>(gap | 0x80U));
    out.push_back(static_cast<std::byte>(gap));
  });
}

void append_rice(std::span<const std::uint32_t> offsets, unsigned parameter, std::vector<std::byte>& out) {
  BitWriter bits(out);
  const std::uint32_t mask = (1U << parameter) - 1;
  for_each_gap(offsets, [&](std::uint32_t gap) {
    bits.put_unary(gap >> parameter);
    bits.put(gap & mask, parameter);
  });
  bits.finish();
}

Error cut_short() { return Error{"indexes that are cut short"}; }
Error beyond(std::size_t span) {
  return Error{fmt::format("an index beyond the segment's {} entries", span)};
}

Result<std::size_t> read_words(std::span<const std::byte> bytes, std::size_t span,
                               std::span<std::uint32_t> offsets) {
  const std::size_t size = offsets.size() * sizeof(std::uint32_t);
  if (bytes.size() < size) return cut_short();
  if (size > 0) std::memcpy(offsets.data(), bytes.data(), size);
  std::int64_t last = -1;
  for (const std::uint32_t offset : offsets) {
    if (offset <= last) return Error{"indexes that do not rise"};
    if (offset >= span) return beyond(span);
    last = offset;
  }
  return size;
}

Result<std::size_t> read_bitmap(std::span<const std::byte> bytes, std::size_t span,
                                std::span<std::uint32_t> offsets) {
  const std::size_t size = (span + 7) / 8;
  if (bytes.size() < size) return cut_short();
  std::size_t found = 0;
  for (std::size_t at = 0; at < size; ++at) {
    auto left = std::to_integer<unsigned>(bytes[at]);
    for (; left != 0; left &= left - 1) {
      const std::size_t offset = at * 8 + static_cast<std::size_t>(std::countr_zero(left));
      if (offset >= span) return beyond(span);
      if (found == offsets.size()) return Error{fmt::format("a bitmap of more than {} indexes", found)};
      offsets[found++] = static_cast<std::uint32_t>(offset);
    }
  }
  if (found != offsets.size()) {
    return Error{fmt::format("a bitmap of {} indexes where {} belong", found, offsets.size())};
  }
  return size;
}

/// Builds offsets from gaps. False beyond the span.
class FromGaps {
 public:
  explicit FromGaps(std::size_t span) : span_(span) {}

  bool add(std::uint64_t gap, std::uint32_t& offset) {
    if (gap >= span_ - next_) return false;
    offset = static_cast<std::uint32_t>(next_ + gap);
    next_ = std::size_t{offset} + 1;
    return true;
  }
  std::size_t left() const { return span_ - next_; }

 private:
  std::size_t span_;
  std::size_t next_ = 0;
};

Result<std::size_t> read_varints(std::span<const std::byte> bytes, std::size_t span,
                                 std::span<std::uint32_t> offsets) {
  FromGaps gaps(span);
  std::size_t at = 0;
  for (std::uint32_t& offset : offsets) {
    std::uint64_t gap = 0;
    for (unsigned shift = 0;; shift += kVarintBits) {
      if (at == bytes.size()) return cut_short();
      if (shift > 4 * kVarintBits) return beyond(span);
      const auto byte = std::to_integer<std::uint64_t>(bytes[at++]);
      gap |= (byte & 0x7FU) << shift;
      if ((byte & 0x80U) == 0) break;
    }
    if (!gaps.add(gap, offset)) return beyond(span);
  }
  return at;
}

Result<std::size_t> read_rice(std::span<const std::byte> bytes, unsigned parameter, std::size_t span,
                              std::span<std::uint32_t> offsets) {
  FromGaps gaps(span);
  BitReader bits(bytes);
  for (std::uint32_t& offset : offsets) {
    const auto quotient = bits.take_unary(gaps.left() >> parameter);
    if (!quotient) return beyond(span);
    const std::uint64_t gap = (*quotient << parameter) | bits.take(parameter);
    if (bits.overrun()) return cut_short();
    if (!gaps.add(gap, offset)) return beyond(span);
  }
  return bits.bytes_taken();
}

Result<std::size_t> read_coded(unsigned code, std::span<const std::byte> bytes, std::size_t span,
                               std::span<std::uint32_t> offsets) {
  if (code == kWords) return read_words(bytes, span, offsets);
  if (code == kBitmap) return read_bitmap(bytes, span, offsets);
  if (code == kVarint) return read_varints(bytes, span, offsets);
  if (code >= kRice && code <= kRice + kMostRice) return read_rice(bytes, code - kRice, span, offsets);
  return Error{fmt::format("indexes in the unknown code {}", code)};
}

}  // namespace

void append_indexes(std::span<const std::uint32_t> offsets, std::size_t span, std::vector<std::byte>& out) {
  if (offsets.empty()) return;
  const unsigned parameter = best_rice(offsets);
  const std::size_t words = offsets.size() * sizeof(std::uint32_t);
  const std::size_t bitmap = (span + 7) / 8;
  const std::size_t rice = rice_bytes(offsets, parameter);
  std::size_t varints = 0;
  for_each_gap(offsets, [&](std::uint32_t gap) { varints += varint_bytes(gap); });
  const std::size_t least = std::min({words, bitmap, varints, rice});
  const auto begin = [&](unsigned code) { out.push_back(static_cast<std::byte>(code)); };
  if (least == bitmap) {
    begin(kBitmap);
    append_bitmap(offsets, span, out);
  } else if (least == rice) {
    begin(kRice + parameter);
    append_rice(offsets, parameter, out);
  } else if (least == varints) {
    begin(kVarint);
    append_varints(offsets, out);
  } else {
    begin(kWords);
    const std::size_t at = out.size();
    out.resize(at + words);
    std::memcpy(out.data() + at, offsets.data(), words);
  }
}

Result<std::size_t> read_indexes(std::span<const std::byte> bytes, std::size_t span,
                                 std::span<std::uint32_t> offsets) {
  if (offsets.empty()) return std::size_t{0};
  if (bytes.empty()) return cut_short();
  const auto read = read_coded(std::to_integer<unsigned>(bytes.front()), bytes.subspan(1), span, offsets);
  if (!read) return read.error();
  return read.value() + 1;
}

}  // namespace meridian::wan

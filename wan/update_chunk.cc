#include "wan/update_chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <tuple>
#include <utility>

#include "src/optimizer/finite.h"
#include "src/wire/codec.h"
#include "wan/compact_values.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

/// Entries between the one that is added and the one whose sum is fetched: what memory takes to answer.
constexpr std::size_t kForeseen = 32;

constexpr std::size_t kDenseBytes = sizeof(float);
constexpr std::size_t kSparseBytes = sizeof(std::uint32_t) + sizeof(float);

/// Payload bytes of entries [first, past) of a selection in the smaller of the two layouts.
std::size_t layout_bytes(const TableSelection& entries, std::size_t first, std::size_t past) {
  const std::size_t span = std::size_t{entries.offsets[past - 1]} - entries.offsets[first] + 1;
  return update_bytes(span, past - first);
}

/// Where in a selection the entries that fall into `shared` begin and end.
std::pair<std::size_t, std::size_t> shared_entries(const TableSelection& entries, TableRange owned,
                                                   TableRange shared) {
  if (shared.empty()) return {0, 0};
  const auto position = [&](std::size_t flat) {
    const auto found = std::lower_bound(entries.offsets.begin(), entries.offsets.end(), flat - owned.begin);
    return static_cast<std::size_t>(found - entries.offsets.begin());
  };
  return {position(shared.begin), position(shared.end)};
}

/// Writes the entries [first, past) of a selection as the segment that they make.
void lay_out(const TableSelection& entries, std::size_t first, std::size_t past, const Segment& segment,
             std::byte* out) {
  const std::size_t count = past - first;
  const std::uint32_t first_offset = entries.offsets[first];
  if (segment.sparse != 0) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t offset = entries.offsets[first + i] - first_offset;
      std::memcpy(out + i * sizeof(offset), &offset, sizeof(offset));
    }
    out += count * sizeof(std::uint32_t);
  } else if (segment.count > count) {
    std::memset(out, 0, segment.count * sizeof(float));
    for (std::size_t i = first; i < past; ++i) {
      std::memcpy(out + (entries.offsets[i] - first_offset) * sizeof(float), &entries.values[i],
                  sizeof(float));
    }
    return;
  }
  std::memcpy(out, &entries.values[first], count * sizeof(float));
}

/// Whether `count` offsets rise and end below `span`; without early exits, so that the loop is vectorised.
bool offsets_rise(const std::byte* offsets, std::size_t count, std::size_t span) {
  if (count == 0) return true;
  const auto offset_at = [&](std::size_t i) {
    std::uint32_t offset = 0;
    std::memcpy(&offset, offsets + i * sizeof(offset), sizeof(offset));
    return offset;
  };
  std::uint32_t falls = 0;
  for (std::size_t i = 1; i < count; ++i)
    falls |= static_cast<std::uint32_t>(offset_at(i) <= offset_at(i - 1));
  return falls == 0 && offset_at(count - 1) < span;
}

}  // namespace

std::optional<Encoding> encoding_named(std::string_view name) {
  if (name == "compact") return Encoding::compact;
  if (name == "plain") return Encoding::plain;
  if (name == "gaia") return Encoding::gaia;
  return {};
}

std::size_t update_bytes(std::size_t span, std::size_t count) {
  return std::min(span * kDenseBytes, count * kSparseBytes);
}

ChunkCutter::ChunkCutter(const Selection& selection, const std::vector<TableRange>& owned,
                         const std::vector<TableRange>& shared)
    : selection_(selection), owned_(owned), shared_(shared) {
  enter_table();
}

void ChunkCutter::enter_table() {
  for (; table_ < selection_.size(); ++table_) {
    std::tie(next_, past_) = shared_entries(selection_[table_], owned_[table_], shared_[table_]);
    if (next_ < past_) return;
  }
}

/// One past the last entry of the current table that fits into `room` bytes; the layout's size only grows.
std::size_t ChunkCutter::fitting(std::size_t room) const {
  std::size_t fits = next_;
  std::size_t beyond = past_ + 1;
  while (beyond - fits > 1) {
    const std::size_t middle = fits + (beyond - fits) / 2;
    (layout_bytes(selection_[table_], next_, middle) <= room ? fits : beyond) = middle;
  }
  return fits;
}

UpdateChunk ChunkCutter::next(std::size_t max_bytes) {
  // First what goes in, then its bytes: they are allocated once, and never filled with zeros in vain.
  struct Piece {
    std::size_t table;
    std::size_t first;
    std::size_t past;
  };
  std::vector<Piece> pieces;
  UpdateChunk chunk;
  std::size_t size = 0;
  while (!done() && pieces.size() < kMaxSegments) {
    const TableSelection& entries = selection_[table_];
    std::size_t past = fitting(max_bytes - std::min(max_bytes, size));
    if (past == next_) {
      if (size > 0) break;
      past = next_ + 1;
    }
    // Blocks of values that were rounded together stay together.
    const std::size_t whole_blocks = past / kValueBlock * kValueBlock;
    if (past < past_ && whole_blocks > next_) past = whole_blocks;
    const std::size_t first_offset = entries.offsets[next_];
    const std::size_t span = std::size_t{entries.offsets[past - 1]} - first_offset + 1;
    const std::size_t count = past - next_;
    const bool dense = span * kDenseBytes <= count * kSparseBytes;
    chunk.header.segments.push_back(
        {static_cast<std::uint16_t>(table_), owned_[table_].begin + first_offset, span, dense ? 0 : count});
    size += chunk.header.segments.back().payload_bytes();
    pieces.push_back({table_, next_, past});
    next_ = past;
    // A table that does not fit fills the chunk: what room is left is less than a block.
    if (next_ < past_) break;
    ++table_;
    enter_table();
  }
  const auto bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  std::byte* out = bytes.get();
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Segment& segment = chunk.header.segments[i];
    lay_out(selection_[pieces[i].table], pieces[i].first, pieces[i].past, segment, out);
    out += segment.payload_bytes();
  }
  chunk.payload = Payload(bytes, {bytes.get(), size});
  return chunk;
}

std::size_t ChunkCutter::add_rest_to(std::vector<FloatBuffer>& backlog) {
  std::size_t fresh = 0;
  while (!done()) {
    const TableSelection& entries = selection_[table_];
    for (; next_ < past_; ++next_) {
      float& sum = backlog[table_][entries.offsets[next_]];
      if (sum == 0.0F) ++fresh;
      sum += entries.values[next_];
    }
    ++table_;
    enter_table();
  }
  return fresh;
}

Selection ChunkCutter::take_rest() {
  Selection rest(selection_.size());
  while (!done()) {
    const TableSelection& entries = selection_[table_];
    const auto first = static_cast<std::ptrdiff_t>(next_);
    const auto past = static_cast<std::ptrdiff_t>(past_);
    rest[table_].offsets.assign(entries.offsets.begin() + first, entries.offsets.begin() + past);
    rest[table_].values.assign(entries.values.begin() + first, entries.values.begin() + past);
    next_ = past_;
    ++table_;
    enter_table();
  }
  return rest;
}

Failure check_chunk(const UpdateChunk& chunk, const std::vector<TableRange>& shared) {
  std::size_t at = 0;
  for (const Segment& segment : chunk.header.segments) {
    if (segment.table >= shared.size()) return Error{fmt::format("an update of table {}", segment.table)};
    const TableRange range = shared[segment.table];
    if (segment.first < range.begin || segment.first + segment.count > range.end) {
      return Error{fmt::format("an update of entries [{}, {}) of table {}, of which [{}, {}) are shared",
                               segment.first, segment.first + segment.count, segment.table, range.begin,
                               range.end)};
    }
    const std::byte* const bytes = chunk.payload.bytes().data() + at;
    if (!offsets_rise(bytes, segment.sparse, segment.count))
      return Error{"an update whose offsets do not rise within their range"};
    const std::size_t values = segment.values();
    const std::byte* const value_bytes = bytes + 4 * segment.sparse;
    FiniteCheck check;
    for (std::size_t i = 0; i < values; ++i) check.see(load_float(value_bytes + 4 * i));
    if (!check.all_finite())
      return Error{fmt::format("a value that is not finite in table {}", segment.table)};
    at += segment.payload_bytes();
  }
  return {};
}

void add_segment(const Segment& segment, std::span<const std::byte> bytes, float* sums) {
  if (segment.sparse == 0) return add_floats({sums, segment.count}, bytes);
  const std::byte* const offsets = bytes.data();
  const std::byte* const values = offsets + segment.sparse * sizeof(std::uint32_t);
  const auto sum_of = [&](std::size_t i) {
    std::uint32_t offset = 0;
    std::memcpy(&offset, offsets + i * sizeof(offset), sizeof(offset));
    return sums + offset;
  };
  const auto add = [&](std::size_t i) { *sum_of(i) += load_float(values + i * sizeof(float)); };
  const std::size_t foreseen = segment.sparse - std::min<std::size_t>(segment.sparse, kForeseen);
  for (std::size_t i = 0; i < foreseen; ++i) {
    __builtin_prefetch(sum_of(i + kForeseen), 1);
    add(i);
  }
  for (std::size_t i = foreseen; i < segment.sparse; ++i) add(i);
}

void add_chunk_to(const UpdateChunk& chunk, const std::vector<TableRange>& owned,
                  std::vector<FloatBuffer>& sums, bool magnitudes) {
  if (!magnitudes) {
    return add_entries(chunk, [&](std::size_t table) {
      return OwnedSums{sums[table].data(), owned[table].begin};
    });
  }
  for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
    sums[table][flat - owned[table].begin] += std::fabs(value);
  });
}

std::size_t entries_within(const Selection& selection, const std::vector<TableRange>& owned,
                           const std::vector<TableRange>& shared) {
  std::size_t entries = 0;
  for (std::size_t table = 0; table < selection.size(); ++table) {
    const auto [first, past] = shared_entries(selection[table], owned[table], shared[table]);
    entries += past - first;
  }
  return entries;
}

}  // namespace meridian::wan

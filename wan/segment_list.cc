#include "wan/segment_list.h"

#include <fmt/format.h>

#include <optional>

#include "src/wire/codec.h"
#include "wan/payload_reader.h"

namespace meridian::wan {
namespace {

// The lowest bits of a segment's first number; the table, counted from the segment before, is above them.
constexpr unsigned kDense = 1;
constexpr unsigned kWhole = 2;  ///< it spans all that is shared of its table
constexpr unsigned kTableShift = 2;

Error cut_short() { return Error{"an update whose list of segments is cut short"}; }

}  // namespace

void append_segments(std::span<const Segment> segments, const std::vector<datacenter::TableRange>& shared,
                     EncodedBytes& out) {
  append_varint(out, segments.size());
  std::size_t table = 0;
  for (const Segment& segment : segments) {
    const datacenter::TableRange& range = shared[segment.table];
    const bool whole = segment.first == range.begin && segment.count == range.size();
    append_varint(out, ((segment.table - table) << kTableShift) | (whole ? kWhole : 0U) |
                           (segment.sparse == 0 ? kDense : 0U));
    table = segment.table;
    if (!whole) {
      append_varint(out, segment.first - range.begin);
      append_varint(out, segment.count);
    }
    if (segment.sparse != 0) append_varint(out, segment.sparse);
  }
}

Result<SegmentList> read_segments(std::span<const std::byte> bytes,
                                  const std::vector<datacenter::TableRange>& shared) {
  PayloadReader reader(bytes);
  SegmentList list;
  const std::optional<std::uint64_t> count = reader.take_varint();
  if (!count) return cut_short();
  if (*count > kMaxSegments) return Error{fmt::format("an update of {} segments", *count)};
  std::uint64_t table = 0;
  for (std::uint64_t i = 0; i < *count; ++i) {
    const std::optional<std::uint64_t> kind = reader.take_varint();
    if (!kind) return cut_short();
    table += *kind >> kTableShift;
    if (table >= shared.size()) return Error{fmt::format("an update of table {}", table)};
    const datacenter::TableRange& range = shared[table];
    Segment segment{static_cast<std::uint16_t>(table), range.begin, range.size(), 0};
    if ((*kind & kWhole) == 0) {
      const std::optional<std::uint64_t> first = reader.take_varint();
      const std::optional<std::uint64_t> spanned = first ? reader.take_varint() : std::nullopt;
      if (!spanned) return cut_short();
      if (*first > range.size() || *spanned > range.size() - *first) {
        return Error{fmt::format("an update of {} entries from {} of the {} that are shared of table {}",
                                 *spanned, *first, range.size(), table)};
      }
      segment.first = range.begin + *first;
      segment.count = *spanned;
    }
    if ((*kind & kDense) == 0) {
      const std::optional<std::uint64_t> sparse = reader.take_varint();
      if (!sparse) return cut_short();
      if (*sparse == 0 || *sparse > segment.count) {
        return Error{fmt::format("an update of {} values for {} entries", *sparse, segment.count)};
      }
      segment.sparse = *sparse;
    }
    if (segment.count == 0) return Error{fmt::format("an empty update of table {}", table)};
    list.segments.push_back(segment);
  }
  list.bytes = bytes.size() - reader.left();
  return list;
}

}  // namespace meridian::wan

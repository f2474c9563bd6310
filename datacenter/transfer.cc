#include "datacenter/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/wire/codec.h"

namespace meridian::datacenter {

std::vector<std::vector<Segment>> transfer_plan(const std::vector<TableRange>& ranges,
                                                std::size_t max_bytes) {
  std::vector<Segment> segments;
  for (std::size_t table = 0; table < ranges.size(); ++table)
    segments.push_back({static_cast<std::uint16_t>(table), ranges[table].begin, ranges[table].size(), 0});
  return ranged_transfer_plan(segments, max_bytes);
}

std::vector<std::vector<Segment>> ranged_transfer_plan(std::span<const Segment> ranges,
                                                       std::size_t max_bytes) {
  const std::size_t max_entries = std::max<std::size_t>(1, max_bytes / sizeof(float));
  std::vector<std::vector<Segment>> plan(1);
  std::size_t room = max_entries;
  for (const Segment& range : ranges) {
    for (Segment left = range; left.count > 0;) {
      if (room == 0) {
        plan.emplace_back();
        room = max_entries;
      }
      const std::size_t count = std::min<std::size_t>(room, left.count);
      plan.back().push_back({left.table, left.first, count, 0});
      left.first += count;
      left.count -= count;
      room -= count;
    }
  }
  return plan;
}

Failure check_ranges(std::span<const Segment> ranges, const std::vector<TableRange>& owned) {
  if (ranges.size() > kMaxSegments) return Error{fmt::format("{} ranges", ranges.size())};
  const Segment* last = nullptr;
  for (const Segment& range : ranges) {
    if (range.table >= owned.size()) return Error{fmt::format("a range of table {}", range.table)};
    const TableRange own = owned[range.table];
    const bool within = range.sparse == 0 && range.count > 0 && range.count <= own.size() &&
                        range.first >= own.begin && range.first - own.begin <= own.size() - range.count;
    if (!within) {
      return Error{fmt::format("{} entries from {} of table {}, of which [{}, {}) are owned", range.count,
                               range.first, range.table, own.begin, own.end)};
    }
    const bool rises = last == nullptr || range.table > last->table ||
                       (range.table == last->table && range.first >= last->first + last->count);
    if (!rises) return Error{"ranges that do not rise"};
    last = &range;
  }
  return {};
}

TransferCursor::TransferCursor(std::vector<TableRange> ranges) : ranges_(std::move(ranges)) { restart(); }

void TransferCursor::restart() {
  table_ = 0;
  taken_ = 0;
  next_ = ranges_.empty() ? 0 : ranges_.front().begin;
  skip_finished();
}

void TransferCursor::skip_finished() {
  while (table_ < ranges_.size() && next_ == ranges_[table_].end) {
    ++table_;
    next_ = table_ < ranges_.size() ? ranges_[table_].begin : 0;
  }
}

bool TransferCursor::take(const std::vector<Segment>& segments) {
  const std::size_t table_before = table_;
  const std::size_t next_before = next_;
  const std::size_t taken_before = taken_;
  for (const Segment& segment : segments) {
    const bool continues = table_ < ranges_.size() && segment.table == table_ && segment.first == next_ &&
                           segment.sparse == 0 && segment.count <= ranges_[table_].end - next_;
    if (!continues) {
      table_ = table_before;
      next_ = next_before;
      taken_ = taken_before;
      return false;
    }
    next_ += segment.count;
    taken_ += segment.count;
    skip_finished();
  }
  return true;
}

}  // namespace meridian::datacenter

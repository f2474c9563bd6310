#include "datacenter/transfer.h"

#include <algorithm>
#include <utility>

namespace meridian::datacenter {

std::vector<std::vector<Segment>> transfer_plan(const std::vector<TableRange>& ranges,
                                                std::size_t max_bytes) {
  const std::size_t max_entries = std::max<std::size_t>(1, max_bytes / sizeof(float));
  std::vector<std::vector<Segment>> plan(1);
  std::size_t room = max_entries;
  for (std::size_t table = 0; table < ranges.size(); ++table) {
    for (std::size_t first = ranges[table].begin; first < ranges[table].end;) {
      if (room == 0) {
        plan.emplace_back();
        room = max_entries;
      }
      const std::size_t count = std::min(room, ranges[table].end - first);
      plan.back().push_back({static_cast<std::uint16_t>(table), first, count, 0});
      first += count;
      room -= count;
    }
  }
  return plan;
}

TransferCursor::TransferCursor(std::vector<TableRange> ranges) : ranges_(std::move(ranges)) { restart(); }

void TransferCursor::restart() {
  table_ = 0;
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
  const TransferCursor before = *this;
  for (const Segment& segment : segments) {
    const bool continues = table_ < ranges_.size() && segment.table == table_ && segment.first == next_ &&
                           segment.sparse == 0 && segment.count <= ranges_[table_].end - next_;
    if (!continues) {
      *this = before;
      return false;
    }
    next_ += segment.count;
    skip_finished();
  }
  return true;
}

}  // namespace meridian::datacenter

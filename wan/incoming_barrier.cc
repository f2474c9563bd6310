#include "wan/incoming_barrier.h"

#include <algorithm>
#include <utility>

namespace meridian::wan {

IncomingBarrier::IncomingBarrier(std::vector<datacenter::TableRange> owned) : owned_(std::move(owned)) {}

AnnouncedEntries IncomingBarrier::announced(Time now, std::uint64_t order, std::uint64_t number,
                                            const AnnouncedEntries& entries) {
  if (number <= released_ || entries.empty()) return AnnouncedEntries(owned_);
  last_number_ = std::max(last_number_, number);
  const auto later =
      std::find_if(open_.begin(), open_.end(), [&](const Open& open) { return open.number >= number; });
  if (later != open_.end() && later->lowest <= number) {
    AnnouncedEntries fresh = entries;
    fresh.remove(later->entries);
    later->entries.add(fresh);
    return fresh;
  }
  open_.insert(later, {number, number, order, now, entries});
  if (open_.size() > kMaxOpen) merge_oldest();
  return entries;
}

void IncomingBarrier::merge_oldest() {
  Open& second = open_[1];
  const Open& first = open_[0];
  second.lowest = first.lowest;
  second.order = std::min(first.order, second.order);
  second.since = std::min(first.since, second.since);
  second.entries.add(first.entries);
  open_.pop_front();
}

bool IncomingBarrier::released(std::uint64_t number) {
  if (number <= released_) return false;
  released_ = number;
  while (!open_.empty() && open_.front().number <= number) open_.pop_front();
  return true;
}

bool IncomingBarrier::holds(std::span<const Segment> ranges, std::uint64_t stamp) const {
  return std::any_of(open_.begin(), open_.end(), [&](const Open& open) {
    if (open.order > stamp) return false;
    return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [&](const Segment& range) {
             return open.entries.overlaps(range.table, range.first, range.count);
           });
  });
}

std::optional<Time> IncomingBarrier::open_since() const {
  std::optional<Time> oldest;
  for (const Open& open : open_) oldest = oldest ? std::min(*oldest, open.since) : open.since;
  return oldest;
}

std::size_t IncomingBarrier::open_entries() const {
  AnnouncedEntries all(owned_);
  for (const Open& open : open_) all.add(open.entries);
  return all.size();
}

}  // namespace meridian::wan

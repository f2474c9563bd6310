// The selective barrier's receiving end on one link: which announced entries have not arrived, and whether a
// read touches them. A read waits only for announcements that were known when it was asked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/time.h"
#include "src/wire/message.h"
#include "wan/announced_entries.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread. What is known when is a count of the announcements that came in, over all
/// links: whoever owns the barriers keeps it and gives each message's number in it as `order`; a read's stamp
/// is the count when the read was asked.
///
/// A new epoch drops nothing here. Numbers go on rising over the epochs of a session, and the sender begins
/// an epoch by making again, under their numbers, the announcements that this end has not seen released. What
/// is known already stays open in its old place, so no read that waits for it slips through in between, and
/// what the old epoch's hole swallowed is new. What the sender gave up meanwhile it releases by number. A
/// sender of another incarnation counts anew: it needs a new barrier.
class IncomingBarrier {
 public:
  /// More open announcements than this merge, the oldest two first: reads that were asked between them wait
  /// for both. One bit an entry for each: together at most the memory of the shared values.
  static constexpr std::size_t kMaxOpen = 31;

  /// `owned` by this server, of every table, as in the announcements' entries.
  explicit IncomingBarrier(std::vector<datacenter::TableRange> owned);

  /// A message of announcement `number` came in; an announcement may take several, and counts as known from
  /// its first on. `order` is above that of all messages before. Returns the entries that are new, for
  /// passing on: none where the announcement is released already or was open with these entries.
  AnnouncedEntries announced(Time now, std::uint64_t order, std::uint64_t number,
                             const AnnouncedEntries& entries);

  /// A chunk was applied that releases announcements up to `number`. True where that is news. It may come
  /// before the announcements themselves: they then hold nothing.
  bool released(std::uint64_t number);
  std::uint64_t released_number() const { return released_; }
  /// The highest number that was announced.
  std::uint64_t last_number() const { return last_number_; }

  /// Must a read of `ranges` (empty: of everything) that was asked at `stamp` wait?
  bool holds(std::span<const Segment> ranges, std::uint64_t stamp) const;

  /// When the oldest open announcement came in: its deadline counts from here.
  std::optional<Time> open_since() const;
  std::size_t open() const { return open_.size(); }
  std::size_t open_entries() const;

  /// The deadline has passed and the run goes on without: nothing that is open now holds reads any longer.
  /// An announcement that the sender makes again in a later epoch counts as new.
  void open_all() { open_.clear(); }

 private:
  struct Open {
    std::uint64_t number = 0;
    std::uint64_t lowest = 0;  // of the numbers that merged into this one
    std::uint64_t order = 0;
    Time since{0};
    AnnouncedEntries entries;
  };

  void merge_oldest();

  std::vector<datacenter::TableRange> owned_;
  std::deque<Open> open_;  // by rising number
  std::uint64_t released_ = 0;
  std::uint64_t last_number_ = 0;
};

}  // namespace meridian::wan

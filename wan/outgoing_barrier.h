// The selective barrier's sending end on one link: which entries were announced on the control channel and
// are not released yet. Numbers rise from 1. The link's backlog is swept in laps, so an announcement is
// released, by its number, once a lap that began after it is over, whatever its entries' values came to
// (outgoing_link.h); here stands what was announced and what it waits for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "datacenter/shard_map.h"
#include "wan/announced_entries.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread.
class OutgoingBarrier {
 public:
  /// An announcement that came in over another session and is passed on here.
  struct Source {
    std::size_t session = 0;
    std::uint64_t number = 0;
  };

  struct Open {
    std::uint64_t number = 0;
    AnnouncedEntries entries;
    std::vector<Source> sources = {};  ///< whose values have not come in yet
    std::uint64_t first_waiting = 0;   ///< the first of the numbers that merged here and wait for them
  };

  /// More open announcements than this merge.
  static constexpr std::size_t kMaxOpen = 16;

  /// `owned` by this server, of every table.
  explicit OutgoingBarrier(std::vector<datacenter::TableRange> owned) : owned_(std::move(owned)) {}

  /// Announces of `entries` those that are not open already: what to send, or nothing where all are.
  const Open* announce(AnnouncedEntries entries) {
    for (const Open& open : open_) {
      if (open.sources.empty()) entries.remove(open.entries);
    }
    if (entries.empty()) return nullptr;
    return append({.number = 0, .entries = std::move(entries)});
  }

  /// Passes on what came in over another session. Its values come after what is owed already.
  const Open* relay(AnnouncedEntries entries, Source source) {
    if (entries.empty()) return nullptr;
    return append({.number = 0, .entries = std::move(entries), .sources = {source}});
  }

  /// That session released its announcements up to `number`: returns the entries that were passed on for
  /// them, whose values are now owed whatever their size.
  AnnouncedEntries source_released(std::size_t session, std::uint64_t number) {
    AnnouncedEntries owed(owned_);
    for (Open& open : open_) {
      const std::size_t before = open.sources.size();
      std::erase_if(open.sources, [&](const Source& source) {
        return source.session == session && source.number <= number;
      });
      if (before > 0 && open.sources.empty()) owed.add(open.entries);
    }
    return owed;
  }

  /// Announcements up to this number wait for nothing but the link itself.
  std::uint64_t ready() const {
    for (const Open& open : open_) {
      if (!open.sources.empty()) return open.first_waiting - 1;
    }
    return last_number_;
  }

  /// The receiver has applied a chunk that releases announcements up to `number`.
  void released(std::uint64_t number) {
    while (!open_.empty() && open_.front().number <= number) open_.pop_front();
  }

  /// To be made again in a new epoch, under their numbers.
  const std::deque<Open>& open() const { return open_; }

 private:
  const Open* append(Open open) {
    if (open_.size() >= kMaxOpen) {
      // The newest two go under the new number, and wait for all that either waited for.
      Open& newest = open_.back();
      if (!newest.sources.empty()) open.first_waiting = newest.first_waiting;
      open.entries.add(newest.entries);
      for (const Source& source : newest.sources) {
        const auto same = std::find_if(open.sources.begin(), open.sources.end(),
                                       [&](const Source& other) { return other.session == source.session; });
        if (same == open.sources.end()) {
          open.sources.push_back(source);
        } else {
          same->number = std::max(same->number, source.number);
        }
      }
      open_.pop_back();
    }
    open.number = ++last_number_;
    if (open.first_waiting == 0) open.first_waiting = open.number;
    open_.push_back(std::move(open));
    return &open_.back();
  }

  std::vector<datacenter::TableRange> owned_;
  std::deque<Open> open_;
  std::uint64_t last_number_ = 0;
};

}  // namespace meridian::wan

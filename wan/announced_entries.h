// Which entries an announcement speaks of: a set of entries of a server's part of the model, one bit each,
// and how such a set travels on the control channel. A set takes a 32nd of the memory of the values it speaks
// of.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::wan {

/// A value: copies and compares. Entries are named by table and flat index.
class AnnouncedEntries {
 public:
  /// The empty set over a server's `owned` range of every table. Sets that meet in add() and remove() are
  /// over the same ranges.
  explicit AnnouncedEntries(const std::vector<datacenter::TableRange>& owned);

  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  std::size_t tables() const { return tables_.size(); }

  /// Puts one entry in or takes it out. False where nothing changed. Requires an owned entry.
  bool add(std::size_t table, std::size_t flat);
  bool remove(std::size_t table, std::size_t flat);
  /// Puts in the entries at `offsets` from the beginning of the table's owned range, as a selection has them.
  void add_offsets(std::size_t table, std::span<const std::uint32_t> offsets);
  /// The union with `other`, the difference from it. Linear in the owned entries / 64.
  void add(const AnnouncedEntries& other);
  void remove(const AnnouncedEntries& other);
  void clear();

  /// The entries that fall into `ranges` (of every table, within the owned ones).
  AnnouncedEntries within(const std::vector<datacenter::TableRange>& ranges) const;

  /// False for what is not owned.
  bool contains(std::size_t table, std::size_t flat) const;
  /// The first entry of `table` at `flat` or later. Steps over 4096 absent entries at a time.
  std::optional<std::size_t> next(std::size_t table, std::size_t flat) const;
  /// Whether any of entries [first, first + count) of `table` is in the set. False for tables there are not.
  bool overlaps(std::size_t table, std::size_t first, std::size_t count) const;

  /// Calls visit(table, flat index) for every entry, by rising table and index.
  template <typename Visit>
  void for_each(Visit visit) const {
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      const Bits& bits = tables_[table];
      for (std::size_t word = 0; word < bits.words.size(); ++word) {
        for (std::uint64_t left = bits.words[word]; left != 0; left &= left - 1)
          visit(table, bits.range.begin + word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
      }
    }
  }

  bool operator==(const AnnouncedEntries& other) const;

 private:
  /// One table's entries. Words are there once one entry is.
  struct Bits {
    datacenter::TableRange range;
    std::vector<std::uint64_t> words;    // bit i: entry range.begin + i
    std::vector<std::uint64_t> summary;  // bit i: words[i] is not 0
  };

  static void allocate(Bits& bits);
  void refresh(Bits& bits);

  std::vector<Bits> tables_;
  std::size_t size_ = 0;
};

/// An announcement as one control message. A segment spans from its first entry to its last, both in the set,
/// and is laid out in the payload in the smallest of three ways:
///   sparse == count   every entry of the span: no bytes
///   sparse == 0       a bitmap: bit i % 8 of byte i / 8 is entry first + i; ceil(count / 8) bytes
///   otherwise         `sparse` entries: the sparse - 1 gaps between neighbours, each less 1, as LEB128
struct AnnouncementMessage {
  Announcement header;
  Payload payload;
};

/// Announcement `number` of `entries` at `clock`, cut into messages of at most about `max_bytes` of segments
/// and payload (at least one entry each), so that none keeps other control messages for long. They carry the
/// same number; none where there are no entries.
std::vector<AnnouncementMessage> encode_announcement(std::uint64_t number, Clock clock,
                                                     const AnnouncedEntries& entries, std::size_t max_bytes);

/// The entries that a message speaks of, as a set over `owned`. The reason where it speaks of none, its
/// segments do not rise, leave what is `shared` with its sender (within the owned ranges), or its payload is
/// not exactly what encode_announcement() makes of them.
Result<AnnouncedEntries> decode_announcement(const Announcement& announcement,
                                             std::span<const std::byte> payload,
                                             const std::vector<datacenter::TableRange>& owned,
                                             const std::vector<datacenter::TableRange>& shared);

}  // namespace meridian::wan

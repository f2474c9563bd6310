// How often each topic occurs in one document: a small open-addressing table where there are many more topics
// than tokens, an array where there are not, so that neither time nor memory grows with the number of topics.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian {

/// A view of one document's counts in memory that someone else owns; all zeros is a document without topics.
/// Cheap to copy.
class DocumentCounts {
 public:
  /// Entries that the counts of a document of `tokens` tokens take.
  static std::size_t entries_for(std::size_t tokens, std::size_t topics) {
    // At most two thirds full, so that a search ends after a few entries.
    const std::size_t distinct = std::min(tokens, topics);
    return std::min(topics, std::bit_ceil(distinct + distinct / 2 + 1));
  }

  /// `entries` has entries_for(tokens, topics) of them.
  DocumentCounts(std::span<std::uint32_t> entries, std::size_t topics)
      : entries_(entries.data()),
        mask_(entries.size() == topics ? 0 : static_cast<std::uint32_t>(entries.size() - 1)) {}

  /// The place of a topic's entry, or of the empty one where it belongs. Valid until erase() or add().
  std::uint32_t find(std::uint32_t topic) const {
    if (mask_ == 0) return topic;
    std::uint32_t at = topic & mask_;
    while (entries_[at] != 0 && key_of(entries_[at]) != topic + 1) at = (at + 1) & mask_;
    return at;
  }

  std::uint32_t count(std::uint32_t topic) const {
    return mask_ == 0 ? entries_[topic] : entries_[find(topic)] >> kCountShift;
  }

  /// Changes the count at a place that find() gave for a topic that has been added. It may become 0; who
  /// leaves it so calls erase_if_zero().
  void decrement(std::uint32_t place) { entries_[place] -= mask_ == 0 ? 1U : 1U << kCountShift; }
  void increment(std::uint32_t place) { entries_[place] += mask_ == 0 ? 1U : 1U << kCountShift; }
  std::uint32_t count_at(std::uint32_t place) const {
    return mask_ == 0 ? entries_[place] : entries_[place] >> kCountShift;
  }

  void add(std::uint32_t topic) {
    const std::uint32_t place = find(topic);
    if (mask_ == 0) {
      ++entries_[place];
    } else {
      entries_[place] = (entries_[place] | (topic + 1)) + (1U << kCountShift);
    }
  }

  /// Frees the entry at `place` if its count is 0. Entries behind it move up (deletion with backward shift:
  /// Knuth, The Art of Computer Programming 3, 6.4, algorithm R), so none is ever in the way.
  void erase_if_zero(std::uint32_t place) {
    if (mask_ == 0 || (entries_[place] >> kCountShift) != 0) return;
    std::uint32_t hole = place;
    std::uint32_t at = place;
    while (true) {
      entries_[hole] = 0;
      do {
        at = (at + 1) & mask_;
        if (entries_[at] == 0) return;
        // An entry may fill the hole unless its own place lies behind the hole.
      } while (((at - (key_of(entries_[at]) - 1)) & mask_) < ((at - hole) & mask_));
      entries_[hole] = entries_[at];
      hole = at;
    }
  }

  /// Calls each(count) for every topic of the document.
  template <typename Each>
  static void for_each_count(std::span<const std::uint32_t> entries, std::size_t topics, Each each) {
    const unsigned shift = entries.size() == topics ? 0 : kCountShift;
    for (const std::uint32_t entry : entries) {
      if (entry != 0) each(entry >> shift);
    }
  }

 private:
  // An entry of a table is its topic + 1 below its count. There are more topics than tokens then, and fewer
  // than 2^16 topics, so both fit. An entry of an array is a count.
  static constexpr unsigned kCountShift = 16;
  static std::uint32_t key_of(std::uint32_t entry) { return entry & ((1U << kCountShift) - 1); }

  std::uint32_t* entries_;
  std::uint32_t mask_;  // entries - 1, or 0 for an array
};

}  // namespace meridian

#include "wan/announced_entries.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "src/base/check.h"
#include "src/wire/codec.h"
#include "wan/payload_reader.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

constexpr std::size_t kWordBits = 64;

std::size_t words_for(std::size_t bits) { return (bits + kWordBits - 1) / kWordBits; }

constexpr std::uint64_t bit(std::size_t index) { return std::uint64_t{1} << (index % kWordBits); }

/// The first set bit at `from` or later; the number of bits where there is none.
std::size_t next_bit(std::span<const std::uint64_t> words, std::size_t from) {
  std::size_t word = from / kWordBits;
  if (word >= words.size()) return words.size() * kWordBits;
  std::uint64_t left = words[word] & (~std::uint64_t{0} << (from % kWordBits));
  while (left == 0) {
    if (++word == words.size()) return words.size() * kWordBits;
    left = words[word];
  }
  return word * kWordBits + static_cast<std::size_t>(std::countr_zero(left));
}

}  // namespace

AnnouncedEntries::AnnouncedEntries(const std::vector<TableRange>& owned) {
  tables_.reserve(owned.size());
  for (const TableRange& range : owned) tables_.push_back({range, {}, {}});
}

void AnnouncedEntries::allocate(Bits& bits) {
  if (!bits.words.empty()) return;
  bits.words.resize(words_for(bits.range.size()));
  bits.summary.resize(words_for(bits.words.size()));
}

bool AnnouncedEntries::add(std::size_t table, std::size_t flat) {
  MERIDIAN_CHECK(
      table < tables_.size() && flat >= tables_[table].range.begin && flat < tables_[table].range.end,
      "entry {} of table {} is not owned", flat, table);
  Bits& bits = tables_[table];
  allocate(bits);
  const std::size_t offset = flat - bits.range.begin;
  const std::size_t word = offset / kWordBits;
  if ((bits.words[word] & bit(offset)) != 0) return false;
  bits.words[word] |= bit(offset);
  bits.summary[word / kWordBits] |= bit(word);
  ++size_;
  return true;
}

bool AnnouncedEntries::remove(std::size_t table, std::size_t flat) {
  if (!contains(table, flat)) return false;
  Bits& bits = tables_[table];
  const std::size_t offset = flat - bits.range.begin;
  const std::size_t word = offset / kWordBits;
  bits.words[word] &= ~bit(offset);
  if (bits.words[word] == 0) bits.summary[word / kWordBits] &= ~bit(word);
  --size_;
  return true;
}

void AnnouncedEntries::add_offsets(std::size_t table, std::span<const std::uint32_t> offsets) {
  for (const std::uint32_t offset : offsets) add(table, tables_[table].range.begin + offset);
}

void AnnouncedEntries::refresh(Bits& bits) {
  for (std::size_t word = 0; word < bits.words.size(); ++word) {
    size_ += static_cast<std::size_t>(std::popcount(bits.words[word]));
    if (bits.words[word] == 0) bits.summary[word / kWordBits] &= ~bit(word);
    if (bits.words[word] != 0) bits.summary[word / kWordBits] |= bit(word);
  }
}

void AnnouncedEntries::add(const AnnouncedEntries& other) {
  MERIDIAN_CHECK(tables() == other.tables(), "{} and {} tables", tables(), other.tables());
  size_ = 0;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    Bits& bits = tables_[table];
    const std::vector<std::uint64_t>& others = other.tables_[table].words;
    MERIDIAN_CHECK(bits.range == other.tables_[table].range, "table {} of different ranges", table);
    if (!others.empty()) allocate(bits);
    for (std::size_t word = 0; word < others.size(); ++word) bits.words[word] |= others[word];
    refresh(bits);
  }
}

void AnnouncedEntries::remove(const AnnouncedEntries& other) {
  MERIDIAN_CHECK(tables() == other.tables(), "{} and {} tables", tables(), other.tables());
  size_ = 0;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    Bits& bits = tables_[table];
    const std::vector<std::uint64_t>& others = other.tables_[table].words;
    MERIDIAN_CHECK(bits.range == other.tables_[table].range, "table {} of different ranges", table);
    const std::size_t words = std::min(bits.words.size(), others.size());
    for (std::size_t word = 0; word < words; ++word) bits.words[word] &= ~others[word];
    refresh(bits);
  }
}

void AnnouncedEntries::clear() {
  for (Bits& bits : tables_) {
    bits.words.clear();
    bits.summary.clear();
  }
  size_ = 0;
}

AnnouncedEntries AnnouncedEntries::within(const std::vector<TableRange>& ranges) const {
  AnnouncedEntries inside = *this;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    const TableRange kept = datacenter::intersection(tables_[table].range, ranges[table]);
    const auto drop = [&](std::size_t from, std::size_t past) {
      for (auto at = inside.next(table, from); at && *at < past; at = inside.next(table, *at + 1))
        inside.remove(table, *at);
    };
    if (kept.empty()) {
      drop(tables_[table].range.begin, tables_[table].range.end);
    } else {
      drop(tables_[table].range.begin, kept.begin);
      drop(kept.end, tables_[table].range.end);
    }
  }
  return inside;
}

bool AnnouncedEntries::contains(std::size_t table, std::size_t flat) const {
  if (table >= tables_.size()) return false;
  const Bits& bits = tables_[table];
  if (bits.words.empty() || flat < bits.range.begin || flat >= bits.range.end) return false;
  const std::size_t offset = flat - bits.range.begin;
  return (bits.words[offset / kWordBits] & bit(offset)) != 0;
}

std::optional<std::size_t> AnnouncedEntries::next(std::size_t table, std::size_t flat) const {
  if (table >= tables_.size()) return {};
  const Bits& bits = tables_[table];
  if (bits.words.empty() || flat >= bits.range.end) return {};
  const std::size_t offset = std::max(flat, bits.range.begin) - bits.range.begin;
  // The rest of the word that it falls into, then the next word that is not 0.
  std::size_t word = offset / kWordBits;
  std::uint64_t left = bits.words[word] & (~std::uint64_t{0} << (offset % kWordBits));
  if (left == 0) {
    word = next_bit(bits.summary, word + 1);
    if (word >= bits.words.size()) return {};
    left = bits.words[word];
  }
  return bits.range.begin + word * kWordBits + static_cast<std::size_t>(std::countr_zero(left));
}

bool AnnouncedEntries::overlaps(std::size_t table, std::size_t first, std::size_t count) const {
  const std::optional<std::size_t> found = next(table, first);
  return found && (*found < first || *found - first < count);
}

bool AnnouncedEntries::operator==(const AnnouncedEntries& other) const {
  if (size_ != other.size_ || tables_.size() != other.tables_.size()) return false;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    const Bits& own = tables_[table];
    const Bits& others = other.tables_[table];
    if (own.range != others.range) return false;
    // Words that are not there are zeros.
    if (!own.words.empty() && !others.words.empty() && own.words != others.words) return false;
    if (own.words.empty() != others.words.empty()) {
      const std::vector<std::uint64_t>& there = own.words.empty() ? others.words : own.words;
      if (std::any_of(there.begin(), there.end(), [](std::uint64_t word) { return word != 0; })) return false;
    }
  }
  return true;
}

// ---- as bytes
// ----------------------------------------------------------------------------------------------

namespace {

/// What a segment's own fields take in a packed header, roughly and rather more than less.
constexpr std::size_t kSegmentBytes = 16;
/// A run of so many neighbours is cheaper as a segment of its own than within a bitmap.
constexpr std::size_t kLongRun = 2 * kSegmentBytes * 8;

/// A segment while it grows by one entry after another.
struct Span {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t entries = 1;
  std::size_t gap_bytes = 0;

  std::size_t count() const { return last - first + 1; }
  std::size_t bitmap_bytes() const { return (count() + 7) / 8; }
  bool is_run() const { return entries == count(); }
  std::size_t payload_bytes() const { return is_run() ? 0 : std::min(bitmap_bytes(), gap_bytes); }

  void extend(std::size_t flat) {
    gap_bytes += varint_bytes(flat - last - 1);
    last = flat;
    ++entries;
  }
};

/// The longest span from `first` on whose payload fits into `room` bytes.
Span longest_span(const AnnouncedEntries& entries, std::size_t table, std::size_t first, std::size_t room) {
  Span span{first, first};
  for (auto flat = entries.next(table, first + 1); flat; flat = entries.next(table, *flat + 1)) {
    if (span.is_run() && span.entries >= kLongRun && *flat != span.last + 1) break;
    Span longer = span;
    longer.extend(*flat);
    if (longer.payload_bytes() > room) break;
    span = longer;
  }
  return span;
}

/// Appends the span's payload and returns the segment that describes it.
Segment append_span(EncodedBytes& out, const AnnouncedEntries& entries, std::size_t table, const Span& span) {
  Segment segment{static_cast<std::uint16_t>(table), span.first, span.count(), span.entries};
  if (span.is_run()) return segment;
  const bool bitmap = span.bitmap_bytes() <= span.gap_bytes;
  const std::size_t at = out.size();
  if (bitmap) out.resize(at + span.bitmap_bytes(), std::byte{0});
  std::size_t last = span.first;
  for (auto flat = entries.next(table, span.first); flat && *flat <= span.last;
       flat = entries.next(table, *flat + 1)) {
    const std::size_t offset = *flat - span.first;
    if (bitmap) {
      out[at + offset / 8] |= static_cast<std::byte>(1U << (offset % 8));
    } else if (offset > 0) {
      append_varint(out, *flat - last - 1);
    }
    last = *flat;
  }
  if (bitmap) segment.sparse = 0;
  return segment;
}

/// The messages of one announcement while they fill.
class AnnouncementCutter {
 public:
  AnnouncementCutter(const AnnouncedEntries& entries, std::uint64_t number, Clock clock,
                     std::size_t max_bytes)
      : entries_(entries), number_(number), clock_(clock), max_bytes_(max_bytes) {}

  std::vector<AnnouncementMessage> cut() {
    for (std::size_t table = 0; table < entries_.tables(); ++table) {
      for (auto first = entries_.next(table, 0); first;) {
        if (!segments_.empty() && (room() == 0 || segments_.size() == kMaxSegments)) finish_message();
        const Span span = longest_span(entries_, table, *first, room());
        segments_.push_back(append_span(payload_, entries_, table, span));
        first = entries_.next(table, span.last + 1);
      }
    }
    if (!segments_.empty()) finish_message();
    return std::move(messages_);
  }

 private:
  /// Payload bytes that the message's next segment may have.
  std::size_t room() const {
    const std::size_t taken = (segments_.size() + 1) * kSegmentBytes + payload_.size();
    return max_bytes_ - std::min(max_bytes_, taken);
  }

  void finish_message() {
    auto bytes = std::make_shared<EncodedBytes>(std::exchange(payload_, {}));
    const std::span<const std::byte> view(*bytes);
    messages_.push_back(
        {Announcement{number_, clock_, std::exchange(segments_, {})}, Payload(std::move(bytes), view)});
  }

  const AnnouncedEntries& entries_;
  std::uint64_t number_;
  Clock clock_;
  std::size_t max_bytes_;
  std::vector<AnnouncementMessage> messages_;
  std::vector<Segment> segments_;
  EncodedBytes payload_;
};

bool read_bitmap(PayloadReader& reader, const Segment& segment, AnnouncedEntries& entries) {
  const auto bytes = reader.take((segment.count + 7) / 8);
  if (!bytes) return false;
  const auto is_set = [&](std::size_t i) {
    return (std::to_integer<unsigned>((*bytes)[i / 8]) >> (i % 8) & 1U) != 0;
  };
  if (!is_set(0) || !is_set(segment.count - 1)) return false;
  for (std::size_t i = segment.count; i < bytes->size() * 8; ++i) {
    if (is_set(i)) return false;
  }
  for (std::size_t i = 0; i < segment.count; ++i) {
    if (is_set(i)) entries.add(segment.table, segment.first + i);
  }
  return true;
}

bool read_gaps(PayloadReader& reader, const Segment& segment, AnnouncedEntries& entries) {
  std::uint64_t offset = 0;
  entries.add(segment.table, segment.first);
  for (std::uint64_t i = 1; i < segment.sparse; ++i) {
    const auto gap = reader.take_varint();
    if (!gap || *gap >= segment.count - 1 - offset) return false;
    offset += *gap + 1;
    entries.add(segment.table, segment.first + offset);
  }
  return offset == segment.count - 1;
}

bool read_segment(PayloadReader& reader, const Segment& segment, AnnouncedEntries& entries) {
  if (segment.sparse == 0) return read_bitmap(reader, segment, entries);
  if (segment.sparse != segment.count) return read_gaps(reader, segment, entries);
  for (std::uint64_t i = 0; i < segment.count; ++i) entries.add(segment.table, segment.first + i);
  return true;
}

}  // namespace

std::vector<AnnouncementMessage> encode_announcement(std::uint64_t number, Clock clock,
                                                     const AnnouncedEntries& entries, std::size_t max_bytes) {
  return AnnouncementCutter(entries, number, clock, max_bytes).cut();
}

Result<AnnouncedEntries> decode_announcement(const Announcement& announcement,
                                             std::span<const std::byte> payload,
                                             const std::vector<TableRange>& owned,
                                             const std::vector<TableRange>& shared) {
  if (announcement.segments.empty()) return Error{"an announcement of nothing"};
  AnnouncedEntries entries(owned);
  PayloadReader reader(payload);
  const Segment* last = nullptr;
  for (const Segment& segment : announcement.segments) {
    if (segment.table >= shared.size())
      return Error{fmt::format("an announcement of table {}", segment.table)};
    const TableRange range = shared[segment.table];
    const bool within = segment.count > 0 && segment.count <= range.size() && segment.first >= range.begin &&
                        segment.first - range.begin <= range.size() - segment.count;
    if (!within || segment.sparse > segment.count) {
      return Error{
          fmt::format("an announcement of {} entries from {} of table {}, of which [{}, {}) are shared",
                      segment.count, segment.first, segment.table, range.begin, range.end)};
    }
    const bool rises = last == nullptr || segment.table > last->table ||
                       (segment.table == last->table && segment.first >= last->first + last->count);
    if (!rises) return Error{"an announcement whose segments do not rise"};
    if (!read_segment(reader, segment, entries))
      return Error{fmt::format("an announcement whose indexes in table {} are malformed", segment.table)};
    last = &segment;
  }
  if (!reader.at_end()) return Error{"an announcement longer than its segments say"};
  return entries;
}

}  // namespace meridian::wan

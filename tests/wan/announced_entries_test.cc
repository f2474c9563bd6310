// Goal: a set of entries answers as a plain set of indexes does; it crosses the control channel whole, in the
// smallest of its layouts and in messages no larger than asked; and whatever arrives instead of a well-formed
// announcement is refused. Reached by drawn sets beside std::set, by known layouts, and by seeded mutations,
// run under the sanitizers too.
#include "wan/announced_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <set>

#include "src/base/random.h"
#include "src/wire/codec.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Plain = std::set<std::pair<std::size_t, std::size_t>>;  // table and flat index

Plain plain_of(const AnnouncedEntries& entries) {
  Plain plain;
  entries.for_each([&](std::size_t table, std::size_t flat) { plain.emplace(table, flat); });
  EXPECT_EQ(plain.size(), entries.size());
  return plain;
}

/// Entries of `ranges`, each with probability `density`; now and then a run of neighbours.
AnnouncedEntries drawn(const std::vector<TableRange>& owned, const std::vector<TableRange>& ranges,
                       double density, Random& random) {
  AnnouncedEntries entries(owned);
  for (std::size_t table = 0; table < ranges.size(); ++table) {
    for (std::size_t flat = ranges[table].begin; flat < ranges[table].end; ++flat) {
      if (random.uniform() >= density) continue;
      const std::size_t run = random.below(4) == 0 ? random.below(40) + 1 : 1;
      for (std::size_t i = 0; i < run && flat < ranges[table].end; ++i) entries.add(table, flat++);
    }
  }
  return entries;
}

const std::vector<TableRange> kOwned = {{100, 9000}, {5, 5}, {0, 64}, {7, 300}};

TEST(AnnouncedEntries, AnswersAsAPlainSetDoes) {
  Random random(7);
  for (const double density : {0.0, 0.0005, 0.01, 0.5, 1.0}) {
    AnnouncedEntries first = drawn(kOwned, kOwned, density, random);
    const AnnouncedEntries second = drawn(kOwned, kOwned, 0.02, random);
    const Plain a = plain_of(first);
    const Plain b = plain_of(second);

    AnnouncedEntries both = first;
    both.add(second);
    Plain expected = a;
    expected.insert(b.begin(), b.end());
    EXPECT_EQ(plain_of(both), expected);

    AnnouncedEntries less = first;
    less.remove(second);
    expected.clear();
    std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::inserter(expected, expected.end()));
    EXPECT_EQ(plain_of(less), expected);

    for (int i = 0; i < 2000; ++i) {
      const std::size_t table = random.below(kOwned.size() + 1);
      const std::size_t from = random.below(9500);
      const std::size_t count = random.below(4) == 0 ? random.below(9500) : random.below(8);
      const auto found = a.lower_bound({table, from});
      const bool there = found != a.end() && found->first == table;
      EXPECT_EQ(first.overlaps(table, from, count), there && found->second < from + count);
      EXPECT_EQ(first.contains(table, from), a.contains({table, from}));
      EXPECT_EQ(first.next(table, from), there ? std::optional(found->second) : std::nullopt);
    }
    const std::size_t past_the_end = std::numeric_limits<std::size_t>::max();
    EXPECT_EQ(first.overlaps(0, 50, past_the_end), first.next(0, 50).has_value()) << "no overflow";

    const std::vector<TableRange> ranges = {{500, 700}, {5, 5}, {0, 0}, {0, 400}};
    expected.clear();
    for (const auto& [table, flat] : a) {
      if (flat >= ranges[table].begin && flat < ranges[table].end) expected.emplace(table, flat);
    }
    EXPECT_EQ(plain_of(first.within(ranges)), expected);

    // Taking out again everything leaves the empty set.
    for (const auto& [table, flat] : a) EXPECT_TRUE(first.remove(table, flat));
    EXPECT_TRUE(first.empty());
    EXPECT_FALSE(first.overlaps(0, 0, 10000));
    EXPECT_EQ(first, AnnouncedEntries(kOwned));
  }
}

TEST(AnnouncedEntries, TakesASelectionsOffsets) {
  AnnouncedEntries entries(kOwned);
  const std::vector<std::uint32_t> offsets = {0, 3, 8899};
  entries.add_offsets(0, offsets);
  EXPECT_EQ(plain_of(entries), (Plain{{0, 100}, {0, 103}, {0, 8999}}));
  EXPECT_FALSE(entries.add(0, 103)) << "it is in";
  EXPECT_FALSE(entries.remove(3, 7)) << "it is not in";
}

TEST(Announcement, TakesTheSmallestLayout) {
  struct Case {
    std::vector<std::uint32_t> offsets;
    Segment segment;
    std::size_t bytes;
  };
  const std::vector<Case> cases = {
      {{7}, {0, 107, 1, 1}, 0},
      {{7, 8, 9}, {0, 107, 3, 3}, 0},          // a run
      {{0, 3}, {0, 100, 4, 0}, 1},             // one byte either way: the bitmap
      {{0, 3, 7}, {0, 100, 8, 0}, 1},          // one byte against two
      {{0, 9}, {0, 100, 10, 2}, 1},            // one gap against two bytes
      {{0, 129}, {0, 100, 130, 2}, 2},         // a gap of two bytes
      {{0, 1, 2, 3, 64}, {0, 100, 65, 5}, 4},  // 4 gaps against 9 bytes
      {{0, 2, 4, 6, 8, 10}, {0, 100, 11, 0}, 2},
  };
  for (const Case& each : cases) {
    AnnouncedEntries entries(kOwned);
    entries.add_offsets(0, each.offsets);
    const auto messages = encode_announcement(3, 9, entries, 1024);
    ASSERT_THAT(messages, SizeIs(1));
    EXPECT_EQ(messages[0].header, (Announcement{3, 9, {each.segment}}));
    EXPECT_EQ(messages[0].payload.size(), each.bytes);
    const auto decoded = decode_announcement(messages[0].header, messages[0].payload.bytes(), kOwned, kOwned);
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ(decoded.value(), entries);
  }
  EXPECT_THAT(encode_announcement(1, 1, AnnouncedEntries(kOwned), 1024), IsEmpty());
}

TEST(Announcement, ALongRunCostsNoBitmapForWhatFollows) {
  AnnouncedEntries entries(kOwned);
  for (std::size_t flat = 100; flat < 8000; ++flat) entries.add(0, flat);
  entries.add(0, 8500);
  entries.add(0, 8600);
  const auto messages = encode_announcement(1, 1, entries, 4096);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_THAT(messages[0].header.segments,
              ElementsAre(Segment{0, 100, 7900, 7900}, Segment{0, 8500, 101, 2}));
  EXPECT_EQ(messages[0].payload.size(), 1U);
}

TEST(Announcement, CrossesWholeInMessagesOfBoundedSize) {
  const std::vector<TableRange> shared = {{1000, 8000}, {5, 5}, {10, 60}, {7, 200}};
  Random random(11);
  for (const double density : {0.001, 0.02, 0.1, 0.5, 0.9, 1.0}) {
    const AnnouncedEntries entries = drawn(kOwned, shared, density, random);
    for (const std::size_t max_bytes :
         {std::size_t{1}, std::size_t{100}, std::size_t{700}, std::size_t{65536}}) {
      AnnouncedEntries arrived(kOwned);
      std::size_t sum = 0;
      for (const AnnouncementMessage& message : encode_announcement(2, 3, entries, max_bytes)) {
        EXPECT_LE(message.payload.size(), max_bytes);
        if (max_bytes >= 100) {
          const std::size_t header = encode_header(message.header).size();
          EXPECT_LE(header + message.payload.size(), max_bytes + 32);
        }
        const auto decoded = decode_announcement(message.header, message.payload.bytes(), kOwned, shared);
        ASSERT_TRUE(decoded.ok()) << decoded.error().message;
        sum += decoded.value().size();
        arrived.add(decoded.value());
      }
      EXPECT_EQ(arrived, entries);
      EXPECT_EQ(sum, entries.size()) << "each once";
    }
  }
}

std::string refusal_of(const std::vector<Segment>& segments, const std::vector<int>& payload) {
  const std::vector<TableRange> shared = {{1000, 8000}, {5, 5}, {10, 60}, {7, 200}};
  std::vector<std::byte> bytes;
  for (const int byte : payload) bytes.push_back(static_cast<std::byte>(byte));
  const auto decoded = decode_announcement({1, 1, segments}, bytes, kOwned, shared);
  return decoded.ok() ? "" : decoded.error().message;
}

TEST(Announcement, RefusesWhatCannotBe) {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(refusal_of({{0, 1000, 5, 0}}, {0x11}), "");
  EXPECT_EQ(refusal_of({{0, 1000, 3, 2}}, {1}), "");
  EXPECT_EQ(refusal_of({{0, 1000, 3, 3}, {0, 1003, 1, 1}, {2, 10, 50, 50}}, {}), "");

  EXPECT_THAT(refusal_of({}, {}), HasSubstr("of nothing"));
  EXPECT_THAT(refusal_of({{4, 0, 1, 1}}, {}), HasSubstr("of table 4"));
  EXPECT_THAT(refusal_of({{0, 999, 1, 1}}, {}), HasSubstr("of which [1000, 8000) are shared"));
  EXPECT_THAT(refusal_of({{0, 7999, 2, 2}}, {}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{0, kHuge, 2, 2}}, {}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{0, 1000, kHuge, 2}}, {1}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{1, 5, 1, 1}}, {}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{0, 1000, 0, 0}}, {}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{0, 1000, 2, 3}}, {0, 0}), HasSubstr("are shared"));
  EXPECT_THAT(refusal_of({{2, 10, 1, 1}, {0, 1000, 1, 1}}, {}), HasSubstr("do not rise"));
  EXPECT_THAT(refusal_of({{0, 1000, 3, 3}, {0, 1002, 1, 1}}, {}), HasSubstr("do not rise"));

  EXPECT_THAT(refusal_of({{0, 1000, 9, 0}}, {0x11}), HasSubstr("malformed")) << "too short";
  EXPECT_THAT(refusal_of({{0, 1000, 5, 0}}, {0x10}), HasSubstr("malformed")) << "the first is not in";
  EXPECT_THAT(refusal_of({{0, 1000, 5, 0}}, {0x01}), HasSubstr("malformed")) << "the last is not in";
  EXPECT_THAT(refusal_of({{0, 1000, 5, 0}}, {0x31}), HasSubstr("malformed")) << "beyond the last";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {0}), HasSubstr("malformed")) << "short of the last";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {2}), HasSubstr("malformed")) << "beyond the last";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 1}}, {}), HasSubstr("malformed")) << "the last is not in";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {}), HasSubstr("malformed")) << "too short";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {0x81}), HasSubstr("malformed")) << "half a number";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {0x81, 0x00}), HasSubstr("malformed"))
      << "a longer number than needed";
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}),
              HasSubstr("malformed"));
  EXPECT_THAT(refusal_of({{0, 1000, 3, 2}}, {1, 0}), HasSubstr("longer than"));
}

TEST(Announcement, AGapThatLeavesWhatIsOwnedIsRefusedBeforeItIsUsed) {
  const std::vector<std::byte> gap = {std::byte{2}};
  for (const Segment& segment : {Segment{0, 8997, 3, 2}, Segment{2, 61, 3, 2}, Segment{3, 297, 3, 2}})
    EXPECT_FALSE(decode_announcement({1, 1, {segment}}, gap, kOwned, kOwned).ok());
}

TEST(Announcement, SurvivesWhateverBytesArrive) {
  std::size_t accepted = 0;
  std::size_t refused = 0;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    std::vector<TableRange> shared = kOwned;
    if (seed % 2 == 0) shared = {{1000, 8000}, {5, 5}, {10, 60}, {7, 200}};
    const AnnouncedEntries entries = drawn(kOwned, shared, random.below(2) == 0 ? 0.004 : 0.3, random);
    for (AnnouncementMessage& message : encode_announcement(1, 1, entries, 400)) {
      std::vector<std::byte> bytes(message.payload.bytes().begin(), message.payload.bytes().end());
      std::vector<Segment>& segments = message.header.segments;
      for (std::uint64_t i = random.below(3) + 1; i > 0; --i) {
        Segment& segment = segments[random.below(segments.size())];
        const std::uint64_t value = random.below(3) == 0 ? random.next() : random.below(9000);
        switch (random.below(7)) {
          case 0:
            segment.first = value;
            break;
          case 1:
            segment.count = value;
            break;
          case 2:
            segment.sparse = value;
            break;
          case 3:
            segment.table = static_cast<std::uint16_t>(random.below(6));
            break;
          case 4:
            bytes.resize(random.below(bytes.size() + 8));
            break;
          default:
            if (!bytes.empty())
              bytes[random.below(bytes.size())] ^= static_cast<std::byte>(1U << random.below(8));
        }
      }
      const auto decoded = decode_announcement(message.header, bytes, kOwned, shared);
      if (!decoded.ok()) {
        ++refused;
        EXPECT_FALSE(decoded.error().message.empty());
        continue;
      }
      ++accepted;
      EXPECT_EQ(decoded.value(), decoded.value().within(shared)) << "seed " << seed;
      std::size_t spoken_of = 0;
      for (const Segment& segment : segments) spoken_of += segment.count;
      EXPECT_LE(decoded.value().size(), spoken_of);
      EXPECT_GT(decoded.value().size(), 0U);
    }
  }
  EXPECT_GT(accepted, 100U);
  EXPECT_GT(refused, 1000U);
}

}  // namespace
}  // namespace meridian::wan

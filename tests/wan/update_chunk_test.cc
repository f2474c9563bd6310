// Goal: a selection cut into chunks carries every entry that is shared with the receiver exactly once, in the
// smaller of the two layouts and no larger than asked; and whatever arrives instead of a well-formed chunk is
// refused before it is used. Reached by known layouts, by drawn selections between servers of uneven numbers,
// and by seeded mutations, run under the sanitizers too.
#include "wan/update_chunk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "src/base/random.h"
#include "src/wire/codec.h"
#include "wan/compact_chunk.h"
#include "wan/compact_values.h"

namespace meridian::wan {
namespace {

using datacenter::ShardMap;
using datacenter::TableRange;
using testing::ElementsAre;
using testing::HasSubstr;

using Entries = std::map<std::pair<std::size_t, std::size_t>, float>;  // by table and flat index

Entries entries_of(const UpdateChunk& chunk) {
  Entries entries;
  for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
    EXPECT_TRUE(entries.emplace(std::make_pair(table, flat), value).second) << "entry " << flat << " twice";
  });
  return entries;
}

TableSelection selection_of(const std::vector<std::uint32_t>& offsets) {
  TableSelection selection;
  for (const std::uint32_t offset : offsets) selection.add(offset, 1.0F + static_cast<float>(offset));
  return selection;
}

TEST(ChunkCutter, TakesTheSmallerLayout) {
  const std::vector<TableRange> owned = {{100, 200}};
  struct Case {
    std::vector<std::uint32_t> offsets;
    Segment segment;
  };
  const std::vector<Case> cases = {
      {{7}, {0, 107, 1, 0}},        // 4 bytes dense, 8 sparse
      {{7, 8, 9}, {0, 107, 3, 0}},  // 12 against 24
      {{0, 3}, {0, 100, 4, 0}},     // 16 against 16: no offsets to read
      {{0, 4}, {0, 100, 5, 2}},     // 20 against 16
      {{0, 1, 2, 50}, {0, 100, 51, 4}},
  };
  for (const Case& each : cases) {
    const Selection selection = {selection_of(each.offsets)};
    ChunkCutter cutter(selection, owned, owned);
    const UpdateChunk chunk = cutter.next(4096);
    EXPECT_TRUE(cutter.done());
    EXPECT_THAT(chunk.header.segments, ElementsAre(each.segment));
    EXPECT_EQ(chunk.payload.size(), each.segment.payload_bytes());
    EXPECT_FALSE(check_chunk(chunk, owned));
    Entries entries = entries_of(chunk);
    for (const std::uint32_t offset : each.offsets) {
      EXPECT_EQ((entries[{0, 100 + offset}]), 1.0F + static_cast<float>(offset));
    }
  }
}

TEST(ChunkCutter, NothingSelectedIsDoneAtOnce) {
  const std::vector<TableRange> owned = {{0, 9}, {0, 0}};
  const Selection nothing(2);
  EXPECT_TRUE(ChunkCutter(nothing, owned, owned).done());
  const Selection elsewhere = {selection_of({7, 8}), {}};
  const std::vector<TableRange> shared = {{0, 7}, {0, 0}};
  EXPECT_TRUE(ChunkCutter(elsewhere, owned, shared).done());
}

TEST(ChunkCutter, AChunkHasAtLeastOneEntry) {
  const std::vector<TableRange> owned = {{0, 9}};
  const Selection selection = {selection_of({1, 8})};
  ChunkCutter cutter(selection, owned, owned);
  EXPECT_EQ(entries_of(cutter.next(1)).size(), 1U);
  EXPECT_EQ(entries_of(cutter.next(0)).size(), 1U);
  EXPECT_TRUE(cutter.done());
}

TEST(ChunkCutter, StaysWithinTheMostSegmentsOfAMessage) {
  // More tables with an entry each than a message may have segments.
  const std::size_t tables = kMaxSegments + 10;
  const std::vector<TableRange> owned(tables, TableRange{0, 1});
  const Selection selection(tables, selection_of({0}));
  ChunkCutter cutter(selection, owned, owned);
  EXPECT_EQ(cutter.next(1 << 20).header.segments.size(), kMaxSegments);
  EXPECT_EQ(cutter.next(1 << 20).header.segments.size(), 10U);
  EXPECT_TRUE(cutter.done());
}

// Servers of datacenters with different numbers of servers share parts of their ranges: what one server
// selects reaches each counterpart's part, and all parts together are the whole.
TEST(ChunkCutter, EveryEntryGoesOutOnceWhateverTheNumbersOfServers) {
  const ShardMap shards({{"a", 31, 5}, {"b", 3, 1}, {"c", 90, 2}}, 7);
  Random random(9);
  for (int round = 0; round < 300; ++round) {
    const std::size_t servers = 1 + random.below(5);
    const std::size_t other_servers = 1 + random.below(5);
    const std::size_t max_bytes = 1 + random.below(300);
    const std::uint64_t density = 1 + random.below(6);
    Entries sent;
    Entries expected;
    for (std::size_t server = 0; server < servers; ++server) {
      const std::vector<TableRange> owned = shards.server_ranges(server, servers);
      Selection selection(owned.size());
      for (std::size_t table = 0; table < owned.size(); ++table) {
        for (std::size_t i = 0; i < owned[table].size(); ++i) {
          if (random.below(density) != 0) continue;
          const auto value = static_cast<float>(random.normal());
          selection[table].add(i, value);
          expected[{table, owned[table].begin + i}] = value;
        }
      }
      for (std::size_t other = 0; other < other_servers; ++other) {
        std::vector<TableRange> shared = shards.server_ranges(other, other_servers);
        for (std::size_t table = 0; table < owned.size(); ++table)
          shared[table] = intersection(owned[table], shared[table]);
        ChunkCutter cutter(selection, owned, shared);
        std::size_t entries = 0;
        while (!cutter.done()) {
          const UpdateChunk chunk = cutter.next(max_bytes);
          ASSERT_FALSE(check_chunk(chunk, shared));
          ASSERT_FALSE(chunk.header.segments.empty());
          std::size_t bytes = 0;
          for (const Segment& segment : chunk.header.segments) bytes += segment.payload_bytes();
          ASSERT_EQ(bytes, chunk.payload.size());
          ASSERT_LE(bytes, std::max<std::size_t>(max_bytes, 4));
          for (const auto& [place, value] : entries_of(chunk)) {
            if (value == 0.0F) continue;  // between the entries of a dense segment
            ASSERT_TRUE(sent.emplace(place, value).second);
            ++entries;
          }
        }
        ASSERT_EQ(entries, entries_within(selection, owned, shared));
      }
    }
    ASSERT_EQ(sent, expected) << "round " << round;
  }
}

TEST(ChunkCutter, TheRestGoesToTheBacklogOnce) {
  const std::vector<TableRange> owned = {{10, 30}, {0, 4}};
  const std::vector<TableRange> shared = {{15, 25}, {0, 4}};
  const Selection selection = {selection_of({0, 5, 9, 14, 15}), selection_of({2})};
  std::vector<FloatBuffer> backlog;
  for (const TableRange& range : owned) backlog.emplace_back(range.size());
  backlog[0][9] = 100.0F;
  ChunkCutter cutter(selection, owned, shared);
  EXPECT_EQ(entries_of(cutter.next(4)).size(), 1U);  // offset 5
  cutter.add_rest_to(backlog);
  EXPECT_TRUE(cutter.done());
  std::vector<float> first(backlog[0].span().begin(), backlog[0].span().end());
  std::vector<float> expected(20, 0.0F);
  expected[9] = 110.0F;
  expected[14] = 15.0F;  // offset 14 is entry 24, the last that is shared
  EXPECT_EQ(first, expected);
  EXPECT_EQ(backlog[1][2], 3.0F);
}

// Blocks that were rounded together begin where blocks of the chunk begin, also where a table fills several
// chunks.
TEST(ChunkCutter, ATableThatDoesNotFitIsCutBetweenBlocks) {
  constexpr std::size_t kEntries = 20 * kValueBlock + 77;
  const std::vector<TableRange> owned = {{0, kEntries}};
  Selection selection(1);
  for (std::size_t i = 0; i < kEntries; ++i) selection[0].add(i, 1.0F);
  ChunkCutter cutter(selection, owned, owned);
  std::size_t entries = 0;
  while (!cutter.done()) {
    for (const Segment& segment : cutter.next(3 * kValueBlock * sizeof(float) + 100).header.segments) {
      EXPECT_EQ(segment.first % kValueBlock, 0U);
      entries += segment.values();
    }
  }
  EXPECT_EQ(entries, kEntries);
}

UpdateChunk chunk_of(const std::vector<Segment>& segments, const std::vector<std::byte>& bytes) {
  auto owner = std::make_shared<std::vector<std::byte>>(bytes);
  UpdateChunk chunk;
  chunk.header.segments = segments;
  chunk.payload = Payload(owner, *owner);
  return chunk;
}

template <typename... Words>
std::vector<std::byte> bytes_of(Words... words) {
  std::vector<std::byte> bytes;
  const auto append = [&](auto word) {
    static_assert(sizeof(word) == 4);
    const auto* const first = reinterpret_cast<const std::byte*>(&word);
    bytes.insert(bytes.end(), first, first + 4);
  };
  (append(words), ...);
  return bytes;
}

TEST(CheckChunk, RefusesWhatCannotBeApplied) {
  const std::vector<TableRange> shared = {{10, 20}, {5, 5}};
  const auto refusal = [&](const Segment& segment, const std::vector<std::byte>& bytes) {
    const Failure wrong = check_chunk(chunk_of({segment}, bytes), shared);
    return wrong ? wrong->message : "";
  };
  using U = std::uint32_t;
  EXPECT_EQ(refusal({0, 10, 2, 0}, bytes_of(1.0F, 2.0F)), "");
  EXPECT_EQ(refusal({0, 18, 2, 0}, bytes_of(1.0F, 2.0F)), "");
  EXPECT_EQ(refusal({0, 10, 10, 2}, bytes_of(U{0}, U{9}, 1.0F, 2.0F)), "");
  EXPECT_THAT(refusal({2, 10, 1, 0}, bytes_of(1.0F)), HasSubstr("table 2"));
  EXPECT_THAT(refusal({0, 9, 1, 0}, bytes_of(1.0F)), HasSubstr("entries [9, 10) of table 0"));
  EXPECT_THAT(refusal({0, 19, 2, 0}, bytes_of(1.0F, 1.0F)), HasSubstr("entries [19, 21) of table 0"));
  EXPECT_THAT(refusal({0, 10, 11, 1}, bytes_of(U{0}, 1.0F)), HasSubstr("[10, 20) are shared"));
  EXPECT_THAT(refusal({1, 5, 1, 0}, bytes_of(1.0F)), HasSubstr("table 1"));
  EXPECT_THAT(refusal({0, 10, 5, 2}, bytes_of(U{3}, U{3}, 1.0F, 1.0F)), HasSubstr("do not rise"));
  EXPECT_THAT(refusal({0, 10, 5, 2}, bytes_of(U{4}, U{3}, 1.0F, 1.0F)), HasSubstr("do not rise"));
  EXPECT_THAT(refusal({0, 10, 5, 1}, bytes_of(U{5}, 1.0F)), HasSubstr("do not rise within their range"));
  EXPECT_THAT(refusal({0, 10, 5, 1}, bytes_of(U{0xffffffff}, 1.0F)), HasSubstr("within their range"));
  for (const float wrong : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
    EXPECT_THAT(refusal({0, 10, 2, 0}, bytes_of(1.0F, wrong)), HasSubstr("not finite in table 0"));
    EXPECT_THAT(refusal({0, 10, 5, 2}, bytes_of(U{1}, U{2}, wrong, 1.0F)), HasSubstr("not finite"));
  }
}

TEST(CheckChunk, MutationsAreRefusedOrHarmless) {
  constexpr int kMutations = 30'000;
  const std::vector<TableRange> shared = {{3, 40}, {0, 9}};
  Random random(11);
  int accepted = 0;
  int refused = 0;
  for (int i = 0; i < kMutations; ++i) {
    Selection selection(2);
    for (std::size_t table = 0; table < shared.size(); ++table) {
      for (std::size_t offset = 0; offset < shared[table].size(); ++offset) {
        if (random.below(4) == 0) selection[table].add(offset, static_cast<float>(random.normal()));
      }
    }
    ChunkCutter cutter(selection, shared, shared);
    if (cutter.done()) continue;
    const UpdateChunk good = cutter.next(1 << 10);
    std::vector<Segment> segments = good.header.segments;
    std::vector<std::byte> bytes(good.payload.bytes().begin(), good.payload.bytes().end());
    Segment& segment = segments[random.below(segments.size())];
    switch (random.below(5)) {
      case 0:
        bytes[random.below(bytes.size())] = std::byte(random.below(256));
        break;
      case 1:
        segment.first = random.below(60);
        break;
      case 2:
        segment.table = static_cast<std::uint16_t>(random.below(4));
        break;
      case 3:
        segment.count = random.below(60);
        break;
      default:
        segment.sparse = random.below(20);
    }
    // As it arrives: decoding refuses sizes that disagree, the check the rest.
    const Update update{1, 1, segments};
    const Payload payload = chunk_of(segments, bytes).payload;
    const Result<Header> header = decode_header(encode_header(update), std::vector<Payload>{payload});
    const Result<UpdateChunk> chunk = decode(update, payload, Encoding::plain, shared);
    if (!header || !chunk || check_chunk(chunk.value(), shared)) {
      ++refused;
      continue;
    }
    ++accepted;
    for_each_entry(chunk.value(), [&](std::size_t table, std::size_t flat, float value) {
      ASSERT_LT(table, shared.size());
      ASSERT_GE(flat, shared[table].begin);
      ASSERT_LT(flat, shared[table].end);
      ASSERT_TRUE(std::isfinite(value));
    });
  }
  EXPECT_GT(accepted, kMutations / 100);
  EXPECT_GT(refused, kMutations / 4);
}

}  // namespace
}  // namespace meridian::wan

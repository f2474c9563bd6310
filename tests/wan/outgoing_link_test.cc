// Goal: a link numbers its chunks without gaps, never has more than its window on the way, merges what does
// not fit into one buffer and loses none of it, and calls a clock complete only when all of it is in numbered
// chunks. Reached by a link driven by hand, then by drawn offers and acknowledgements against a plain sum.
#include "wan/outgoing_link.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "src/base/random.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

const std::vector<TableRange> kOwned = {{100, 1100}, {0, 20}};
const std::vector<TableRange> kShared = {{300, 900}, {0, 20}};

OutgoingLink link_of(std::size_t chunk_bytes, std::size_t window_bytes) {
  return OutgoingLink({kOwned, kShared, chunk_bytes, window_bytes});
}

/// `count` neighbouring entries of table 0 from `offset`, each of `value`.
Selection run_of(std::size_t offset, std::size_t count, float value) {
  Selection selection(kOwned.size());
  for (std::size_t i = 0; i < count; ++i) selection[0].add(offset + i, value);
  return selection;
}

std::vector<FloatBuffer> zeros() {
  std::vector<FloatBuffer> sums;
  for (const TableRange& range : kOwned) sums.emplace_back(range.size());
  return sums;
}

void add_chunks(const std::vector<UpdateChunk>& chunks, std::vector<FloatBuffer>& sums) {
  for (const UpdateChunk& chunk : chunks) {
    for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
      sums[table][flat - kOwned[table].begin] += value;
    });
  }
}

TEST(OutgoingLink, SizesSuitTheLink) {
  // 1 MB/s: 50 ms are 50 kB; twice 1 MB/s x 200 ms are 400 kB, and the shared part has 4 MB.
  const std::vector<TableRange> big = {{0, 1'000'000}};
  auto options = OutgoingLink::sized_for(big, big, 1e6, std::chrono::milliseconds(200));
  EXPECT_EQ(options.chunk_bytes, 50'000U);
  EXPECT_EQ(options.window_bytes, 400'000U);
  // A slow link: the smallest chunk, two of them.
  options = OutgoingLink::sized_for(big, big, 1e3, std::chrono::milliseconds(200));
  EXPECT_EQ(options.chunk_bytes, 4096U);
  EXPECT_EQ(options.window_bytes, 8192U);
  // A long one: no more on the way than there is to send.
  options = OutgoingLink::sized_for(big, {{0, 25'000}}, 1e6, std::chrono::milliseconds(200));
  EXPECT_EQ(options.window_bytes, 100'000U);
}

TEST(OutgoingLink, NumbersChunksInOrderAndKeepsWithinTheWindow) {
  OutgoingLink link = link_of(400, 1000);  // chunks of 100 entries, two of them
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 150, 1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].header.number, 1U);
  EXPECT_EQ(out[1].header.number, 2U);
  EXPECT_EQ(out[0].header.epoch, link.epoch());
  EXPECT_EQ(out[0].header.clock, 1U);
  EXPECT_EQ(link.unacknowledged_bytes(), 600U);
  EXPECT_FALSE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_EQ(link.last_number(), 2U);

  out.clear();
  link.offer(2, run_of(200, 300, 1.0F), out);  // one more chunk would exceed 1000 bytes only at 700 and above
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(link.unacknowledged_bytes(), 1000U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
}

TEST(OutgoingLink, WhatDoesNotFitMergesAndGoesOutWhenThereIsRoom) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  std::vector<FloatBuffer> arrived = zeros();
  for (Clock clock = 1; clock <= 50; ++clock) link.offer(clock, run_of(200, 200, 1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  add_chunks(out, arrived);

  // Fifty clocks, yet no more than one buffer's worth is left: two further chunks hold all of it.
  out.clear();
  EXPECT_TRUE(link.acknowledged(link.epoch(), 1, out));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_TRUE(link.acknowledged(link.epoch(), 3, out));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_FALSE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 50U);
  EXPECT_EQ(link.last_number(), 4U);
  EXPECT_EQ(out[1].header.clock, 50U);
  add_chunks(out, arrived);
  for (std::size_t i = 200; i < 400; ++i) EXPECT_EQ(arrived[0][i], 50.0F);
  EXPECT_FALSE(link.all_acknowledged());
  EXPECT_TRUE(link.acknowledged(link.epoch(), 4, out));
  EXPECT_TRUE(link.all_acknowledged());
  EXPECT_EQ(link.unacknowledged_bytes(), 0U);
}

TEST(OutgoingLink, AnEmptyClockIsCompleteAtOnceUnlessSomethingWaits) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, Selection(kOwned.size()), out);
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_EQ(link.last_number(), 0U);
  link.offer(2, run_of(200, 300, 1.0F), out);
  link.offer(3, Selection(kOwned.size()), out);
  EXPECT_EQ(link.complete_clock(), 1U);
}

TEST(OutgoingLink, RefusesAcknowledgementsOfWhatWasNeverSent) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  EXPECT_TRUE(link.acknowledged(link.epoch(), 0, out));
  EXPECT_FALSE(link.acknowledged(link.epoch(), 1, out));
  link.offer(1, run_of(200, 100, 1.0F), out);
  EXPECT_FALSE(link.acknowledged(link.epoch(), 2, out));
  EXPECT_FALSE(link.acknowledged(link.epoch() + 1, 1, out));
  EXPECT_FALSE(link.all_acknowledged());
  EXPECT_TRUE(link.acknowledged(link.epoch(), 1, out));
  // Again, and an older one: both say nothing new.
  EXPECT_TRUE(link.acknowledged(link.epoch(), 1, out));
  EXPECT_TRUE(link.acknowledged(link.epoch(), 0, out));
  EXPECT_TRUE(link.all_acknowledged());
}

TEST(OutgoingLink, MagnitudesDoNotCancel) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 200, 3.0F), out);
  link.offer(2, run_of(200, 1, -5.0F), out);
  link.offer(3, run_of(200, 1, 1.0F), out);
  std::vector<FloatBuffer> plain = zeros();
  std::vector<FloatBuffer> magnitudes = zeros();
  link.add_outstanding_to(plain, 0, /*magnitudes=*/false);
  link.add_outstanding_to(magnitudes, 0, /*magnitudes=*/true);
  EXPECT_EQ(plain[0][200], -1.0F);
  EXPECT_EQ(magnitudes[0][200], 7.0F);  // 3 on the way, -4 in the backlog
  std::vector<FloatBuffer> later = zeros();
  link.add_outstanding_to(later, 1, /*magnitudes=*/false);
  EXPECT_EQ(later[0][200], -4.0F);
}

TEST(OutgoingLink, NothingIsLostWhateverTheOrderOfOffersAndAcknowledgements) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const std::size_t chunk_bytes = 16 + random.below(600);
    const std::size_t window_bytes = 2 * chunk_bytes + random.below(1000);
    OutgoingLink link = link_of(chunk_bytes, window_bytes);
    std::vector<FloatBuffer> offered = zeros();
    std::vector<FloatBuffer> arrived = zeros();
    std::uint64_t number = 0;
    std::uint64_t acknowledged = 0;
    Clock clock = 0;
    for (int step = 0; step < 60; ++step) {
      std::vector<UpdateChunk> out;
      if (random.below(2) == 0) {
        Selection selection(kOwned.size());
        for (std::size_t table = 0; table < kOwned.size(); ++table) {
          for (std::size_t i = 0; i < kOwned[table].size(); ++i) {
            if (random.below(10) != 0) continue;
            const auto value = static_cast<float>(1 + random.below(5)) - 3.0F;
            if (value == 0.0F) continue;
            selection[table].add(i, value);
            const std::size_t flat = kOwned[table].begin + i;
            if (flat >= kShared[table].begin && flat < kShared[table].end) offered[table][i] += value;
          }
        }
        link.offer(++clock, selection, out);
      } else {
        acknowledged += random.below(number - acknowledged + 1);
        ASSERT_TRUE(link.acknowledged(link.epoch(), acknowledged, out));
      }
      for (const UpdateChunk& chunk : out) {
        ASSERT_EQ(chunk.header.number, ++number);
        ASSERT_EQ(chunk.header.clock, clock);
        ASSERT_LE(chunk.payload.size(), chunk_bytes);
        ASSERT_FALSE(check_chunk(chunk, kShared));
      }
      add_chunks(out, arrived);
      ASSERT_LE(link.unacknowledged_bytes(), window_bytes);
      ASSERT_EQ(link.last_number(), number);
      ASSERT_EQ(link.complete_clock() == clock, !link.has_backlog());
      std::vector<FloatBuffer> sums = zeros();
      link.add_outstanding_to(sums, number, /*magnitudes=*/false);
      for (std::size_t table = 0; table < kOwned.size(); ++table) {
        for (std::size_t i = 0; i < sums[table].size(); ++i) {
          ASSERT_EQ(sums[table][i] + arrived[table][i], offered[table][i]);
        }
      }
    }
  }
}

TEST(OutgoingLink, WhatIsWithheldGoesWithTheNextExchange) {
  OutgoingLink link = link_of(400, 1000);
  std::vector<UpdateChunk> out;
  link.withhold(1, run_of(200, 10, 1.0F));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 0U);
  // An acknowledgement makes room, but no exchange.
  EXPECT_TRUE(link.acknowledged(link.epoch(), 0, out));
  EXPECT_TRUE(out.empty());
  link.offer(2, run_of(200, 10, 2.0F), out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out.front().header.clock, 2U);
  EXPECT_EQ(link.complete_clock(), 2U);
  for_each_entry(out.front(), [](std::size_t, std::size_t, float value) { EXPECT_EQ(value, 3.0F); });
}

}  // namespace
}  // namespace meridian::wan

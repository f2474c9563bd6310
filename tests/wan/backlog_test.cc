// Goal: a backlog hands out exactly what was put in, in chunks that fit, says how far they have come and
// never further, and nothing in it starves; a merging one needs one buffer however many clocks it holds, a
// queue keeps one clock's updates apart from the next one's. Reached by short stories, and by drawn
// additions, chunks and losses beside plain sums.
#include "wan/backlog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "src/base/check.h"
#include "src/base/random.h"
#include "tests/wan/owned_sums.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<TableRange> kOwned = {{100, 180}, {0, 12}, {5, 25}};
const std::vector<TableRange> kShared = {{110, 170}, {0, 0}, {5, 25}};  // 80 entries
constexpr std::size_t kAllBytes = 4096;

Selection selection_of(std::size_t table, const std::vector<std::size_t>& offsets, float value = 1.0F) {
  Selection selection(kOwned.size());
  for (const std::size_t offset : offsets) selection[table].add(offset, value);
  return selection;
}

/// As a link does: the mark first, then what it speaks of.
void add(Backlog& backlog, const Selection& selection, BacklogMark mark) {
  backlog.mark(mark);
  ChunkCutter cutter(selection, kOwned, kShared);
  backlog.add(cutter);
}

/// The flat indexes of a chunk's entries.
std::vector<std::size_t> flats_of(const UpdateChunk& chunk) {
  std::vector<std::size_t> flats;
  for_each_entry(chunk, [&](std::size_t, std::size_t flat, float value) {
    if (value != 0.0F) flats.push_back(flat);
  });
  return flats;
}

// ---- merging ----------------------------------------------------------------------------------------------

TEST(MergingBacklog, IsReachedAtOnceWhereNothingWaits) {
  MergingBacklog backlog(kOwned, kShared);
  EXPECT_TRUE(backlog.empty());
  add(backlog, Selection(kOwned.size()), {3, 1});
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 3U);
  EXPECT_EQ(backlog.reached().announced, 1U);
  EXPECT_THROW(backlog.next(kAllBytes), BrokenInvariant);
}

TEST(MergingBacklog, WhatIsNotSharedIsPassedOver) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {0, 9, 70}), {1, 0});
  EXPECT_TRUE(backlog.empty());
  add(backlog, selection_of(0, {9, 10, 69, 70}), {2, 0});
  EXPECT_THAT(flats_of(backlog.next(kAllBytes)), ElementsAre(110, 169));
  EXPECT_TRUE(backlog.empty());
}

TEST(MergingBacklog, ClocksMergeEntryByEntry) {
  MergingBacklog backlog(kOwned, kShared);
  for (Clock clock = 1; clock <= 50; ++clock) add(backlog, selection_of(0, {20, 30}), {clock, 0});
  EXPECT_EQ(backlog.reached().clock, 0U);
  const UpdateChunk chunk = backlog.next(kAllBytes);
  EXPECT_EQ(chunk.header.clock, 0U) << "it is of many";
  EXPECT_THAT(flats_of(chunk), ElementsAre(120, 130));
  for_each_entry(chunk, [](std::size_t, std::size_t flat, float value) {
    EXPECT_EQ(value, flat == 120 || flat == 130 ? 50.0F : 0.0F);
  });
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 50U);
}

TEST(MergingBacklog, WhatCancelsLeavesAChunkWithoutEntries) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {20}, 2.0F), {1, 0});
  add(backlog, selection_of(0, {20}, -2.0F), {2, 0});
  ASSERT_FALSE(backlog.empty());
  EXPECT_THAT(backlog.next(kAllBytes).header.segments, IsEmpty());
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 2U);
}

// A lap hands out what was there when it began; what came meanwhile may have missed it.
TEST(MergingBacklog, ALapReachesWhatItBeganWith) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {20, 40, 60}), {1, 1});
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(120));
  EXPECT_EQ(backlog.reached().clock, 0U);
  add(backlog, selection_of(0, {20, 50}), {2, 2});  // the first is behind the sweep, the other before it
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(140));
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(150));
  EXPECT_EQ(backlog.reached().clock, 0U);
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(160));
  EXPECT_EQ(backlog.reached().clock, 1U);
  EXPECT_EQ(backlog.reached().announced, 1U);
  EXPECT_FALSE(backlog.empty());
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(120));
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 2U);
  EXPECT_EQ(backlog.reached().announced, 2U);
}

// Updates of the first entries come faster than chunks leave: the last entry has its turn all the same.
TEST(MergingBacklog, NothingStarvesHoweverFastUpdatesCome) {
  MergingBacklog backlog(kOwned, kShared);
  Clock clock = 0;
  add(backlog, selection_of(2, {19}, 7.0F), {++clock, 0});
  const std::vector<std::size_t> first = {10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  bool out = false;
  int chunks = 0;
  while (!out && chunks < 100) {
    add(backlog, selection_of(0, first), {++clock, 0});
    const std::vector<std::size_t> flats = flats_of(backlog.next(8));
    ++chunks;
    out = std::find(flats.begin(), flats.end(), 24U) != flats.end();
  }
  EXPECT_TRUE(out);
  EXPECT_LE(chunks, 7);
  EXPECT_LT(backlog.reached().clock, clock);
  // Laps go on ending, too.
  const Clock reached = backlog.reached().clock;
  for (int i = 0; i < 20; ++i) {
    add(backlog, selection_of(0, first), {++clock, 0});
    backlog.next(8);
  }
  EXPECT_GT(backlog.reached().clock, reached);
}

TEST(MergingBacklog, WhatIsPutBackIsReachedAnew) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {20, 40}), {1, 1});
  std::deque<UpdateChunk> lost = {backlog.next(4), backlog.next(4)};
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 1U);
  add(backlog, selection_of(0, {20}), {2, 2});
  backlog.put_back(lost);
  EXPECT_EQ(backlog.reached().clock, 0U);
  EXPECT_EQ(backlog.reached().announced, 0U);
  std::vector<FloatBuffer> sums = zeros_over(kOwned);
  while (!backlog.empty()) {
    EXPECT_EQ(backlog.reached().clock, 0U);
    add_chunk_to(backlog.next(4), kOwned, sums);
  }
  EXPECT_EQ(sums[0][20], 2.0F);
  EXPECT_EQ(sums[0][40], 1.0F);
  EXPECT_EQ(backlog.reached().clock, 2U);
}

// What was lost may have been handed out in a lap that is not over: the rest of that lap is not enough.
TEST(MergingBacklog, ALossInTheMiddleOfALapBeginsAnother) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {20, 40, 60}), {1, 1});
  std::deque<UpdateChunk> lost = {backlog.next(4)};
  backlog.put_back(lost);
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(140));
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(160));
  EXPECT_EQ(backlog.reached().announced, 0U);
  EXPECT_THAT(flats_of(backlog.next(4)), ElementsAre(120));
  EXPECT_EQ(backlog.reached().announced, 1U);
}

TEST(MergingBacklog, AChunkEndsWhereTheSweepComesRoundToTheFirstTable) {
  MergingBacklog backlog(kOwned, kShared);
  add(backlog, selection_of(0, {20, 40, 60}), {1, 0});
  backlog.put_back({backlog.next(4)});  // the sweep is at 140 now, and a lap begins there
  EXPECT_THAT(flats_of(backlog.next(kAllBytes)), ElementsAre(140, 160)) << "indexes in a chunk only rise";
  EXPECT_THAT(flats_of(backlog.next(kAllBytes)), ElementsAre(120));
  EXPECT_TRUE(backlog.empty());
}

TEST(MergingBacklog, NothingThatIsPutBackIsNothing) {
  MergingBacklog backlog(kOwned, kShared);
  backlog.mark({4, 2});
  backlog.put_back({});
  EXPECT_TRUE(backlog.empty());
  EXPECT_EQ(backlog.reached().clock, 4U);
}

// ---- clock by clock ---------------------------------------------------------------------------------------

TEST(ClockQueue, KeepsClocksApartAndInOrder) {
  ClockQueue backlog(kOwned, kShared);
  EXPECT_EQ(backlog.reached().clock, 0U);
  for (Clock clock = 1; clock <= 3; ++clock) {
    add(backlog, selection_of(0, {20, 40}, static_cast<float>(clock)), {clock, 0});
  }
  add(backlog, Selection(kOwned.size()), {4, 0});
  std::vector<Clock> clocks;
  std::vector<Clock> reached;
  while (!backlog.empty()) {
    const UpdateChunk chunk = backlog.next(4);
    clocks.push_back(chunk.header.clock);
    reached.push_back(backlog.reached().clock);
    for_each_entry(chunk, [&](std::size_t, std::size_t, float value) {
      EXPECT_EQ(value, static_cast<float>(chunk.header.clock));
    });
  }
  EXPECT_THAT(clocks, ElementsAre(1, 1, 2, 2, 3, 3));
  EXPECT_THAT(reached, ElementsAre(0, 1, 1, 2, 2, 4));
  EXPECT_THROW(backlog.next(4), BrokenInvariant);
}

TEST(ClockQueue, WhatIsPutBackComesFirstAsItWas) {
  ClockQueue backlog(kOwned, kShared);
  for (Clock clock = 1; clock <= 2; ++clock) {
    add(backlog, selection_of(0, {20, 40}, static_cast<float>(clock)), {clock, 0});
  }
  std::deque<UpdateChunk> lost = {backlog.next(4), backlog.next(4), backlog.next(4)};
  EXPECT_EQ(backlog.reached().clock, 1U);
  backlog.put_back(lost);
  EXPECT_EQ(backlog.reached().clock, 0U);
  std::vector<std::pair<Clock, std::size_t>> order;
  while (!backlog.empty()) {
    const UpdateChunk chunk = backlog.next(4);
    order.emplace_back(chunk.header.clock, flats_of(chunk).at(0));
  }
  EXPECT_THAT(
      order, ElementsAre(std::pair(1U, 120U), std::pair(1U, 140U), std::pair(2U, 120U), std::pair(2U, 140U)));
  EXPECT_EQ(backlog.reached().clock, 2U);
}

// ---- both -------------------------------------------------------------------------------------------------

/// Drawn additions, chunks and losses; how far the receiver is comes from plain sums. All values are above
/// zero, so that what is missing shows.
class DrawnBacklog {
 public:
  DrawnBacklog(std::uint64_t seed, bool clocks_apart) : random_(seed), clocks_apart_(clocks_apart) {
    if (clocks_apart) {
      backlog_ = std::make_unique<ClockQueue>(kOwned, kShared);
    } else {
      backlog_ = std::make_unique<MergingBacklog>(kOwned, kShared);
    }
    added_at_.push_back(zeros_over(kOwned));
  }

  void run() {
    for (int step = 0; step < 200 && !testing::Test::HasFatalFailure(); ++step) {
      const std::uint64_t event = random_.below(8);
      if (event < 3) {
        add_drawn();
      } else if (event < 6) {
        take();
      } else if (event < 7) {
        while (!kept_.empty() && random_.below(3) != 0) kept_.pop_front();  // acknowledged
      } else if (random_.below(4) == 0) {
        lose();
      }
      check();
    }
    while (!backlog_->empty() && !testing::Test::HasFatalFailure()) take();
    EXPECT_EQ(backlog_->reached().clock, clock_);
    check();
  }

 private:
  void add_drawn() {
    Selection selection(kOwned.size());
    const std::uint64_t rarely = 1 + random_.below(30);
    for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
      if (random_.below(rarely) == 0) selection[table].add(offset, static_cast<float>(1 + random_.below(3)));
    });
    added_at_.push_back(clone(added_at_.back()));
    add_selection_to(selection, kOwned, kShared, added_at_.back());
    ++clock_;
    add(*backlog_, selection, {clock_, 10 * std::uint64_t{clock_}});
  }

  void take() {
    if (backlog_->empty()) return;
    const std::size_t max_bytes = 4 + random_.below(200);
    UpdateChunk chunk = backlog_->next(max_bytes);
    if (chunk.header.segments.empty()) return;
    ASSERT_FALSE(check_chunk(chunk, kShared));
    ASSERT_TRUE(chunk.payload.size() <= max_bytes || was_lost_);
    add_chunk_to(chunk, kOwned, out_);
    ASSERT_TRUE(!clocks_apart_ || chunk.header.clock >= last_clock_);
    last_clock_ = chunk.header.clock;
    ASSERT_TRUE(!clocks_apart_ || entries_above(out_, added_at_[last_clock_]) == 0);
    kept_.push_back(std::move(chunk));
  }

  /// All that is kept was lost.
  void lose() {
    backlog_->put_back(kept_);
    for (const UpdateChunk& chunk : kept_) {
      for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
        out_[table][flat - kOwned[table].begin] -= value;
      });
    }
    if (!kept_.empty()) last_clock_ = kept_.front().header.clock;
    was_lost_ = was_lost_ || (clocks_apart_ && !kept_.empty());
    kept_.clear();
  }

  static std::size_t entries_above(const std::vector<FloatBuffer>& sums,
                                   const std::vector<FloatBuffer>& others) {
    std::size_t above = 0;
    for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
      if (sums[table][offset] > others[table][offset]) ++above;
    });
    return above;
  }

  void check() {
    // What is out and what waits are what was added.
    std::vector<FloatBuffer> sums = clone(out_);
    backlog_->add_to(sums, /*magnitudes=*/false);
    ASSERT_EQ(entries_above(sums, added_at_.back()) + entries_above(added_at_.back(), sums), 0U);
    std::vector<FloatBuffer> magnitudes = zeros_over(kOwned);
    backlog_->add_to(magnitudes, /*magnitudes=*/true);
    std::vector<FloatBuffer> waiting = zeros_over(kOwned);
    add_selection_to(backlog_->entries(), kOwned, kOwned, waiting);
    ASSERT_EQ(entries_above(magnitudes, waiting), 0U) << "all that waits is named";
    // What is said to be reached is out.
    const BacklogMark reached = backlog_->reached();
    ASSERT_LE(reached.clock, clock_);
    ASSERT_EQ(entries_above(added_at_[reached.clock], out_), 0U);
    ASSERT_LE(reached.announced, 10 * std::uint64_t{reached.clock});
    ASSERT_TRUE(!backlog_->empty() || reached.clock == clock_);
  }

  Random random_;
  bool clocks_apart_;
  std::unique_ptr<Backlog> backlog_;
  Clock clock_ = 0;
  Clock last_clock_ = 0;
  std::vector<std::vector<FloatBuffer>> added_at_;  // in all, by clock
  std::vector<FloatBuffer> out_ = zeros_over(kOwned);
  std::deque<UpdateChunk> kept_;
  bool was_lost_ = false;  // whole chunks wait, of the sizes that they had
};

TEST(Backlog, HandsOutWhatWasAddedAndKnowsHowFarItIs) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (const bool clocks_apart : {false, true}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << (clocks_apart ? ", clocks apart" : ""));
      DrawnBacklog(seed, clocks_apart).run();
      if (HasFailure()) return;
    }
  }
}

TEST(Backlog, MagnitudesDoNotCancel) {
  ClockQueue queue(kOwned, kShared);
  add(queue, selection_of(0, {20}, 3.0F), {1, 0});
  std::deque<UpdateChunk> lost = {queue.next(4)};
  queue.put_back(lost);
  add(queue, selection_of(0, {20}, -4.0F), {2, 0});
  MergingBacklog merging(kOwned, kShared);
  add(merging, selection_of(0, {20}, -1.0F), {1, 0});
  const auto sum_of = [](const Backlog& backlog, bool magnitudes) {
    std::vector<FloatBuffer> sums = zeros_over(kOwned);
    backlog.add_to(sums, magnitudes);
    return sums[0][20];
  };
  EXPECT_EQ(sum_of(queue, false), -1.0F);
  EXPECT_EQ(sum_of(queue, true), 7.0F);
  EXPECT_EQ(sum_of(merging, false), -1.0F);
  EXPECT_EQ(sum_of(merging, true), 1.0F);
}

}  // namespace
}  // namespace meridian::wan

// Goal: an eager sum adds what it is given at once; an ordered sum adds all datacenters' updates of a clock
// in the order of their names, bit for bit the same whatever the order in which they arrive, and refuses what
// no peer in step can send. Reached by drawn arrival orders of numbers whose float sum depends on the order.
#include "wan/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "src/base/random.h"

namespace meridian::wan {
namespace {

using datacenter::ParameterStore;
using datacenter::TableRange;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<TableRange> kRanges = {{10, 16}, {0, 3}};
constexpr std::size_t kManyBytes = 1 << 20;

std::vector<float> values_of(const ParameterStore& store) {
  std::vector<float> all;
  for (std::size_t table = 0; table < store.tables(); ++table) {
    all.insert(all.end(), store.values(table).begin(), store.values(table).end());
  }
  return all;
}

/// One datacenter's update of one clock: a value for each entry.
using Step = std::vector<float>;

Step drawn_step(Random& random) {
  Step step;
  for (const TableRange& range : kRanges) {
    for (std::size_t i = 0; i < range.size(); ++i) step.push_back(static_cast<float>(random.normal()));
  }
  return step;
}

/// The step as the chunks that a link would cut.
std::vector<UpdateChunk> chunks_of(Clock clock, const Step& step, std::size_t chunk_bytes) {
  Selection selection(kRanges.size());
  std::size_t next = 0;
  for (std::size_t table = 0; table < kRanges.size(); ++table) {
    for (std::size_t i = 0; i < kRanges[table].size(); ++i) selection[table].add(i, step[next++]);
  }
  std::vector<UpdateChunk> chunks;
  for (ChunkCutter cutter(selection, kRanges, kRanges); !cutter.done();) {
    chunks.push_back(cutter.next(chunk_bytes));
    chunks.back().header.clock = clock;
  }
  return chunks;
}

void give_own_step(Merge& merge, ParameterStore& store, Clock clock, const Step& step) {
  std::size_t next = 0;
  for (std::size_t table = 0; table < kRanges.size(); ++table) {
    merge.own_step(clock, table, store.change(table), std::span(step).subspan(next, kRanges[table].size()));
    next += kRanges[table].size();
  }
  merge.own_clock_closed(clock);
}

TEST(EagerSum, AddsEverythingAtOnce) {
  ParameterStore store(kRanges);
  EagerSum merge(store);
  give_own_step(merge, store, 1, Step(9, 2.0F));
  EXPECT_THAT(values_of(store), testing::Each(2.0F));
  for (UpdateChunk& chunk : chunks_of(7, Step(9, 0.5F), 16)) EXPECT_FALSE(merge.remote_chunk(1, chunk));
  EXPECT_THAT(values_of(store), testing::Each(2.5F));
  EXPECT_EQ(merge.applied(6), 6U);
  EXPECT_TRUE(merge.settled());
}

TEST(AddChunk, AddsDenseAndSparseSegmentsWhereTheyBelong) {
  ParameterStore store(kRanges);
  Selection selection(kRanges.size());
  selection[0].add(0, 1.0F);
  selection[0].add(5, 2.0F);
  selection[1].add(1, 4.0F);
  ChunkCutter cutter(selection, kRanges, kRanges);
  add_chunk(cutter.next(4096), store);
  EXPECT_THAT(values_of(store), ElementsAre(1, 0, 0, 0, 0, 2, 0, 4, 0));
}

// Four datacenters, each clock's updates in any order and interleaved, own step anywhere among them.
TEST(OrderedSum, IsTheSameBitForBitWhateverTheOrderOfArrival) {
  const std::vector<std::size_t> order = {2, 0, 3, 1};
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Random steps_random(seed / 4);
    Random random(seed);
    std::vector<Step> steps;
    for (std::size_t d = 0; d < order.size(); ++d) steps.push_back(drawn_step(steps_random));
    for (std::size_t own = 0; own < order.size(); ++own) {
      ParameterStore expected(kRanges);
      ParameterStore store(kRanges);
      OrderedSum merge(store, own, order, kManyBytes);
      for (Clock clock = 1; clock <= 3; ++clock) {
        for (const std::size_t d : order) {
          for (const UpdateChunk& chunk : chunks_of(clock, steps[d], kManyBytes)) add_chunk(chunk, expected);
        }
        // Who has how much left to give: chunks, then the word that this was all.
        std::vector<std::vector<UpdateChunk>> left(order.size());
        for (std::size_t d = 0; d < order.size(); ++d)
          left[d] = chunks_of(clock, steps[d], 8 + random.below(40));
        std::vector<std::size_t> given(order.size(), 0);
        std::size_t open = order.size();
        while (open > 0) {
          EXPECT_FALSE(merge.settled() && merge.applied(clock) == clock);
          const std::size_t d = random.below(order.size());
          if (given[d] > left[d].size()) continue;
          if (d == own) {
            give_own_step(merge, store, clock, steps[d]);
            given[d] = left[d].size() + 1;
            --open;
          } else if (given[d] < left[d].size()) {
            ASSERT_FALSE(merge.remote_chunk(d, left[d][given[d]++]));
          } else {
            merge.remote_complete(d, clock);
            ++given[d];
            --open;
          }
        }
        EXPECT_TRUE(merge.settled());
        EXPECT_EQ(merge.applied(clock), clock);
        EXPECT_EQ(merge.applied(clock + 5), clock);
        ASSERT_EQ(values_of(store), values_of(expected)) << "seed " << seed << ", own " << own;
      }
    }
  }
}

TEST(OrderedSum, HoldsBackWhatIsEarly) {
  ParameterStore store(kRanges);
  OrderedSum merge(store, /*own=*/0, {0, 1}, kManyBytes);
  for (UpdateChunk& chunk : chunks_of(1, Step(9, 1.0F), 4096)) EXPECT_FALSE(merge.remote_chunk(1, chunk));
  merge.remote_complete(1, 1);
  EXPECT_THAT(values_of(store), testing::Each(0.0F));  // the own clock is open
  EXPECT_EQ(merge.applied(1), 0U);
  give_own_step(merge, store, 1, Step(9, 2.0F));
  EXPECT_THAT(values_of(store), testing::Each(3.0F));
  EXPECT_EQ(merge.applied(1), 1U);
}

TEST(OrderedSum, RefusesWhatNoPeerInStepCanSend) {
  ParameterStore store(kRanges);
  OrderedSum merge(store, /*own=*/0, {0, 1}, /*max_pending_bytes=*/2 * 9 * 8);
  const auto refusal = [&](Clock clock, std::size_t copies = 1) {
    std::string message;
    for (std::size_t i = 0; i < copies; ++i) {
      const Failure wrong = merge.remote_chunk(1, chunks_of(clock, Step(9, 1.0F), 4096).front());
      if (wrong) message = wrong->message;
    }
    return message;
  };
  EXPECT_EQ(refusal(1), "");
  EXPECT_EQ(refusal(2), "");
  EXPECT_THAT(refusal(3), HasSubstr("updates of clock 3 after 0 clocks"));
  EXPECT_THAT(refusal(0), HasSubstr("updates of clock 0"));
  merge.remote_complete(1, 1);
  EXPECT_THAT(refusal(1), HasSubstr("updates of clock 1"));  // that was said to be all
  give_own_step(merge, store, 1, Step(9, 0.0F));
  EXPECT_THAT(refusal(1), HasSubstr("updates of clock 1 after 1 clocks"));
  EXPECT_EQ(refusal(3), "");
  EXPECT_THAT(refusal(2, 10), HasSubstr("more updates than its model has"));
}

}  // namespace
}  // namespace meridian::wan

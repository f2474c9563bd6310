// Goal: a plan covers its ranges in order, in messages of bounded size, and a cursor over the same ranges
// takes exactly that: nothing out of order, twice, left out or too long, and a refusal changes nothing.
#include "datacenter/transfer.h"

#include <gtest/gtest.h>

namespace meridian::datacenter {
namespace {

const std::vector<TableRange> kRanges{{10, 20}, {5, 5}, {0, 7}};

TEST(TransferPlan, CoversTheRangesInOrderInMessagesOfBoundedSize) {
  for (std::size_t entries = 1; entries <= 20; ++entries) {
    const auto plan = transfer_plan(kRanges, entries * sizeof(float));
    std::vector<std::size_t> covered;  // table * 100 + entry
    for (std::size_t message = 0; message < plan.size(); ++message) {
      std::size_t in_message = 0;
      for (const Segment& segment : plan[message]) {
        EXPECT_GT(segment.count, 0U);
        EXPECT_EQ(segment.sparse, 0U);
        for (std::size_t i = 0; i < segment.count; ++i)
          covered.push_back(segment.table * 100U + segment.first + i);
        in_message += segment.count;
      }
      EXPECT_LE(in_message, entries);
      if (message + 1 < plan.size()) {
        EXPECT_EQ(in_message, entries) << "a message sent half empty";
      }
    }
    std::vector<std::size_t> expected;
    for (std::size_t i = 10; i < 20; ++i) expected.push_back(i);
    for (std::size_t i = 0; i < 7; ++i) expected.push_back(200 + i);
    EXPECT_EQ(covered, expected) << entries << " entries in a message";
  }
}

TEST(TransferPlan, CutsRangesThatAreAskedFor) {
  const std::vector<Segment> ranges = {{0, 10, 3, 0}, {0, 15, 4, 0}, {2, 1, 2, 0}};
  const std::vector<std::vector<Segment>> expected = {
      {{0, 10, 3, 0}, {0, 15, 1, 0}}, {{0, 16, 3, 0}, {2, 1, 1, 0}}, {{2, 2, 1, 0}}};
  EXPECT_EQ(ranged_transfer_plan(ranges, 4 * sizeof(float)), expected);
  EXPECT_EQ(ranged_transfer_plan(ranges), std::vector<std::vector<Segment>>(1, ranges));
}

TEST(TransferPlan, OfNothingIsOneMessageWithoutSegments) {
  EXPECT_EQ(transfer_plan({{3, 3}, {0, 0}}), std::vector<std::vector<Segment>>(1));
  EXPECT_EQ(transfer_plan({}), std::vector<std::vector<Segment>>(1));
}

TEST(TransferPlan, SendsAtLeastAnEntryAtATime) { EXPECT_EQ(transfer_plan({{0, 3}}, 1).size(), 3U); }

TEST(TransferCursor, KnowsWhatItHasPassed) {
  TransferCursor cursor(kRanges);
  EXPECT_FALSE(cursor.has_passed({0, 10, 1, 0}));
  EXPECT_FALSE(cursor.is_under_way());
  ASSERT_TRUE(cursor.take({{0, 10, 4, 0}}));
  EXPECT_TRUE(cursor.has_passed({0, 10, 4, 0}));
  EXPECT_TRUE(cursor.has_passed({0, 12, 2, 0}));
  EXPECT_FALSE(cursor.has_passed({0, 12, 3, 0}));
  EXPECT_FALSE(cursor.has_passed({2, 0, 1, 0}));
  EXPECT_TRUE(cursor.is_under_way());
  ASSERT_TRUE(cursor.take({{0, 14, 6, 0}, {2, 0, 7, 0}}));
  EXPECT_TRUE(cursor.has_passed({2, 0, 7, 0}));
  EXPECT_FALSE(cursor.is_under_way());
}

TEST(TransferCursor, TakesEveryPlanToItsEndAndThenNothingMore) {
  for (std::size_t entries = 1; entries <= 20; ++entries) {
    TransferCursor cursor(kRanges);
    for (int round = 0; round < 2; ++round) {
      const auto plan = transfer_plan(kRanges, entries * sizeof(float));
      for (const std::vector<Segment>& segments : plan) {
        EXPECT_FALSE(cursor.complete());
        EXPECT_TRUE(cursor.take(segments));
      }
      EXPECT_TRUE(cursor.complete());
      EXPECT_FALSE(cursor.take(plan.front())) << "again from the beginning";
      cursor.restart();
    }
  }
}

TEST(TransferCursor, RefusesAnythingElseAndIsAsBefore) {
  const Segment first{0, 10, 6, 0};
  const std::vector<std::vector<Segment>> wrong{
      {{0, 10, 1, 0}},                 // a duplicate of what came
      {{0, 17, 1, 0}},                 // a gap
      {{0, 15, 2, 0}},                 // an overlap
      {{0, 16, 5, 0}},                 // beyond the range's end
      {{2, 0, 7, 0}},                  // a table left out
      {{1, 5, 1, 0}},                  // a table of which nothing is owned
      {{3, 0, 1, 0}},                  // a table that is not there
      {{0, 16, 4, 2}},                 // sparse
      {{0, 16, 4, 0}, {2, 1, 6, 0}},   // right, then a gap
      {{0, 16, 4, 0}, {2, 0, 8, 0}},   // right, then too much
      {{0, 16, ~std::uint64_t{0}, 0}}  // overflow
  };
  TransferCursor cursor(kRanges);
  ASSERT_TRUE(cursor.take({first}));
  for (const std::vector<Segment>& segments : wrong) {
    EXPECT_FALSE(cursor.take(segments)) << segments.front().table << ": " << segments.front().first;
    EXPECT_FALSE(cursor.complete());
  }
  EXPECT_TRUE(cursor.take({{0, 16, 4, 0}, {2, 0, 7, 0}})) << "a refusal has moved the cursor";
  EXPECT_TRUE(cursor.complete());
}

TEST(TransferCursor, OverNothingIsCompleteFromTheBeginning) {
  TransferCursor cursor({{3, 3}, {0, 0}});
  EXPECT_TRUE(cursor.complete());
  EXPECT_TRUE(cursor.take({}));
  EXPECT_FALSE(cursor.take({{0, 3, 1, 0}}));
  EXPECT_TRUE(cursor.complete());
}

}  // namespace
}  // namespace meridian::datacenter

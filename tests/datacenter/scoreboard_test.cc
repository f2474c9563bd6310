// Goal: a measurement is given out once, when every worker and every server has added its part, with what
// they add up to; parts that cannot be are refused with a reason.
#include "datacenter/scoreboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace meridian::datacenter {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

std::string reason(const Failure& failure) { return failure ? failure->message : ""; }

EvaluationPart part(Clock clock, double metric, bool final = false) {
  return {clock, {metric, 2 * metric, 10}, final, {milliseconds(1), milliseconds(2), milliseconds(3)}};
}

TEST(Scoreboard, AddsUpWorkersAndServers) {
  Scoreboard board(2, 2);
  EXPECT_EQ(reason(board.add(1, part(25, 4.0))), "");
  EXPECT_EQ(reason(board.add(0, ServerSample{25, false, 100, 10, 0.5, {{1, 7, 8}, {2, 1, 1}}})), "");
  EXPECT_EQ(reason(board.add(0, part(25, 3.0))), "");
  EXPECT_FALSE(board.take_complete());
  EXPECT_EQ(reason(board.add(1, ServerSample{25, false, 200, 20, 0.25, {{2, 5, 6}}})), "");
  const auto all = board.take_complete();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->clock, 25U);
  EXPECT_FALSE(all->final);
  EXPECT_EQ(all->sums, (EvaluationSums{7.0, 14.0, 20}));
  EXPECT_EQ(all->waits, (Waits{milliseconds(2), milliseconds(4), milliseconds(6)}));
  EXPECT_EQ(all->servers.entries_considered, 300U);
  EXPECT_EQ(all->servers.entries_sent, 30U);
  EXPECT_EQ(all->servers.difference_bound, 0.5);
  EXPECT_THAT(all->servers.links, ElementsAre(LinkBytes{1, 7, 8}, LinkBytes{2, 6, 7}));
  EXPECT_FALSE(board.take_complete()) << "twice";
  EXPECT_EQ(board.open(), 0U);
}

TEST(Scoreboard, GivesOutTheEarliestClockFirstAndTheFinalOneLast) {
  Scoreboard board(1, 1);
  for (const auto& [clock, final] : {std::pair<Clock, bool>(25, true), {50, false}, {25, false}}) {
    EXPECT_EQ(reason(board.add(0, part(clock, 1.0, final))), "");
    EXPECT_EQ(reason(board.add(0, ServerSample{clock, final, 0, 0, 0.0, {}})), "");
  }
  std::vector<std::pair<Clock, bool>> order;
  while (const auto all = board.take_complete()) order.emplace_back(all->clock, all->final);
  EXPECT_THAT(order, ElementsAre(std::pair(25U, false), std::pair(50U, false), std::pair(25U, true)));
}

TEST(Scoreboard, RefusesPartsThatCannotBe) {
  Scoreboard board(2, 1);
  EXPECT_THAT(reason(board.add(2, part(25, 1.0))), HasSubstr("worker 2, of 2"));
  EXPECT_THAT(reason(board.add(1, ServerSample{25, false, 0, 0, 0.0, {}})), HasSubstr("server 1, of 1"));
  EXPECT_EQ(reason(board.add(0, part(25, 1.0))), "");
  EXPECT_THAT(reason(board.add(0, part(25, 1.0))), HasSubstr("two evaluations at clock 25"));
  EXPECT_EQ(reason(board.add(0, ServerSample{25, false, 0, 0, 0.0, {}})), "");
  EXPECT_THAT(reason(board.add(0, ServerSample{25, false, 0, 0, 0.0, {}})), HasSubstr("two samples"));
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(reason(board.add(1, part(25, kNan))), HasSubstr("not finite at clock 25"));
  EXPECT_FALSE(board.take_complete());
}

TEST(Scoreboard, TakesAsManyFurtherSumsAsBelongAndAddsThem) {
  Scoreboard board(2, 1, 2);
  EXPECT_THAT(board.add(0, EvaluationPart{25, {1.0, 0.0, 1, {1.0}}, false, {}})->message,
              testing::HasSubstr("1 further sums where 2 belong"));
  EXPECT_FALSE(board.add(0, EvaluationPart{25, {1.0, 0.0, 1, {1.0, 2.0}}, false, {}, 3.0, 4}));
  EXPECT_FALSE(board.add(1, EvaluationPart{25, {1.0, 0.0, 1, {10.0, 20.0}}, false, {}, 5.0, 6}));
  EXPECT_FALSE(board.add(0, ServerSample{.clock = 25, .links = {}}));
  const auto complete = board.take_complete();
  ASSERT_TRUE(complete);
  EXPECT_THAT(complete->sums.more, testing::ElementsAre(11.0, 22.0));
  EXPECT_EQ(complete->train_loss_sum, 8.0);
  EXPECT_EQ(complete->train_samples, 10U);
}

TEST(Scoreboard, HoldsOnlySoManyUnfinishedOnes) {
  Scoreboard board(2, 1);
  for (Clock clock = 1; clock <= 64; ++clock) EXPECT_EQ(reason(board.add(0, part(clock, 1.0))), "");
  EXPECT_THAT(reason(board.add(0, part(65, 1.0))), HasSubstr("clock 65 beside 64 unfinished ones"));
  EXPECT_NE(reason(board.add(0, ServerSample{65, false, 0, 0, 0.0, {}})), "");
  EXPECT_EQ(board.open(), 64U);
}

}  // namespace
}  // namespace meridian::datacenter

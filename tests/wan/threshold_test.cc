// Goal: each schedule gives the threshold of its formula at every clock. Reached by clocks whose thresholds
// are worked out by hand.
#include "wan/threshold.h"

#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

TEST(ThresholdSchedule, FallsWithTheSquareRootOfTheClock) {
  const ThresholdSchedule schedule{.kind = Schedule::inverse_sqrt};
  EXPECT_DOUBLE_EQ(schedule.at(0.2, 1, 1.0), 0.2);
  EXPECT_DOUBLE_EQ(schedule.at(0.2, 4, 0.5), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at(0.2, 100, 0.0), 0.02);
}

TEST(ThresholdSchedule, StaysConstant) {
  const ThresholdSchedule schedule{.kind = Schedule::constant};
  EXPECT_EQ(schedule.at(0.2, 1, 1.0), 0.2);
  EXPECT_EQ(schedule.at(0.2, 1000, 0.1), 0.2);
}

TEST(ThresholdSchedule, RampsInEqualStepsAndStaysAtTheEnd) {
  const ThresholdSchedule down{.kind = Schedule::linear, .v_end = 0.25, .ramp_clocks = 5};
  EXPECT_EQ(down.at(1.25, 1, 0.5), 1.25);
  EXPECT_EQ(down.at(1.25, 2, 0.5), 1.0);
  EXPECT_EQ(down.at(1.25, 4, 0.5), 0.5);
  EXPECT_EQ(down.at(1.25, 5, 0.5), 0.25);
  EXPECT_EQ(down.at(1.25, 6, 0.5), 0.25);
  EXPECT_EQ(down.at(1.25, 4'000'000'000, 0.5), 0.25);
  const ThresholdSchedule up{.kind = Schedule::linear, .v_end = 2.0, .ramp_clocks = 3};
  EXPECT_EQ(up.at(0.0, 2, 1.0), 1.0);
  const ThresholdSchedule at_once{.kind = Schedule::linear, .v_end = 2.0, .ramp_clocks = 1};
  EXPECT_EQ(at_once.at(0.5, 1, 1.0), 2.0);
}

TEST(ThresholdSchedule, FollowsTheLearningRate) {
  const ThresholdSchedule schedule{.kind = Schedule::learning_rate};
  EXPECT_EQ(schedule.at(0.5, 1, 1.0), 0.5);
  EXPECT_EQ(schedule.at(0.5, 70, 0.25), 0.125);
}

TEST(ThresholdSchedule, IsFoundByName) {
  EXPECT_EQ(schedule_named("inverse_sqrt"), Schedule::inverse_sqrt);
  EXPECT_EQ(schedule_named("constant"), Schedule::constant);
  EXPECT_EQ(schedule_named("linear"), Schedule::linear);
  EXPECT_EQ(schedule_named("learning_rate"), Schedule::learning_rate);
  EXPECT_FALSE(schedule_named("cosine"));
}

}  // namespace
}  // namespace meridian::wan

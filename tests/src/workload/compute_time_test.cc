// Goal: how long a computation is said to take depends on the seed, the worker and the clock alone, stays
// within its spread, and follows the factor of its datacenter.
#include "src/workload/compute_time.h"

#include <gtest/gtest.h>

#include <set>

namespace meridian {
namespace {

constexpr ComputeTime kTenMilliseconds{
    .seed = 3, .seconds_per_clock = 0.010, .spread = 0.2, .seconds_per_evaluation = 0.004};

TEST(ComputeTime, IsAFunctionOfSeedWorkerAndClock) {
  std::set<Time> times;
  for (std::size_t datacenter = 0; datacenter < 3; ++datacenter) {
    for (std::size_t worker = 0; worker < 3; ++worker) {
      for (Clock clock = 1; clock <= 10; ++clock) {
        const Time time = kTenMilliseconds.gradient({datacenter, worker}, clock);
        EXPECT_EQ(time, kTenMilliseconds.gradient({datacenter, worker}, clock));
        times.insert(time);
      }
    }
  }
  EXPECT_EQ(times.size(), 90U);
  ComputeTime other = kTenMilliseconds;
  other.seed = 4;
  EXPECT_NE(other.gradient({0, 0}, 1), kTenMilliseconds.gradient({0, 0}, 1));
}

TEST(ComputeTime, StaysWithinItsSpreadAndUsesMostOfIt) {
  Time least = Time::max();
  Time most{0};
  for (Clock clock = 1; clock <= 1000; ++clock) {
    const Time time = kTenMilliseconds.gradient({0, 0}, clock);
    least = std::min(least, time);
    most = std::max(most, time);
  }
  EXPECT_GE(least, from_seconds(0.008));
  EXPECT_LT(least, from_seconds(0.0082));
  EXPECT_LE(most, from_seconds(0.012));
  EXPECT_GT(most, from_seconds(0.0118));
}

TEST(ComputeTime, IsExactWithoutSpreadAndMultipliedByTheFactor) {
  ComputeTime slow = kTenMilliseconds;
  slow.spread = 0.0;
  slow.factor = 3.0;
  EXPECT_EQ(slow.gradient({1, 1}, 9), from_seconds(0.030));
  EXPECT_EQ(slow.evaluation(), from_seconds(0.012));
}

}  // namespace
}  // namespace meridian

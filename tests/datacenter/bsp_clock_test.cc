// Goal: a clock closes when every worker has pushed it, once each and no other clock.
#include "datacenter/bsp_clock.h"

#include <gtest/gtest.h>

namespace meridian::datacenter {
namespace {

TEST(BspClock, ClosesWhenEveryWorkerHasPushed) {
  BspClock clock(3);
  EXPECT_FALSE(clock.push_complete(2));
  EXPECT_FALSE(clock.push_complete(0));
  EXPECT_EQ(clock.closed(), 0U);
  EXPECT_TRUE(clock.push_complete(1));
  EXPECT_EQ(clock.closed(), 1U);
  EXPECT_FALSE(clock.push_complete(1));
  EXPECT_FALSE(clock.push_complete(2));
  EXPECT_TRUE(clock.push_complete(0));
  EXPECT_EQ(clock.closed(), 2U);
}

TEST(BspClock, AcceptsOnlyTheOpenClockAndEachWorkerOnce) {
  BspClock clock(2);
  EXPECT_FALSE(clock.accepts(0, 0));
  EXPECT_TRUE(clock.accepts(0, 1));
  EXPECT_FALSE(clock.accepts(0, 2));
  EXPECT_FALSE(clock.accepts(2, 1)) << "no such worker";
  clock.push_complete(0);
  EXPECT_FALSE(clock.accepts(0, 1)) << "twice";
  EXPECT_FALSE(clock.accepts(0, 2)) << "one ahead";
  EXPECT_TRUE(clock.accepts(1, 1));
  clock.push_complete(1);
  EXPECT_FALSE(clock.accepts(0, 1)) << "closed";
  EXPECT_TRUE(clock.accepts(0, 2));
}

TEST(BspClock, OfOneWorkerClosesWithEachPush) {
  BspClock clock(1);
  for (Clock c = 1; c <= 3; ++c) {
    EXPECT_TRUE(clock.accepts(0, c));
    EXPECT_TRUE(clock.push_complete(0));
    EXPECT_EQ(clock.closed(), c);
  }
}

}  // namespace
}  // namespace meridian::datacenter

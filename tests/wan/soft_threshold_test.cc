// Goal: the factor fills an idle link and gives way on a full one, stays within its limits, and settles where
// the link is used up to the share. Reached by given uses, and by a closed loop with a made link whose use
// follows from the factor.
#include "wan/soft_threshold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/check.h"

namespace meridian::wan {
namespace {

/// How many updates with this use it takes to reach `factor`; 1000 if it takes that many.
int updates_to(SoftThreshold& threshold, double factor, double use) {
  int updates = 0;
  while (threshold.factor() != factor && updates < 1000) {
    threshold.update(use);
    ++updates;
  }
  return updates;
}

TEST(SoftThreshold, BeginsAtTheHardThreshold) {
  EXPECT_EQ(SoftThreshold(0.25, 0.8).factor(), 1.0);
  SoftThreshold threshold(0.25, 0.8);
  EXPECT_EQ(threshold.update(1.0), 1.0);
}

TEST(SoftThreshold, SinksGraduallyOnAnIdleLinkAndRisesQuickerOnAFullOne) {
  SoftThreshold threshold(0.25, 0.8);
  const double first = threshold.update(0.0);
  EXPECT_GT(first, 0.85);
  EXPECT_LT(first, 1.0);
  EXPECT_NEAR(threshold.update(0.0), first * first, 1e-15);  // geometric
  const int sinking = 2 + updates_to(threshold, 0.25, 0.0);
  EXPECT_LT(sinking, 50);
  EXPECT_EQ(threshold.update(0.0), 0.25);
  const int rising = updates_to(threshold, 1.0, 1.0);
  EXPECT_LE(2 * rising, sinking);
  EXPECT_GT(rising, 1);
}

TEST(SoftThreshold, StepsShrinkNearTheShare) {
  SoftThreshold near(0.25, 0.8);
  SoftThreshold far(0.25, 0.8);
  EXPECT_GT(near.update(0.79), far.update(0.4));
  const double before = near.factor();
  EXPECT_EQ(near.update(0.8), before);
  EXPECT_LT(far.update(0.9) / far.factor(), 1.01);
}

TEST(SoftThreshold, SettlesNearTheShareInAClosedLoop) {
  // A lower threshold sends more: the use is what the hard threshold sends, over the factor to some power,
  // and no more than the link carries.
  for (const double share : {0.5, 0.8, 0.95}) {
    for (const double hard_use : {0.1, 0.3, 0.45}) {
      for (const double power : {0.5, 1.0, 2.0}) {
        SoftThreshold threshold(0.001, share);
        double use = hard_use;
        for (int clock = 0; clock < 500; ++clock) {
          use = std::min(1.0, hard_use * std::pow(threshold.update(use), -power));
        }
        EXPECT_NEAR(use, share, 0.02) << hard_use << " to the power " << power;
      }
    }
  }
}

TEST(SoftThreshold, SettlesAtItsLimitsWhereTheShareIsOutOfReach) {
  SoftThreshold idle(0.5, 0.8);
  for (int clock = 0; clock < 100; ++clock) idle.update(0.1 / idle.factor());
  EXPECT_EQ(idle.factor(), 0.5);
  SoftThreshold full(0.5, 0.8);
  for (int clock = 0; clock < 100; ++clock) full.update(std::min(1.0, 0.9 / full.factor()));
  EXPECT_EQ(full.factor(), 1.0);
}

TEST(SoftThreshold, StandsAnyUse) {
  SoftThreshold threshold(0.25, 0.8);
  const double before = threshold.update(0.0);
  EXPECT_EQ(threshold.update(std::nan("")), before);
  EXPECT_EQ(threshold.update(-5.0), before * before);
  for (int i = 0; i < 50; ++i) threshold.update(std::numeric_limits<double>::infinity());
  EXPECT_EQ(threshold.factor(), 1.0);
  // The ends of what a share may be: never fill, and always.
  SoftThreshold never(0.25, 0.0);
  EXPECT_EQ(never.update(0.0), 1.0);
  EXPECT_EQ(never.update(0.5), 1.0);
  SoftThreshold always(0.25, 1.0);
  for (int i = 0; i < 100; ++i) always.update(0.5);
  EXPECT_EQ(always.factor(), 0.25);
  EXPECT_EQ(always.update(1.0), 0.25);
  SoftThreshold hard(1.0, 0.8);
  EXPECT_EQ(hard.update(0.0), 1.0);
}

TEST(SoftThreshold, RefusesWhatMakesNoSense) {
  EXPECT_THROW(SoftThreshold(0.0, 0.8), BrokenInvariant);
  EXPECT_THROW(SoftThreshold(1.5, 0.8), BrokenInvariant);
  EXPECT_THROW(SoftThreshold(std::nan(""), 0.8), BrokenInvariant);
  EXPECT_THROW(SoftThreshold(0.5, -0.1), BrokenInvariant);
  EXPECT_THROW(SoftThreshold(0.5, 1.1), BrokenInvariant);
}

}  // namespace
}  // namespace meridian::wan

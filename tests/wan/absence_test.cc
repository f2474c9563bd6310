// Goal: each policy makes of a neighbour's silence what it says: an end, a wait with an end, or a leave with
// a way back. Reached by looking at one silent neighbour again and again.
#include "wan/absence.h"

#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

using std::chrono::seconds;
using Verdict = Absences::Verdict;

Absences absences_of(SilencePolicy policy) {
  return {{.policy = policy, .silence = seconds(30), .wait = seconds(600)}, 2};
}

TEST(Absences, WhoIsHeardIsLeftAlone) {
  for (const SilencePolicy policy : {SilencePolicy::stop, SilencePolicy::wait, SilencePolicy::go_on}) {
    Absences absences = absences_of(policy);
    EXPECT_EQ(absences.look(0, seconds(0)), Verdict::as_before) << to_string(policy);
    EXPECT_EQ(absences.look(0, seconds(30) - Time{1}), Verdict::as_before) << to_string(policy);
    EXPECT_FALSE(absences.has_left(0)) << to_string(policy);
  }
}

TEST(Absences, StopEndsTheRunAtTheDeadline) {
  Absences absences = absences_of(SilencePolicy::stop);
  EXPECT_EQ(absences.look(0, seconds(30)), Verdict::too_long);
  EXPECT_EQ(absences.look(1, seconds(29)), Verdict::as_before);
  EXPECT_FALSE(absences.has_left(0));
}

TEST(Absences, WaitSaysSoOnceAndEndsTheRunInTheEnd) {
  Absences absences = absences_of(SilencePolicy::wait);
  EXPECT_EQ(absences.look(0, seconds(30)), Verdict::silent);
  EXPECT_EQ(absences.look(0, seconds(31)), Verdict::as_before);
  EXPECT_EQ(absences.look(1, seconds(31)), Verdict::silent) << "each one is looked at by itself";
  EXPECT_FALSE(absences.has_left(0));
  EXPECT_EQ(absences.look(0, seconds(630) - Time{1}), Verdict::as_before);
  EXPECT_EQ(absences.look(0, seconds(630)), Verdict::too_long);
}

TEST(Absences, WhoWasWaitedForAndIsHeardMayBeSilentAnew) {
  Absences absences = absences_of(SilencePolicy::wait);
  EXPECT_EQ(absences.look(0, seconds(30)), Verdict::silent);
  EXPECT_EQ(absences.look(0, seconds(1)), Verdict::as_before);
  EXPECT_EQ(absences.look(0, seconds(30)), Verdict::silent);
}

TEST(Absences, WithGoOnOneLeavesAndReturnsAsOftenAsItLikes) {
  Absences absences = absences_of(SilencePolicy::go_on);
  for (int times = 0; times < 3; ++times) {
    EXPECT_EQ(absences.look(0, seconds(30)), Verdict::left);
    EXPECT_TRUE(absences.has_left(0));
    EXPECT_FALSE(absences.has_left(1));
    EXPECT_EQ(absences.look(0, seconds(10'000)), Verdict::as_before) << "it has no deadline";
    EXPECT_EQ(absences.look(0, seconds(29)), Verdict::returned);
    EXPECT_FALSE(absences.has_left(0));
    EXPECT_EQ(absences.look(0, seconds(1)), Verdict::as_before);
  }
}

TEST(Absences, WhoLeftForGoodDoesNotReturnAndEndsNothing) {
  for (const SilencePolicy policy : {SilencePolicy::stop, SilencePolicy::wait, SilencePolicy::go_on}) {
    Absences absences = absences_of(policy);
    EXPECT_FALSE(absences.has_left_for_good(0));
    absences.leave_for_good(0);
    EXPECT_TRUE(absences.has_left(0));
    EXPECT_TRUE(absences.has_left_for_good(0));
    EXPECT_FALSE(absences.has_left(1));
    EXPECT_EQ(absences.look(0, seconds(1)), Verdict::as_before);
    EXPECT_EQ(absences.look(0, seconds(10'000)), Verdict::as_before);
    EXPECT_TRUE(absences.has_left(0));
  }
}

TEST(Absences, PoliciesHaveTheNamesOfTheConfiguration) {
  EXPECT_STREQ(to_string(SilencePolicy::stop), "stop");
  EXPECT_STREQ(to_string(SilencePolicy::wait), "wait");
  EXPECT_STREQ(to_string(SilencePolicy::go_on), "continue");
}

}  // namespace
}  // namespace meridian::wan

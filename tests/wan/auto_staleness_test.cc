// Goal: DS is what delay, serialisation and the time per clock ask for, rises at once, falls late, does not
// flap, stays within its limit and says when it gets there. Reached by given figures.
#include "wan/auto_staleness.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Links = std::vector<AutoStaleness::Link>;

AutoStaleness with_clock(Time clock, Clock most = 100) {
  AutoStaleness staleness(most);
  staleness.clock_took(clock);
  return staleness;
}

// A link that needs so many clocks of 100 ms.
Links asking_for(double clocks) { return {{milliseconds(static_cast<int>(200 * clocks)), 0, 1e6}}; }

void repeat(AutoStaleness& staleness, const Links& links, std::size_t times) {
  for (std::size_t i = 0; i < times; ++i) staleness.update(links);
}

TEST(AutoStaleness, IsDelayAndSerialisationInClocksRoundedUp) {
  struct Case {
    Time clock;
    Links links;
    Clock ds;
  };
  const std::vector<Case> cases = {
      {milliseconds(100), {{milliseconds(200), 0, 1e6}}, 1},
      {milliseconds(100), {{milliseconds(202), 0, 1e6}}, 2},
      {milliseconds(100), {{milliseconds(100), 50'000, 1e6}}, 1},
      {milliseconds(100), {{milliseconds(100), 51'000, 1e6}}, 2},
      {milliseconds(100), {{milliseconds(0), 1e6, 1e6}}, 10},
      {seconds(10), {{milliseconds(300), 1e6, 1e6}}, 1},
      {milliseconds(10), {{milliseconds(300), 0, 1e6}, {milliseconds(100), 3e5, 1e6}, {Time(0), 0, 1}}, 35},
      // Rounding asks for no clock more.
      {milliseconds(100), {{milliseconds(600), 0, 1e6}}, 3},
      {milliseconds(70), {{milliseconds(420), 0, 1e6}}, 3},
  };
  for (const Case& each : cases) {
    AutoStaleness staleness = with_clock(each.clock);
    staleness.update(each.links);
    EXPECT_EQ(staleness.ds(), each.ds) << each.clock.count() << ", case " << &each - cases.data();
  }
}

TEST(AutoStaleness, StartsAtOneAndWaitsForTheFirstClock) {
  AutoStaleness staleness(8);
  EXPECT_EQ(staleness.ds(), 1U);
  EXPECT_FALSE(staleness.update(asking_for(50)));
  EXPECT_EQ(staleness.ds(), 1U);
  staleness.clock_took(milliseconds(100));
  staleness.update(asking_for(5));
  EXPECT_EQ(staleness.ds(), 5U);
  EXPECT_EQ(AutoStaleness(0).ds(), 0U);
}

TEST(AutoStaleness, RisesAtOnceAndFallsOnlyAfterAWhile) {
  AutoStaleness staleness = with_clock(milliseconds(100));
  staleness.update(asking_for(3));
  staleness.update(asking_for(7));
  EXPECT_EQ(staleness.ds(), 7U);
  repeat(staleness, asking_for(2), AutoStaleness::kHold - 2);
  staleness.update(asking_for(4));
  EXPECT_EQ(staleness.ds(), 7U);
  staleness.update(asking_for(2));
  EXPECT_EQ(staleness.ds(), 4U) << "the most that was asked for meanwhile";
  repeat(staleness, asking_for(2), AutoStaleness::kHold);
  EXPECT_EQ(staleness.ds(), 2U);
}

TEST(AutoStaleness, DoesNotFlapOnTheBorder) {
  AutoStaleness staleness = with_clock(milliseconds(100));
  staleness.update(asking_for(3));
  for (int i = 0; i < 500; ++i) {
    staleness.update(asking_for(i % 15 == 0 ? 3 : 2.99));
    staleness.update(asking_for(1.99));
    EXPECT_EQ(staleness.ds(), 3U);
  }
}

TEST(AutoStaleness, FollowsTheTimePerClockWithoutBelievingASingleOne) {
  AutoStaleness staleness = with_clock(milliseconds(100));
  staleness.update(asking_for(3.5));
  EXPECT_EQ(staleness.ds(), 4U);
  staleness.clock_took(milliseconds(10));
  staleness.update(asking_for(3.5));
  EXPECT_EQ(staleness.ds(), 4U);
  for (int i = 0; i < 100; ++i) {
    staleness.clock_took(milliseconds(10));
    staleness.update(asking_for(3.5));
  }
  EXPECT_EQ(staleness.ds(), 35U);
  for (int i = 0; i < 100; ++i) {
    staleness.clock_took(seconds(1));
    staleness.update(asking_for(3.5));
  }
  EXPECT_EQ(staleness.ds(), 1U);
}

TEST(AutoStaleness, WarnsOnceEachTimeItGetsToTheLimit) {
  AutoStaleness staleness = with_clock(milliseconds(100), 6);
  EXPECT_FALSE(staleness.update(asking_for(5)));
  EXPECT_TRUE(staleness.update(asking_for(60)));
  EXPECT_EQ(staleness.ds(), 6U);
  EXPECT_FALSE(staleness.update(asking_for(60)));
  EXPECT_FALSE(staleness.update(asking_for(5)));
  EXPECT_FALSE(staleness.update(asking_for(6))) << "it never left";
  repeat(staleness, asking_for(2), AutoStaleness::kHold);
  EXPECT_EQ(staleness.ds(), 2U);
  EXPECT_TRUE(staleness.update(asking_for(6)));

  AutoStaleness tight = with_clock(milliseconds(100), 1);
  EXPECT_FALSE(tight.update(asking_for(0))) << "DS starts there, but nobody asked for it";
  EXPECT_TRUE(tight.update(asking_for(1)));
  EXPECT_FALSE(tight.update(asking_for(9)));
}

TEST(AutoStaleness, SenselessFiguresNeedTheMost) {
  const double not_a_number = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<AutoStaleness::Link> senseless = {{milliseconds(10), 0, 0},
                                                      {milliseconds(10), 1, 0},
                                                      {milliseconds(10), 1, -5},
                                                      {milliseconds(10), -1, 5},
                                                      {milliseconds(-10), 1, 5},
                                                      {milliseconds(10), not_a_number, 5},
                                                      {milliseconds(10), 1, not_a_number},
                                                      {milliseconds(10), infinity, 5},
                                                      {milliseconds(10), 1e300, 1e-300}};
  for (const AutoStaleness::Link& each : senseless) {
    AutoStaleness staleness = with_clock(milliseconds(100), 9);
    EXPECT_TRUE(staleness.update(Links{each}));
    EXPECT_EQ(staleness.ds(), 9U);
  }
  AutoStaleness no_time = with_clock(Time(0), 9);
  no_time.update(asking_for(1));
  EXPECT_EQ(no_time.ds(), 9U);
  AutoStaleness fast = with_clock(milliseconds(100), 9);
  fast.update(Links{{milliseconds(10), 5, infinity}});
  EXPECT_EQ(fast.ds(), 1U);
}

TEST(AutoStaleness, WithoutLinksNothingIsStale) {
  AutoStaleness staleness = with_clock(milliseconds(100), 9);
  repeat(staleness, {}, AutoStaleness::kHold);
  EXPECT_EQ(staleness.ds(), 0U);
}

}  // namespace
}  // namespace meridian::wan

// Goal: reads are held exactly when the slowest other datacenter is more than DS clocks behind, by the kind
// of clock that the mode looks at, with DS as given or as the links demand. Reached by tables of clocks and
// answers.
#include "wan/wait.h"

#include <gtest/gtest.h>

#include <vector>

namespace meridian::wan {
namespace {

using Looks = MirrorClock::Looks;

TEST(NeverWait, HoldsNothing) {
  EXPECT_FALSE(NeverWait{}.holds(1000, std::vector<PeerClock>{{0, 0}}, 0));
  EXPECT_EQ(NeverWait{}.bound(3), kClockDone);
}

TEST(MirrorClock, HoldsWhoIsMoreThanDsAhead) {
  struct Case {
    Clock ds;
    Clock closed;
    std::vector<Clock> peers;
    bool holds;
  };
  const std::vector<Case> cases = {
      {0, 0, {0, 0}, false},       {0, 1, {1, 1}, false},
      {0, 1, {1, 0}, true},        {0, 1, {0, 5}, true},
      {0, 3, {4, 3}, false},       {1, 1, {0}, false},
      {1, 2, {0}, true},           {1, 2, {1}, false},
      {3, 10, {7, 9}, false},      {3, 10, {9, 6}, true},
      {5, 3, {0}, false},          {5, 5, {0}, false},
      {5, 6, {0}, true},           {0, 9, {}, false},
      {0, 9, {kClockDone}, false}, {0, 9, {kClockDone, 8}, true},
      {kClockDone, 9, {0}, false},
  };
  for (const Case& each : cases) {
    std::vector<PeerClock> reported;
    std::vector<PeerClock> applied;
    for (const Clock clock : each.peers) {
      // The clock that does not count would give the other answer.
      const Clock other = each.holds ? kClockDone : 0;
      reported.push_back({clock, other});
      applied.push_back({other, clock});
    }
    SCOPED_TRACE(testing::Message() << "ds " << each.ds << ", closed " << each.closed);
    // What suits the links says nothing where ds is given, and everything where it is not.
    const Clock other_ds = each.holds ? kClockDone : 0;
    EXPECT_EQ(MirrorClock(each.ds, Looks::at_reported).holds(each.closed, reported, other_ds), each.holds);
    EXPECT_EQ(MirrorClock(each.ds, Looks::at_applied).holds(each.closed, applied, other_ds), each.holds);
    EXPECT_EQ(MirrorClock({}, Looks::at_reported).holds(each.closed, reported, each.ds), each.holds);
    EXPECT_EQ(MirrorClock({}, Looks::at_applied).holds(each.closed, applied, each.ds), each.holds);
  }
}

TEST(MirrorClock, SaysHowFarAheadReadsMayGo) {
  EXPECT_EQ(MirrorClock(3, Looks::at_reported).bound(9), 3U);
  EXPECT_EQ(MirrorClock({}, Looks::at_reported).bound(9), 9U);
}

}  // namespace
}  // namespace meridian::wan

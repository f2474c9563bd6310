// Goal: every wait for a peer ends at its deadline with the names of who is missing, and nobody who is there
// is blamed. Reached by telling a PeerWatch what happened when, in times of our own making.
#include "src/runtime/peer_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/base/check.h"

namespace meridian {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr ProcessId kAda = ProcessId{0, Role::worker, 0};
constexpr ProcessId kBob = ProcessId{0, Role::worker, 1};
constexpr ProcessId kEve = ProcessId{1, Role::server, 0};
constexpr ProcessId kStranger = ProcessId{9, Role::server, 9};

PeerWatch three_peers() {
  PeerWatch watch({.start = seconds(30), .silence = seconds(10)});
  watch.expect(kAda, "ada", 2);
  watch.expect(kBob, "bob", 2);
  watch.expect(kEve, "eve", 2);
  return watch;
}

void greet_fully(PeerWatch& watch, Time now, ProcessId peer) {
  EXPECT_TRUE(watch.greeted(now, peer, 5, Channel::control));
  EXPECT_TRUE(watch.greeted(now, peer, 5, Channel::data));
}

TEST(PeerWatch, NamesAllWhoAreMissingAtTheStartDeadline) {
  PeerWatch watch = three_peers();
  greet_fully(watch, seconds(1), kBob);
  EXPECT_EQ(watch.overdue(seconds(30) - Time{1}), "");
  EXPECT_THAT(watch.overdue(seconds(30)), AllOf(HasSubstr("ada and eve"), HasSubstr("30 s"),
                                                HasSubstr("start_s"), Not(HasSubstr("bob"))));
}

TEST(PeerWatch, MissesAPeerThatGreetedOnOneConnectionOnly) {
  PeerWatch watch = three_peers();
  greet_fully(watch, seconds(1), kAda);
  greet_fully(watch, seconds(1), kBob);
  EXPECT_TRUE(watch.greeted(seconds(1), kEve, 5, Channel::control));
  EXPECT_TRUE(watch.greeted(seconds(2), kEve, 5, Channel::control)) << "twice on one is not once on each";
  EXPECT_TRUE(watch.has_greeted(kEve, Channel::control));
  EXPECT_FALSE(watch.has_greeted(kEve, Channel::data));
  EXPECT_FALSE(watch.has_greeted(kEve));
  EXPECT_FALSE(watch.complete());
  EXPECT_EQ(watch.missing_names(), "eve");
  EXPECT_THAT(watch.overdue(seconds(30)), HasSubstr("eve did not join"));
  greet_fully(watch, seconds(3), kEve);
  EXPECT_TRUE(watch.complete());
  EXPECT_EQ(watch.missing_names(), "");
}

TEST(PeerWatch, NamesThreeMissingOnesAsASentenceDoes) {
  EXPECT_EQ(three_peers().missing_names(), "ada, bob and eve");
}

TEST(PeerWatch, SaysNowAndThenWhomItWaitsFor) {
  PeerWatch watch = three_peers();
  greet_fully(watch, seconds(1), kAda);
  EXPECT_EQ(watch.missing_notice(seconds(4)), "");
  EXPECT_THAT(watch.missing_notice(seconds(5)), AllOf(HasSubstr("bob and eve"), HasSubstr("5 s of 30 s")));
  EXPECT_EQ(watch.missing_notice(seconds(6)), "");
  EXPECT_THAT(watch.missing_notice(seconds(10)), HasSubstr("bob and eve"));
  greet_fully(watch, seconds(11), kBob);
  greet_fully(watch, seconds(11), kEve);
  EXPECT_EQ(watch.missing_notice(seconds(20)), "");
}

TEST(PeerWatch, NamesWhoHasBeenSilent) {
  PeerWatch watch = three_peers();
  for (const ProcessId peer : {kAda, kBob, kEve}) greet_fully(watch, seconds(2), peer);
  watch.heard_from(seconds(5), kAda);
  watch.heard_from(seconds(5), kEve);
  EXPECT_EQ(watch.overdue(seconds(12) - Time{1}), "");
  EXPECT_THAT(watch.overdue(seconds(12)),
              AllOf(HasSubstr("bob has been silent for 10 s"), HasSubstr("silence_s")));
  watch.heard_from(seconds(12), kBob);
  EXPECT_EQ(watch.overdue(seconds(12)), "");
}

TEST(PeerWatch, MeansNothingByTheSilenceOfWhoHasLeft) {
  PeerWatch watch = three_peers();
  for (const ProcessId peer : {kAda, kBob, kEve}) greet_fully(watch, seconds(2), peer);
  watch.departed(kAda);
  watch.heard_from(seconds(100), kBob);
  watch.heard_from(seconds(100), kEve);
  EXPECT_TRUE(watch.has_departed(kAda));
  EXPECT_EQ(watch.overdue(seconds(100)), "");
  EXPECT_THAT(watch.owed_heartbeat(seconds(100)), ElementsAre(kBob, kEve));
}

TEST(PeerWatch, ExpectsNothingOfWhomItSaidGoodbyeTo) {
  PeerWatch watch = three_peers();
  for (const ProcessId peer : {kAda, kBob, kEve}) greet_fully(watch, seconds(2), peer);
  watch.released(kAda);
  watch.heard_from(seconds(100), kBob);
  watch.heard_from(seconds(100), kEve);
  EXPECT_EQ(watch.overdue(seconds(100)), "");
  EXPECT_FALSE(watch.has_departed(kAda)) << "it may still be there, and is owed signs of life";
  EXPECT_THAT(watch.owed_heartbeat(seconds(100)), ElementsAre(kAda, kBob, kEve));
}

TEST(PeerWatch, LeavesTheSilenceOfTheExcusedToOthersButNotTheirGreeting) {
  PeerWatch watch({.start = seconds(30), .silence = seconds(10)});
  watch.expect(kAda, "ada", 2);
  watch.expect(kEve, "eve", 2, /*excused=*/true);
  greet_fully(watch, seconds(1), kAda);
  EXPECT_THAT(watch.overdue(seconds(30)), HasSubstr("eve did not join"));
  greet_fully(watch, seconds(2), kEve);
  watch.heard_from(seconds(99), kAda);
  EXPECT_EQ(watch.overdue(seconds(100)), "");
  EXPECT_EQ(watch.silent_for(seconds(100), kEve), seconds(98));
  EXPECT_THAT(watch.overdue(seconds(109)), AllOf(HasSubstr("ada has been silent"), Not(HasSubstr("eve"))));
}

TEST(PeerWatch, TellsHowLongNothingCameFromWhoStillOwesASignOfLife) {
  PeerWatch watch = three_peers();
  greet_fully(watch, seconds(1), kAda);
  EXPECT_EQ(watch.silent_for(seconds(5), kAda), Time{0}) << "not all are here";
  greet_fully(watch, seconds(2), kBob);
  greet_fully(watch, seconds(2), kEve);
  EXPECT_EQ(watch.silent_for(seconds(5), kAda), seconds(4));
  watch.heard_from(seconds(7), kAda);
  EXPECT_EQ(watch.silent_for(seconds(9), kAda), seconds(2));
  watch.departed(kAda);
  watch.released(kBob);
  EXPECT_EQ(watch.silent_for(seconds(9), kAda), Time{0});
  EXPECT_EQ(watch.silent_for(seconds(9), kBob), Time{0});
  EXPECT_EQ(watch.silent_for(seconds(9), kEve), seconds(7));
  EXPECT_EQ(watch.silent_for(seconds(9), kStranger), Time{0});
}

TEST(PeerWatch, LooksOftenEnoughForItsDeadlineAndNotAllTheTime) {
  const auto tick = [](Time silence) { return PeerWatch({.start = seconds(30), .silence = silence}).tick(); };
  EXPECT_EQ(tick(seconds(30)), PeerWatch::kTick);
  EXPECT_EQ(tick(seconds(2)), std::chrono::milliseconds(500));
  EXPECT_EQ(tick(Time{1}), PeerWatch::kShortestTick);
}

TEST(PeerWatch, RefusesASecondIncarnation) {
  PeerWatch watch = three_peers();
  EXPECT_TRUE(watch.greeted(seconds(1), kAda, 5, Channel::control));
  EXPECT_FALSE(watch.greeted(seconds(1), kAda, 6, Channel::data)) << "half of another process";
  EXPECT_TRUE(watch.greeted(seconds(1), kAda, 5, Channel::data));
  EXPECT_FALSE(watch.greeted(seconds(2), kAda, 6, Channel::control)) << "restarted";
  EXPECT_TRUE(watch.greeted(seconds(2), kAda, 5, Channel::control)) << "the same one on a new connection";
}

TEST(PeerWatch, KnowsNoStrangers) {
  PeerWatch watch = three_peers();
  EXPECT_FALSE(watch.knows(kStranger));
  EXPECT_FALSE(watch.greeted(seconds(1), kStranger, 5, Channel::control));
  EXPECT_FALSE(watch.has_greeted(kStranger));
  watch.heard_from(seconds(1), kStranger);
  watch.departed(kStranger);
  EXPECT_FALSE(watch.has_departed(kStranger));
}

TEST(PeerWatch, ExpectsNobodyTwice) {
  PeerWatch watch = three_peers();
  EXPECT_THROW(watch.expect(kAda, "ada again", 2), BrokenInvariant);
}

TEST(PeerWatch, OwesAHeartbeatWhereNothingElseWasSent) {
  PeerWatch watch = three_peers();
  EXPECT_THAT(watch.owed_heartbeat(seconds(5)), IsEmpty()) << "nobody has greeted yet";
  greet_fully(watch, seconds(5), kAda);
  greet_fully(watch, seconds(5), kBob);
  watch.sent_to(seconds(5), kAda);
  watch.sent_to(seconds(6) - Time{1}, kBob);
  EXPECT_THAT(watch.owed_heartbeat(seconds(6) - Time{1}), IsEmpty());
  EXPECT_THAT(watch.owed_heartbeat(seconds(6)), ElementsAre(kAda));
  EXPECT_THAT(watch.owed_heartbeat(seconds(7)), ElementsAre(kAda, kBob));
}

}  // namespace
}  // namespace meridian

// Goal: a machine talks only to the processes of its own run, keeps them alive with heartbeats, and ends the
// run with a name and a reason when one of them is missing, restarted, of another configuration, or gone,
// unless a policy decides otherwise.
// Reached by events given to a Membership whose actions are recorded.
#include "src/runtime/membership.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/runtime/recorded_actions.h"

namespace meridian {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr ProcessId kSelf = ProcessId{0, Role::server, 0};
constexpr ProcessId kCaller = ProcessId{0, Role::worker, 0};  // called us, so its hello is answered
constexpr ProcessId kCalled = ProcessId{1, Role::server, 0};  // we called it
constexpr ProcessId kStranger = ProcessId{5, Role::server, 3};
constexpr std::uint64_t kDigest = 77;

class MembershipTest : public testing::Test {
 protected:
  MembershipTest()
      : membership_({.self = kSelf,
                     .name = "paris-server-0",
                     .run_digest = kDigest,
                     .incarnation = 1,
                     .configuration = "seed=1\n",
                     .explain_difference =
                         [](const std::string& theirs) { return "seed is 1 here and not " + theirs; }},
                    {.start = seconds(30), .silence = seconds(10)}) {
    membership_.expect(kCaller, "paris-worker-0", /*answer=*/true);
    membership_.expect(kCalled, "tokyo-server-0", /*answer=*/false);
  }

  bool receive(ProcessId from, Channel channel, const Body& body, Time now = seconds(1)) {
    return membership_.on_message(now, from, channel, body, actions_);
  }

  static Hello hello_of(ProcessId sender, Channel channel) {
    return {kProtocolVersion, kDigest, sender, /*incarnation=*/9, channel};
  }

  void greet_fully(ProcessId peer, Time now = seconds(1)) {
    EXPECT_TRUE(receive(peer, Channel::control, hello_of(peer, Channel::control), now));
    EXPECT_TRUE(receive(peer, Channel::data, hello_of(peer, Channel::data), now));
  }

  std::vector<std::string> notices() const {
    std::vector<std::string> texts;
    for (const Notice& notice : actions_.reports_of<Notice>()) texts.push_back(notice.text);
    return texts;
  }

  Membership membership_;
  RecordedActions actions_;
};

TEST_F(MembershipTest, GreetsOnBothChannels) {
  membership_.greet(seconds(0), kCalled, actions_);
  ASSERT_THAT(actions_.sent, SizeIs(2));
  for (const RecordedActions::Sent& sent : actions_.sent) {
    EXPECT_EQ(sent.to, kCalled);
    EXPECT_EQ(std::get<Hello>(sent.message.body), (Hello{kProtocolVersion, kDigest, kSelf, 1, sent.channel}));
  }
  EXPECT_NE(actions_.sent[0].channel, actions_.sent[1].channel);
}

TEST_F(MembershipTest, AnswersTheHelloOfWhoCalled) {
  greet_fully(kCaller);
  ASSERT_THAT(actions_.sent, SizeIs(2));
  EXPECT_EQ(actions_.sent[0].channel, Channel::control);
  EXPECT_EQ(actions_.sent[1].channel, Channel::data);
  EXPECT_THAT(actions_.sent_of<Hello>(kCaller), SizeIs(2));
  greet_fully(kCalled);
  EXPECT_THAT(actions_.sent_of<Hello>(kCalled), IsEmpty()) << "two that answer each other never stop";
  EXPECT_TRUE(membership_.complete());
}

TEST_F(MembershipTest, LeavesOtherMessagesToItsMachine) {
  greet_fully(kCaller);
  EXPECT_FALSE(receive(kCaller, Channel::control, Pull{1, false}));
  EXPECT_TRUE(receive(kCaller, Channel::control, Heartbeat{}));
}

TEST_F(MembershipTest, TellsAPeerOfAnotherConfigurationWhatItsOwnIs) {
  Hello other = hello_of(kCaller, Channel::control);
  other.run_digest = kDigest + 1;
  EXPECT_TRUE(receive(kCaller, Channel::control, other));
  EXPECT_THAT(actions_.sent_of<Refusal>(kCaller), ElementsAre(Refusal{"seed=1\n"}));
  EXPECT_THAT(notices(), ElementsAre(AllOf(HasSubstr("paris-worker-0"), HasSubstr("another configuration"))));
  EXPECT_FALSE(membership_.has_greeted(kCaller, Channel::control));
  EXPECT_EQ(actions_.failure(), "") << "the one that is wrong stops, not we";
}

TEST_F(MembershipTest, ARefusalEndsTheRunAndNamesTheKeyThatDiffers) {
  EXPECT_TRUE(receive(kCalled, Channel::control, Refusal{"2"}));
  EXPECT_THAT(actions_.failure(), AllOf(HasSubstr("tokyo-server-0"), HasSubstr("seed is 1 here and not 2")));
}

TEST_F(MembershipTest, RefusesAnotherProtocolVersion) {
  Hello other = hello_of(kCaller, Channel::control);
  other.version = kProtocolVersion + 1;
  EXPECT_TRUE(receive(kCaller, Channel::control, other));
  EXPECT_THAT(notices(), ElementsAre(AllOf(HasSubstr("paris-worker-0"),
                                           HasSubstr("version " + std::to_string(kProtocolVersion + 1)))));
  EXPECT_FALSE(membership_.has_greeted(kCaller, Channel::control));
  EXPECT_THAT(actions_.sent, IsEmpty());
}

TEST_F(MembershipTest, RefusesAnUnknownSender) {
  EXPECT_TRUE(receive(kStranger, Channel::control, hello_of(kStranger, Channel::control)));
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("datacenter 5, server 3")));
  EXPECT_TRUE(receive(kStranger, Channel::control, Refusal{"2"}));
  EXPECT_TRUE(receive(kStranger, Channel::control, Goodbye{true, "let us all stop"}));
  EXPECT_EQ(actions_.failure(), "");
  EXPECT_THAT(actions_.sent, IsEmpty());
}

// Two addresses exchanged in the configuration's hosts, which the digest leaves out.
TEST_F(MembershipTest, EndsTheRunWhereAnotherProcessAnswersAtAPeersAddress) {
  EXPECT_TRUE(receive(kCalled, Channel::control, hello_of(kStranger, Channel::control)));
  EXPECT_THAT(actions_.failure(), AllOf(HasSubstr("tokyo-server-0"), HasSubstr("datacenter 5, server 3")));
  EXPECT_FALSE(membership_.has_greeted(kCalled, Channel::control));
}

TEST_F(MembershipTest, EndsTheRunWhereAPeersPortsAreExchanged) {
  EXPECT_TRUE(receive(kCalled, Channel::control, hello_of(kCalled, Channel::data)));
  EXPECT_THAT(actions_.failure(), HasSubstr("tokyo-server-0"));
  EXPECT_FALSE(membership_.has_greeted(kCalled, Channel::control));
}

TEST_F(MembershipTest, ARestartedPeerEndsTheRun) {
  greet_fully(kCaller);
  Hello again = hello_of(kCaller, Channel::control);
  again.incarnation = 10;
  EXPECT_TRUE(receive(kCaller, Channel::control, again));
  EXPECT_THAT(actions_.failure(), HasSubstr("paris-worker-0 was restarted"));
}

TEST_F(MembershipTest, AGoodbyeInGoodOrderEndsNothing) {
  greet_fully(kCaller);
  greet_fully(kCalled);
  EXPECT_TRUE(receive(kCaller, Channel::control, Goodbye{false, "done"}));
  EXPECT_TRUE(membership_.has_departed(kCaller));
  EXPECT_TRUE(receive(kCalled, Channel::control, Heartbeat{}, seconds(20)));
  membership_.on_tick(seconds(20), actions_);
  EXPECT_EQ(actions_.failure(), "") << "its silence means nothing any more";
  EXPECT_THAT(actions_.sent_of<Heartbeat>(kCaller), IsEmpty());
}

TEST_F(MembershipTest, AGoodbyeForAFaultEndsTheRunWithThePeersReasonAndTellsTheOthers) {
  greet_fully(kCaller);
  greet_fully(kCalled);
  EXPECT_TRUE(receive(kCalled, Channel::control, Goodbye{true, "a full disk"}));
  EXPECT_EQ(actions_.failure(), "tokyo-server-0 stopped: a full disk");
  EXPECT_THAT(actions_.sent_of<Goodbye>(kCaller),
              ElementsAre(Goodbye{true, "tokyo-server-0 stopped: a full disk"}));
  EXPECT_THAT(actions_.sent_of<Goodbye>(kCalled), IsEmpty()) << "it has left";
}

TEST_F(MembershipTest, APeersReasonIsBounded) {
  greet_fully(kCalled);
  EXPECT_TRUE(receive(kCalled, Channel::control, Goodbye{true, std::string(100'000, 'x')}));
  EXPECT_LT(actions_.failure().size(), 600U);
}

TEST_F(MembershipTest, AGoodbyeOfWhoHasNotGreetedIsNotBelieved) {
  EXPECT_TRUE(receive(kCalled, Channel::control, Goodbye{true, "let us all stop"}));
  EXPECT_EQ(actions_.failure(), "");
  EXPECT_FALSE(membership_.has_departed(kCalled));
}

TEST_F(MembershipTest, SaysGoodbyeOnceAndOnlyToWhoHasGreeted) {
  greet_fully(kCaller);
  membership_.say_goodbye(seconds(2), /*failed=*/false, "done", actions_);
  membership_.fail(seconds(3), FaultKind::failed, "too late", actions_);
  EXPECT_THAT(actions_.sent_of<Goodbye>(), ElementsAre(Goodbye{false, "done"}));
  EXPECT_EQ(actions_.failure(), "too late");
}

TEST_F(MembershipTest, SaysGoodbyeToOneThatHasSaidItBeforeAndMayStayForIt) {
  greet_fully(kCaller);
  EXPECT_TRUE(receive(kCaller, Channel::control, Goodbye{false, "drained"}));
  membership_.say_goodbye_to(seconds(2), kCaller, /*failed=*/false, "drained", actions_);
  membership_.say_goodbye_to(seconds(3), kCaller, /*failed=*/false, "drained", actions_);
  EXPECT_THAT(actions_.sent_of<Goodbye>(kCaller), ElementsAre(Goodbye{false, "drained"}));
}

TEST_F(MembershipTest, ATickSendsHeartbeatsThatAreOwed) {
  greet_fully(kCaller, seconds(1));  // answered, so something was sent
  greet_fully(kCalled, seconds(1));
  membership_.on_tick(seconds(1), actions_);
  EXPECT_THAT(actions_.sent_of<Heartbeat>(kCaller), IsEmpty());
  EXPECT_THAT(actions_.sent_of<Heartbeat>(kCalled), SizeIs(1));
  membership_.on_tick(seconds(2), actions_);
  EXPECT_THAT(actions_.sent_of<Heartbeat>(kCaller), SizeIs(1));
  EXPECT_THAT(actions_.sent_of<Heartbeat>(kCalled), SizeIs(2));
}

TEST_F(MembershipTest, ATickSaysWhoIsMissingAndAtTheDeadlineStops) {
  greet_fully(kCaller);
  membership_.on_tick(seconds(5), actions_);
  EXPECT_THAT(notices(), ElementsAre(HasSubstr("waiting for tokyo-server-0")));
  EXPECT_EQ(actions_.failure(), "");
  membership_.on_tick(seconds(30), actions_);
  EXPECT_THAT(actions_.failure(), HasSubstr("tokyo-server-0 did not join"));
  EXPECT_THAT(actions_.sent_of<Goodbye>(kCaller), ElementsAre(Goodbye{true, actions_.failure()}));
}

TEST_F(MembershipTest, ATickStopsTheRunForASilentPeer) {
  greet_fully(kCaller);
  greet_fully(kCalled);
  EXPECT_FALSE(receive(kCaller, Channel::control, Pull{1, false}, seconds(9)));
  membership_.on_tick(seconds(11), actions_);
  EXPECT_THAT(actions_.failure(), HasSubstr("tokyo-server-0 has been silent"));
}

/// One more peer, whose loss a policy decides: it says what the test says.
class LossPolicyTest : public MembershipTest {
 protected:
  static constexpr ProcessId kFar = ProcessId{2, Role::server, 0};

  LossPolicyTest() {
    membership_.expect(kFar, "lima-server-0", /*answer=*/false, Membership::WhenLost::policy_decides);
    membership_.decide_losses_with([&](Time, ProcessId peer, const std::string& why, Actions&) {
      EXPECT_EQ(peer, kFar);
      losses_.push_back(why);
      return goes_on_;
    });
    for (const ProcessId peer : {kCaller, kCalled, kFar}) greet_fully(peer);
  }

  bool goes_on_ = true;
  std::vector<std::string> losses_;
};

TEST_F(LossPolicyTest, ItsFaultAndItsRestartAreThePolicysToDecide) {
  EXPECT_TRUE(receive(kFar, Channel::control, Goodbye{true, "a full disk"}));
  Hello again = hello_of(kFar, Channel::control);
  again.incarnation = 10;
  EXPECT_TRUE(receive(kFar, Channel::control, again));
  EXPECT_THAT(losses_, ElementsAre("lima-server-0 stopped: a full disk", HasSubstr("was restarted")));
  EXPECT_EQ(actions_.failure(), "");
}

TEST_F(LossPolicyTest, ThePolicyMayEndTheRun) {
  goes_on_ = false;
  EXPECT_TRUE(receive(kFar, Channel::control, Goodbye{true, "a full disk"}));
  EXPECT_EQ(actions_.failure(), "lima-server-0 stopped: a full disk");
  EXPECT_THAT(actions_.sent_of<Goodbye>(kCaller), SizeIs(1));
}

TEST_F(LossPolicyTest, AnyOthersLossEndsTheRun) {
  EXPECT_TRUE(receive(kCalled, Channel::control, Goodbye{true, "a full disk"}));
  EXPECT_THAT(losses_, IsEmpty());
  EXPECT_EQ(actions_.failure(), "tokyo-server-0 stopped: a full disk");
}

TEST_F(LossPolicyTest, ItsSilenceEndsNothingHere) {
  for (const ProcessId peer : {kCaller, kCalled}) membership_.heard_from(seconds(99), peer);
  membership_.on_tick(seconds(100), actions_);
  EXPECT_EQ(actions_.failure(), "");
  EXPECT_EQ(membership_.silent_for(seconds(100), kFar), seconds(99));
  EXPECT_TRUE(receive(kFar, Channel::control, Heartbeat{}, seconds(100)));
  EXPECT_EQ(membership_.silent_for(seconds(100), kFar), Time{0});
}

TEST_F(LossPolicyTest, WhoIsShutOutIsNotHeardAndOwesNothing) {
  membership_.shut_out(kFar);
  EXPECT_TRUE(membership_.is_shut_out(kFar));
  EXPECT_FALSE(membership_.is_shut_out(kCaller));
  Hello again = hello_of(kFar, Channel::control);
  again.incarnation = 10;
  for (const Body& body : {Body(again), Body(Goodbye{true, "a full disk"}), Body(Update{})}) {
    EXPECT_TRUE(receive(kFar, Channel::control, body)) << "nothing is left to the machine";
  }
  EXPECT_THAT(losses_, IsEmpty());
  EXPECT_EQ(membership_.silent_for(seconds(100), kFar), Time{0});
  actions_.sent.clear();
  membership_.on_tick(seconds(2), actions_);
  membership_.say_goodbye(seconds(2), /*failed=*/false, "done", actions_);
  for (const RecordedActions::Sent& sent : actions_.sent) EXPECT_NE(sent.to, kFar);
}

TEST_F(MembershipTest, NumbersAllButGreetings) {
  membership_.number_with([](ProcessId to, Channel channel, const Body& body) -> SessionPosition {
    EXPECT_EQ(to, kCalled);
    EXPECT_EQ(channel, Channel::control);
    EXPECT_TRUE(std::holds_alternative<Heartbeat>(body));
    return {3, 7};
  });
  membership_.send(seconds(1), kCalled, Channel::control, {Hello{}, {}}, actions_);
  membership_.send(seconds(1), kCalled, Channel::control, {Refusal{}, {}}, actions_);
  membership_.send(seconds(1), kCalled, Channel::control, {Heartbeat{}, {}}, actions_);
  ASSERT_THAT(actions_.sent, SizeIs(3));
  EXPECT_EQ(actions_.sent[0].message.position, SessionPosition{});
  EXPECT_EQ(actions_.sent[1].message.position, SessionPosition{});
  EXPECT_EQ(actions_.sent[2].message.position, (SessionPosition{3, 7}));
}

TEST_F(MembershipTest, CountsTheBytesItSends) {
  std::size_t counted = 0;
  membership_.count_sent_with([&](ProcessId to, Channel channel, std::size_t bytes) {
    EXPECT_EQ(to, kCalled);
    EXPECT_EQ(channel, Channel::data);
    counted += bytes;
  });
  const std::size_t bytes =
      membership_.send(seconds(1), kCalled, Channel::data, {Pull{1, false}, {}}, actions_);
  EXPECT_GT(bytes, 0U);
  EXPECT_EQ(counted, bytes);
}

}  // namespace
}  // namespace meridian

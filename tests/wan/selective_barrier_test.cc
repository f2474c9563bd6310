// Goal: the selective barrier holds exactly the reads that it must. A read of announced rows waits until the
// chunk that releases them is applied, a read of other rows, asked at the same moment, does not; the wait is
// charged to its cause; hubs pass barriers on; a barrier that is never released ends as its policy says.
// Reached with one server whose peers and workers are played by the test, and with whole runs over links that
// are too slow for their updates.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "src/wire/float_bytes.h"
#include "tests/wan/drawn_deployment.h"
#include "tests/wan/hand_driven_server.h"
#include "tests/wan/link_ledger.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kColumns = 8;
const ProcessId kPeer = HandDrivenServer::peer(1);

TEST(SelectiveBarrier, HoldsReadsOfAnnouncedRowsAndNoOthers) {
  HandDrivenServer server;
  server.hear_announcement(kPeer, 1, 3 * kColumns, 2 * kColumns);
  server.now += milliseconds(5);
  server.pull(0, 0, 4 * kColumns, 3 * kColumns);  // one of its rows is announced
  server.pull(1, 0, 10 * kColumns, 3 * kColumns);
  EXPECT_THAT(server.replies(0), IsEmpty());
  ASSERT_THAT(server.replies(1), SizeIs(1));
  EXPECT_EQ(server.replies(1).front().waits, Waits{});

  // A chunk of other rows, and one of these rows that is not the last of the announcement, change nothing.
  server.now += milliseconds(20);
  server.hear_chunk(kPeer, 30 * kColumns, {0.5F});
  server.hear_chunk(kPeer, 3 * kColumns, std::vector<float>(kColumns, 0.25F));
  EXPECT_THAT(server.replies(0), IsEmpty());

  const float before = server.server().store().values(0)[4 * kColumns];
  server.now += milliseconds(30);
  server.hear_chunk(kPeer, 4 * kColumns, std::vector<float>(kColumns, 0.125F), /*released=*/1);
  ASSERT_THAT(server.replies(0), SizeIs(1));
  Waits waits;
  waits.selective_barrier = milliseconds(50);
  EXPECT_EQ(server.replies(0).front().waits, waits);
  for (const RecordedActions::Sent& sent : server.actions.sent) {
    if (!std::holds_alternative<PullReply>(sent.message.body) || sent.to != HandDrivenServer::worker(0)) {
      continue;
    }
    EXPECT_EQ(load_float(sent.message.payloads.front().bytes().data()), before + 0.125F);
  }
}

TEST(SelectiveBarrier, AReadOfEverythingWaitsToo) {
  HandDrivenServer server;
  server.hear_announcement(kPeer, 1, 3 * kColumns, 1);
  server.pull(0, 0);
  EXPECT_THAT(server.replies(0), IsEmpty());
  server.hear_chunk(kPeer, 0, {}, /*released=*/1);
  EXPECT_THAT(server.replies(0), SizeIs(1));
}

TEST(SelectiveBarrier, DoesNotHoldAReadThatWasAskedBefore) {
  HandDrivenServer server;
  server.pull(0, 0);
  server.pull(1, 0);
  server.push(0, 1);
  server.pull(0, 1, 3 * kColumns, kColumns);  // waits for the other worker
  server.hear_announcement(kPeer, 1, 3 * kColumns, kColumns);
  server.push(1, 1);
  EXPECT_THAT(server.replies(0), SizeIs(2));
  server.pull(1, 1, 3 * kColumns, kColumns);
  EXPECT_THAT(server.replies(1), SizeIs(1)) << "asked after the announcement";
}

TEST(SelectiveBarrier, AReleaseThatComesFirstLeavesNothingToWaitFor) {
  HandDrivenServer server;
  server.hear_chunk(kPeer, 3 * kColumns, {0.5F}, /*released=*/1);
  server.hear_announcement(kPeer, 1, 3 * kColumns, 1);
  server.pull(0, 0);
  EXPECT_THAT(server.replies(0), SizeIs(1));
}

TEST(SelectiveBarrier, EndsTheRunAtItsDeadlineWithThePolicyStop) {
  HandDrivenServer server({.on_barrier = BarrierPolicy::stop, .barrier_deadline = seconds(7)});
  server.hear_announcement(kPeer, 1, 0, 4);
  server.pull(0, 0);
  server.now += seconds(6);
  server.tick();
  EXPECT_EQ(server.actions.failure(), "");
  server.now += seconds(1);
  server.tick();
  EXPECT_THAT(server.actions.failure(), HasSubstr("dc1-server-0 announced updates 7 s ago"));
  EXPECT_THAT(server.actions.failure(), HasSubstr("wan.deadlines.barrier_s; policy: stop"));
}

TEST(SelectiveBarrier, OpensAtItsDeadlineWithThePolicyOpen) {
  HandDrivenServer server({.on_barrier = BarrierPolicy::open, .barrier_deadline = seconds(7)});
  server.hear_announcement(kPeer, 1, 0, 4);
  server.pull(0, 0, 0, 4);
  server.now += seconds(7);
  server.tick();
  EXPECT_EQ(server.actions.failure(), "");
  EXPECT_THAT(server.replies(0), SizeIs(1));
  ASSERT_THAT(server.actions.reports_of<Notice>(), SizeIs(1));
  EXPECT_THAT(server.actions.reports_of<Notice>().front().text, HasSubstr("policy: open"));
  // A later announcement holds again.
  server.hear_announcement(kPeer, 2, 0, 4);
  server.pull(1, 0, 0, 4);
  EXPECT_THAT(server.replies(1), IsEmpty());
}

TEST(SelectiveBarrier, OfADatacenterThatIsLeftOutIsOpen) {
  HandDrivenServer server({.absence = {.policy = SilencePolicy::go_on, .silence = seconds(3)}});
  server.hear_announcement(kPeer, 1, 0, 4);
  server.pull(0, 0, 0, 4);
  server.now += seconds(4);
  server.tick();
  EXPECT_THAT(server.replies(0), SizeIs(1));
  EXPECT_EQ(server.actions.failure(), "");
}

// Datacenter 0 is the hub of 1 and 2, and 3 is another hub. What is announced from a member goes on to all
// others, never back, and is released there once its values have gone there, however small they are.
TEST(SelectiveBarrier, IsPassedOnByAHub) {
  const Overlay overlay =
      Overlay::hubs(4, {{.hub = 0, .members = {1, 2}}, {.hub = 3, .members = {}}}).value();
  ModeParameters parameters{.ds = 1000};
  parameters.filter.defaults.v0 = 1e6;  // nothing is significant
  HandDrivenServer server({.overlay = overlay, .parameters = parameters});
  server.hear_announcement(HandDrivenServer::peer(1), 1, 3 * kColumns, kColumns);
  EXPECT_THAT(server.actions.sent_of<Announcement>(HandDrivenServer::peer(1)), IsEmpty());
  for (const std::uint16_t other : {std::uint16_t{2}, std::uint16_t{3}}) {
    const auto passed_on = server.actions.sent_of<Announcement>(HandDrivenServer::peer(other));
    ASSERT_THAT(passed_on, SizeIs(1));
    EXPECT_THAT(passed_on.front().segments, ElementsAre(Segment{0, 3 * kColumns, kColumns, kColumns}));
    EXPECT_THAT(server.actions.sent_of<Update>(HandDrivenServer::peer(other)), IsEmpty());
  }
  server.pull(0, 0, 3 * kColumns, 1);
  EXPECT_THAT(server.replies(0), IsEmpty()) << "the hub's own workers wait as well";
  server.hear_chunk(HandDrivenServer::peer(1), 3 * kColumns, std::vector<float>(kColumns, 0x1p-20F), 1);
  EXPECT_THAT(server.replies(0), SizeIs(1));
  EXPECT_THAT(server.actions.sent_of<Update>(HandDrivenServer::peer(1)), IsEmpty());
  for (const std::uint16_t other : {std::uint16_t{2}, std::uint16_t{3}}) {
    const auto updates = server.actions.sent_of<Update>(HandDrivenServer::peer(other));
    ASSERT_FALSE(updates.empty());
    EXPECT_EQ(updates.back().released, 1U);
    EXPECT_THAT(updates.front().segments, ElementsAre(Segment{0, 3 * kColumns, kColumns, 0}));
  }
}

// What a peer announces goes to members only.
TEST(SelectiveBarrier, OfAPeerGoesToMembersOnly) {
  const Overlay overlay =
      Overlay::hubs(4, {{.hub = 0, .members = {1}}, {.hub = 2, .members = {}}, {.hub = 3, .members = {}}})
          .value();
  HandDrivenServer server({.overlay = overlay});
  server.hear_announcement(HandDrivenServer::peer(2), 1, 3 * kColumns, kColumns);
  EXPECT_THAT(server.actions.sent_of<Announcement>(HandDrivenServer::peer(1)), SizeIs(1));
  EXPECT_THAT(server.actions.sent_of<Announcement>(HandDrivenServer::peer(3)), IsEmpty());
}

/// A deployment in `gaia` whose links carry a tenth of its updates.
DeploymentOptions overloaded(std::optional<Overlay> overlay, std::size_t datacenters) {
  DeploymentOptions options;
  options.datacenters.assign(datacenters, {.workers = 2, .servers = 2});
  options.overlay = std::move(overlay);
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 5e4, .delay = milliseconds(20)};
  };
  options.parameters.filter.schedule.kind = Schedule::constant;
  options.parameters.filter.defaults.v0 = 0.001;
  options.parameters.ds = 20;
  options.clocks = 25;
  return options;
}

struct Barriers {
  std::size_t announcements = 0;
  double waited_s = 0.0;
};

/// Runs to the end, which must be well; every chunk is booked.
Barriers barriers_of(const DeploymentOptions& options) {
  const CountingWorkload workload({.seed = 3,
                                   .workers = workers_of(options),
                                   .tables = {{"wide", 500, 10}, {"narrow", 17, 1}},
                                   .poison = {}});
  Barriers barriers;
  LinkLedger::Options listening;
  listening.listen.on_send = [&](Time, ProcessId, ProcessId, const Message& message) {
    barriers.announcements += std::holds_alternative<Announcement>(message.body) ? 1 : 0;
  };
  LinkLedger ledger(options, workload, std::move(listening));
  const Simulation::Outcome outcome = ledger.run();
  EXPECT_FALSE(outcome.fault) << outcome.fault->reason;
  EXPECT_EQ(ledger.wrong(), "");
  EXPECT_EQ(ledger.not_drained(), "");
  for (std::size_t d = 0; d < options.datacenters.size(); ++d) {
    if (ledger.deployment().log(d).final) {
      barriers.waited_s += to_seconds(ledger.deployment().log(d).final->waits.selective_barrier);
    }
  }
  return barriers;
}

TEST(SelectiveBarrierRuns, AreRaisedWhereLinksAreTooSlow) {
  const Barriers slow = barriers_of(overloaded({}, 3));
  EXPECT_GT(slow.announcements, 10U);
  EXPECT_GT(slow.waited_s, 0.5);
}

TEST(SelectiveBarrierRuns, AreRaisedOverHubsAndTrees) {
  const Barriers hubs = barriers_of(
      overloaded(Overlay::hubs(5, {{.hub = 0, .members = {1, 2}}, {.hub = 3, .members = {4}}}).value(), 5));
  EXPECT_GT(hubs.announcements, 10U);
  EXPECT_GT(hubs.waited_s, 0.5);
  const Barriers tree = barriers_of(overloaded(Overlay::tree(4, {1, std::nullopt, 1, 2}).value(), 4));
  EXPECT_GT(tree.announcements, 10U);
  EXPECT_GT(tree.waited_s, 0.5);
}

TEST(SelectiveBarrierRuns, AreNotRaisedWhereLinksCarryTheUpdates) {
  DeploymentOptions options = overloaded({}, 3);
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e8, .delay = milliseconds(20)};
  };
  const Barriers fast = barriers_of(options);
  EXPECT_EQ(fast.announcements, 0U);
  EXPECT_EQ(fast.waited_s, 0.0);
}

TEST(SelectiveBarrierRuns, AreNotRaisedWhereTheModeHasNone) {
  DeploymentOptions options = overloaded({}, 3);
  options.parts = parts_of("gaia");
  options.parts->selective_barrier = false;
  EXPECT_EQ(barriers_of(options).announcements, 0U);
}

// Announcements and releases survive breaks: no read waits for ever, and all is equal at the end.
TEST(SelectiveBarrierRuns, EndWellThroughResets) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options =
        overloaded(seed % 2 == 0 ? std::nullopt
                                 : std::optional(Overlay::hubs(3, {{.hub = 1, .members = {0, 2}}}).value()),
                   3);
    options.seed = seed;
    Random random(seed);
    for (int i = 0; i < 10; ++i) {
      const auto from = static_cast<std::uint16_t>(random.below(3));
      options.faults.emplace_back(ConnectionReset{.from = from,
                                                  .to = static_cast<std::uint16_t>((from + 1) % 3),
                                                  .at = seconds(1) + milliseconds(random.below(4000)),
                                                  .control = random.below(3) != 0,
                                                  .data = random.below(3) != 0,
                                                  .sender = {},
                                                  .receiver = {}});
    }
    EXPECT_GT(barriers_of(options).announcements, 10U);
  }
}

}  // namespace
}  // namespace meridian::wan

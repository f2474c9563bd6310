// Goal: a mirror's figures say what holds: clocks and lag of its peers, bytes and messages both ways, breaks,
// announcements, what was rejected. How: one server whose peer is played by hand.
#include "wan/mirror_figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wan/hand_driven_server.h"

namespace meridian::wan {
namespace {

using testing::SizeIs;

constexpr std::size_t kControl = 0;
constexpr std::size_t kData = 1;
const ProcessId kPeer = HandDrivenServer::peer(1);

MirrorFigures figures_of(HandDrivenServer& server) { return server.server().mirror().figures(server.now); }

TEST(MirrorFigures, FollowThePeersClocksAndWhatComesAndGoes) {
  HandDrivenServer server;
  MirrorFigures before = figures_of(server);
  ASSERT_THAT(before.peers, SizeIs(1));
  EXPECT_EQ(before.peers[0].name, "dc1");
  EXPECT_EQ(before.bound, 1000U);
  EXPECT_EQ(before.peers[0].configured_rate_bytes_per_s, 1e6);
  EXPECT_EQ(before.peers[0].received_messages[kData], 0U);

  server.hear_chunk(kPeer, 8, {0.5F});
  for (Clock clock = 1; clock <= 3; ++clock) {
    for (std::uint16_t worker = 0; worker < 2; ++worker) server.push(worker, clock, 1.0F);
  }
  ClockReport report;
  report.clock = 1;
  server.hear(kPeer, report);
  const MirrorFigures after = figures_of(server);
  const PeerFigures& peer = after.peers[0];
  EXPECT_EQ(peer.reported, 1U);
  EXPECT_EQ(peer.lag, 2U);
  EXPECT_TRUE(peer.present);
  EXPECT_EQ(peer.received_messages[kData], 1U);
  EXPECT_EQ(peer.received_messages[kControl], before.peers[0].received_messages[kControl] + 1);
  EXPECT_GT(peer.sent.data, 0U);
  EXPECT_GT(peer.sent.payload, 0U);
  EXPECT_GT(peer.sent_messages[kData], 0U);
  EXPECT_GT(peer.unacknowledged_bytes, 0U) << "nothing was acknowledged";
  EXPECT_GT(after.entries_considered, 0U);
  EXPECT_GT(after.entries_sent, 0U);
}

TEST(MirrorFigures, CountAnnouncementsBreaksAndViolations) {
  HandDrivenServer server({.absence = {.policy = SilencePolicy::go_on}});
  server.hear_announcement(kPeer, 1, 0, 4);
  EXPECT_EQ(figures_of(server).peers[0].announcements_in, 1U);
  EXPECT_EQ(figures_of(server).peers[0].breaks, 0U);
  server.lose_chunk(kPeer);
  server.hear_chunk(kPeer, 8, {0.5F});
  EXPECT_EQ(figures_of(server).peers[0].breaks, 1U);
  EXPECT_EQ(figures_of(server).protocol_violations, 0U) << "what gets lost is nobody's fault";
  server.hear(kPeer,
              Acknowledgement{1, 99});  // of a chunk that was never sent; in the old epoch it is dropped
  EXPECT_EQ(figures_of(server).protocol_violations, 0U);
  HandDrivenServer other({.absence = {.policy = SilencePolicy::go_on}});
  other.hear(kPeer, Acknowledgement{1, 99});
  const MirrorFigures after = figures_of(other);
  EXPECT_EQ(after.protocol_violations, 1U);
  EXPECT_FALSE(after.peers[0].present) << "the others go on without it";
}

TEST(MirrorFigures, TheDifferenceIsThatOfTheLastMeasurement) {
  HandDrivenServer server(
      {.parts = {.what = "significance_filter"},
       .parameters = {.filter = SignificanceFilter::Options{.defaults = {.v0 = 1e9}}, .ds = 1000},
       .evaluate_every = 1});
  EXPECT_THAT(figures_of(server).residual_norms, SizeIs(0)) << "nothing was measured yet";
  for (std::uint16_t worker = 0; worker < 2; ++worker) server.push(worker, 1, 1.0F);
  server.pull(0, 1);
  const Mirror& mirror = server.server().mirror();
  const MirrorFigures figures = figures_of(server);
  EXPECT_GT(figures.difference_bound, 0.0) << "nothing is significant, so all is held back";
  EXPECT_EQ(figures.difference_bound, mirror.difference_bound());
  ASSERT_THAT(figures.residual_norms, SizeIs(1));
  // 400 entries, each of which owes the same step: mean gradient 1 / samples, rate 1/16, weight 1/2.
  std::vector<FloatBuffer> owed;
  owed.emplace_back(400);
  mirror.add_owed_to(kPeer, 0, owed);
  EXPECT_NEAR(figures.residual_norms[0], 20.0 * std::abs(static_cast<double>(owed[0][0])), 1e-6);
  EXPECT_EQ(figures.thresholds, std::vector<double>{1e9});
}

}  // namespace
}  // namespace meridian::wan

// Goal: an update from elsewhere does not change, or copy, values that are on their way to a worker; it waits
// in its order, not longer and with no more bytes than is said, and not at all where nothing is on its way or
// where updates do not change values as they come. Reached by a server driven by hand, whose replies are kept
// or let go of.
#include "wan/reads_first.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/wan/hand_driven_server.h"

namespace meridian::wan {
namespace {

using testing::SizeIs;

const ProcessId kPeer = HandDrivenServer::peer(1);

HandDrivenOptions waiting() {
  HandDrivenOptions options;
  options.reads_first = true;
  return options;
}

float value_of(const HandDrivenServer& server, std::size_t entry) {
  return server.server().store().values(0)[entry];
}

void let_go_of_replies(HandDrivenServer& server) { server.actions.sent.clear(); }

TEST(ReadsFirst, AnUpdateWaitsForAReadAndNothingIsCopied) {
  HandDrivenServer server(waiting());
  const float before = value_of(server, 3);
  server.hear_chunk(kPeer, 3, {1.0F});
  EXPECT_EQ(value_of(server, 3), before + 1.0F) << "nothing is on its way";

  server.pull(0, 0);
  ASSERT_THAT(server.replies(0), SizeIs(1));
  server.hear_chunk(kPeer, 3, {2.0F});
  server.hear_chunk(kPeer, 4, {2.0F});
  EXPECT_EQ(value_of(server, 3), before + 1.0F);
  EXPECT_EQ(server.reads_first().waiting_bytes(), 2 * sizeof(float));
  ASSERT_TRUE(server.actions.timers[static_cast<std::size_t>(TimerId::reads_first)]);

  server.tick(TimerId::reads_first);
  EXPECT_EQ(value_of(server, 3), before + 1.0F) << "it is still on its way";
  let_go_of_replies(server);
  server.tick(TimerId::reads_first);
  EXPECT_EQ(value_of(server, 3), before + 3.0F);
  EXPECT_EQ(server.reads_first().waiting_bytes(), 0U);
  EXPECT_EQ(server.server().store().copies(), 0U);
}

TEST(ReadsFirst, AnyEventLetsItGoOn) {
  HandDrivenServer server(waiting());
  server.pull(0, 0);
  const float before = value_of(server, 3);
  server.hear_chunk(kPeer, 3, {2.0F});
  let_go_of_replies(server);
  server.hear(kPeer, ClockReport{});
  EXPECT_EQ(value_of(server, 3), before + 2.0F);
}

TEST(ReadsFirst, WhatComesLaterWaitsBehindIt) {
  HandDrivenServer server(waiting());
  server.pull(0, 0);
  server.hear_chunk(kPeer, 3, {2.0F});
  server.hear_chunk(kPeer, 5, {4.0F}, /*released=*/0);
  EXPECT_EQ(server.server().mirror().applied_number(kPeer), 0U);
  let_go_of_replies(server);
  server.tick(TimerId::reads_first);
  EXPECT_EQ(server.server().mirror().applied_number(kPeer), 2U);
}

TEST(ReadsFirst, ItDoesNotWaitForLong) {
  HandDrivenServer server(waiting());
  server.pull(0, 0);
  const float before = value_of(server, 3);
  server.hear_chunk(kPeer, 3, {2.0F});
  server.now += ReadsFirst::kLongest;
  server.tick(TimerId::reads_first);
  EXPECT_EQ(value_of(server, 3), before + 2.0F);
  EXPECT_EQ(server.server().store().copies(), 1U) << "the worker has what it was sent";
}

TEST(ReadsFirst, NoMoreThanSomeBytesWait) {
  HandDrivenOptions options = waiting();
  options.tables = {{"wide", 2'000'000, 1}};
  HandDrivenServer server(std::move(options));
  server.pull(0, 0);
  const std::vector<float> chunk(200'000, 1.0F);  // 0.8 MB
  std::size_t most = 0;
  for (int i = 0; i < 20; ++i) {
    server.hear_chunk(kPeer, 0, chunk);
    most = std::max(most, server.reads_first().waiting_bytes());
  }
  EXPECT_GT(most, ReadsFirst::kLeastBytes / 2);
  EXPECT_LE(most, ReadsFirst::kLeastBytes);
}

TEST(ReadsFirst, NoMoreThanSomeMessagesWait) {
  HandDrivenServer server(waiting());
  server.pull(0, 0);
  for (std::size_t i = 0; i <= ReadsFirst::kMostMessages; ++i) server.hear_chunk(kPeer, 0, {});
  EXPECT_EQ(server.server().mirror().applied_number(kPeer), ReadsFirst::kMostMessages + 1);
}

TEST(ReadsFirst, WhereUpdatesWaitForTheirClockAnywayTheyAreTakenAtOnce) {
  HandDrivenOptions options = waiting();
  options.parts = {"all", "every_clock", "applied_clock", "ordered", false};
  HandDrivenServer server(std::move(options));
  server.pull(0, 0);
  server.hear_chunk(kPeer, 3, {2.0F});
  EXPECT_EQ(server.reads_first().waiting_bytes(), 0U);
  EXPECT_EQ(server.server().mirror().applied_number(kPeer), 1U);
}

}  // namespace
}  // namespace meridian::wan

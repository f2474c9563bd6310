// Goal: the receiving end takes each chunk and each control message once and in order, asks for a new epoch
// where one is missing and hears nothing of older ones, and knows up to which clock it has everything, even
// when reports overtake the chunks that they speak of. Reached by short scripts of arrivals.
#include "wan/incoming_link.h"

#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

using Arrival = IncomingLink::Arrival;

Update chunk(std::uint64_t number) { return {.number = number, .clock = 1, .segments = {}}; }

ClockReport report(Clock clock, Clock complete, std::uint64_t number) {
  return {.clock = clock, .complete_clock = complete, .complete_number = number};
}

TEST(IncomingLink, TakesEachChunkOnceAndInOrder) {
  IncomingLink link;
  EXPECT_EQ(link.classify(1, chunk(2)), Arrival::hole);
  EXPECT_EQ(link.classify(1, chunk(0)), Arrival::old);
  ASSERT_EQ(link.classify(1, chunk(1)), Arrival::next);
  EXPECT_FALSE(link.owes_acknowledgement());
  link.applied(chunk(1));
  EXPECT_TRUE(link.owes_acknowledgement());
  EXPECT_EQ(link.classify(1, chunk(1)), Arrival::old);
  EXPECT_EQ(link.classify(1, chunk(3)), Arrival::hole);
  ASSERT_EQ(link.classify(1, chunk(2)), Arrival::next);
  link.applied(chunk(2));
  EXPECT_EQ(link.applied_number(), 2U);
  EXPECT_EQ(link.unacknowledged(), 2U);
  link.acknowledged();
  EXPECT_FALSE(link.owes_acknowledgement());
}

TEST(IncomingLink, TakesEachControlMessageOnceAndInOrder) {
  IncomingLink link;
  EXPECT_EQ(link.classify_control({1, 2}), Arrival::hole);
  EXPECT_EQ(link.classify_control({1, 0}), Arrival::old);
  EXPECT_EQ(link.classify_control({1, 1}), Arrival::next);
  EXPECT_EQ(link.classify_control({1, 1}), Arrival::old);
  EXPECT_EQ(link.classify_control({1, 3}), Arrival::hole);
  EXPECT_EQ(link.classify_control({1, 2}), Arrival::next);
  EXPECT_EQ(link.classify_control({0, 3}), Arrival::old);
  EXPECT_EQ(link.classify_control({2, 1}), Arrival::wrong) << "nobody asked for that epoch";
}

TEST(IncomingLink, AProbeFindsWhatIsMissingAtTheEnd) {
  IncomingLink link;
  EXPECT_EQ(link.classify(1, Probe{0}), Arrival::old);
  EXPECT_EQ(link.classify(1, Probe{1}), Arrival::hole);
  link.applied(chunk(1));
  EXPECT_EQ(link.classify(1, Probe{1}), Arrival::old);
  EXPECT_EQ(link.classify(0, Probe{9}), Arrival::old);
  EXPECT_EQ(link.classify(2, Probe{1}), Arrival::wrong);
}

TEST(IncomingLink, AHoleOpensAnEpochThatGoesOnFromWhatWasApplied) {
  IncomingLink link;
  link.applied(chunk(1));
  link.applied(chunk(2));
  EXPECT_EQ(link.classify_control({1, 1}), Arrival::next);
  EXPECT_FALSE(link.awaiting());
  EXPECT_EQ(link.open_epoch(), (Resume{2, 2}));
  EXPECT_EQ(link.resume(), (Resume{2, 2})) << "it may get lost";
  EXPECT_TRUE(link.awaiting());
  EXPECT_EQ(link.breaks(), 1U);
  // What was on its way in the old epoch is nobody's any more.
  EXPECT_EQ(link.classify(1, chunk(3)), Arrival::old);
  EXPECT_EQ(link.classify(1, Probe{9}), Arrival::old);
  EXPECT_EQ(link.classify_control({1, 2}), Arrival::old);
  EXPECT_TRUE(link.awaiting());
  // Chunks go on where they were; control messages begin again.
  EXPECT_EQ(link.classify_control({2, 1}), Arrival::next);
  EXPECT_EQ(link.classify(2, chunk(3)), Arrival::next);
  EXPECT_EQ(link.applied_number(), 2U);
}

TEST(IncomingLink, AnythingOfTheNewEpochIsItsAnswer) {
  IncomingLink by_control;
  by_control.open_epoch();
  EXPECT_EQ(by_control.classify_control({2, 1}), Arrival::next);
  EXPECT_FALSE(by_control.awaiting());
  IncomingLink by_chunk;
  by_chunk.open_epoch();
  EXPECT_EQ(by_chunk.classify(2, chunk(1)), Arrival::next);
  EXPECT_FALSE(by_chunk.awaiting());
  IncomingLink by_probe;
  by_probe.open_epoch();
  EXPECT_EQ(by_probe.classify(2, Probe{0}), Arrival::old);
  EXPECT_FALSE(by_probe.awaiting());
}

// Numbers are given anew in a new epoch: what the old one announced for them says nothing.
TEST(IncomingLink, WhatTheOldEpochAnnouncedIsForgotten) {
  IncomingLink link;
  link.reported(report(4, 4, 2));
  link.drain_done({.number = 2});
  link.open_epoch();
  link.applied(chunk(1));
  link.applied(chunk(2));
  EXPECT_EQ(link.reported_clock(), 4U);
  EXPECT_EQ(link.complete_clock(), 0U);
  EXPECT_FALSE(link.drain_announced());
  EXPECT_FALSE(link.drained());
  link.reported(report(4, 4, 3));
  EXPECT_EQ(link.complete_clock(), 0U);
  link.applied(chunk(3));
  EXPECT_EQ(link.complete_clock(), 4U);
}

TEST(IncomingLink, AClockIsCompleteWithItsLastChunk) {
  IncomingLink link;
  link.reported(report(1, 1, 0));  // nothing was sent for it
  EXPECT_EQ(link.complete_clock(), 1U);
  link.reported(report(2, 2, 2));
  EXPECT_EQ(link.reported_clock(), 2U);
  EXPECT_EQ(link.complete_clock(), 1U);
  link.applied(chunk(1));
  EXPECT_EQ(link.complete_clock(), 1U);
  link.applied(chunk(2));
  EXPECT_EQ(link.complete_clock(), 2U);
}

TEST(IncomingLink, DataMayComeBeforeItsReport) {
  IncomingLink link;
  link.applied(chunk(1));
  link.applied(chunk(2));
  EXPECT_EQ(link.complete_clock(), 0U);
  link.reported(report(3, 3, 2));
  EXPECT_EQ(link.complete_clock(), 3U);
}

// The data of each clock takes longer than a clock: the next report is always there first. Each clock counts
// when its own chunks are here, not when the sender happens to pause.
TEST(IncomingLink, ReportsThatKeepOvertakingDoNotHideEarlierClocks) {
  IncomingLink link;
  link.reported(report(1, 1, 1));
  for (Clock clock = 1; clock <= 20; ++clock) {
    link.reported(report(clock + 1, clock + 1, clock + 1));
    EXPECT_EQ(link.complete_clock(), clock - 1);
    link.applied(chunk(clock));
    EXPECT_EQ(link.complete_clock(), clock);
  }
  EXPECT_EQ(link.reported_clock(), 21U);
}

TEST(IncomingLink, AReportWithABacklogAnnouncesNoMoreThanWasComplete) {
  IncomingLink link;
  link.reported(report(5, 2, 1));
  link.applied(chunk(1));
  EXPECT_EQ(link.reported_clock(), 5U);
  EXPECT_EQ(link.complete_clock(), 2U);
  link.reported(report(5, 5, 1));  // the backlog has gone
  EXPECT_EQ(link.complete_clock(), 5U);
}

TEST(IncomingLink, ClocksNeverFall) {
  IncomingLink link;
  link.reported(report(5, 5, 0));
  link.reported(report(3, 3, 0));
  EXPECT_EQ(link.reported_clock(), 5U);
  EXPECT_EQ(link.complete_clock(), 5U);
}

TEST(IncomingLink, ManyAnnouncementsCostBoundedMemoryAndAreNotForgotten) {
  IncomingLink link;
  constexpr Clock kMany = 100'000;
  for (Clock clock = 1; clock <= kMany; ++clock) link.reported(report(clock, clock, clock));
  for (Clock clock = 1; clock <= kMany; ++clock) {
    link.applied(chunk(clock));
    ASSERT_LE(link.complete_clock(), clock);
  }
  EXPECT_EQ(link.complete_clock(), kMany);
}

TEST(IncomingLink, IsDrainedWithTheLastChunk) {
  IncomingLink link;
  EXPECT_FALSE(link.drain_announced());
  link.applied(chunk(1));
  link.drain_done({.number = 2});
  EXPECT_TRUE(link.drain_announced());
  EXPECT_FALSE(link.drained());
  link.applied(chunk(2));
  EXPECT_TRUE(link.drained());
}

}  // namespace
}  // namespace meridian::wan

// Goal: the receiving end takes each chunk once and in order, and knows up to which clock it has everything,
// even when reports overtake the chunks that they speak of. Reached by short scripts of arrivals.
#include "wan/incoming_link.h"

#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

using Arrival = IncomingLink::Arrival;

Update chunk(std::uint64_t number, std::uint32_t epoch = 1) { return {epoch, number, 1, {}}; }

ClockReport report(Clock clock, Clock complete, std::uint64_t number) {
  return {.clock = clock, .complete_clock = complete, .complete_number = number, .epoch = 1};
}

TEST(IncomingLink, TakesEachChunkOnceAndInOrder) {
  IncomingLink link;
  EXPECT_EQ(link.classify(chunk(2)), Arrival::gap);
  EXPECT_EQ(link.classify(chunk(0)), Arrival::duplicate);
  ASSERT_EQ(link.classify(chunk(1)), Arrival::next);
  EXPECT_FALSE(link.owes_acknowledgement());
  link.applied(chunk(1));
  EXPECT_TRUE(link.owes_acknowledgement());
  EXPECT_EQ(link.classify(chunk(1)), Arrival::duplicate);
  EXPECT_EQ(link.classify(chunk(3)), Arrival::gap);
  ASSERT_EQ(link.classify(chunk(2)), Arrival::next);
  link.applied(chunk(2));
  EXPECT_EQ(link.applied_number(), 2U);
  EXPECT_EQ(link.unacknowledged(), 2U);
  link.acknowledged();
  EXPECT_FALSE(link.owes_acknowledgement());
}

TEST(IncomingLink, AnotherEpochIsNeverContinued) {
  IncomingLink link;
  link.applied(chunk(1, /*epoch=*/2));
  EXPECT_EQ(link.classify(chunk(2, 1)), Arrival::duplicate);
  EXPECT_EQ(link.classify(chunk(2, 2)), Arrival::next);
  EXPECT_EQ(link.classify(chunk(2, 3)), Arrival::gap);
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
  link.drain_done({.epoch = 1, .number = 2});
  EXPECT_TRUE(link.drain_announced());
  EXPECT_FALSE(link.drained());
  link.applied(chunk(2));
  EXPECT_TRUE(link.drained());
}

}  // namespace
}  // namespace meridian::wan

// Goal: whoever reads the notices learns of each outage once, with its end, and is not flooded. Reached by
// telling an OutageLog what happened, with times of the test's own.
#include "src/runtime/real/outage_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace meridian {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Drop = OutageLog::Drop;

const ProcessId kTokyo = ProcessId::server(1, 0);
const ProcessId kParis = ProcessId::server(2, 0);

class OutageLogTest : public testing::Test {
 protected:
  std::vector<std::string> told_;
  OutageLog log_{[](ProcessId id) { return std::string(id == kTokyo ? "tokyo" : "paris"); },
                 [this](Time, const std::string& text) { told_.push_back(text); }};
};

TEST_F(OutageLogTest, ABreakIsToldOncePerPeerAndSoIsItsEnd) {
  log_.connected(Time{0}, kTokyo, Channel::control);
  log_.connected(Time{0}, kTokyo, Channel::data);
  EXPECT_THAT(told_, IsEmpty());
  log_.disconnected(Time{1}, kTokyo, Channel::control);
  log_.disconnected(Time{2}, kTokyo, Channel::data);
  log_.disconnected(Time{3}, kTokyo, Channel::data);
  log_.disconnected(Time{3}, kParis, Channel::data);
  log_.connected(Time{4}, kTokyo, Channel::data);
  EXPECT_THAT(told_, ElementsAre("lost the connection to tokyo, reconnecting",
                                 "lost the connection to paris, reconnecting"));
  log_.connected(Time{5}, kTokyo, Channel::control);
  EXPECT_THAT(told_.back(), "connected again to tokyo");
  EXPECT_EQ(told_.size(), 3U);
}

TEST_F(OutageLogTest, BreaksInARowAreToldAtMostEveryFewSeconds) {
  for (int i = 0; i < 100; ++i) {
    log_.disconnected(milliseconds(2 * i), kTokyo, Channel::data);
    log_.connected(milliseconds(2 * i + 1), kTokyo, Channel::data);
  }
  EXPECT_EQ(told_.size(), 2U);
  log_.disconnected(milliseconds(200), kTokyo, Channel::data);
  log_.tell_overdue(OutageLog::kTellEvery - Time{1});
  EXPECT_EQ(told_.size(), 2U);
  log_.tell_overdue(OutageLog::kTellEvery);
  EXPECT_EQ(told_.size(), 3U) << "it lasts: now it is told";
  log_.tell_overdue(3 * OutageLog::kTellEvery);
  EXPECT_EQ(told_.size(), 3U);
}

TEST_F(OutageLogTest, AFullQueueIsToldOnceAndItsEndWithTheNumberOfDroppedMessages) {
  for (int i = 0; i < 1000; ++i) log_.dropped(Time{i}, kTokyo, Channel::data, Drop::queue_full);
  EXPECT_EQ(log_.accepted(Time{1000}, kTokyo, Channel::control), 0U);
  EXPECT_EQ(log_.accepted(Time{1000}, kTokyo, Channel::data), 1000U);
  EXPECT_EQ(log_.accepted(Time{1001}, kTokyo, Channel::data), 0U);
  EXPECT_THAT(told_, ElementsAre(HasSubstr("the queue of data messages to tokyo is full"),
                                 "tokyo takes data messages again; 1000 of them were dropped"));
}

TEST_F(OutageLogTest, WhoIsNotConnectedMayHaveEndedSoItIsToldOnReturnOnly) {
  log_.dropped(Time{0}, kTokyo, Channel::data, Drop::not_connected);
  EXPECT_THAT(told_, IsEmpty());
  EXPECT_EQ(log_.accepted(Time{1}, kTokyo, Channel::data), 1U);
  EXPECT_THAT(told_, ElementsAre("tokyo takes data messages again; 1 of them were dropped"));
}

TEST_F(OutageLogTest, WhoHasLeftIsOfNoInterestUntilItIsStartedAgain) {
  log_.dropped(Time{0}, kTokyo, Channel::data, Drop::not_connected);
  log_.departed(kTokyo);
  log_.disconnected(Time{1}, kTokyo, Channel::control);
  log_.dropped(Time{1}, kTokyo, Channel::data, Drop::queue_full);
  EXPECT_EQ(log_.accepted(Time{2}, kTokyo, Channel::data), 0U);
  log_.dropped(Time{2}, kTokyo, Channel::data, Drop::not_connected);
  EXPECT_THAT(told_, IsEmpty());
  log_.joined(kTokyo, Channel::data);
  EXPECT_EQ(log_.accepted(Time{3}, kTokyo, Channel::data), 0U) << "what the earlier start missed";
  log_.connected(Time{4}, kTokyo, Channel::control);
  log_.disconnected(Time{5}, kTokyo, Channel::control);
  EXPECT_THAT(told_, ElementsAre("lost the connection to tokyo, reconnecting"));
}

}  // namespace
}  // namespace meridian

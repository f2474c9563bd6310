// Goal: the timer's descriptor becomes readable at the time it was set to and never before, and forgets a
// time that was replaced. Reached by waiting on it with a deadline that fails the test.
#include "src/runtime/real/wake_timer.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace meridian {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::hours;
using std::chrono::microseconds;

constexpr int kDeadlineMs = 20'000;

bool becomes_readable(const WakeTimer& timer, int within_ms) {
  pollfd descriptor{timer.fd(), POLLIN, 0};
  return ::poll(&descriptor, 1, within_ms) == 1;
}

TEST(WakeTimer, WakesAtItsTimeAndNotBefore) {
  WakeTimer timer;
  for (int round = 0; round < 20; ++round) {
    const auto at = Clock::now() + microseconds(1500);
    timer.set(at);
    ASSERT_TRUE(becomes_readable(timer, kDeadlineMs));
    EXPECT_GE(Clock::now(), at);
    EXPECT_TRUE(becomes_readable(timer, 0)) << "until it is set anew";
  }
}

TEST(WakeTimer, ATimeThatHasPassedWakesAtOnce) {
  WakeTimer timer;
  timer.set(Clock::now() - hours(1));
  EXPECT_TRUE(becomes_readable(timer, kDeadlineMs));
  timer.set(Clock::time_point{});
  EXPECT_TRUE(becomes_readable(timer, kDeadlineMs)) << "the clock's very beginning, which must not disarm it";
}

TEST(WakeTimer, AReplacedTimeIsForgotten) {
  WakeTimer timer;
  EXPECT_FALSE(becomes_readable(timer, 0));
  timer.set(Clock::now());
  ASSERT_TRUE(becomes_readable(timer, kDeadlineMs));
  timer.set(Clock::now() + hours(1));
  EXPECT_FALSE(becomes_readable(timer, 0));
  timer.set(Clock::now());
  ASSERT_TRUE(becomes_readable(timer, kDeadlineMs));
  timer.set(std::nullopt);
  EXPECT_FALSE(becomes_readable(timer, 0));
}

}  // namespace
}  // namespace meridian

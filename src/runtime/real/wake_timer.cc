#include "src/runtime/real/wake_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace meridian {

// The steady clock of libstdc++ is CLOCK_MONOTONIC, so its times can be given to the timer as they are.
WakeTimer::WakeTimer() : timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (timer_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd");
}

WakeTimer::~WakeTimer() { ::close(timer_); }

void WakeTimer::set(std::optional<TimePoint> at) {
  if (at == set_to_) return;
  set_to_ = at;
  itimerspec when{};  // all zero: disarmed
  if (at) {
    using std::chrono::nanoseconds;
    constexpr std::int64_t kNsPerSecond = 1'000'000'000;
    const auto ns = std::max<std::int64_t>(1, nanoseconds(at->time_since_epoch()).count());
    when.it_value = {.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
  }
  if (::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &when, nullptr) < 0)
    throw std::system_error(errno, std::generic_category(), "timerfd");
}

}  // namespace meridian

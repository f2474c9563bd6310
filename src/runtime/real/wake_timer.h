// A descriptor that becomes readable at a given time, for who waits on descriptors: poll()'s own timeout
// counts whole milliseconds, which is longer than a message takes inside a datacenter.
#pragma once

#include <chrono>
#include <optional>

namespace meridian {

class WakeTimer {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  WakeTimer();
  ~WakeTimer();
  WakeTimer(const WakeTimer&) = delete;
  WakeTimer& operator=(const WakeTimer&) = delete;

  /// Readable from `at` on, at once where that has passed, and until it is set anew; nullopt: never.
  void set(std::optional<TimePoint> at);

  int fd() const { return timer_; }

 private:
  int timer_ = -1;
  std::optional<TimePoint> set_to_;
};

}  // namespace meridian

// How late this machine wakes a thread that sleeps: the floor below which no delay can be judged here.
#pragma once

#include <string>

namespace meridian::precision {

struct TimerError {
  double median_ms = 0;
  double p99_ms = 0;
};

/// Takes half a second.
TimerError timer_error();

/// Begun before a measurement; line() then says on what machine, under what load and with what timer error
/// it was measured.
class Surroundings {
 public:
  explicit Surroundings(int rounds);

  /// A sentence or two, with a line break at the end.
  std::string line() const;

 private:
  int rounds_;
  std::string load_;
  TimerError timer_;
};

}  // namespace meridian::precision

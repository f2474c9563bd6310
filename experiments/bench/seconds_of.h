// What a clock of the system shows, in seconds: the same for all processes of the machine with
// CLOCK_MONOTONIC.
#pragma once

#include <ctime>

namespace meridian::bench {

inline double seconds_of(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

}  // namespace meridian::bench

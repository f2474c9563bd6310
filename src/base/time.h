// Time as every part of Meridian counts it: nanoseconds since a run's start, virtual in a simulation and
// monotonic in a real run. State machines are handed the time with each event; none of them owns a clock.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>

namespace meridian {

using Time = std::chrono::nanoseconds;

/// Seconds, fractions included, as a Time rounded to the nearest nanosecond.
inline Time from_seconds(double seconds) {
  return Time(static_cast<std::int64_t>(std::llround(seconds * 1e9)));
}

/// A Time as seconds.
inline double to_seconds(Time time) { return static_cast<double>(time.count()) * 1e-9; }

/// A worker's or a shard's count of finished iterations.
using Clock = std::uint32_t;

}  // namespace meridian

// Counts as a worker sees them within a clock: what it pulled, and what it has changed since.
#pragma once

#include <algorithm>
#include <cstddef>

namespace meridian {

/// A view of two arrays. Replicas are stale and others change counts meanwhile, so a count that was read may
/// be off, even negative; it counts as 0 then, but only here: the change is never bent.
class LiveCounts {
 public:
  LiveCounts(const float* pulled, float* change, float smoothing)
      : pulled_(pulled), change_(change), smoothing_(smoothing) {}

  /// The count plus its smoothing.
  float smoothed(std::size_t topic) const {
    return std::max(pulled_[topic] + change_[topic], 0.0F) + smoothing_;
  }
  void increment(std::size_t topic) { change_[topic] += 1.0F; }
  void decrement(std::size_t topic) { change_[topic] -= 1.0F; }

 private:
  const float* pulled_;
  float* change_;
  float smoothing_;
};

}  // namespace meridian

// How often somebody looks, told from the latest looks. Pure: no clock of its own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>

#include "src/base/time.h"

namespace meridian::monitoring {

/// Not thread-safe. `now` never goes back.
class LookRhythm {
 public:
  void looked(Time now) {
    looks_.push_back(now);
    if (looks_.size() > kKept) looks_.pop_front();
  }

  /// How long it may take, at most `most`, until all who look now and then have looked again. 0 where nobody
  /// has looked twice, or not for as long as two looks should have taken.
  Time expected_within(Time now, Time most) const {
    Time longest{0};
    for (std::size_t i = 1; i < looks_.size(); ++i) longest = std::max(longest, looks_[i] - looks_[i - 1]);
    if (longest == Time{0} || now - looks_.back() > 2 * longest) return Time{0};
    // Whoever comes that seldom may come a little late.
    return std::min(most, longest * 6 / 5);
  }

 private:
  static constexpr std::size_t kKept = 8;

  std::deque<Time> looks_;
};

}  // namespace meridian::monitoring

// The bulk-synchronous clock of one server's shards: a clock closes when every worker of the datacenter has
// pushed it (Valiant, CACM 1990: the superstep's barrier).
#pragma once

#include <cstddef>
#include <vector>

#include "src/base/time.h"

namespace meridian::datacenter {

class BspClock {
 public:
  /// Requires workers >= 1.
  explicit BspClock(std::size_t workers) : pushed_(workers, false) {}

  /// Clocks closed so far.
  Clock closed() const { return closed_; }

  /// Whether `worker` may push `clock` now: only the clock that is open, and only once.
  bool accepts(std::size_t worker, Clock clock) const {
    return worker < pushed_.size() && clock == closed_ + 1 && !pushed_[worker];
  }

  /// `worker` has pushed all of the open clock. Returns true when that closes it. Requires accepts().
  bool push_complete(std::size_t worker) {
    pushed_.at(worker) = true;
    if (++count_ < pushed_.size()) return false;
    pushed_.assign(pushed_.size(), false);
    count_ = 0;
    ++closed_;
    return true;
  }

 private:
  std::vector<bool> pushed_;
  std::size_t count_ = 0;
  Clock closed_ = 0;
};

}  // namespace meridian::datacenter

// DS when it is `auto`: how many clocks a datacenter may run ahead so that updates arrive before anybody has
// to wait for them, kept as small as the links allow, since staleness hurts.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "src/base/time.h"

namespace meridian::wan {

/// DS = ceil((one-way delay + serialisation of one clock's updates) / time per clock), the largest over
/// links. It rises at once. It falls only after kHold updates that all asked for less, to the most they asked
/// for, so that figures on the border between two values do not make it flap. Not thread-safe.
class AutoStaleness {
 public:
  /// How many calls of update() must ask for less before DS falls.
  static constexpr std::size_t kHold = 20;

  /// `most`: the configuration's upper limit. DS starts at 1, or at `most` where that is 0.
  explicit AutoStaleness(Clock most) : most_(most), ds_(most < 1 ? most : 1) {}

  /// One of our own clocks, from the first read that it was served until it closed: waiting for others does
  /// not count. Smoothed over some ten clocks. A time of 0 counts as a nanosecond.
  void clock_took(Time busy);

  /// What is known of a link now. Smoothing them is the caller's; figures that make no sense (negative, not
  /// a number, a rate of 0) count as a link that needs the most.
  struct Link {
    Time round_trip{0};
    double bytes_per_clock = 0;
    double bytes_per_s = 0;
  };

  /// Takes the figures of all links, best once per clock. Before the first clock_took(), DS does not change.
  /// Returns true when DS has just got to `most`, that is, a warning is due: once each time, until DS has
  /// fallen in between.
  bool update(std::span<const Link> links);

  /// At most `most`; at least 1 while any link has a delay or something to carry, unless `most` is 0.
  Clock ds() const { return ds_; }

 private:
  Clock clocks_needed(const Link& link) const;

  Clock most_;
  Clock ds_;
  std::optional<double> clock_s_;
  Clock most_asked_since_ = 0;  // while less than ds_ was asked for
  std::size_t asked_less_ = 0;
  bool at_limit_ = false;
};

}  // namespace meridian::wan

// How a significance threshold changes while training goes on: a schedule is a small value that gives the
// threshold at a clock, from the threshold at clock 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "src/base/time.h"

namespace meridian::wan {

enum class Schedule : std::uint8_t {
  inverse_sqrt,   ///< v0 / sqrt(clock): what Gaia's proof of convergence needs (Hsieh et al., NSDI 2017)
  constant,       ///< v0
  linear,         ///< from v0 at clock 1 in equal steps to v_end at clock ramp_clocks, v_end from there on
  learning_rate,  ///< v0 x the learning rate's ratio: smaller steps, lower threshold
};

/// "inverse_sqrt", ...; nothing for a name that is none of them.
std::optional<Schedule> schedule_named(std::string_view name);

struct ThresholdSchedule {
  Schedule kind = Schedule::inverse_sqrt;
  double v_end = 0.0;     ///< of linear: at least 0
  Clock ramp_clocks = 1;  ///< of linear: at least 1

  /// The threshold at `clock`, from 1, where it is `v0` at clock 1, or at the configured learning rate where
  /// it follows that. `learning_rate_ratio` is the learning rate at `clock` / the configured one.
  double at(double v0, Clock clock, double learning_rate_ratio) const;
};

}  // namespace meridian::wan

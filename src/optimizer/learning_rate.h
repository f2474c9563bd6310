// How the learning rate changes while training goes on: an immutable schedule that gives, at each clock, the
// share of the configured rate that is in force. Servers scale their steps by it, and a threshold may follow
// it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"

namespace meridian {

struct LearningRateOptions {
  std::string name = "constant";  ///< one of learning_rate_schedules()
  Clock warm_up = 0;              ///< clocks until the schedule's rate is reached; 0 and 1: from the start
  Clock every = 1;                ///< of step: clocks, at least 1
  double factor = 0.1;            ///< of step: above 0, at most 1
  Clock clocks = 2;               ///< of cosine: at least 2, above warm_up
  double final = 0.0;             ///< of cosine: the ratio at `clocks` and after, from 0 to 1
};

/// Copies and compares; the default is the configured rate at every clock.
class LearningRate {
 public:
  LearningRate() = default;

  /// Errors name the key, the value and what was expected.
  static Result<LearningRate> make(const LearningRateOptions& options);

  /// The rate in force at `clock`, from 1, as a ratio to the configured one: from 0 to 1. With w for warm_up,
  /// it is min(1, clock / w) times
  ///   constant      1
  ///   step          factor ^ floor((clock - 1) / every): `every` clocks at each rate
  ///   inverse_sqrt  sqrt(w / clock), 1 until w (Vaswani et al. 2017); without warm-up 1 / sqrt(clock)
  ///   cosine        half a wave from 1 at clock w (1 without warm-up) to `final` at clock `clocks`
  ///                 (Loshchilov & Hutter 2017, without restarts)
  double ratio(Clock clock) const;

  bool operator==(const LearningRate&) const = default;

 private:
  enum class Shape : std::uint8_t { constant, step, inverse_sqrt, cosine };

  double shape_at(Clock clock) const;

  Shape shape_ = Shape::constant;
  Clock warm_up_ = 1;  // where the shape begins: at least 1
  Clock every_ = 1;
  double factor_ = 1.0;
  Clock clocks_ = 2;
  double final_ = 0.0;
};

/// The names that LearningRateOptions::name takes.
std::vector<std::string_view> learning_rate_schedules();

}  // namespace meridian

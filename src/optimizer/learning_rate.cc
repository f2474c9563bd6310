#include "src/optimizer/learning_rate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numbers>

namespace meridian {
namespace {

// In the order of LearningRate::Shape.
constexpr auto kSchedules = std::to_array<std::string_view>({"constant", "step", "inverse_sqrt", "cosine"});

}  // namespace

std::vector<std::string_view> learning_rate_schedules() { return {kSchedules.begin(), kSchedules.end()}; }

Result<LearningRate> LearningRate::make(const LearningRateOptions& options) {
  const auto* const known = std::find(kSchedules.begin(), kSchedules.end(), options.name);
  if (known == kSchedules.end()) {
    return Error{fmt::format("the learning rate's schedule is '{}'; expected one of {}", options.name,
                             fmt::join(kSchedules, ", "))};
  }
  if (options.every < 1) return Error{"every is 0; expected at least 1"};
  if (!(options.factor > 0.0 && options.factor <= 1.0)) {
    return Error{fmt::format("factor is {}; expected a number above 0, at most 1", options.factor)};
  }
  if (!(options.final >= 0.0 && options.final <= 1.0)) {
    return Error{fmt::format("final is {}; expected a number from 0 to 1", options.final)};
  }
  LearningRate made;
  made.shape_ = static_cast<Shape>(std::distance(kSchedules.begin(), known));
  made.warm_up_ = std::max<Clock>(1, options.warm_up);
  if (made.shape_ == Shape::step) {
    made.every_ = options.every;
    made.factor_ = options.factor;
  } else if (made.shape_ == Shape::cosine) {
    if (options.clocks <= made.warm_up_) {
      return Error{fmt::format("clocks is {}; expected at least 2, and more than {} clocks of warm-up",
                               options.clocks, options.warm_up)};
    }
    made.clocks_ = options.clocks;
    made.final_ = options.final;
  }
  return made;
}

double LearningRate::ratio(Clock clock) const {
  const Clock from_1 = std::max<Clock>(1, clock);
  const double warmth =
      from_1 >= warm_up_ ? 1.0 : static_cast<double>(from_1) / static_cast<double>(warm_up_);
  return warmth * shape_at(from_1);
}

double LearningRate::shape_at(Clock clock) const {
  // The shapes that begin after the warm-up.
  const Clock begun = std::max(clock, warm_up_);
  switch (shape_) {
    case Shape::step: {
      const Clock steps = (clock - 1) / every_;
      return std::pow(factor_, static_cast<double>(steps));
    }
    case Shape::inverse_sqrt:
      return std::sqrt(static_cast<double>(warm_up_) / static_cast<double>(begun));
    case Shape::cosine: {
      if (begun >= clocks_) return final_;
      const double done = static_cast<double>(begun - warm_up_) / static_cast<double>(clocks_ - warm_up_);
      return final_ + (1.0 - final_) * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
    }
    case Shape::constant:
      break;
  }
  return 1.0;
}

}  // namespace meridian

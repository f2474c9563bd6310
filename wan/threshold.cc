#include "wan/threshold.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace meridian::wan {

std::optional<Schedule> schedule_named(std::string_view name) {
  constexpr auto kNames = std::to_array<std::pair<std::string_view, Schedule>>({
      {"inverse_sqrt", Schedule::inverse_sqrt},
      {"constant", Schedule::constant},
      {"linear", Schedule::linear},
      {"learning_rate", Schedule::learning_rate},
  });
  for (const auto& [known, schedule] : kNames) {
    if (known == name) return schedule;
  }
  return std::nullopt;
}

double ThresholdSchedule::at(double v0, Clock clock, double learning_rate_ratio) const {
  const Clock from_1 = std::max<Clock>(1, clock);
  switch (kind) {
    case Schedule::inverse_sqrt:
      return v0 / std::sqrt(static_cast<double>(from_1));
    case Schedule::linear: {
      if (from_1 >= ramp_clocks) return v_end;
      const double done = static_cast<double>(from_1 - 1) / static_cast<double>(ramp_clocks - 1);
      return v0 + (v_end - v0) * done;
    }
    case Schedule::learning_rate:
      return v0 * learning_rate_ratio;
    case Schedule::constant:
      break;
  }
  return v0;
}

}  // namespace meridian::wan

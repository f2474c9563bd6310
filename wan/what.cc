#include "wan/what.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace meridian::wan {

void SendAll::select(Clock /*clock*/, std::span<const float> /*values*/, std::span<float> residual,
                     TableSelection& out) const {
  for (std::size_t i = 0; i < residual.size(); ++i) {
    if (residual[i] == 0.0F) continue;
    out.add(i, residual[i]);
    residual[i] = 0.0F;
  }
}

double SignificanceFilter::threshold(Clock clock) const {
  return schedule_ == Schedule::constant ? v0_
                                         : v0_ / std::sqrt(static_cast<double>(std::max<Clock>(1, clock)));
}

void SignificanceFilter::select(Clock clock, std::span<const float> values, std::span<float> residual,
                                TableSelection& out) const {
  const auto limit = static_cast<float>(threshold(clock));
  for (std::size_t i = 0; i < residual.size(); ++i) {
    // |r / v| > limit without the division, which also makes every residual significant where v is 0.
    if (std::fabs(residual[i]) <= limit * std::fabs(values[i])) continue;
    out.add(i, residual[i]);
    residual[i] = 0.0F;
  }
}

}  // namespace meridian::wan

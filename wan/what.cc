#include "wan/what.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace meridian::wan {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();

}  // namespace

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
    // |r / v| > limit without the division, which also makes every residual significant where v is 0. What is
    // not finite never stays: whoever takes it sees it.
    const float size = std::fabs(residual[i]);
    if (size == 0.0F || (size <= limit * std::fabs(values[i]) && size <= kLargest)) continue;
    out.add(i, residual[i]);
    residual[i] = 0.0F;
  }
}

}  // namespace meridian::wan

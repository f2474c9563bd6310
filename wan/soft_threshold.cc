#include "wan/soft_threshold.h"

#include <algorithm>
#include <cmath>

#include "src/base/check.h"

namespace meridian::wan {
namespace {

// Natural logarithms of the largest steps, on a link that is idle and on one that is full: by 10 % down, by
// 28 % up. Filling an idle link is a gain that can wait; a full one delays what is significant.
constexpr double kSink = 0.1;
constexpr double kRise = 0.25;

}  // namespace

SoftThreshold::SoftThreshold(double soft_ratio, double use_below)
    : soft_ratio_(soft_ratio), use_below_(use_below) {
  MERIDIAN_CHECK(soft_ratio > 0.0 && soft_ratio <= 1.0, "a soft ratio of {}", soft_ratio);
  MERIDIAN_CHECK(use_below >= 0.0 && use_below <= 1.0, "a share of {}", use_below);
}

double SoftThreshold::update(double utilization) {
  const double use = std::clamp(utilization, 0.0, 1.0);
  double step = 0.0;
  if (use < use_below_) step = -kSink * (use_below_ - use) / use_below_;
  if (use > use_below_) step = kRise * (use - use_below_) / (1.0 - use_below_);
  factor_ = std::clamp(factor_ * std::exp(step), soft_ratio_, 1.0);
  return factor_;
}

}  // namespace meridian::wan

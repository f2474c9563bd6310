#include "src/logistic/score_histogram.h"

#include <algorithm>
#include <cmath>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr double kWidestHalf = 4.0;  // half of all intervals lie between -4 and 4

}  // namespace

void count_score(double logit, bool is_class_1, std::span<double> histogram) {
  MERIDIAN_CHECK(histogram.size() == kScoreHistogramSize, "{} entries", histogram.size());
  constexpr double kLargest = 1e9;  // nothing above is told apart, and infinity would give NaN below
  constexpr auto kIntervals = static_cast<double>(kScoreIntervals);
  // Written so that NaN, of which every comparison is false, comes out as the lowest.
  const double bounded = logit > -kLargest ? std::min(logit, kLargest) : -kLargest;
  const double place = 0.5 * (1.0 + bounded / (std::abs(bounded) + kWidestHalf));
  const auto interval = std::min(static_cast<std::size_t>(place * kIntervals), kScoreIntervals - 1);
  histogram[(is_class_1 ? kScoreIntervals : 0) + interval] += 1.0;
}

AreaUnderCurve area_under_curve(std::span<const double> histogram) {
  MERIDIAN_CHECK(histogram.size() == kScoreHistogramSize, "{} entries", histogram.size());
  const std::span<const double> class_0 = histogram.first(kScoreIntervals);
  const std::span<const double> class_1 = histogram.last(kScoreIntervals);
  double below = 0.0;  // samples of class 0 in lower intervals
  double ordered = 0.0;
  double tied = 0.0;
  double all_1 = 0.0;
  for (std::size_t i = 0; i < kScoreIntervals; ++i) {
    ordered += class_1[i] * below;
    tied += class_1[i] * class_0[i];
    below += class_0[i];
    all_1 += class_1[i];
  }
  const double pairs = below * all_1;
  if (!(pairs > 0.0)) return {};
  return {(ordered + 0.5 * tied) / pairs, 0.5 * tied / pairs};
}

}  // namespace meridian

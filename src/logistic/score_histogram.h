// The area under the receiver operating characteristic (AUC) from sums that workers can add up: how many
// samples of each class have a logit in each of a fixed number of intervals.
#pragma once

#include <cstddef>
#include <span>

namespace meridian {

/// Intervals of logits. A logit z lies in interval floor((1 + z / (|z| + 4)) / 2 * kIntervals): narrow
/// (1/256) around 0, wider outwards (1/64 at 4, 1/20 at 10), and there is none that is too large.
constexpr std::size_t kScoreIntervals = 2048;

/// Entries of a histogram: the intervals of class 0, then those of class 1.
constexpr std::size_t kScoreHistogramSize = 2 * kScoreIntervals;

/// Counts one sample. NaN counts as the lowest logit.
void count_score(double logit, bool is_class_1, std::span<double> histogram);

struct AreaUnderCurve {
  double area = 0.5;   ///< the share of pairs of a sample of each class whose logits are in the right order
  double bound = 0.0;  ///< the exact area differs from it by no more
};

/// Pairs within an interval count as half, as those of equal logits do. The exact area differs by at most
/// half the share of such pairs, which is `bound`; by far less where logits are dense, since their order
/// within an interval is nearly even. 0.5 and 0 where one of the classes has no sample.
AreaUnderCurve area_under_curve(std::span<const double> histogram);

}  // namespace meridian

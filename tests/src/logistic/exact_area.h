// The area under the receiver operating characteristic by sorting: exact, with ties as half.
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace meridian {

/// Pairs of logit and whether the sample is of class 1.
inline double exact_area(std::vector<std::pair<double, bool>> scores) {
  std::sort(scores.begin(), scores.end());
  double below = 0.0;
  double ordered = 0.0;
  double of_class_1 = 0.0;
  for (std::size_t i = 0; i < scores.size();) {
    double equal_0 = 0.0;
    double equal_1 = 0.0;
    for (const double logit = scores[i].first; i < scores.size() && scores[i].first == logit; ++i) {
      (scores[i].second ? equal_1 : equal_0) += 1.0;
    }
    ordered += equal_1 * (below + 0.5 * equal_0);
    below += equal_0;
    of_class_1 += equal_1;
  }
  return ordered / (below * of_class_1);
}

}  // namespace meridian

// Goal: the area from a histogram is the exact one to within the bound that it states, however logits lie,
// and histograms of parts add up. How: drawn logits of two overlapping classes at several spreads, and cases
// by hand.
#include "src/logistic/score_histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/base/random.h"
#include "tests/src/logistic/exact_area.h"

namespace meridian {
namespace {

using Scores = std::vector<std::pair<double, bool>>;

std::vector<double> histogram_of(const Scores& scores) {
  std::vector<double> histogram(kScoreHistogramSize, 0.0);
  for (const auto& [logit, is_class_1] : scores) count_score(logit, is_class_1, histogram);
  return histogram;
}

TEST(AreaUnderCurve, IsExactToWithinItsBound) {
  Random random(8);
  for (const double spread : {0.01, 0.3, 3.0, 30.0, 1e4}) {
    Scores scores;
    for (int i = 0; i < 20'000; ++i) {
      const bool is_class_1 = random.uniform() < 0.25;
      scores.emplace_back(spread * (random.normal() + (is_class_1 ? 0.8 : -0.8)), is_class_1);
    }
    const AreaUnderCurve found = area_under_curve(histogram_of(scores));
    EXPECT_NEAR(found.area, exact_area(scores), found.bound) << spread;
    if (spread >= 0.3 && spread <= 30.0) {
      EXPECT_GT(found.area, 0.85) << spread;
      EXPECT_NEAR(found.area, exact_area(scores), 1e-4) << spread;
    }
  }
}

TEST(AreaUnderCurve, OfOrderedOrReversedOrEqualLogits) {
  EXPECT_EQ(area_under_curve(histogram_of({{-1.0, false}, {2.0, true}, {3.0, true}})).area, 1.0);
  EXPECT_EQ(area_under_curve(histogram_of({{1.0, false}, {-2.0, true}})).area, 0.0);
  const AreaUnderCurve equal = area_under_curve(histogram_of({{1.0, false}, {1.0, true}}));
  EXPECT_EQ(equal.area, 0.5);
  EXPECT_EQ(equal.bound, 0.5);
}

TEST(AreaUnderCurve, OfOneClassIsAHalf) {
  EXPECT_EQ(area_under_curve(histogram_of({{1.0, true}, {2.0, true}})).area, 0.5);
  EXPECT_EQ(area_under_curve(histogram_of({})).area, 0.5);
}

TEST(AreaUnderCurve, TakesLogitsWithoutBoundsAndNaNAsTheLowest) {
  const double infinity = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(area_under_curve(histogram_of({{-infinity, false}, {infinity, true}})).area, 1.0);
  EXPECT_EQ(area_under_curve(histogram_of({{1e300, true}, {nan, false}, {-1.0, false}})).area, 1.0);
}

TEST(AreaUnderCurve, OfHistogramsThatAreAddedUp) {
  Random random(9);
  Scores scores;
  for (int i = 0; i < 3000; ++i) scores.emplace_back(random.normal(), random.uniform() < 0.5);
  std::vector<double> sum(kScoreHistogramSize, 0.0);
  for (std::size_t part = 0; part < 3; ++part) {
    const auto begin = scores.begin() + static_cast<std::ptrdiff_t>(1000 * part);
    const std::vector<double> own = histogram_of({begin, begin + 1000});
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += own[i];
  }
  EXPECT_EQ(sum, histogram_of(scores));
}

}  // namespace
}  // namespace meridian

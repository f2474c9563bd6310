// Goal: filters take exactly what their definition says, and what they take leaves the residual: no sum ever
// changes. Reached by small tables with known answers, by the threshold's formula, and by random residuals.
#include "wan/what.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/base/random.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Selects from a copy of `residual` and checks that selection + what stays = what was there.
TableSelection selected(const What& what, Clock clock, const std::vector<float>& values,
                        const std::vector<float>& residual) {
  std::vector<float> left = residual;
  TableSelection out;
  what.select(clock, values, left, out);
  EXPECT_TRUE(std::is_sorted(out.offsets.begin(), out.offsets.end()));
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(left[out.offsets[i]], 0.0F);
    left[out.offsets[i]] = out.values[i];
  }
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (std::isnan(residual[i])) continue;
    EXPECT_EQ(left[i], residual[i]) << "entry " << i;
  }
  return out;
}

TEST(SendAll, TakesEverythingButZeros) {
  const TableSelection out = selected(SendAll{}, 1, {1, 2, 3, 4}, {0.5F, 0, -1e-30F, -0.0F});
  EXPECT_THAT(out.offsets, ElementsAre(0, 2));
  EXPECT_THAT(out.values, ElementsAre(0.5F, -1e-30F));
}

TEST(SendNothing, TakesNothingAndOwesNothing) {
  EXPECT_THAT(selected(SendNothing{}, 1, {1, 0}, {5, 5}).offsets, IsEmpty());
  EXPECT_FALSE(SendNothing{}.sends());
  EXPECT_TRUE(SendAll{}.sends());
  EXPECT_TRUE(SignificanceFilter(0.01, Schedule::constant).sends());
}

TEST(SignificanceFilter, ThresholdFallsWithTheSquareRootOfTheClock) {
  const SignificanceFilter falling(0.2, Schedule::inverse_sqrt);
  EXPECT_DOUBLE_EQ(falling.threshold(1), 0.2);
  EXPECT_DOUBLE_EQ(falling.threshold(4), 0.1);
  EXPECT_DOUBLE_EQ(falling.threshold(100), 0.02);
  const SignificanceFilter constant(0.2, Schedule::constant);
  EXPECT_DOUBLE_EQ(constant.threshold(1), 0.2);
  EXPECT_DOUBLE_EQ(constant.threshold(100), 0.2);
}

TEST(SignificanceFilter, TakesWhatExceedsTheThresholdOnly) {
  // A threshold of 0.25 and values whose products with it are exact: equality does not exceed.
  const SignificanceFilter filter(0.25, Schedule::constant);
  const float above = std::nextafter(1.0F, 2.0F);
  const TableSelection out =
      selected(filter, 9, {4, 4, 4, -4, -4, 4}, {1.0F, above, -above, 1.0F, -above, 0.5F});
  EXPECT_THAT(out.offsets, ElementsAre(1, 2, 4));
  EXPECT_THAT(out.values, ElementsAre(above, -above, -above));
}

TEST(SignificanceFilter, TheClockDecides) {
  const SignificanceFilter filter(1.0, Schedule::inverse_sqrt);
  EXPECT_THAT(selected(filter, 1, {10}, {2}).offsets, IsEmpty());        // 20 % of 100 %
  EXPECT_THAT(selected(filter, 24, {10}, {2}).offsets, IsEmpty());       // of 20.4 %
  EXPECT_THAT(selected(filter, 26, {10}, {2}).offsets, ElementsAre(0));  // of 19.6 %
}

TEST(SignificanceFilter, AtValueZeroEveryResidualIsSignificantButZero) {
  const SignificanceFilter filter(1e6, Schedule::constant);
  const float least = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(selected(filter, 1, {0, -0.0F, 0, 0}, {1, -least, 0, -0.0F}).offsets, ElementsAre(0, 1));
}

TEST(SignificanceFilter, ResidualZeroIsNeverTaken) {
  // Not at threshold 0 either, nor beside a value that is no number.
  const SignificanceFilter filter(0.0, Schedule::constant);
  EXPECT_THAT(selected(filter, 1, {0, 1, kNan, kInfinity}, {0, 0, 0, 0}).offsets, IsEmpty());
  EXPECT_THAT(selected(filter, 1, {1, 1}, {1e-30F, 0}).offsets, ElementsAre(0));
}

TEST(SignificanceFilter, WhatIsNotFiniteNeverStaysUnseen) {
  for (const double v0 : {0.0, 0.01, 1e9}) {
    const SignificanceFilter filter(v0, Schedule::inverse_sqrt);
    EXPECT_THAT(selected(filter, 3, {1, 0, kInfinity, kNan}, {kNan, kNan, kNan, kNan}).offsets,
                ElementsAre(0, 1, 2, 3));
    EXPECT_THAT(
        selected(filter, 3, {1, 0, kInfinity, -kInfinity}, {kInfinity, kInfinity, kInfinity, -kInfinity})
            .offsets,
        ElementsAre(0, 1, 2, 3));
  }
}

TEST(SignificanceFilter, NeverChangesTheSumOfResidualAndSelection) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<float> values(50);
    std::vector<float> residual(50);
    for (float& value : values) value = random.below(5) == 0 ? 0.0F : static_cast<float>(random.normal());
    for (float& value : residual)
      value = random.below(5) == 0 ? 0.0F : static_cast<float>(0.1 * random.normal());
    const SignificanceFilter filter(random.uniform(), Schedule::inverse_sqrt);
    const auto clock = static_cast<Clock>(1 + random.below(50));
    const TableSelection out = selected(filter, clock, values, residual);
    std::vector<bool> taken(values.size(), false);
    for (const std::uint32_t offset : out.offsets) taken[offset] = true;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const bool significant =
          residual[i] != 0.0F &&
          (values[i] == 0.0F || static_cast<double>(std::fabs(residual[i])) >
                                    filter.threshold(clock) * static_cast<double>(std::fabs(values[i])));
      EXPECT_EQ(taken[i], significant) << residual[i] << " of " << values[i];
    }
  }
}

}  // namespace
}  // namespace meridian::wan

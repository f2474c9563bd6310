// Goal: the arithmetic between the products is right, and stays finite and exact where a careless formula
// does not. How: small cases worked out by hand; logits of 1e4 and of minus infinity for the stability of the
// exponentials.
#include "src/math/elementwise.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using Floats = std::vector<float>;

TEST(Elementwise, ScalesEveryByteValue) {
  std::vector<std::uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  Floats values(256);
  scale_bytes(bytes, 0.5F, -3.0F, values);
  for (std::size_t i = 0; i < 256; ++i) ASSERT_EQ(values[i], static_cast<float>(i) * 0.5F - 3.0F);
}

TEST(Elementwise, AddsARowToEveryRowAndSumsColumns) {
  Floats matrix{1, 2, 3, 4, 5, 6};
  add_to_rows(Floats{10, 20, 30}, {matrix.data(), 2, 3});
  EXPECT_EQ(matrix, (Floats{11, 22, 33, 14, 25, 36}));
  Floats sums{7, 7, 7};  // What was there before must not count.
  sum_columns({matrix.data(), 2, 3}, sums);
  EXPECT_EQ(sums, (Floats{25, 47, 69}));
}

TEST(Elementwise, RectifiesAndKeepsNaN) {
  const Floats input{-1, 0, 2, std::nanf("")};
  Floats output(4);
  rectify({input.data(), 2, 2}, {output.data(), 2, 2});
  EXPECT_EQ(output[0], 0.0F);
  EXPECT_EQ(output[1], 0.0F);
  EXPECT_EQ(output[2], 2.0F);
  EXPECT_TRUE(std::isnan(output[3]));
}

TEST(Elementwise, GradientPassesTheRectifierOnlyWhereItsOutputIsAboveZero) {
  const Floats output{0, 3, 0, 1};
  const Floats gradient{5, 6, -7, -8};
  Floats back(4);
  rectify_backward({output.data(), 1, 4}, {gradient.data(), 1, 4}, {back.data(), 1, 4});
  EXPECT_EQ(back, (Floats{0, 6, 0, -8}));
}

TEST(CrossEntropy, IsTheLogarithmOfTheShare) {
  // Shares 1/4 and 3/4; then 1/2 each.
  Floats logits{0.0F, std::log(3.0F), 2.0F, 2.0F};
  const std::vector<std::uint8_t> labels{0, 1};
  const CrossEntropy result = cross_entropy_gradient({logits.data(), 2, 2}, labels);
  EXPECT_NEAR(result.loss_sum, std::log(4.0) + std::log(2.0), 1e-6);
  EXPECT_EQ(result.correct, 0U);  // Row 0 answers 1; of row 1's equals the first counts.
  EXPECT_NEAR(logits[0], 0.25 - 1.0, 1e-6);
  EXPECT_NEAR(logits[1], 0.75, 1e-6);
  EXPECT_NEAR(logits[2], 0.5, 1e-6);
  EXPECT_NEAR(logits[3], 0.5 - 1.0, 1e-6);
}

TEST(CrossEntropy, MeasuringFindsWhatTheGradientFinds) {
  const Floats logits{1, 2, 3, -1, 0.5F, 7, 0, 0, 1};
  const std::vector<std::uint8_t> labels{2, 2, 0};
  Floats one = logits;
  Floats two = logits;
  const CrossEntropy a = measure_cross_entropy({one.data(), 3, 3}, labels);
  const CrossEntropy b = cross_entropy_gradient({two.data(), 3, 3}, labels);
  EXPECT_EQ(a.loss_sum, b.loss_sum);
  EXPECT_EQ(a.correct, 2U);
  EXPECT_EQ(b.correct, 2U);
}

TEST(CrossEntropy, StaysExactWithHugeLogits) {
  const float lowest = -std::numeric_limits<float>::infinity();
  Floats logits{1e4F, 0.0F, -1e4F, 9990.0F, 1e4F, lowest};
  const CrossEntropy result = cross_entropy_gradient({logits.data(), 2, 3}, std::vector<std::uint8_t>{1, 1});
  EXPECT_NEAR(result.loss_sum, 1e4 + std::log1p(std::exp(-10.0)), 1e-3);
  EXPECT_EQ(result.correct, 1U);
  for (const float value : logits) EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(logits[0], 1.0F);
  EXPECT_EQ(logits[1], -1.0F);
}

TEST(CrossEntropy, ANaNReachesTheLossAndTheGradient) {
  Floats logits{0.0F, std::nanf(""), 1.0F};
  const CrossEntropy result = cross_entropy_gradient({logits.data(), 1, 3}, std::vector<std::uint8_t>{0});
  EXPECT_TRUE(std::isnan(result.loss_sum));
  EXPECT_TRUE(std::isnan(logits[0]));
}

TEST(CrossEntropy, RefusesALabelOutsideTheClasses) {
  Floats logits(3);
  EXPECT_THROW(measure_cross_entropy({logits.data(), 1, 3}, std::vector<std::uint8_t>{3}), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

// Goal: dropout drops the share it says, keeps the mean, draws the same entries for the same draw whatever
// the values and others for another draw. How: counts over 100,000 entries against what chance allows.
#include "src/math/dropout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr std::size_t kSize = 100'003;  // fills no whole block

std::vector<float> dropped(std::uint64_t draw, double rate, float value = 1.0F) {
  const std::vector<float> input(kSize, value);
  std::vector<float> output(kSize, 99.0F);
  drop_out(draw, rate, {input.data(), 1, kSize}, {output.data(), 1, kSize});
  return output;
}

TEST(Dropout, DropsItsShareAndKeepsTheMean) {
  for (const double rate : {0.05, 0.2, 0.5, 0.9}) {
    const std::vector<float> output = dropped(5, rate);
    const auto zeros = static_cast<double>(std::ranges::count(output, 0.0F));
    const auto size = static_cast<double>(kSize);
    const double deviation = std::sqrt(size * rate * (1.0 - rate));
    EXPECT_NEAR(zeros, size * rate, 4.0 * deviation) << rate;
    double sum = 0.0;
    for (const float value : output) {
      sum += static_cast<double>(value);
      ASSERT_TRUE(value == 0.0F || std::abs(static_cast<double>(value) * (1.0 - rate) - 1.0) < 2e-4) << value;
    }
    EXPECT_NEAR(sum / size, 1.0, 4.0 * deviation / (size * (1.0 - rate))) << rate;
  }
}

TEST(Dropout, NeighboursAreDroppedIndependently) {
  // Pairs at distances of a lane, a word and a block: both dropped in a quarter of the cases.
  const std::vector<float> output = dropped(6, 0.5);
  for (const std::size_t distance : {1U, 2U, 16U, 63U, 64U, 128U, 192U, 256U}) {
    double both = 0.0;
    for (std::size_t i = 0; i + distance < kSize; ++i)
      both += output[i] == 0.0F && output[i + distance] == 0.0F ? 1.0 : 0.0;
    EXPECT_NEAR(both / static_cast<double>(kSize - distance), 0.25, 0.008) << distance;
  }
}

TEST(Dropout, IsAFunctionOfTheDrawAndThePosition) {
  const std::vector<float> ones = dropped(7, 0.3);
  const std::vector<float> twos = dropped(7, 0.3, 2.0F);
  for (std::size_t i = 0; i < kSize; ++i) ASSERT_EQ(twos[i], 2.0F * ones[i]);
  EXPECT_NE(dropped(8, 0.3), ones);
  std::vector<float> in_place(kSize, 1.0F);
  drop_out(7, 0.3, {in_place.data(), 1, kSize}, {in_place.data(), 1, kSize});
  EXPECT_EQ(in_place, ones);
  // A shorter batch is the beginning of a longer one.
  std::vector<float> few(100, 1.0F);
  drop_out(7, 0.3, {few.data(), 1, few.size()}, {few.data(), 1, few.size()});
  EXPECT_TRUE(std::equal(few.begin(), few.end(), ones.begin()));
}

TEST(Dropout, ARateOfZeroKeepsAll) { EXPECT_EQ(dropped(9, 0.0), std::vector<float>(kSize, 1.0F)); }

TEST(Dropout, WhatIsDroppedIsZeroWhateverItWas) {
  const std::vector<float> output = dropped(5, 0.5, std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::ranges::none_of(output, [](float value) { return std::isnan(value); }));
}

TEST(Dropout, RefusesARateOfOne) { EXPECT_THROW(dropped(1, 1.0), BrokenInvariant); }

}  // namespace
}  // namespace meridian

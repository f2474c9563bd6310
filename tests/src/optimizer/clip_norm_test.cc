// Goal: a gradient longer than the limit keeps its direction and gets the limit's length, over all tables
// together; a shorter one stays as it is; one that is not finite is noticed. How: lengths worked out by hand,
// then sizes around the width of the sums, and magnitudes whose squares no float holds.
#include "src/optimizer/clip_norm.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {
namespace {

using Floats = std::vector<float>;

bool clip(Floats& first, Floats& second, std::size_t samples, double norm) {
  const std::array<std::span<float>, 2> tables{std::span(first), std::span(second)};
  return clip_to_norm(tables, samples, norm);
}

double length(const Floats& values) {
  double sum = 0.0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

TEST(ClipNorm, ScalesTheMeanOfAllTablesTogether) {
  // The sum's length is 13, its mean's over 2 samples 6.5; to 3.25 is half of it.
  Floats first{3.0F, 4.0F};
  Floats second{-12.0F};
  EXPECT_TRUE(clip(first, second, 2, 3.25));
  EXPECT_EQ(first, (Floats{1.5F, 2.0F}));
  EXPECT_EQ(second, (Floats{-6.0F}));
  // Now it is as long as it may be.
  EXPECT_TRUE(clip(first, second, 2, 3.25));
  EXPECT_EQ(first, (Floats{1.5F, 2.0F}));
  EXPECT_EQ(second, (Floats{-6.0F}));
}

TEST(ClipNorm, LeavesAShorterOneAsItIs) {
  const Floats before{0.1F, -0.2F, 0.3F};
  Floats first = before;
  Floats none;
  EXPECT_TRUE(clip(first, none, 10, 0.04));  // the mean's length is 0.0374
  EXPECT_EQ(first, before);
  Floats zero{0.0F, 0.0F};
  EXPECT_TRUE(clip(zero, none, 1, 1e-30));
  EXPECT_EQ(zero, (Floats{0.0F, 0.0F}));
  EXPECT_TRUE(clip_to_norm({}, 1, 1.0));
}

TEST(ClipNorm, CountsEveryValueOfEverySize) {
  Random random(3);
  for (std::size_t size = 1; size <= 70; ++size) {
    Floats first(size);
    for (float& value : first) value = static_cast<float>(random.normal());
    Floats second{static_cast<float>(random.normal())};
    Floats all = first;
    all.push_back(second[0]);
    const double before = length(all);
    ASSERT_TRUE(clip(first, second, 4, before / 16.0));  // a quarter of the mean's length
    for (std::size_t i = 0; i < size; ++i) ASSERT_NEAR(first[i], all[i] / 4.0F, 1e-6F) << size;
    ASSERT_NEAR(second[0], all[size] / 4.0F, 1e-6F) << size;
  }
}

TEST(ClipNorm, AddsUpInDoubles) {
  // A large value and many small ones: in floats each small square would be lost beside the large one.
  Floats first(1'000'000, 1.0F);
  first[0] = 1e4F;
  Floats none;
  const double before = length(first);
  EXPECT_NEAR(before, std::sqrt(1e8 + 999'999.0), 1e-6);
  EXPECT_TRUE(clip(first, none, 1, before / 2));
  EXPECT_NEAR(length(first), before / 2, 1e-3);
  EXPECT_EQ(first[0], 5e3F);
}

TEST(ClipNorm, TakesSizesWhoseSquaresAreNoFloats) {
  Floats large{3e37F, -4e37F};
  Floats none;
  EXPECT_TRUE(clip(large, none, 1, 5.0));
  EXPECT_NEAR(large[0], 3.0F, 1e-6F);
  EXPECT_NEAR(large[1], -4.0F, 1e-6F);
  Floats small{3e-30F, -4e-30F};
  EXPECT_TRUE(clip(small, none, 1, 5e-31));
  EXPECT_NEAR(small[0] * 1e30F, 0.3F, 1e-6F);
}

TEST(ClipNorm, ReportsAValueThatIsNotFiniteAndLeavesItAlone) {
  const float infinite = std::numeric_limits<float>::infinity();
  for (const std::size_t size : {1U, 15U, 16U, 33U}) {
    for (std::size_t bad = 0; bad < size; ++bad) {
      for (const float value : {infinite, -infinite, std::nanf("")}) {
        Floats first(size, 2.0F);
        first[bad] = value;
        Floats second{8.0F};
        ASSERT_FALSE(clip(first, second, 1, 1.0)) << bad;
        EXPECT_EQ(second[0], 8.0F);
      }
    }
  }
}

TEST(ClipNorm, RefusesLimitsThatMakeNoSense) {
  for (const double norm : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(static_cast<void>(clip_to_norm({}, 1, norm)), BrokenInvariant) << norm;
  }
  EXPECT_THROW(static_cast<void>(clip_to_norm({}, 0, 1.0)), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

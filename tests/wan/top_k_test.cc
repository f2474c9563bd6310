// Goal: exactly the largest residuals go out, as many as the share says, and all that stays is smaller.
// Reached by small tables with known answers and by drawn ones against a sort.
#include "wan/top_k.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/check.h"
#include "src/base/random.h"
#include "tests/wan/selected.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TableSelection largest(double share, const std::vector<float>& residual) {
  return selected(TopK(share), {}, std::vector<float>(residual.size(), 1.0F), residual);
}

TEST(TopK, TakesTheLargestWhateverTheirSign) {
  EXPECT_THAT(largest(0.5, {1, -4, 3, 2}).offsets, ElementsAre(1, 2));
  EXPECT_THAT(largest(0.5, {1e-30F, -4e-30F, 3e-30F, 2e-30F}).offsets, ElementsAre(1, 2));
  EXPECT_THAT(largest(1.0, {1, -4, 3, 2}).offsets, ElementsAre(0, 1, 2, 3));
}

TEST(TopK, ItsShareIsRoundedUp) {
  EXPECT_THAT(largest(0.001, {1, -4, 3, 2}).offsets, ElementsAre(1));
  EXPECT_THAT(largest(0.26, {1, -4, 3, 2}).offsets, ElementsAre(1, 2));
  EXPECT_THAT(largest(0.5, {}).offsets, IsEmpty());
}

TEST(TopK, OfEqualOnesTheFirstGo) {
  EXPECT_THAT(largest(0.6, {2, -2, 3, 2, 2}).offsets, ElementsAre(0, 1, 2));
}

TEST(TopK, NothingGoesWhereNothingIsOwed) {
  EXPECT_THAT(largest(0.75, {0, -0.0F, 0, 5}).offsets, ElementsAre(3));
  EXPECT_THAT(largest(0.75, {0, 0, 0, 0}).offsets, IsEmpty());
  const float least = std::numeric_limits<float>::denorm_min();
  EXPECT_THAT(largest(0.75, {0, least, 0, -least}).offsets, ElementsAre(1, 3));
}

TEST(TopK, WhatIsNotFiniteGoesFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(largest(0.25, {1e38F, nan, 3, 2}).offsets, ElementsAre(1));
  EXPECT_THAT(largest(0.25, {1e38F, 1, -infinity, 2}).offsets, ElementsAre(2));
}

TEST(TopK, TakesWhatASortWould) {
  Random random(1);
  for (const double share : {0.0001, 0.01, 0.1, 0.9}) {
    for (const std::size_t size : {10U, 1000U, 20000U}) {
      std::vector<float> residual(size);
      for (float& value : residual) {
        const auto coarse = static_cast<int>(random.below(400)) - 200;  // many are equal
        value = random.below(2) == 0 ? static_cast<float>(coarse) : static_cast<float>(random.normal());
      }
      const TableSelection out = largest(share, residual);
      std::vector<float> magnitudes;
      for (const float value : residual) magnitudes.push_back(std::fabs(value));
      std::sort(magnitudes.rbegin(), magnitudes.rend());
      const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(size)));
      magnitudes.resize(
          std::min(count, static_cast<std::size_t>(std::count_if(magnitudes.begin(), magnitudes.end(),
                                                                 [](float m) { return m > 0; }))));
      std::vector<float> taken;
      for (const float value : out.values) taken.push_back(std::fabs(value));
      std::sort(taken.rbegin(), taken.rend());
      EXPECT_EQ(taken, magnitudes) << share << " of " << size;
    }
  }
}

TEST(TopK, ASampleThatMisleadsChangesNothing) {
  // Every sixth entry is looked at to guess how large the largest are: only these are large, or small.
  constexpr std::size_t kSize = 100'000;
  for (const bool large : {true, false}) {
    std::vector<float> residual(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      const auto rank = static_cast<float>(i + 1);
      residual[i] = (i % 6 == 0) == large ? 1e6F + rank : rank;
    }
    const TableSelection out = largest(0.25, residual);
    ASSERT_EQ(out.size(), kSize / 4);
    std::vector<float> expected = residual;
    std::sort(expected.rbegin(), expected.rend());
    expected.resize(kSize / 4);
    std::vector<float> taken = out.values;
    std::sort(taken.rbegin(), taken.rend());
    EXPECT_EQ(taken, expected);
  }
}

TEST(TopK, RefusesAShareThatIsNone) {
  EXPECT_THROW(TopK(0.0), std::exception);
  EXPECT_THROW(TopK(1.01), std::exception);
}

}  // namespace
}  // namespace meridian::wan

// Goal: what goes out of totals and what is left behind always add up to the totals; of the last one nothing
// is left behind. Reached by small totals with known answers and a drawn run with exact sums.
#include "wan/total_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "src/base/random.h"
#include "wan/rounding.h"
#include "wan/top_k.h"

namespace meridian::wan {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<FloatBuffer> tables(const std::vector<std::vector<float>>& values) {
  std::vector<FloatBuffer> sums;
  for (const std::vector<float>& table : values) {
    sums.emplace_back(table.size());
    std::copy(table.begin(), table.end(), sums.back().data());
  }
  return sums;
}

std::vector<float> values_of(const FloatBuffer& table) { return {table.span().begin(), table.span().end()}; }

TEST(TotalSelection, TheRestJoinsTheNextTotal) {
  TotalSelection totals(std::make_unique<TopK>(0.5));
  auto taken = totals.take(1, tables({{1, 8, 2, 4}, {5, -6}}));
  EXPECT_THAT(values_of(taken[0]), ElementsAre(0, 8, 0, 4));
  EXPECT_THAT(values_of(taken[1]), ElementsAre(0, -6));
  taken = totals.take(2, tables({{2, 1, 0, 0}, {0, 0}}));
  EXPECT_THAT(values_of(taken[0]), ElementsAre(3, 0, 2, 0));
  EXPECT_THAT(values_of(taken[1]), ElementsAre(5, 0));
  taken = totals.take_all(tables({{1, 1, 1, 1}, {1, 1}}));
  EXPECT_THAT(values_of(taken[0]), ElementsAre(1, 2, 1, 1));
  std::vector<FloatBuffer> left = tables({{0, 0, 0, 0}, {0, 0}});
  totals.add_left_to(left);
  EXPECT_THAT(values_of(left[0]), Each(0));
}

TEST(TotalSelection, WhatWentAndWhatIsLeftIsWhatCame) {
  constexpr std::size_t kEntries = 400;
  TotalSelection totals(
      std::make_unique<Rounded>(std::make_unique<TopK>(0.1), ValueFormat::bits4, RoundingMode::stochastic));
  Random random(7);
  std::vector<float> came(kEntries);
  std::vector<float> went(kEntries);
  std::size_t most = 0;
  for (Clock clock = 1; clock <= 50; ++clock) {
    std::vector<float> sums(kEntries);
    // Multiples of 1/64, so that sums are exact.
    for (float& sum : sums) sum = (static_cast<float>(random.below(129)) - 64.0F) / 64.0F;
    const auto taken = totals.take(clock, tables({sums}));
    std::size_t entries = 0;
    for (std::size_t i = 0; i < kEntries; ++i) {
      came[i] += sums[i];
      went[i] += taken[0][i];
      entries += taken[0][i] == 0.0F ? 0 : 1;
    }
    most = std::max(most, entries);
    EXPECT_LE(entries, kEntries / 10);
    std::vector<FloatBuffer> left = tables({went});
    totals.add_left_to(left);
    ASSERT_EQ(values_of(left[0]), came);
  }
  EXPECT_GT(most, 0U);
}

}  // namespace
}  // namespace meridian::wan

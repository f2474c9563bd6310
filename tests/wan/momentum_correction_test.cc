// Goal: with the momentum owned by what goes out, velocities gather in place of steps; with masking, what has
// gone out begins anew, and nothing else does. Reached by small sums with known answers, and by a sum over
// clocks in which every entry goes out once.
#include "wan/momentum_correction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <exception>
#include <memory>
#include <vector>

#include "src/base/check.h"
#include "tests/wan/selected.h"
#include "wan/top_k.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;

std::vector<float> entering(What& what, std::size_t table, const std::vector<float>& step) {
  const std::span<const float> entered = what.own_step(table, 0, step.size(), step);
  return {entered.begin(), entered.end()};
}

TEST(MomentumCorrection, WhatEntersIsTheVelocity) {
  MomentumCorrection what(std::make_unique<SendAll>(), 0.5, /*masking=*/true);
  EXPECT_THAT(entering(what, 0, {1, 4}), ElementsAre(1, 4));
  EXPECT_THAT(entering(what, 0, {1, 0}), ElementsAre(1.5F, 2));
  EXPECT_THAT(entering(what, 0, {1, 0}), ElementsAre(1.75F, 1));
}

TEST(MomentumCorrection, TablesHaveVelocitiesOfTheirOwn) {
  MomentumCorrection what(std::make_unique<SendAll>(), 0.5, /*masking=*/true);
  EXPECT_THAT(entering(what, 2, {8}), ElementsAre(8));
  EXPECT_THAT(entering(what, 0, {1, 1, 1}), ElementsAre(1, 1, 1));
  EXPECT_THAT(entering(what, 2, {0}), ElementsAre(4));
}

TEST(MomentumCorrection, WhatHasGoneOutBeginsAnewWithMaskingOnly) {
  for (const bool masking : {true, false}) {
    MomentumCorrection what(std::make_unique<TopK>(0.5), 0.5, masking);
    std::vector<float> residual = entering(what, 0, {1, 8, 2, 4});
    TableSelection out;
    what.select({}, {}, residual, out);
    what.went_out(0, out);
    EXPECT_THAT(out.offsets, ElementsAre(1, 3));
    EXPECT_THAT(residual, ElementsAre(1, 0, 2, 0));
    EXPECT_THAT(entering(what, 0, {0, 0, 0, 0}),
                masking ? ElementsAre(0.5F, 0, 1, 0) : ElementsAre(0.5F, 4, 1, 2));
  }
}

TEST(MomentumCorrection, IncrementsStayAsTheyAre) {
  MomentumCorrection what(std::make_unique<TopK>(1.0), 0.5, /*masking=*/true,
                          {UpdateRule::increment, UpdateRule::mean_gradient});
  EXPECT_THAT(entering(what, 0, {1, 4}), ElementsAre(1, 4));
  EXPECT_THAT(entering(what, 0, {1, 0}), ElementsAre(1, 0));
  EXPECT_THAT(entering(what, 1, {8}), ElementsAre(8));
  EXPECT_THAT(entering(what, 1, {0}), ElementsAre(4));
  TableSelection out;
  out.add(1, 2.0F);
  what.went_out(0, out);
  EXPECT_THAT(entering(what, 0, {0, 3}), ElementsAre(0, 3));
}

TEST(MomentumCorrection, SelectsAsThePartWithin) {
  const std::vector<float> residual = {1, -4, 3, 2};
  const MomentumCorrection what(std::make_unique<TopK>(0.5), 0.9, /*masking=*/true);
  EXPECT_EQ(selected(what, {}, residual, residual).offsets,
            selected(TopK(0.5), {}, residual, residual).offsets);
  EXPECT_TRUE(what.sends());
  EXPECT_FALSE(MomentumCorrection(std::make_unique<SendNothing>(), 0.9, true).sends());
}

TEST(MomentumCorrection, MomentumIsBelowOne) {
  EXPECT_THROW(MomentumCorrection(std::make_unique<SendAll>(), 1.0, true), std::exception);
  EXPECT_THROW(MomentumCorrection(std::make_unique<SendAll>(), -0.1, true), std::exception);
}

}  // namespace
}  // namespace meridian::wan

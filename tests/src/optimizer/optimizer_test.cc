// Goal: each optimizer makes exactly the step its formula says, scales it as asked without scaling its state,
// and reports every value that is not finite. How: two or three steps worked out by hand with numbers that
// floats hold exactly (powers of two), so that equality is exact; then sizes around the width of a vector
// with one bad value at each position.
#include "src/optimizer/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using Floats = std::vector<float>;

std::unique_ptr<Optimizer> make(const std::string& name, double rate, double momentum, std::size_t size) {
  return make_optimizer({name, rate, momentum}, size).value();
}

// The steps that follow from a series of gradients of one parameter, at clocks 1, 2, ...
Floats steps(Optimizer& optimizer, float gradient_scale, float step_scale, const Floats& gradients) {
  Floats result;
  Clock clock = 0;
  for (const float gradient : gradients) {
    const Floats value{1.0F};
    Floats buffer{gradient};
    EXPECT_TRUE(optimizer.step(++clock, gradient_scale, step_scale, 0, value, buffer));
    result.push_back(buffer[0]);
  }
  return result;
}

TEST(Sgd, StepIsMinusRateTimesMeanGradient) {
  // Mean gradients 8/4 and -4/4; times -1/2.
  EXPECT_EQ(steps(*make("sgd", 0.5, 0.0, 1), 0.25F, 1.0F, {8.0F, -4.0F}), (Floats{-1.0F, 0.5F}));
  EXPECT_EQ(steps(*make("sgd", 0.5, 0.0, 1), 0.25F, 0.125F, {8.0F}), (Floats{-0.125F}));
}

TEST(Momentum, VelocityGathersMeanGradients) {
  // g = 2, -1, 0; v = 2, 0, 0 ... with momentum 1/2: v1 = 2, v2 = 1 - 1 = 0, v3 = 0; then g = 4: v4 = 4, v5
  // = 2.
  EXPECT_EQ(steps(*make("momentum", 0.5, 0.5, 1), 0.25F, 1.0F, {8.0F, -4.0F, 0.0F, 16.0F, 0.0F}),
            (Floats{-1.0F, 0.0F, 0.0F, -2.0F, -1.0F}));
}

TEST(Nesterov, LooksOneVelocityAhead) {
  // g = 2: v = 2, direction 2 + 1 = 3. g = -1: v = 0, direction -1. g = 0: 0. g = 4: v = 4, 6. g = 0: v =
  // 2, 1.
  EXPECT_EQ(steps(*make("nesterov", 0.5, 0.5, 1), 0.25F, 1.0F, {8.0F, -4.0F, 0.0F, 16.0F, 0.0F}),
            (Floats{-1.5F, 0.5F, 0.0F, -3.0F, -0.5F}));
}

// Halves the rate after every clock.
OptimizerOptions halving(const std::string& name, double momentum) {
  return {name, 0.5, momentum, LearningRate::make({.name = "step", .every = 1, .factor = 0.5}).value()};
}

TEST(Sgd, FollowsTheSchedule) {
  // Rates 1/2, 1/4 and 1/8.
  EXPECT_EQ(steps(*make_optimizer(halving("sgd", 0.0), 1).value(), 0.25F, 1.0F, {8.0F, 8.0F, -16.0F}),
            (Floats{-1.0F, -0.5F, 0.5F}));
}

TEST(Momentum, ANewRateScalesTheWholeVelocity) {
  // v = 2, then 1 + 2 = 3, then 1.5, at rates 1/2, 1/4 and 1/8: what was gathered at an earlier rate counts
  // at the new one.
  EXPECT_EQ(steps(*make_optimizer(halving("momentum", 0.5), 1).value(), 0.25F, 1.0F, {8.0F, 8.0F, 0.0F}),
            (Floats{-1.0F, -0.75F, -0.1875F}));
}

TEST(Nesterov, ANewRateScalesTheWholeStep) {
  // Directions 2 + 1 = 3, 2 + 1.5 = 3.5 and 0 + 0.75.
  EXPECT_EQ(steps(*make_optimizer(halving("nesterov", 0.5), 1).value(), 0.25F, 1.0F, {8.0F, 8.0F, 0.0F}),
            (Floats{-1.5F, -0.875F, -0.09375F}));
}

class EveryOptimizer : public testing::TestWithParam<std::string> {
 protected:
  static double momentum() { return GetParam() == "sgd" ? 0.0 : 0.5; }
};

TEST_P(EveryOptimizer, StepScaleDoesNotReachItsState) {
  const auto whole = make(GetParam(), 0.5, momentum(), 1);
  const auto quarter = make(GetParam(), 0.5, momentum(), 1);
  const Floats gradients{8.0F, -4.0F, 2.0F};
  Floats expected = steps(*whole, 1.0F, 1.0F, gradients);
  for (float& step : expected) step *= 0.25F;
  EXPECT_EQ(steps(*quarter, 1.0F, 0.25F, gradients), expected);
}

TEST_P(EveryOptimizer, TreatsEveryParameterByItself) {
  const auto together = make(GetParam(), 0.5, momentum(), 67);
  Floats first(67);
  Floats second(67);
  for (std::size_t i = 0; i < 67; ++i) {
    first[i] = static_cast<float>(i);
    second[i] = static_cast<float>(i % 5) - 2.0F;
  }
  const Floats values(67, 1.0F);
  Floats a = first;
  Floats b = second;
  ASSERT_TRUE(together->step(1, 0.5F, 1.0F, 0, values, a));
  ASSERT_TRUE(together->step(1, 0.5F, 1.0F, 0, values, b));
  for (std::size_t i = 0; i < 67; ++i) {
    const auto alone = make(GetParam(), 0.5, momentum(), 1);
    ASSERT_EQ(steps(*alone, 0.5F, 1.0F, {first[i], second[i]}), (Floats{a[i], b[i]})) << i;
  }
}

TEST_P(EveryOptimizer, ReportsAValueThatIsNotFiniteWhereverItStands) {
  const float infinite = std::numeric_limits<float>::infinity();
  for (const std::size_t size : {1U, 3U, 4U, 16U, 33U}) {
    const Floats values(size, 1.0F);
    for (std::size_t bad = 0; bad < size; ++bad) {
      for (const float value : {infinite, -infinite, std::nanf("")}) {
        Floats gradient(size, std::numeric_limits<float>::max() / 4);
        gradient[bad] = value;
        ASSERT_FALSE(make(GetParam(), 0.5, momentum(), size)->step(1, 1.0F, 0.0F, 0, values, gradient)) << bad;
      }
    }
    Floats finite(size, std::numeric_limits<float>::max() / 4);
    EXPECT_TRUE(make(GetParam(), 0.5, momentum(), size)->step(1, 1.0F, 1.0F, 0, values, finite));
  }
}

TEST_P(EveryOptimizer, ReportsAnOverflow) {
  const Floats values{1.0F};
  Floats gradient{std::numeric_limits<float>::max()};
  EXPECT_FALSE(make(GetParam(), 8.0, momentum(), 1)->step(1, 1.0F, 1.0F, 0, values, gradient));
}

TEST_P(EveryOptimizer, TakesEmptyRangesAndRefusesWrongSizes) {
  EXPECT_TRUE(make(GetParam(), 0.5, momentum(), 0)->step(1, 1.0F, 1.0F, 0, {}, {}));
  const Floats values(2);
  Floats gradient(3);
  EXPECT_THROW(static_cast<void>(make(GetParam(), 0.5, momentum(), 3)->step(1, 1.0F, 1.0F, 0, values, gradient)),
               BrokenInvariant);
}

INSTANTIATE_TEST_SUITE_P(Names, EveryOptimizer, testing::Values("sgd", "momentum", "nesterov"),
                         [](const auto& name) { return name.param; });

TEST(MakeOptimizer, KnowsTheNamesItTells) {
  EXPECT_THAT(optimizer_names(), testing::ElementsAre("sgd", "momentum", "nesterov"));
}

TEST(MakeOptimizer, RefusesWhatMakesNoSense) {
  const auto reason = [](const std::string& name, double rate, double momentum) {
    const auto result = make_optimizer({name, rate, momentum}, 1);
    return result.ok() ? std::string("accepted") : result.error().message;
  };
  EXPECT_EQ(reason("adamw", 0.1, 0.0), "optimizer name is 'adamw'; expected one of sgd, momentum, nesterov");
  for (const double rate : {0.0, -1.0, std::nan(""), 1e39}) {
    EXPECT_THAT(reason("sgd", rate, 0.0), testing::HasSubstr("learning_rate is")) << rate;
  }
  for (const double momentum : {1.0, -0.1, std::nan("")}) {
    EXPECT_THAT(reason("momentum", 0.1, momentum), testing::HasSubstr("momentum is")) << momentum;
    EXPECT_THAT(reason("nesterov", 0.1, momentum), testing::HasSubstr("momentum is")) << momentum;
  }
  EXPECT_THAT(reason("sgd", 0.1, 0.9), testing::HasSubstr("expected 0 with the optimizer sgd"));
}

}  // namespace
}  // namespace meridian

// Goal: sgd and momentum make exactly the step their formulas say; every optimizer scales its steps as asked
// without scaling its state, reports every value that is not finite, and refuses options that make no sense.
// How: steps worked out by hand with numbers that floats hold exactly (powers of two), so that equality is
// exact; then sizes around the width of a vector with one bad value at each position. The formulas of the
// other optimizers are held against doubles in optimizer_formulas_test.cc.
#include "src/optimizer/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
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

TEST(Sgd, ClipsTheMeanGradientByValue) {
  OptimizerOptions options{.name = "sgd", .learning_rate = 0.5};
  options.clip_value = 1.5;
  // Means 2, -1, -8 and 1.5, of which the first and the third are beyond the limit.
  EXPECT_EQ(steps(*make_optimizer(options, 1).value(), 0.25F, 1.0F, {8.0F, -4.0F, -32.0F, 6.0F}),
            (Floats{-0.75F, 0.5F, 0.75F, -0.75F}));
}

TEST(Sgd, AddsWeightDecayToTheClippedGradient) {
  OptimizerOptions options{.name = "sgd", .learning_rate = 0.5};
  options.weight_decay = 0.25;
  options.clip_value = 1.0;
  // Parameters are 1: gradients 1 + 1/4, 0 + 1/4 and -1 + 1/4.
  EXPECT_EQ(steps(*make_optimizer(options, 1).value(), 0.25F, 1.0F, {8.0F, 0.0F, -32.0F}),
            (Floats{-0.625F, -0.125F, 0.375F}));
}

TEST(Momentum, GathersWeightDecayInItsVelocity) {
  OptimizerOptions options{"momentum", 0.5, 0.5};
  options.weight_decay = 0.25;
  // g = 2.25, 0.25, 0.25: v = 2.25, 1.375, 0.9375.
  EXPECT_EQ(steps(*make_optimizer(options, 1).value(), 0.25F, 1.0F, {8.0F, 0.0F, 0.0F}),
            (Floats{-1.125F, -0.6875F, -0.46875F}));
}

TEST(Nesterov, GathersWeightDecayInItsVelocity) {
  OptimizerOptions options{"nesterov", 0.5, 0.5};
  options.weight_decay = 0.25;
  // Directions g + v / 2 = 2.25 + 1.125, 0.25 + 0.6875, 0.25 + 0.46875.
  EXPECT_EQ(steps(*make_optimizer(options, 1).value(), 0.25F, 1.0F, {8.0F, 0.0F, 0.0F}),
            (Floats{-1.6875F, -0.46875F, -0.359375F}));
}

TEST(Momentum, ForgetsItsGradientsWholly) {
  // A velocity of 2^-100 halves at each clock. Below the smallest normal float, 2^-126, it is zero at once;
  // without that it would stay there, and slow.
  const auto optimizer = make("momentum", 1.0, 0.5, 1);
  Floats gradients(40, 0.0F);
  gradients[0] = 0x1p-100F;
  const Floats made = steps(*optimizer, 1.0F, 1.0F, gradients);
  EXPECT_EQ(made[26], -0x1p-126F);
  EXPECT_EQ(made[27], 0.0F);
  EXPECT_EQ(made[39], 0.0F);
  // The caller's own small numbers are none of its business.
  volatile float small = 0x1p-126F;
  small = small * 0.5F;
  EXPECT_GT(small, 0.0F);
}

class EveryOptimizer : public testing::TestWithParam<std::string> {
 protected:
  static OptimizerOptions options(double rate = 0.5) {
    OptimizerOptions options{.name = GetParam(), .learning_rate = rate};
    if (GetParam() == "momentum" || GetParam() == "nesterov") options.momentum = 0.5;
    return options;
  }
  static std::unique_ptr<Optimizer> made(std::size_t size, double rate = 0.5) {
    return make_optimizer(options(rate), size).value();
  }
};

TEST_P(EveryOptimizer, StepScaleDoesNotReachItsState) {
  const auto whole = made(1);
  const auto quarter = made(1);
  const Floats gradients{8.0F, -4.0F, 2.0F};
  Floats expected = steps(*whole, 1.0F, 1.0F, gradients);
  for (float& step : expected) step *= 0.25F;
  EXPECT_EQ(steps(*quarter, 1.0F, 0.25F, gradients), expected);
}

TEST_P(EveryOptimizer, TreatsEveryParameterByItself) {
  constexpr std::size_t kSize = 67;
  OptimizerOptions decaying = options();
  decaying.weight_decay = 0.1;
  decaying.clip_value = 10.0;
  for (const OptimizerOptions& with : {options(), decaying}) {
    const auto together = make_optimizer(with, kSize).value();
    Floats first(kSize);
    Floats second(kSize);
    for (std::size_t i = 0; i < kSize; ++i) {
      first[i] = static_cast<float>(i);
      second[i] = static_cast<float>(i % 5) - 2.0F;
    }
    const Floats values(kSize, 1.0F);
    Floats a = first;
    Floats b = second;
    ASSERT_TRUE(together->step(1, 0.5F, 1.0F, 0, values, a));
    ASSERT_TRUE(together->step(2, 0.5F, 1.0F, 0, values, b));
    for (std::size_t i = 0; i < kSize; ++i) {
      const auto alone = make_optimizer(with, 1).value();
      ASSERT_EQ(steps(*alone, 0.5F, 1.0F, {first[i], second[i]}), (Floats{a[i], b[i]})) << i;
    }
  }
}

TEST_P(EveryOptimizer, PartsOfTheRangeMakeTheStepsOfTheWhole) {
  constexpr std::size_t kSize = 50;
  const auto whole = made(kSize);
  const auto in_parts = made(kSize);
  const Floats values(kSize, 1.0F);
  for (Clock clock = 1; clock <= 3; ++clock) {
    Floats expected(kSize);
    for (std::size_t i = 0; i < kSize; ++i) expected[i] = static_cast<float>((i * 7 + clock) % 11) - 5.0F;
    Floats parts = expected;
    ASSERT_TRUE(whole->step(clock, 0.5F, 1.0F, 0, values, expected));
    for (const auto& [first, size] : {std::pair<std::size_t, std::size_t>{37, 13}, {0, 4}, {4, 33}}) {
      ASSERT_TRUE(in_parts->step(clock, 0.5F, 1.0F, first, std::span(values).subspan(first, size),
                                 std::span(parts).subspan(first, size)));
    }
    EXPECT_EQ(parts, expected) << clock;
  }
}

TEST_P(EveryOptimizer, WhatIsNotTouchedDoesNotMove) {
  OptimizerOptions decaying = options();
  decaying.weight_decay = 0.5;
  const auto optimizer = make_optimizer(decaying, 3).value();
  const auto never_before = make_optimizer(decaying, 1).value();
  const Floats values{1.0F, 1.0F, 1.0F};
  for (Clock clock = 1; clock <= 5; ++clock) {
    Floats row{4.0F};
    ASSERT_TRUE(optimizer->step(clock, 1.0F, 1.0F, 1, std::span(values).subspan(1, 1), row));
  }
  // The others have gathered nothing meanwhile: no gradient, no weight decay.
  Floats late{2.0F};
  Floats expected{2.0F};
  ASSERT_TRUE(optimizer->step(6, 1.0F, 1.0F, 2, std::span(values).subspan(2, 1), late));
  ASSERT_TRUE(never_before->step(6, 1.0F, 1.0F, 0, std::span(values).subspan(2, 1), expected));
  EXPECT_EQ(late, expected);
}

TEST_P(EveryOptimizer, ReportsAValueThatIsNotFiniteWhereverItStands) {
  const float infinite = std::numeric_limits<float>::infinity();
  constexpr float kLarge = 1e18F;  // its square is a float
  OptimizerOptions clipping = options();
  clipping.clip_value = 1.0;
  clipping.weight_decay = 0.1;
  for (const OptimizerOptions& with : {options(), clipping}) {
    for (const std::size_t size : {1U, 3U, 4U, 16U, 33U}) {
      const Floats values(size, 1.0F);
      for (std::size_t bad = 0; bad < size; ++bad) {
        for (const float value : {infinite, -infinite, std::nanf("")}) {
          Floats gradient(size, kLarge);
          gradient[bad] = value;
          const auto optimizer = make_optimizer(with, size).value();
          ASSERT_FALSE(optimizer->step(1, 1.0F, 0.0F, 0, values, gradient)) << bad;
        }
      }
      Floats finite(size, kLarge);
      EXPECT_TRUE(make_optimizer(with, size).value()->step(1, 1.0F, 1.0F, 0, values, finite));
    }
  }
}

TEST_P(EveryOptimizer, ReportsAParameterThatIsNotFiniteWhereItDecays) {
  OptimizerOptions decaying = options();
  decaying.weight_decay = 0.1;
  for (const float value : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    const Floats values{1.0F, value};
    Floats gradient{1.0F, 1.0F};
    EXPECT_FALSE(make_optimizer(decaying, 2).value()->step(1, 1.0F, 1.0F, 0, values, gradient));
  }
}

TEST_P(EveryOptimizer, ReportsAnOverflow) {
  const Floats values{1.0F};
  Floats gradient{std::numeric_limits<float>::max()};
  EXPECT_FALSE(made(1, 8.0)->step(1, 1.0F, 1.0F, 0, values, gradient));
}

TEST_P(EveryOptimizer, TakesEmptyRangesAndRefusesWrongSizes) {
  EXPECT_TRUE(made(0)->step(1, 1.0F, 1.0F, 0, {}, {}));
  EXPECT_TRUE(made(3)->step(1, 1.0F, 1.0F, 3, {}, {}));
  const Floats values(3);
  Floats gradient(3);
  const auto attempt = [&](std::size_t first, std::size_t value_count) {
    static_cast<void>(
        made(3)->step(1, 1.0F, 1.0F, first, std::span(values).subspan(0, value_count), gradient));
  };
  EXPECT_NO_THROW(attempt(0, 3));
  EXPECT_THROW(attempt(0, 2), BrokenInvariant);
  EXPECT_THROW(attempt(1, 3), BrokenInvariant);
  EXPECT_THROW(attempt(std::numeric_limits<std::size_t>::max(), 3), BrokenInvariant);
}

INSTANTIATE_TEST_SUITE_P(Names, EveryOptimizer,
                         testing::Values("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam",
                                         "adamw"),
                         [](const auto& name) { return name.param; });

TEST(MakeOptimizer, KnowsTheNamesItTells) {
  EXPECT_THAT(optimizer_names(),
              testing::ElementsAre("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"));
}

TEST(MakeOptimizer, FillsInPyTorchsDefaults) {
  using testing::Optional;
  const auto filled = [](const std::string& name) { return with_defaults({.name = name}).value(); };
  for (const std::string name : {"adam", "adamw"}) {
    EXPECT_THAT(filled(name).beta1, Optional(0.9));
    EXPECT_THAT(filled(name).beta2, Optional(0.999));
    EXPECT_THAT(filled(name).epsilon, Optional(1e-8));
    EXPECT_EQ(filled(name).decay, std::nullopt);
  }
  EXPECT_THAT(filled("adam").weight_decay, Optional(0.0));
  EXPECT_THAT(filled("adamw").weight_decay, Optional(0.01));
  EXPECT_THAT(filled("rmsprop").decay, Optional(0.99));
  EXPECT_THAT(filled("rmsprop").epsilon, Optional(1e-8));
  EXPECT_THAT(filled("adagrad").epsilon, Optional(1e-10));
  EXPECT_EQ(filled("sgd").epsilon, std::nullopt);
  EXPECT_THAT(filled("sgd").weight_decay, Optional(0.0));
  // What is given stays.
  EXPECT_THAT(with_defaults({.name = "adamw", .weight_decay = 0.0}).value().weight_decay, Optional(0.0));
  EXPECT_THAT(with_defaults({.name = "adam", .beta1 = 0.5}).value().beta1, Optional(0.5));
}

TEST(MakeOptimizer, RefusesWhatMakesNoSense) {
  const auto reason = [](const std::string& name, double rate, double momentum) {
    const auto result = make_optimizer({name, rate, momentum}, 1);
    return result.ok() ? std::string("accepted") : result.error().message;
  };
  EXPECT_EQ(reason("adamax", 0.1, 0.0),
            "optimizer name is 'adamax'; expected one of sgd, momentum, nesterov, adagrad, rmsprop, adam, "
            "adamw");
  for (const double rate : {0.0, -1.0, std::nan(""), 1e39}) {
    EXPECT_THAT(reason("sgd", rate, 0.0), testing::HasSubstr("learning_rate is")) << rate;
  }
  for (const double momentum : {1.0, -0.1, std::nan("")}) {
    EXPECT_THAT(reason("momentum", 0.1, momentum), testing::HasSubstr("momentum is")) << momentum;
    EXPECT_THAT(reason("nesterov", 0.1, momentum), testing::HasSubstr("momentum is")) << momentum;
  }
  EXPECT_EQ(reason("sgd", 0.1, 0.9),
            "momentum is 0.9; expected 0 with the optimizer sgd (momentum and nesterov use it)");
  EXPECT_THAT(reason("adam", 0.1, 0.9), testing::HasSubstr("expected 0 with the optimizer adam"));
}

TEST(MakeOptimizer, RefusesFurtherOptionsThatMakeNoSense) {
  using Option = std::optional<double> OptimizerOptions::*;
  const auto reason = [](const std::string& name, Option option, double value) {
    OptimizerOptions options{.name = name};
    options.*option = value;
    const auto result = make_optimizer(options, 1);
    return result.ok() ? std::string("accepted") : result.error().message;
  };
  const double nan = std::nan("");
  const double infinite = std::numeric_limits<double>::infinity();
  struct Limits {
    Option option;
    std::string key;
    std::string user;
    std::vector<double> good;
    std::vector<double> bad;
  };
  for (const Limits& limits : {
           Limits{&OptimizerOptions::weight_decay, "weight_decay", "sgd", {0, 1000}, {-0.1, 1001, nan}},
           Limits{&OptimizerOptions::clip_value,
                  "clip_value",
                  "sgd",
                  {1e-30, 1e9},
                  {0, -1, 1e-31, infinite, nan}},
           Limits{&OptimizerOptions::beta1, "beta1", "adam", {0, 0.99}, {-0.1, 1, nan}},
           Limits{&OptimizerOptions::beta2, "beta2", "adamw", {0, 0.99}, {-0.1, 1, nan}},
           Limits{&OptimizerOptions::epsilon, "epsilon", "rmsprop", {1e-30, 1}, {0, -1, 1.1, nan}},
           Limits{&OptimizerOptions::epsilon, "epsilon", "adagrad", {1e-30, 1}, {0, -1, 1.1, nan}},
           Limits{&OptimizerOptions::decay, "decay", "rmsprop", {0, 0.99}, {-0.1, 1, nan}},
       }) {
    for (const double value : limits.good) {
      EXPECT_EQ(reason(limits.user, limits.option, value), "accepted") << limits.key << value;
    }
    for (const double value : limits.bad) {
      EXPECT_THAT(reason(limits.user, limits.option, value), testing::StartsWith(limits.key + " is "))
          << value;
    }
  }
  EXPECT_EQ(reason("adam", &OptimizerOptions::beta1, 1.0), "beta1 is 1; expected a number from 0, below 1");
}

TEST(MakeOptimizer, RefusesOptionsOfOthers) {
  const auto reason = [](const OptimizerOptions& options) {
    const auto result = make_optimizer(options, 1);
    return result.ok() ? std::string("accepted") : result.error().message;
  };
  EXPECT_EQ(reason({.name = "sgd", .beta1 = 0.9}),
            "beta1 is 0.9; expected none with the optimizer sgd (adam and adamw use it)");
  EXPECT_EQ(reason({.name = "rmsprop", .beta2 = 0.9}),
            "beta2 is 0.9; expected none with the optimizer rmsprop (adam and adamw use it)");
  EXPECT_EQ(reason({.name = "momentum", .epsilon = 0.5}),
            "epsilon is 0.5; expected none with the optimizer momentum (adagrad, rmsprop, adam and adamw use "
            "it)");
  EXPECT_EQ(reason({.name = "adam", .decay = 0.5}),
            "decay is 0.5; expected none with the optimizer adam (rmsprop uses it)");
}

}  // namespace
}  // namespace meridian

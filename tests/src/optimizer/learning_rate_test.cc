// Goal: each schedule gives the rate of its formula at every clock, with and without warm-up. Reached by
// ratios worked out by hand, and by properties that hold at every clock.
#include "src/optimizer/learning_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace meridian {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

LearningRate made(const LearningRateOptions& options) { return LearningRate::make(options).value(); }

std::vector<double> first_ratios(const LearningRate& rate, Clock clocks) {
  std::vector<double> ratios;
  for (Clock clock = 1; clock <= clocks; ++clock) ratios.push_back(rate.ratio(clock));
  return ratios;
}

TEST(LearningRate, IsConstantUnlessToldOtherwise) {
  EXPECT_THAT(first_ratios(LearningRate(), 3), ElementsAre(1.0, 1.0, 1.0));
  EXPECT_EQ(made({}), LearningRate());
  EXPECT_EQ(LearningRate().ratio(0), 1.0);
  EXPECT_EQ(LearningRate().ratio(4'000'000'000), 1.0);
}

TEST(LearningRate, WarmsUpInEqualSteps) {
  EXPECT_THAT(first_ratios(made({.warm_up = 4}), 6), ElementsAre(0.25, 0.5, 0.75, 1.0, 1.0, 1.0));
  EXPECT_EQ(made({.warm_up = 1}), LearningRate());
}

TEST(LearningRate, StepsDownEverySoManyClocks) {
  EXPECT_THAT(first_ratios(made({.name = "step", .every = 2, .factor = 0.5}), 7),
              ElementsAre(1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.125));
  // The warm-up counts among the clocks of the first step, and goes on beyond it.
  EXPECT_THAT(first_ratios(made({.name = "step", .warm_up = 4, .every = 2, .factor = 0.5}), 5),
              ElementsAre(0.25, 0.5, 0.375, 0.5, 0.25));
}

TEST(LearningRate, FallsWithTheSquareRootOfTheClock) {
  const LearningRate rate = made({.name = "inverse_sqrt"});
  EXPECT_EQ(rate.ratio(1), 1.0);
  EXPECT_EQ(rate.ratio(4), 0.5);
  EXPECT_DOUBLE_EQ(rate.ratio(100), 0.1);
  // With warm-up the configured rate is reached at its end, from where the rate falls.
  const LearningRate warm = made({.name = "inverse_sqrt", .warm_up = 4});
  EXPECT_THAT(first_ratios(warm, 4), ElementsAre(0.25, 0.5, 0.75, 1.0));
  EXPECT_DOUBLE_EQ(warm.ratio(5), std::sqrt(0.8));
  EXPECT_EQ(warm.ratio(16), 0.5);
}

TEST(LearningRate, GoesHalfAWaveDownToItsEnd) {
  // Cosines of 0, 60, 90, 120 and 180 degrees.
  const LearningRate rate = made({.name = "cosine", .clocks = 7});
  EXPECT_EQ(rate.ratio(1), 1.0);
  EXPECT_DOUBLE_EQ(rate.ratio(3), 0.75);
  EXPECT_DOUBLE_EQ(rate.ratio(4), 0.5);
  EXPECT_DOUBLE_EQ(rate.ratio(5), 0.25);
  EXPECT_EQ(rate.ratio(7), 0.0);
  EXPECT_EQ(rate.ratio(1000), 0.0);
  const LearningRate warm = made({.name = "cosine", .warm_up = 2, .clocks = 6, .final = 0.5});
  EXPECT_THAT(first_ratios(warm, 7),
              ElementsAre(0.5, 1.0, DoubleNear(0.5 + 0.25 * (1 + std::sqrt(0.5)), 1e-15), DoubleEq(0.75),
                          DoubleNear(0.5 + 0.25 * (1 - std::sqrt(0.5)), 1e-15), 0.5, 0.5));
  EXPECT_EQ(made({.name = "cosine", .clocks = 2, .final = 0.25}).ratio(2), 0.25);
}

TEST(LearningRate, StaysWithinItsLimitsAndNeverRisesOnceWarm) {
  for (const std::string_view name : learning_rate_schedules()) {
    for (const Clock warm_up : {0U, 1U, 5U, 40U}) {
      const LearningRate rate =
          made({.name = std::string(name), .warm_up = warm_up, .every = 50, .clocks = 60, .final = 0.1});
      for (Clock clock = 1; clock <= 200; ++clock) {
        EXPECT_GT(rate.ratio(clock), 0.0) << name;
        EXPECT_LE(rate.ratio(clock), 1.0) << name;
        if (clock <= warm_up) continue;
        EXPECT_LE(rate.ratio(clock + 1), rate.ratio(clock)) << name << " at " << clock;
      }
      EXPECT_EQ(rate.ratio(std::max<Clock>(1, warm_up)), 1.0) << name;
    }
  }
}

TEST(LearningRate, SchedulesOfOneMeaningAreEqual) {
  EXPECT_NE(made({.name = "step"}), made({}));
  EXPECT_NE(made({.name = "step", .every = 2}), made({.name = "step", .every = 3}));
  // What a schedule does not use does not tell it from another.
  EXPECT_EQ(made({.every = 7, .clocks = 9}), made({}));
}

TEST(LearningRate, RefusesWhatMakesNoSense) {
  const auto reason = [](const LearningRateOptions& options) {
    const auto result = LearningRate::make(options);
    return result.ok() ? std::string("accepted") : result.error().message;
  };
  EXPECT_EQ(reason({.name = "linear"}),
            "the learning rate's schedule is 'linear'; expected one of constant, step, inverse_sqrt, cosine");
  EXPECT_EQ(reason({.name = "step", .every = 0}), "every is 0; expected at least 1");
  for (const double factor : {0.0, -1.0, 1.5, std::nan("")}) {
    EXPECT_THAT(reason({.name = "step", .factor = factor}), HasSubstr("factor is")) << factor;
  }
  for (const double final : {-0.1, 1.5, std::nan("")}) {
    EXPECT_THAT(reason({.name = "cosine", .final = final}), HasSubstr("final is")) << final;
  }
  EXPECT_EQ(reason({.name = "cosine", .clocks = 1}),
            "clocks is 1; expected at least 2, and more than 0 clocks of warm-up");
  EXPECT_EQ(reason({.name = "cosine", .warm_up = 9, .clocks = 9}),
            "clocks is 9; expected at least 2, and more than 9 clocks of warm-up");
}

TEST(LearningRate, TellsItsNames) {
  EXPECT_THAT(learning_rate_schedules(), ElementsAre("constant", "step", "inverse_sqrt", "cosine"));
}

}  // namespace
}  // namespace meridian

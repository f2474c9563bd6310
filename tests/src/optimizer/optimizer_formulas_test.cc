// Goal: each optimizer's steps are those of its published formula, with weight decay, clipping, a schedule,
// and scales, also where only parts of the range are touched. How: AdaGrad, RMSProp, Adam and AdamW by steps
// worked out by hand; then all of them on seeded gradients against the formulas written out once more, in
// doubles and with a parameter at a time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>
#include <vector>

#include "src/base/random.h"
#include "src/optimizer/optimizer.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::FloatNear;
using Floats = std::vector<float>;

// The steps that follow from a series of gradients of one parameter, whose value is 8, at clocks 1, 2, ...
Floats steps(const OptimizerOptions& options, const Floats& gradients) {
  const auto optimizer = make_optimizer(options, 1).value();
  Floats result;
  Clock clock = 0;
  for (const float gradient : gradients) {
    const Floats value{8.0F};
    Floats buffer{gradient};
    EXPECT_TRUE(optimizer->step(++clock, 1.0F, 1.0F, 0, value, buffer));
    result.push_back(buffer[0]);
  }
  return result;
}

testing::Matcher<float> near(float value) { return FloatNear(value, 2e-6F); }

TEST(AdaGrad, DividesByTheRootOfTheSumOfSquares) {
  // Sums 9, 25, 25, 169: roots 3, 5, 5, 13.
  EXPECT_THAT(steps({.name = "adagrad", .learning_rate = 0.5}, {3.0F, 4.0F, 0.0F, -12.0F}),
              ElementsAre(near(-0.5F), near(-0.4F), 0.0F, near(6.0F / 13.0F)));
  // Epsilon stands outside the root: 3 / (3 + 1).
  EXPECT_THAT(steps({.name = "adagrad", .learning_rate = 0.5, .epsilon = 1.0}, {3.0F}),
              ElementsAre(near(-0.375F)));
  // Gradients 3 + 8 / 8 = 4, then 2 + 1 = 3: sums 16, 25.
  EXPECT_THAT(steps({.name = "adagrad", .learning_rate = 0.5, .weight_decay = 0.125}, {3.0F, 2.0F}),
              ElementsAre(near(-0.5F), near(-0.3F)));
}

TEST(RmsProp, DividesByTheRootOfTheMeanSquare) {
  // Means 16 / 4 = 4, 3, 2.25 + 4 / 4 = 3.25; steps -4 / 2.5, 0, 2 / (1.802776 + 0.5).
  EXPECT_THAT(
      steps({.name = "rmsprop", .learning_rate = 1.0, .epsilon = 0.5, .decay = 0.75}, {4.0F, 0.0F, -2.0F}),
      ElementsAre(near(-1.6F), 0.0F, near(0.868517F)));
}

constexpr double kBeta1 = 0.5;
constexpr double kBeta2 = 0.75;
constexpr double kEpsilon = 0.5;

OptimizerOptions adam(const std::string& name, double weight_decay) {
  return {.name = name,
          .learning_rate = 1.0,
          .weight_decay = weight_decay,
          .beta1 = kBeta1,
          .beta2 = kBeta2,
          .epsilon = kEpsilon};
}

TEST(Adam, CorrectsTheBiasOfBothMeans) {
  // t = 1: m = 2, v = 4; corrected 2 / 0.5 = 4 and 4 / 0.25 = 16; step -4 / 4.5.
  // t = 2: m = 1, v = 3; 1 / 0.75 = 1.333333 and 3 / 0.4375 = 6.857143, root 2.618615; -1.333333 / 3.118615.
  // t = 3: m = -1.5, v = 6.25; -1.714286 and 10.810811, root 3.287980; 1.714286 / 3.787980.
  EXPECT_THAT(steps(adam("adam", 0.0), {4.0F, 0.0F, -4.0F}),
              ElementsAre(near(-0.888889F), near(-0.427540F), near(0.452560F)));
}

TEST(Adam, TakesWeightDecayIntoItsMeans) {
  // Gradients 2 + 8 / 4 = 4, -2 + 2 = 0, -6 + 2 = -4.
  EXPECT_THAT(steps(adam("adam", 0.25), {2.0F, -2.0F, -6.0F}),
              ElementsAre(near(-0.888889F), near(-0.427540F), near(0.452560F)));
}

TEST(AdamW, KeepsWeightDecayOutOfItsMeans) {
  // Adam's steps, each less 8 / 4.
  EXPECT_THAT(steps(adam("adamw", 0.25), {4.0F, 0.0F, -4.0F}),
              ElementsAre(near(-2.888889F), near(-2.427540F), near(-1.547440F)));
}

TEST(Adam, FirstStepIsTheRateWhateverTheGradient) {
  for (const float gradient : {1e-6F, 1.0F, 1e6F}) {
    EXPECT_THAT(steps({.name = "adam", .learning_rate = 0.001, .epsilon = 1e-20}, {gradient}),
                ElementsAre(FloatNear(-0.001F, 1e-9F)));
  }
}

TEST(Adam, CorrectsARowsFirstStepByTheClock) {
  // At clock 1000, m = 0.1 g is not corrected any more, v = 0.001 g^2 by 1 - 0.999^1000 = 0.632305: the
  // step is 0.1 / sqrt(0.001 / 0.632305) rates.
  const auto optimizer = make_optimizer({.name = "adam", .learning_rate = 1.0}, 8).value();
  const Floats values{0.0F, 0.0F};
  Floats row{3.0F, -5.0F};
  ASSERT_TRUE(optimizer->step(1000, 1.0F, 1.0F, 4, values, row));
  EXPECT_THAT(row, ElementsAre(FloatNear(-2.514571F, 1e-5F), FloatNear(2.514571F, 1e-5F)));
}

TEST(SquaresOfGradients, AreReportedWhereTheyOverflow) {
  // The gradient is finite, its square is not: every later step would be 0, and nobody would know.
  for (const std::string name : {"adagrad", "rmsprop", "adam", "adamw"}) {
    const auto optimizer = make_optimizer({.name = name, .learning_rate = 1e-3}, 1).value();
    const Floats value{0.0F};
    Floats buffer{1e25F};
    EXPECT_FALSE(optimizer->step(1, 1.0F, 1.0F, 0, value, buffer)) << name;
  }
}

// ---- every optimizer against its formula in doubles

struct Reference {
  OptimizerOptions options;  // all filled in
  double a = 0.0;            // velocity, sum or mean of squares, or mean of gradients
  double b = 0.0;            // Adam's mean of squares

  double step(Clock clock, double mean, double value) {
    const double rate = options.learning_rate * options.schedule.ratio(clock);
    const double limit = options.clip_value.value_or(1e300);
    const double decay = options.weight_decay.value();
    double g = std::max(-limit, std::min(limit, mean));
    if (options.name != "adamw") g += decay * value;
    if (options.name == "sgd") return -rate * g;
    if (options.name == "momentum") return -rate * (a = options.momentum * a + g);
    if (options.name == "nesterov") {
      a = options.momentum * a + g;
      return -rate * (g + options.momentum * a);
    }
    if (options.name == "adagrad") {
      a += g * g;
      return -rate * g / (std::sqrt(a) + *options.epsilon);
    }
    if (options.name == "rmsprop") {
      a = *options.decay * a + (1 - *options.decay) * g * g;
      return -rate * g / (std::sqrt(a) + *options.epsilon);
    }
    a = *options.beta1 * a + (1 - *options.beta1) * g;
    b = *options.beta2 * b + (1 - *options.beta2) * g * g;
    const double first = a / (1 - std::pow(*options.beta1, clock));
    const double second = b / (1 - std::pow(*options.beta2, clock));
    const double step = -rate * first / (std::sqrt(second) + *options.epsilon);
    return options.name == "adamw" ? step - rate * decay * value : step;
  }
};

class Formula : public testing::TestWithParam<std::string> {
 protected:
  static constexpr std::size_t kSize = 77;

  static OptimizerOptions options() {
    OptimizerOptions options{.name = GetParam(), .learning_rate = 0.01};
    if (GetParam() == "momentum" || GetParam() == "nesterov") options.momentum = 0.9;
    return options;
  }

  // Some clocks at which the range [touched(clock), kSize) gets a gradient.
  static void compare(const OptimizerOptions& options, const std::vector<std::size_t>& touched_from) {
    constexpr float kGradientScale = 1.0F / 48.0F;
    constexpr float kStepScale = 0.375F;
    const auto optimizer = make_optimizer(options, kSize).value();
    std::vector<Reference> references(kSize, Reference{with_defaults(options).value()});
    Random random(5);
    Floats values(kSize);
    for (float& value : values) value = static_cast<float>(random.normal());
    Clock clock = 0;
    for (const std::size_t first : touched_from) {
      ++clock;
      Floats buffer(kSize - first);
      for (float& sum : buffer) sum = static_cast<float>(48.0 * random.normal());
      const Floats sums = buffer;
      ASSERT_TRUE(optimizer->step(clock, kGradientScale, kStepScale, first, std::span(values).subspan(first),
                                  buffer));
      for (std::size_t i = first; i < kSize; ++i) {
        const double expected =
            static_cast<double>(kStepScale) *
            references[i].step(clock,
                               static_cast<double>(kGradientScale) * static_cast<double>(sums[i - first]),
                               static_cast<double>(values[i]));
        ASSERT_NEAR(buffer[i - first], expected, 1e-5 * std::abs(expected) + 1e-8)
            << "parameter " << i << " at clock " << clock;
        values[i] += buffer[i - first];
      }
    }
  }
};

TEST_P(Formula, HoldsAsItIs) { compare(options(), {0, 0, 0, 0, 0}); }

TEST_P(Formula, HoldsWithWeightDecay) {
  OptimizerOptions with = options();
  with.weight_decay = 0.3;
  compare(with, {0, 0, 0, 0, 0});
}

TEST_P(Formula, HoldsWithEverythingAtOnceInPartsOfTheRange) {
  OptimizerOptions with = options();
  with.weight_decay = 0.3;
  with.clip_value = 0.8;
  with.schedule = LearningRate::make({.name = "inverse_sqrt", .warm_up = 3}).value();
  compare(with, {0, 40, 0, 13, 76, 40, 0});
}

INSTANTIATE_TEST_SUITE_P(Names, Formula,
                         testing::Values("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam",
                                         "adamw"),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace meridian

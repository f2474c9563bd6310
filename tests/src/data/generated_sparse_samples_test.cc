// Goal: generated samples are sparse with popular and rare features, and their labels are as hard to tell as
// is said. How: the true model's accuracy and loss on the labels drawn are held against what they should be.
#include "src/data/generated_sparse_samples.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace meridian {
namespace {

using testing::HasSubstr;

double logit(const GeneratedSparseSamples& generated, const SparseSamples& set, std::size_t sample) {
  double sum = generated.intercept;
  for (std::size_t k = set.offsets[sample]; k < set.offsets[sample + 1]; ++k) {
    sum += static_cast<double>(generated.weights[set.feature[k]] * set.value[k]);
  }
  return sum;
}

TEST(GeneratedSparseSamples, HaveTheShapeAskedFor) {
  const auto result = generate_sparse_samples({.samples = 3000,
                                               .held_out_samples = 100,
                                               .features = 500,
                                               .features_per_sample = 12.0,
                                               .binary = false});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const SparseSamples& set = result.value().train;
  EXPECT_EQ(set.size(), 3000U);
  EXPECT_EQ(result.value().held_out.size(), 100U);
  EXPECT_EQ(set.features, 500U);
  EXPECT_EQ(set.classes(), 2U);
  EXPECT_EQ(set.offsets.back(), set.entries());
  EXPECT_NEAR(static_cast<double>(set.entries()) / 3000.0, 12.0, 0.4);
  std::vector<std::size_t> counts(500, 0);
  for (std::size_t i = 0; i < set.size(); ++i) {
    const auto features = set.features_of(i);
    ASSERT_FALSE(features.empty());
    EXPECT_TRUE(std::adjacent_find(features.begin(), features.end(), std::greater_equal<>()) ==
                features.end());
    for (const std::uint32_t feature : features) ++counts.at(feature);
  }
  for (const float value : set.value) EXPECT_TRUE(value > 0.0F && value <= 2.0F);
  std::sort(counts.rbegin(), counts.rend());
  EXPECT_GT(counts[0], 10 * counts[100]);
}

TEST(GeneratedSparseSamples, AreAsHardAsIsSaid) {
  double last = 0.0;
  for (const double margin : {0.0, 1.0, 3.0, 30.0}) {
    const auto generated =
        generate_sparse_samples(
            {.samples = 100, .held_out_samples = 20000, .features = 1000, .margin = margin})
            .value();
    const SparseSamples& set = generated.held_out;
    double right = 0.0;
    double loss = 0.0;
    double ones = 0.0;
    double squares = 0.0;
    for (std::size_t i = 0; i < set.size(); ++i) {
      const double value = logit(generated, set, i);
      right += (value > 0.0) == (set.labels[i] == 1) ? 1.0 : 0.0;
      loss += std::log1p(std::exp(set.labels[i] == 1 ? -value : value));
      ones += set.labels[i];
      squares += value * value;
    }
    const auto count = static_cast<double>(set.size());
    EXPECT_NEAR(right / count, generated.bayes_accuracy, 0.018) << margin;
    EXPECT_NEAR(loss / count, generated.bayes_loss, 0.02) << margin;
    EXPECT_NEAR(ones / count, 0.5, 0.05) << margin;
    EXPECT_NEAR(std::sqrt(squares / count), margin, 0.05 * margin);
    EXPECT_GT(generated.bayes_accuracy, last);
    last = generated.bayes_accuracy;
  }
  EXPECT_GT(last, 0.97);
}

TEST(GeneratedSparseSamples, FollowTheSeedAndNotTheNumberHeldOut) {
  const auto features = [](std::uint64_t seed, std::size_t held_out) {
    return generate_sparse_samples({.seed = seed, .samples = 50, .held_out_samples = held_out})
        .value()
        .train.feature;
  };
  EXPECT_EQ(features(1, 0), features(1, 30));
  EXPECT_NE(features(1, 0), features(2, 0));
}

TEST(GeneratedSparseSamples, RefuseWhatMakesNoSense) {
  EXPECT_THAT(generate_sparse_samples({.samples = 0}).error().message, HasSubstr("0 samples"));
  EXPECT_THAT(generate_sparse_samples({.features = 1}).error().message,
              HasSubstr("features is 1; expected 2 to"));
  EXPECT_THAT(generate_sparse_samples({.features = 10}).error().message,
              HasSubstr("features_per_sample is 20; expected 0 to 5"));
  EXPECT_THAT(generate_sparse_samples({.margin = NAN}).error().message, HasSubstr("margin is nan"));
  EXPECT_THAT(generate_sparse_samples({.relevant = 1.5}).error().message,
              HasSubstr("relevant is 1.5; expected 0 to 1"));
}

}  // namespace
}  // namespace meridian

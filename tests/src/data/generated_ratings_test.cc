// Goal: generated ratings have the shape asked for and a truth of the rank, the deviations and the noise
// asked for, so that the noise is the best error there is. How: counts and moments are measured, and what
// must vanish for rank one is looked at.
#include "src/data/generated_ratings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace meridian {
namespace {

using testing::HasSubstr;

double root_mean_square(const GeneratedRatings& generated) {
  double sum = 0.0;
  for (std::size_t i = 0; i < generated.expected.size(); ++i) {
    const auto error = static_cast<double>(generated.ratings.value[i] - generated.expected[i]);
    sum += error * error;
  }
  return std::sqrt(sum / static_cast<double>(generated.expected.size()));
}

TEST(GeneratedRatings, HaveTheShapeAskedFor) {
  const auto result = generate_ratings({.users = 700, .items = 300, .ratings = 40000});
  ASSERT_TRUE(result.ok()) << result.error().message;
  const Ratings& ratings = result.value().ratings;
  EXPECT_EQ(ratings.size(), 40000U);
  EXPECT_EQ(ratings.users, 700U);
  EXPECT_EQ(ratings.items, 300U);
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  std::vector<std::size_t> of_user(700, 0);
  std::vector<std::size_t> of_item(300, 0);
  for (std::size_t i = 0; i < ratings.size(); ++i) {
    pairs.emplace(ratings.user[i], ratings.item[i]);
    ++of_user.at(ratings.user[i]);
    ++of_item.at(ratings.item[i]);
  }
  EXPECT_EQ(pairs.size(), ratings.size()) << "some user rates an item twice";
  std::sort(of_user.rbegin(), of_user.rend());
  std::sort(of_item.rbegin(), of_item.rend());
  EXPECT_GE(of_user.back(), 1U);
  EXPECT_LE(of_user.front(), 150U);
  EXPECT_GT(of_user[10], 3 * of_user[500]);
  EXPECT_GT(of_item[10], 3 * of_item[200]);
}

TEST(GeneratedRatings, AreFarFromTheTruthByTheNoiseOnly) {
  for (const double noise : {0.0, 0.3, 1.0}) {
    const auto generated = generate_ratings({.ratings = 50000, .noise = noise}).value();
    EXPECT_NEAR(root_mean_square(generated), noise, 0.02 * noise);
  }
}

TEST(GeneratedRatings, HaveTheDeviationsAskedFor) {
  const auto deviation_of = [](const GeneratedRatingsOptions& options) {
    const auto generated = generate_ratings(options).value();
    double sum = 0.0;
    double squares = 0.0;
    for (const float value : generated.expected) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    const auto count = static_cast<double>(generated.expected.size());
    return std::sqrt(squares / count - sum / count * (sum / count));
  };
  GeneratedRatingsOptions options{
      .users = 2000, .items = 2000, .ratings = 60000, .user_exponent = 0.0, .item_exponent = 0.0};
  options.user_bias = options.item_bias = 0.0;
  options.interaction = 0.8;
  EXPECT_NEAR(deviation_of(options), 0.8, 0.04);
  options.interaction = 0.0;
  options.user_bias = 0.5;
  EXPECT_NEAR(deviation_of(options), 0.5, 0.03);
  options.user_bias = 0.0;
  options.item_bias = 0.6;
  EXPECT_NEAR(deviation_of(options), 0.6, 0.04);
}

TEST(GeneratedRatings, AreOfTheRankAskedFor) {
  // Without biases the truth is a matrix of that rank: of rank one, every minor of two rows and columns is 0.
  const auto generated = generate_ratings({.users = 30,
                                           .items = 30,
                                           .ratings = 450,
                                           .rank = 1,
                                           .mean = 0.0,
                                           .user_bias = 0.0,
                                           .item_bias = 0.0})
                             .value();
  std::map<std::pair<std::size_t, std::size_t>, double> truth;
  for (std::size_t i = 0; i < 450; ++i) {
    truth[{generated.ratings.user[i], generated.ratings.item[i]}] =
        static_cast<double>(generated.expected[i]);
  }
  std::size_t minors = 0;
  for (std::size_t user = 1; user < 30; ++user) {
    for (std::size_t item = 1; item < 30; ++item) {
      const auto a = truth.find({user - 1, item - 1});
      const auto b = truth.find({user - 1, item});
      const auto c = truth.find({user, item - 1});
      const auto d = truth.find({user, item});
      if (a == truth.end() || b == truth.end() || c == truth.end() || d == truth.end()) continue;
      EXPECT_NEAR(a->second * d->second, b->second * c->second, 1e-5);
      ++minors;
    }
  }
  EXPECT_GT(minors, 20U);
}

TEST(GeneratedRatings, StayInTheRangeTheyAreClippedTo) {
  const auto generated =
      generate_ratings({.ratings = 20000, .noise = 1.0, .clip = RatingRange{1.0F, 5.0F}}).value();
  const auto& values = generated.ratings.value;
  EXPECT_EQ(*std::min_element(values.begin(), values.end()), 1.0F);
  EXPECT_EQ(*std::max_element(values.begin(), values.end()), 5.0F);
}

TEST(GeneratedRatings, FollowTheSeed) {
  const auto values = [](std::uint64_t seed) {
    return generate_ratings({.seed = seed, .ratings = 5000}).value().ratings.value;
  };
  EXPECT_EQ(values(1), values(1));
  EXPECT_NE(values(1), values(2));
}

TEST(GeneratedRatings, FillEvenTheFullestShape) {
  const auto generated = generate_ratings(
      {.users = 11, .items = 7, .ratings = 38, .user_exponent = 10.0, .item_exponent = 10.0});
  ASSERT_TRUE(generated.ok()) << generated.error().message;
  EXPECT_EQ(generated.value().ratings.size(), 38U);
}

TEST(GeneratedRatings, RefuseWhatMakesNoSense) {
  const auto error_of = [](const GeneratedRatingsOptions& options) {
    const auto generated = generate_ratings(options);
    return generated.ok() ? std::string("generated") : generated.error().message;
  };
  EXPECT_THAT(error_of({.users = 0}), HasSubstr("users is 0; expected 1 to"));
  EXPECT_THAT(error_of({.users = 100, .ratings = 99}),
              HasSubstr("99 ratings; expected at least one for each of 100"));
  EXPECT_THAT(error_of({.users = 100, .items = 10, .ratings = 501}),
              HasSubstr("at most 500, half of their pairs"));
  EXPECT_THAT(error_of({.noise = -1.0}), HasSubstr("noise is -1; expected 0 to 10"));
  EXPECT_THAT(error_of({.mean = NAN}), HasSubstr("mean is nan"));
  EXPECT_THAT(error_of({.clip = RatingRange{5.0F, 1.0F}}), HasSubstr("clipped to 5 to 1"));
}

}  // namespace
}  // namespace meridian

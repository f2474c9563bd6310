// Goal: a pass over ratings does what its formulas say, for every rank: those that have code of their own,
// those of vectors and a rest, and those of a rest only. How: random factors and ratings against the formulas
// in double precision, and the gradient against finite differences of what is minimised.
#include "src/factorisation/rating_pass.h"

#include <gtest/gtest.h>

#include <cmath>
#include <tuple>

#include "src/base/random.h"
#include "tests/src/factorisation/reference_factors.h"

namespace meridian {
namespace {

constexpr std::size_t kUsers = 7;
constexpr std::size_t kItems = 11;
constexpr double kMean = 3.0;
constexpr double kL2 = 0.1;

class RatingPassOfRank : public testing::TestWithParam<std::tuple<std::size_t, bool>> {
 protected:
  RatingPassOfRank()
      : rank_(std::get<0>(GetParam())),
        biases_(std::get<1>(GetParam())),
        columns_(rank_ + (biases_ ? 1 : 0)),
        stride_(rank_ + 3),
        users_(kUsers * stride_, kUntouched),
        user_bias_(kUsers),
        items_(kItems * columns_) {
    Random random = Random::for_parts(4, {rank_});
    const auto draw = [&](double& exact) {
      const auto value = static_cast<float>(0.5 * random.normal());
      exact = static_cast<double>(value);
      return value;
    };
    model_.mean = kMean;
    model_.l2 = kL2;
    model_.biases = biases_;
    model_.users.resize(kUsers);
    model_.items.resize(kItems);
    for (std::size_t user = 0; user < kUsers; ++user) {
      model_.users[user].factors.resize(rank_);
      for (std::size_t k = 0; k < rank_; ++k)
        users_[user * stride_ + k] = draw(model_.users[user].factors[k]);
      if (biases_) user_bias_[user] = draw(model_.users[user].bias);
    }
    for (std::size_t item = 0; item < kItems; ++item) {
      model_.items[item].factors.resize(rank_);
      for (std::size_t k = 0; k < rank_; ++k)
        items_[item * columns_ + k] = draw(model_.items[item].factors[k]);
      if (biases_) items_[item * columns_ + rank_] = draw(model_.items[item].bias);
    }
    // One user after the other; a user without ratings, others with many, an item twice by the same user.
    for (const std::uint32_t user : {5U, 0U, 1U, 2U, 3U, 6U}) {
      for (std::uint32_t i = 0; i < 3 * user + 1; ++i) {
        const auto item = static_cast<std::uint32_t>(random.below(kItems));
        ratings_.push_back({user, item, static_cast<float>(kMean + random.normal())});
      }
    }
  }

  UserRows<float> users() { return {users_.data(), stride_, biases_ ? user_bias_.data() : nullptr}; }
  RatingPass pass(float rate) const {
    return {rank_, static_cast<float>(kMean), static_cast<float>(kL2), rate};
  }
  RatingSums descend_at(float rate) {
    gradient_.assign(kItems * columns_, kUntouched);
    return descend(pass(rate), ratings_, {items_.data(), columns_}, kItems, users(), gradient_.data());
  }
  double tolerance() const { return 2e-6 * static_cast<double>(rank_ + 10); }

  static constexpr float kUntouched = 1e6F;
  std::size_t rank_;
  bool biases_;
  std::size_t columns_;
  std::size_t stride_;
  std::vector<float> users_;
  std::vector<float> user_bias_;
  std::vector<float> items_;
  std::vector<float> gradient_;
  std::vector<PlacedRating> ratings_;
  ReferenceModel model_;
};

TEST_P(RatingPassOfRank, FollowsTheFormulas) {
  constexpr double kRate = 0.03;
  const std::vector<ReferenceFactors> expected = model_.descend(ratings_, static_cast<double>(0.03F));
  descend_at(static_cast<float>(kRate));
  for (std::size_t item = 0; item < kItems; ++item) {
    for (std::size_t k = 0; k < rank_; ++k) {
      ASSERT_NEAR(gradient_[item * columns_ + k], expected[item].factors[k], 10.0 * tolerance()) << item;
    }
    if (biases_) {
      ASSERT_NEAR(gradient_[item * columns_ + rank_], expected[item].bias, 10.0 * tolerance());
    }
  }
  for (std::size_t user = 0; user < kUsers; ++user) {
    for (std::size_t k = 0; k < rank_; ++k) {
      ASSERT_NEAR(users_[user * stride_ + k], model_.users[user].factors[k], tolerance()) << user;
    }
    // What lies between two rows is not a factor.
    for (std::size_t k = rank_; k < stride_; ++k) ASSERT_EQ(users_[user * stride_ + k], kUntouched);
    ASSERT_NEAR(user_bias_[user], model_.users[user].bias, tolerance());
  }
}

TEST_P(RatingPassOfRank, ItsGradientIsThatOfTheObjective) {
  descend_at(0.0F);
  constexpr double kStep = 1e-4;
  const auto difference = [&](double& value) {
    const double at = value;
    value = at + kStep;
    const double above = model_.objective(ratings_);
    value = at - kStep;
    const double below = model_.objective(ratings_);
    value = at;
    return (above - below) / (2.0 * kStep);
  };
  for (std::size_t item = 0; item < kItems; ++item) {
    for (std::size_t k = 0; k < rank_; ++k) {
      ASSERT_NEAR(gradient_[item * columns_ + k], difference(model_.items[item].factors[k]),
                  10.0 * tolerance());
    }
    if (biases_) {
      ASSERT_NEAR(gradient_[item * columns_ + rank_], difference(model_.items[item].bias),
                  10.0 * tolerance());
    }
  }
}

TEST_P(RatingPassOfRank, CountsErrorsBeforeTheStepAndMeasuresTheSameWithoutOne) {
  double errors = 0.0;
  double squares = 0.0;
  for (const PlacedRating& rating : ratings_) {
    const double error = model_.error_of(rating);
    errors += error;
    squares += error * error;
  }
  const UserRows<const float> users{users_.data(), stride_, biases_ ? user_bias_.data() : nullptr};
  const RatingSums measured = measure_errors(pass(1.0F), ratings_, {items_.data(), columns_}, users);
  const double rounding = tolerance() * static_cast<double>(ratings_.size());
  EXPECT_NEAR(measured.errors, errors, rounding);
  EXPECT_NEAR(measured.squared_errors, squares, 10.0 * rounding);
  const RatingSums descended = descend_at(0.0F);
  EXPECT_NEAR(descended.errors, errors, rounding);
  EXPECT_NEAR(descended.squared_errors, squares, 10.0 * rounding);
}

INSTANTIATE_TEST_SUITE_P(Ranks, RatingPassOfRank,
                         testing::Combine(testing::Values(1U, 3U, 4U, 7U, 8U, 10U, 16U, 20U, 31U, 32U, 50U,
                                                          64U, 100U, 128U),
                                          testing::Bool()),
                         [](const auto& test) {
                           return std::to_string(std::get<0>(test.param)) +
                                  (std::get<1>(test.param) ? "WithBiases" : "WithoutBiases");
                         });

}  // namespace
}  // namespace meridian

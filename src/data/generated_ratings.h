// Generated ratings of known truth: every value is a product of low-rank factors, plus biases, plus noise of
// a known deviation, which is the best error that anything can reach. Activity and popularity follow power
// laws, as those of MovieLens do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/result.h"
#include "src/data/ratings.h"

namespace meridian {

struct RatingRange {
  float lowest = 1.0F;
  float highest = 5.0F;
};

struct GeneratedRatingsOptions {
  std::uint64_t seed = 1;
  std::size_t users = 1000;
  std::size_t items = 500;
  std::size_t ratings = 50'000;  ///< at least one for each user; no user rates an item twice
  std::size_t rank = 8;
  double user_exponent = 0.6;  ///< a user's activity is in proportion to its rank to the power -exponent
  double item_exponent = 0.8;  ///< likewise an item's popularity
  double mean = 3.5;
  double user_bias = 0.4;    ///< the standard deviation of users' biases
  double item_bias = 0.4;    ///< and of items'
  double interaction = 0.6;  ///< the standard deviation of the products of factors
  double noise = 0.5;        ///< the standard deviation of the noise
  std::optional<RatingRange> clip =
      {};  ///< values outside are moved to its ends; `noise` is then no exact floor
};

struct GeneratedRatings {
  Ratings ratings;
  /// Of each rating, its value without noise and before clipping. A model that predicts exactly this has a
  /// root mean square error of `noise`, up to chance, and none has a smaller one.
  std::vector<float> expected;
};

/// Value = mean + b_user + b_item + p_user . q_item + noise, all drawn from normal distributions. Ratings
/// come user after user, a user's in the order drawn. The same options give the same ratings. Errors: a count
/// of 0, fewer ratings than users, more than users * items / 2 or than 2^32 - 1, a deviation or an exponent
/// outside 0 to 10, a mean that is not finite, an empty range.
Result<GeneratedRatings> generate_ratings(const GeneratedRatingsOptions& options);

}  // namespace meridian

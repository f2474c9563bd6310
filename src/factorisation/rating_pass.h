// One pass of stochastic gradient descent over a batch of ratings: the arithmetic of matrix factorisation
// (Koren, Bell & Volinsky 2009). A rating r of item i by user u is predicted as
//
//   mean + user_bias[u] + item_bias[i] + <user_factors[u], item_factors[i]>
//
// and costs e^2 / 2 + l2 / 2 (|user_factors[u]|^2 + |item_factors[i]|^2 + user_bias[u]^2 + item_bias[i]^2),
// where e is the rating less the prediction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian {

/// A rating as a pass meets it.
struct PlacedRating {
  std::uint32_t user = 0;  ///< row of the user's factors
  std::uint32_t item = 0;  ///< row of the item's factors
  float value = 0.0F;
};

/// Rows of item factors: `rank` floats each, and the item's bias after them if there are biases.
struct ItemRows {
  const float* data = nullptr;
  std::size_t columns = 0;
};

/// Rows of user factors: `rank` floats each, the next row `stride` floats on; `bias` is null without biases.
template <typename Float>
struct UserRows {
  Float* factors = nullptr;
  std::size_t stride = 0;
  Float* bias = nullptr;
};

/// Sums over the ratings of a pass, errors taken before the rating's own step.
struct RatingSums {
  double errors = 0.0;          ///< of rating less prediction
  double squared_errors = 0.0;  ///< of its square
};

struct RatingPass {
  std::size_t rank = 0;  ///< at least 1
  float mean = 0.0F;
  float l2 = 0.0F;
  float rate = 0.0F;  ///< the users' learning rate
};

/// Goes through `ratings` in order, each user's one after the other (users may come in any order). Writes
/// over `item_gradient` (`listed` rows like those of `items`) the gradient by the item rows, summed over the
/// ratings, with the items as they are given; steps the users' factors and biases by `rate` against their
/// gradient, rating by rating. No allocation. What is read and what is written must not overlap.
RatingSums descend(const RatingPass& pass, std::span<const PlacedRating> ratings, ItemRows items,
                   std::size_t listed, UserRows<float> users, float* item_gradient);

/// The errors over `ratings` with all factors as they are.
RatingSums measure_errors(const RatingPass& pass, std::span<const PlacedRating> ratings, ItemRows items,
                          UserRows<const float> users);

}  // namespace meridian

// Matrix factorisation as the formulas are written, in double precision and nothing else: what the fast code
// is held against.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "src/factorisation/rating_pass.h"

namespace meridian {

/// Factors (and a bias, 0 if there are none) of a user or an item.
struct ReferenceFactors {
  std::vector<double> factors;
  double bias = 0.0;
};

struct ReferenceModel {
  std::vector<ReferenceFactors> users;
  std::vector<ReferenceFactors> items;
  double mean = 0.0;
  double l2 = 0.0;
  bool biases = true;

  double error_of(const PlacedRating& rating) const {
    const ReferenceFactors& user = users[rating.user];
    const ReferenceFactors& item = items[rating.item];
    double predicted = mean + user.bias + item.bias;
    for (std::size_t k = 0; k < user.factors.size(); ++k) predicted += user.factors[k] * item.factors[k];
    return static_cast<double>(rating.value) - predicted;
  }

  /// What is minimised: half the squared errors and each rating's penalty.
  double objective(std::span<const PlacedRating> ratings) const {
    double sum = 0.0;
    for (const PlacedRating& rating : ratings) {
      const double error = error_of(rating);
      sum += 0.5 * error * error;
      for (const ReferenceFactors* row : {&users[rating.user], &items[rating.item]}) {
        double squares = row->bias * row->bias;
        for (const double factor : row->factors) squares += factor * factor;
        sum += 0.5 * l2 * squares;
      }
    }
    return sum;
  }

  /// Steps the users rating by rating; returns the gradient by the items, which stay as they are.
  std::vector<ReferenceFactors> descend(std::span<const PlacedRating> ratings, double rate) {
    std::vector<ReferenceFactors> gradient(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) gradient[i].factors.resize(items[i].factors.size());
    for (const PlacedRating& rating : ratings) {
      const double error = error_of(rating);
      ReferenceFactors& user = users[rating.user];
      const ReferenceFactors& item = items[rating.item];
      ReferenceFactors& change = gradient[rating.item];
      for (std::size_t k = 0; k < user.factors.size(); ++k) {
        change.factors[k] += l2 * item.factors[k] - error * user.factors[k];
        user.factors[k] -= rate * (l2 * user.factors[k] - error * item.factors[k]);
      }
      if (!biases) continue;
      change.bias += l2 * item.bias - error;
      user.bias -= rate * (l2 * user.bias - error);
    }
    return gradient;
  }
};

}  // namespace meridian

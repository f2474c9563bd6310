// The logistic loss of one sample, for logits of any size.
#pragma once

#include <cmath>

namespace meridian {

struct LogisticLoss {
  double loss = 0.0;  ///< -log of the probability that the model gives the sample's class
  double slope =
      0.0;  ///< its derivative by the logit: the probability of class 1, less 1 if that is the class
};

/// `logit` is that of class 1. Only the exponential of a negative number is taken, so nothing overflows: the
/// loss of a logit that is wrong by far is its size. NaN gives NaN.
inline LogisticLoss logistic_loss(double logit, bool is_class_1) {
  const double margin = is_class_1 ? logit : -logit;
  const double odds = std::exp(-std::abs(margin));                  // of the less likely class
  const double wrong = (margin > 0.0 ? odds : 1.0) / (1.0 + odds);  // the other class's probability
  return {std::log1p(odds) + (margin > 0.0 ? 0.0 : -margin), is_class_1 ? -wrong : wrong};
}

}  // namespace meridian

// RMSProp (Tieleman & Hinton, "Neural Networks for Machine Learning", lecture 6.5, Coursera 2012): a gradient
// is divided by the root of a moving mean of its squares. It keeps that mean for each parameter, s, and
// writes g for the mean gradient, a for decay, r for the clock's learning rate, e for epsilon; as PyTorch
// does, with e outside the root and without centring:
//
//   s = a s + (1 - a) g^2,  step = -r g / (sqrt(s) + e)
//
// In a table that is updated row by row, s moves only in rows that a gradient touched.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// `options` as with_defaults() returns them.
std::unique_ptr<Optimizer> make_rmsprop(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian

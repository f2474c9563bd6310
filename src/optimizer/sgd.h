// Stochastic gradient descent: step = -r g, with r for the clock's learning rate and g for the mean gradient
// (Robbins & Monro 1951). It keeps no state.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// `options` as with_defaults() returns them.
std::unique_ptr<Optimizer> make_sgd(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian

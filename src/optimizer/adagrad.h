// AdaGrad (Duchi, Hazan & Singer, JMLR 2011): every parameter has a rate of its own, which falls with the
// gradients that it has seen. It keeps one sum of squares for each parameter, s, and writes g for the mean
// gradient, r for the clock's learning rate, e for epsilon:
//
//   s = s + g^2,  step = -r g / (sqrt(s) + e)
//
// It suits sparse gradients: a row that is touched for the first time after many clocks takes a full step.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// `options` as with_defaults() returns them.
std::unique_ptr<Optimizer> make_adagrad(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian

// Gradient descent with momentum, in two forms that differ in where the gradient's step is taken from. Both
// keep one velocity for each parameter, v, and write g for the mean gradient, m for momentum, r for the
// clock's learning rate. The rate is no part of the velocity: when it changes, the whole step does at once.
//
//   heavy ball (Polyak 1964):  v = m v + g,  step = -r v
//   Nesterov (Sutskever, Martens, Dahl & Hinton 2013, as PyTorch writes it, in terms of the point where the
//   gradient is taken):        v = m v + g,  step = -r (g + m v)
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

/// `options` as with_defaults() returns them.
std::unique_ptr<Optimizer> make_heavy_ball(const OptimizerOptions& options, std::size_t size);
std::unique_ptr<Optimizer> make_nesterov(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian

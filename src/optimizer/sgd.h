// Stochastic gradient descent: step = -learning_rate * gradient. It keeps no state.
#pragma once

#include "src/optimizer/optimizer.h"

namespace meridian {

Result<std::unique_ptr<Optimizer>> make_sgd(const OptimizerOptions& options, std::size_t size);

}  // namespace meridian

// Turns a gradient into the step that is added to the parameters. One optimizer serves one contiguous range
// of parameters and keeps that range's state (velocities and the like); what arrives from other datacenters
// never passes through it. A further optimizer is one new file and one line in optimizer.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"
#include "src/optimizer/learning_rate.h"

namespace meridian {

/// What is not given takes the default of the named optimizer, the same as PyTorch's; what that optimizer
/// does not use may not be given.
struct OptimizerOptions {
  std::string name = "sgd";    ///< one of optimizer_names()
  double learning_rate = 0.1;  ///< above 0
  double momentum = 0.0;       ///< in [0, 1); not 0 with momentum and nesterov only
  LearningRate schedule = {};  ///< scales learning_rate at each clock

  // Of every optimizer. A gradient is clipped first; then weight decay is added to it.
  std::optional<double> weight_decay = {};  ///< 0 to 1000; 0 by default, 0.01 with adamw
  std::optional<double> clip_value = {};    ///< the largest size of a scaled gradient, 1e-30 to 1e9; else any

  std::optional<double> beta1 = {};    ///< adam, adamw: in [0, 1); 0.9
  std::optional<double> beta2 = {};    ///< adam, adamw: in [0, 1); 0.999
  std::optional<double> epsilon = {};  ///< adagrad: 1e-10; rmsprop, adam, adamw: 1e-8; from 1e-30 to 1
  std::optional<double> decay = {};    ///< rmsprop (PyTorch's alpha): in [0, 1); 0.99

  /// The rate in force at `clock`, from 1.
  float rate_at(Clock clock) const { return static_cast<float>(learning_rate * schedule.ratio(clock)); }
};

/// Not thread-safe: one thread owns an optimizer.
class Optimizer {
 public:
  virtual ~Optimizer() = default;

  /// Takes the gradient summed over a clock's samples from `gradient_in_step_out` and writes the step, which
  /// is to be *added* to the parameters, in its place, in one pass over memory and without allocation.
  ///   clock           the one that closes, from 1; it decides the learning rate;
  ///   gradient_scale  multiplies the gradient first (1 / samples for the mean);
  ///   step_scale      multiplies the step as it is written, not the optimizer's state (the datacenter's
  ///                   weight);
  ///   first           the first parameter that the spans hold, of those the optimizer was made for: a table
  ///                   that is updated row by row gets no step in the rows that no gradient touched, and
  ///                   neither state nor weight decay moves there;
  ///   values          the parameters before the step; optimizers with weight decay read them.
  /// Both spans have the same size. Returns false when a mean gradient, a step or the state is not finite
  /// (from what was passed in, or by overflow): the caller stops the run, for the state is then spoilt.
  [[nodiscard]] virtual bool step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
                                  std::span<const float> values, std::span<float> gradient_in_step_out) = 0;
};

/// An optimizer for `size` parameters, its state zero. Errors are those of with_defaults().
Result<std::unique_ptr<Optimizer>> make_optimizer(const OptimizerOptions& options, std::size_t size);

/// The options with all that the named optimizer uses filled in. Errors name the key (name, learning_rate,
/// beta1), the value and what was expected.
Result<OptimizerOptions> with_defaults(const OptimizerOptions& options);

/// The names that OptimizerOptions::name takes.
std::vector<std::string_view> optimizer_names();

}  // namespace meridian

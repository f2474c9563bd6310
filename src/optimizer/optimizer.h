// Turns a gradient into the step that is added to the parameters. One optimizer serves one contiguous range
// of parameters and keeps that range's state (velocities and the like); what arrives from other datacenters
// never passes through it. A further optimizer is one new file and one line in optimizer.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"
#include "src/optimizer/learning_rate.h"

namespace meridian {

struct OptimizerOptions {
  std::string name = "sgd";    ///< one of optimizer_names()
  double learning_rate = 0.1;  ///< above 0
  double momentum = 0.0;       ///< in [0, 1); plain sgd takes 0 only
  LearningRate schedule = {};  ///< scales learning_rate at each clock

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
  ///                   that is updated row by row gets no step in the rows that no gradient touched;
  ///   values          the parameters before the step; optimizers with weight decay read them.
  /// Both spans have the same size. Returns false when a step is not finite (from a gradient or state that is
  /// not, or by overflow): the caller stops the run, for the state is then spoilt.
  [[nodiscard]] virtual bool step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
                                  std::span<const float> values, std::span<float> gradient_in_step_out) = 0;
};

/// An optimizer for `size` parameters, its state zero. Errors name the key (name, learning_rate, momentum),
/// the value and what was expected.
Result<std::unique_ptr<Optimizer>> make_optimizer(const OptimizerOptions& options, std::size_t size);

/// The names that OptimizerOptions::name takes.
std::vector<std::string_view> optimizer_names();

}  // namespace meridian

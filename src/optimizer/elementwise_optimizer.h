// What optimizers share that treat every parameter by itself: one pass over a range in which the sum becomes
// the mean gradient, is clipped by value, takes up weight decay, and becomes the step by the optimizer's
// formula. An optimizer is a formula for one parameter and the state that the formula keeps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/optimizer/finite.h"
#include "src/optimizer/optimizer.h"

namespace meridian {

/// One call of Optimizer::step(), in terms of the loop.
struct StepPass {
  float gradient_scale = 1.0F;
  float step_scale = 1.0F;
  float clip_value = 0.0F;      ///< infinity where gradients are not clipped
  float gradient_decay = 0.0F;  ///< weight decay that is part of the gradient
  bool reads_values = false;    ///< without weight decay the parameters are not touched, nor memory for them
  std::span<const float> values = {};
  std::span<float> gradient_in_step_out = {};
};

template <bool reads_values, typename Formula>
[[gnu::always_inline]] inline bool run_loop(const StepPass& pass, const Formula formula) {
  const StepPass fixed = pass;  // a copy that the stores below cannot change
  const float* const values = fixed.values.data();
  float* const data = fixed.gradient_in_step_out.data();
  const std::size_t size = fixed.gradient_in_step_out.size();
  FiniteCheck check;
  for (std::size_t i = 0; i < size; ++i) {
    const float mean = fixed.gradient_scale * data[i];
    check.see(mean);  // clipping would hide it
    // Comparisons that a NaN fails, so that it passes through.
    const float capped = mean > fixed.clip_value ? fixed.clip_value : mean;
    const float clipped = capped < -fixed.clip_value ? -fixed.clip_value : capped;
    const float value = reads_values ? values[i] : 0.0F;
    const float gradient = reads_values ? clipped + fixed.gradient_decay * value : clipped;
    const float step = formula(gradient, value, i, check) * fixed.step_scale;
    check.see(step);
    data[i] = step;
  }
  return check.all_finite();
}

/// Runs the pass. `formula(gradient, value, i, check)` updates the state of the i-th parameter of the range
/// and returns its step; it lets `check` see what can overflow without the step showing it. `value` is 0
/// where the pass does not read values. Call it from a function of its own that is made for each instruction
/// set: all of this goes into that function.
template <typename Formula>
[[gnu::always_inline]] inline bool run_pass(const StepPass& pass, const Formula& formula) {
  return pass.reads_values ? run_loop<true>(pass, formula) : run_loop<false>(pass, formula);
}

/// How weight decay acts: as part of the gradient, or where the formula says.
enum class WeightDecay : std::uint8_t { in_gradient, in_formula };

class ElementwiseOptimizer : public Optimizer {
 public:
  bool step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
            std::span<const float> values, std::span<float> gradient_in_step_out) final;

 protected:
  /// `options` as with_defaults() returns them.
  ElementwiseOptimizer(const OptimizerOptions& options, std::size_t size, WeightDecay weight_decay);

  const OptimizerOptions& options() const { return options_; }

 private:
  /// Runs the formula of `clock` over a pass that begins at parameter `first`.
  virtual bool run(Clock clock, std::size_t first, const StepPass& pass) = 0;

  OptimizerOptions options_;
  std::size_t size_;
  StepPass usual_;  // without what a call brings
};

}  // namespace meridian

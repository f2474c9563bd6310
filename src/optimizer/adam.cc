#include "src/optimizer/adam.h"

#include <algorithm>
#include <cmath>

#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/optimizer/elementwise_optimizer.h"

namespace meridian {
namespace {

struct Formula {
  float beta1;
  float gain1;  // 1 - beta1
  float beta2;
  float gain2;       // 1 - beta2
  float rate;        // over the first correction
  float correction;  // the root of the second one
  float epsilon;
  float shrinkage;  // rate x decoupled weight decay
  float* firsts;
  float* seconds;

  float operator()(float gradient, float value, std::size_t i, FiniteCheck& check) const {
    const float first = beta1 * firsts[i] + gain1 * gradient;
    const float second = beta2 * seconds[i] + gain2 * (gradient * gradient);
    check.see(second);  // an infinite one would only make steps of 0
    firsts[i] = first;
    seconds[i] = second;
    return -rate * first / (std::sqrt(second) * correction + epsilon) - shrinkage * value;
  }
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_adam, (const StepPass& pass, const Formula& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

class Adam final : public ElementwiseOptimizer {
 public:
  Adam(const OptimizerOptions& options, std::size_t size, WeightDecay weight_decay)
      : ElementwiseOptimizer(options, size, weight_decay),
        decoupled_decay_(weight_decay == WeightDecay::in_formula ? options.weight_decay.value() : 0.0),
        firsts_(size),
        seconds_(size) {}

 private:
  bool run(Clock clock, std::size_t first, const StepPass& pass) override {
    // In doubles: 1 - beta has few digits left in a float.
    const double beta1 = options().beta1.value();
    const double beta2 = options().beta2.value();
    const double rate = options().rate_at(clock);
    const auto clocks = static_cast<double>(std::max<Clock>(1, clock));
    return run_adam(pass, {.beta1 = static_cast<float>(beta1),
                           .gain1 = static_cast<float>(1.0 - beta1),
                           .beta2 = static_cast<float>(beta2),
                           .gain2 = static_cast<float>(1.0 - beta2),
                           .rate = static_cast<float>(rate / (1.0 - std::pow(beta1, clocks))),
                           .correction = static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(beta2, clocks))),
                           .epsilon = static_cast<float>(options().epsilon.value()),
                           .shrinkage = static_cast<float>(rate * decoupled_decay_),
                           .firsts = firsts_.data() + first,
                           .seconds = seconds_.data() + first});
  }

  double decoupled_decay_;
  FloatBuffer firsts_;
  FloatBuffer seconds_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adam(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<Adam>(options, size, WeightDecay::in_gradient);
}

std::unique_ptr<Optimizer> make_adamw(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<Adam>(options, size, WeightDecay::in_formula);
}

}  // namespace meridian

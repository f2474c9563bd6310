#include "src/optimizer/rmsprop.h"

#include <cmath>

#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/optimizer/elementwise_optimizer.h"

namespace meridian {
namespace {

struct Formula {
  float rate;
  float decay;
  float gain;  // 1 - decay
  float epsilon;
  float* means;

  float operator()(float gradient, float /*value*/, std::size_t i, FiniteCheck& check) const {
    const float mean = decay * means[i] + gain * (gradient * gradient);
    check.see(mean);  // an infinite one would only make steps of 0
    means[i] = mean;
    return -rate * gradient / (std::sqrt(mean) + epsilon);
  }
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_rmsprop, (const StepPass& pass, const Formula& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

class RmsProp final : public ElementwiseOptimizer {
 public:
  RmsProp(const OptimizerOptions& options, std::size_t size)
      : ElementwiseOptimizer(options, size, WeightDecay::in_gradient), means_(size) {}

 private:
  bool run(Clock clock, std::size_t first, const StepPass& pass) override {
    const double decay = options().decay.value();
    return run_rmsprop(pass, {.rate = options().rate_at(clock),
                              .decay = static_cast<float>(decay),
                              .gain = static_cast<float>(1.0 - decay),
                              .epsilon = static_cast<float>(options().epsilon.value()),
                              .means = means_.data() + first});
  }

  FloatBuffer means_;
};

}  // namespace

std::unique_ptr<Optimizer> make_rmsprop(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<RmsProp>(options, size);
}

}  // namespace meridian

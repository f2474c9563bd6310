#include "src/optimizer/adagrad.h"

#include <cmath>

#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/optimizer/elementwise_optimizer.h"

namespace meridian {
namespace {

struct Formula {
  float rate;
  float epsilon;
  float* sums;

  float operator()(float gradient, float /*value*/, std::size_t i, FiniteCheck& check) const {
    const float sum = sums[i] + gradient * gradient;
    check.see(sum);  // an infinite one would only make steps of 0
    sums[i] = sum;
    return -rate * gradient / (std::sqrt(sum) + epsilon);
  }
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_adagrad, (const StepPass& pass, const Formula& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

class AdaGrad final : public ElementwiseOptimizer {
 public:
  AdaGrad(const OptimizerOptions& options, std::size_t size)
      : ElementwiseOptimizer(options, size, WeightDecay::in_gradient), sums_(size) {}

 private:
  bool run(Clock clock, std::size_t first, const StepPass& pass) override {
    return run_adagrad(pass, {.rate = options().rate_at(clock),
                              .epsilon = static_cast<float>(options().epsilon.value()),
                              .sums = sums_.data() + first});
  }

  FloatBuffer sums_;
};

}  // namespace

std::unique_ptr<Optimizer> make_adagrad(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<AdaGrad>(options, size);
}

}  // namespace meridian

#include "src/optimizer/sgd.h"

#include "src/base/instruction_sets.h"
#include "src/optimizer/elementwise_optimizer.h"

namespace meridian {
namespace {

struct Formula {
  float rate;

  float operator()(float gradient, float /*value*/, std::size_t /*i*/, FiniteCheck& /*check*/) const {
    return -rate * gradient;
  }
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_sgd, (const StepPass& pass, const Formula& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

class Sgd final : public ElementwiseOptimizer {
 public:
  Sgd(const OptimizerOptions& options, std::size_t size)
      : ElementwiseOptimizer(options, size, WeightDecay::in_gradient) {}

 private:
  bool run(Clock clock, std::size_t /*first*/, const StepPass& pass) override {
    return run_sgd(pass, {options().rate_at(clock)});
  }
};

}  // namespace

std::unique_ptr<Optimizer> make_sgd(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<Sgd>(options, size);
}

}  // namespace meridian

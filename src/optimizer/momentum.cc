#include "src/optimizer/momentum.h"

#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/optimizer/elementwise_optimizer.h"

namespace meridian {
namespace {

enum class Form { heavy_ball, nesterov };

template <Form form>
struct Formula {
  float rate;
  float momentum;
  float* velocities;

  float operator()(float gradient, float /*value*/, std::size_t i, FiniteCheck& /*check*/) const {
    const float velocity = momentum * velocities[i] + gradient;
    velocities[i] = velocity;
    return -rate * (form == Form::nesterov ? gradient + momentum * velocity : velocity);
  }
};

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_momentum,
                                  (const StepPass& pass, const Formula<Form::heavy_ball>& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, run_momentum,
                                  (const StepPass& pass, const Formula<Form::nesterov>& formula),
                                  (pass, formula)) {
  return run_pass(pass, formula);
}

template <Form form>
class Momentum final : public ElementwiseOptimizer {
 public:
  Momentum(const OptimizerOptions& options, std::size_t size)
      : ElementwiseOptimizer(options, size, WeightDecay::in_gradient), velocities_(size) {}

 private:
  bool run(Clock clock, std::size_t first, const StepPass& pass) override {
    return run_momentum(pass, Formula<form>{.rate = options().rate_at(clock),
                                            .momentum = static_cast<float>(options().momentum),
                                            .velocities = velocities_.data() + first});
  }

  FloatBuffer velocities_;
};

}  // namespace

std::unique_ptr<Optimizer> make_heavy_ball(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<Momentum<Form::heavy_ball>>(options, size);
}

std::unique_ptr<Optimizer> make_nesterov(const OptimizerOptions& options, std::size_t size) {
  return std::make_unique<Momentum<Form::nesterov>>(options, size);
}

}  // namespace meridian

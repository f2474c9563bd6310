#include "src/optimizer/momentum.h"

#include <utility>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/optimizer/finite.h"

namespace meridian {
namespace {

enum class Form { heavy_ball, nesterov };

template <Form form>
class Momentum : public Optimizer {
 public:
  Momentum(OptimizerOptions options, std::size_t size) : options_(std::move(options)), velocity_(size) {}

  bool step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
            std::span<const float> values, std::span<float> gradient_in_step_out) override {
    const std::size_t size = gradient_in_step_out.size();
    MERIDIAN_CHECK(values.size() == size && first <= velocity_.size() && size <= velocity_.size() - first,
                   "{} values and {} gradients from {} for {} parameters", values.size(), size, first,
                   velocity_.size());
    const float rate = -options_.rate_at(clock);
    const float momentum = static_cast<float>(options_.momentum);
    float* const data = gradient_in_step_out.data();
    float* const velocities = velocity_.data() + first;
    FiniteCheck check;
    for (std::size_t i = 0; i < size; ++i) {
      const float gradient = gradient_scale * data[i];
      const float velocity = momentum * velocities[i] + gradient;
      const float direction = form == Form::nesterov ? gradient + momentum * velocity : velocity;
      const float step = rate * direction * step_scale;
      check.see(step);
      velocities[i] = velocity;
      data[i] = step;
    }
    return check.all_finite();
  }

 private:
  OptimizerOptions options_;
  FloatBuffer velocity_;
};

template <Form form>
Result<std::unique_ptr<Optimizer>> make(const OptimizerOptions& options, std::size_t size) {
  if (!(options.momentum >= 0.0 && options.momentum < 1.0)) {
    return Error{fmt::format("momentum is {}; expected at least 0 and below 1", options.momentum)};
  }
  return std::unique_ptr<Optimizer>(std::make_unique<Momentum<form>>(options, size));
}

}  // namespace

Result<std::unique_ptr<Optimizer>> make_heavy_ball(const OptimizerOptions& options, std::size_t size) {
  return make<Form::heavy_ball>(options, size);
}

Result<std::unique_ptr<Optimizer>> make_nesterov(const OptimizerOptions& options, std::size_t size) {
  return make<Form::nesterov>(options, size);
}

}  // namespace meridian

#include "src/optimizer/sgd.h"

#include <utility>

#include "src/base/check.h"
#include "src/optimizer/finite.h"

namespace meridian {
namespace {

class Sgd : public Optimizer {
 public:
  Sgd(OptimizerOptions options, std::size_t size) : options_(std::move(options)), size_(size) {}

  bool step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
            std::span<const float> values, std::span<float> gradient_in_step_out) override {
    const std::size_t size = gradient_in_step_out.size();
    MERIDIAN_CHECK(values.size() == size && first <= size_ && size <= size_ - first,
                   "{} values and {} gradients from {} for {} parameters", values.size(), size, first, size_);
    const float factor = -options_.rate_at(clock) * gradient_scale;
    float* const data = gradient_in_step_out.data();
    FiniteCheck check;
    for (std::size_t i = 0; i < size; ++i) {
      const float step = factor * data[i] * step_scale;
      check.see(step);
      data[i] = step;
    }
    return check.all_finite();
  }

 private:
  OptimizerOptions options_;
  std::size_t size_;
};

}  // namespace

Result<std::unique_ptr<Optimizer>> make_sgd(const OptimizerOptions& options, std::size_t size) {
  if (options.momentum != 0.0) {
    return Error{
        fmt::format("momentum is {}; expected 0 with the optimizer sgd (momentum and nesterov use it)",
                    options.momentum)};
  }
  return std::unique_ptr<Optimizer>(std::make_unique<Sgd>(options, size));
}

}  // namespace meridian

#include "src/optimizer/elementwise_optimizer.h"

#include <algorithm>
#include <limits>

#include "src/base/check.h"
#include "src/optimizer/flush_subnormals.h"

namespace meridian {

ElementwiseOptimizer::ElementwiseOptimizer(const OptimizerOptions& options, std::size_t size,
                                           WeightDecay weight_decay)
    : options_(options), size_(size) {
  const float decay = static_cast<float>(options.weight_decay.value());
  usual_.clip_value =
      options.clip_value ? static_cast<float>(*options.clip_value) : std::numeric_limits<float>::infinity();
  usual_.gradient_decay = weight_decay == WeightDecay::in_gradient ? decay : 0.0F;
  usual_.reads_values = decay != 0.0F;
}

bool ElementwiseOptimizer::step(Clock clock, float gradient_scale, float step_scale, std::size_t first,
                                std::span<const float> values, std::span<float> gradient_in_step_out) {
  const std::size_t size = gradient_in_step_out.size();
  MERIDIAN_CHECK(values.size() == size && first <= size_ && size <= size_ - first,
                 "{} values and {} gradients from {} for {} parameters", values.size(), size, first, size_);
  StepPass pass = usual_;
  pass.gradient_scale = gradient_scale;
  pass.step_scale = step_scale;
  pass.values = values;
  pass.gradient_in_step_out = gradient_in_step_out;
  const FlushSubnormals flush;
  return run(clock, first, pass);
}

}  // namespace meridian

#include "src/optimizer/increment.h"

#include "src/base/check.h"
#include "src/base/instruction_sets.h"
#include "src/optimizer/finite.h"

namespace meridian {
namespace {

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, all_finite, (const float* values, std::size_t size), (values, size)) {
  FiniteCheck check;
  for (std::size_t i = 0; i < size; ++i) check.see(values[i]);
  return check.all_finite();
}

class Increment final : public Optimizer {
 public:
  explicit Increment(std::size_t size) : size_(size) {}

  bool step(Clock /*clock*/, float /*gradient_scale*/, float /*step_scale*/, std::size_t first,
            std::span<const float> values, std::span<float> gradient_in_step_out) override {
    const std::size_t size = gradient_in_step_out.size();
    MERIDIAN_CHECK(values.size() == size && first <= size_ && size <= size_ - first,
                   "{} values and {} increments from {} for {} parameters", values.size(), size, first,
                   size_);
    return all_finite(gradient_in_step_out.data(), size);
  }

 private:
  std::size_t size_;
};

}  // namespace

std::unique_ptr<Optimizer> make_increment(std::size_t size) { return std::make_unique<Increment>(size); }

}  // namespace meridian

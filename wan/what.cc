#include "wan/what.h"

#include "src/base/instruction_sets.h"

namespace meridian::wan {

namespace {

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_step,
                                  (std::span<const float> step, std::span<float> values,
                                   std::span<float> residual),
                                  (step, values, residual)) {
  for (std::size_t i = 0; i < step.size(); ++i) {
    values[i] += step[i];
    residual[i] += step[i];
  }
}

}  // namespace

void What::add_and_select(const FilterPass& pass, std::span<const float> step, std::span<float> values,
                          std::span<float> residual, TableSelection& out) const {
  add_step(step, values, residual);
  select(pass, values, residual, out);
}

void SendAll::select(const FilterPass& pass, std::span<const float> /*values*/, std::span<float> residual,
                     TableSelection& out) const {
  take_nonzeros(residual, out, pass.first);
}

}  // namespace meridian::wan

#include "src/optimizer/finite.h"

#include <cstddef>

#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

MERIDIAN_FOR_EACH_INSTRUCTION_SET(bool, look_at_all, (const float* values, std::size_t size),
                                  (values, size)) {
  FiniteCheck check;
  for (std::size_t i = 0; i < size; ++i) check.see(values[i]);
  return check.all_finite();
}

}  // namespace

bool all_finite(std::span<const float> values) { return look_at_all(values.data(), values.size()); }

}  // namespace meridian

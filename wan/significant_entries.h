// The loops of SignificanceFilter by entry: they test every entry of a range, some of them while a step is
// added, and take the significant ones out of the residual without a branch for each.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "wan/selection.h"

namespace meridian::wan {

/// Whether a change of this size goes out beside a value of that size; 1 or 0, without a branch. The product
/// replaces a division, which also makes every change above the floor significant where the value is 0. Only
/// comparisons that hold let a change stay, so that one that is not a number never does.
template <typename Float>
std::uint32_t significant(Float change, Float value, Float limit, Float floor) {
  const auto above_threshold = static_cast<std::uint32_t>(!(change <= limit * value));
  const auto above_floor = static_cast<std::uint32_t>(!(change <= floor));
  const auto beyond_finite = static_cast<std::uint32_t>(!(change <= std::numeric_limits<Float>::max()));
  return beyond_finite | (above_threshold & above_floor);
}

struct EntryTest {
  float limit;
  float floor;

  std::uint32_t operator()(float change, float value) const {
    return significant(std::fabs(change), std::fabs(value), limit, floor);
  }
};

/// Takes the significant entries out of `residual` and appends them to `out`. The spans, of one size, begin
/// at entry `first`.
void select_entries(EntryTest test, std::size_t first, std::span<const float> values,
                    std::span<float> residual, TableSelection& out);

/// The largest |change| above the floor in units of the value beside it, 0 only where none is above; infinite
/// or not a number where one is beside 0 or is neither itself.
float largest_ratio(float floor, std::span<const float> values, std::span<const float> residual);

/// Adds the step to values and residual, and does the same, in one pass over memory.
void add_and_select_entries(EntryTest test, std::size_t first, std::span<const float> step,
                            std::span<float> values, std::span<float> residual, TableSelection& out);

}  // namespace meridian::wan

#include "src/optimizer/clip_norm.h"

#include <array>
#include <cmath>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

/// Sums that grow side by side, so that the additions need not wait for each other: as many in every
/// instruction set, for the same bits.
constexpr std::size_t kLanes = 16;

MERIDIAN_FOR_EACH_INSTRUCTION_SET(double, sum_of_squares, (const float* values, std::size_t size),
                                  (values, size)) {
  std::array<double, kLanes> sums{};
  std::size_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto value = static_cast<double>(values[i + lane]);
      sums[lane] += value * value;
    }
  }
  for (std::size_t lane = 0; i < size; ++i, ++lane) {
    const auto value = static_cast<double>(values[i]);
    sums[lane] += value * value;
  }
  double sum = 0.0;
  for (const double part : sums) sum += part;
  return sum;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, scale_all, (float* values, std::size_t size, double factor),
                                  (values, size, factor)) {
  for (std::size_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>(static_cast<double>(values[i]) * factor);
  }
}

}  // namespace

bool clip_to_norm(std::span<const std::span<float>> update, std::size_t samples, double norm) {
  MERIDIAN_CHECK(samples > 0 && norm > 0.0 && std::isfinite(norm), "norm {} over {} samples", norm, samples);
  double sum = 0.0;
  for (const std::span<float> table : update) sum += sum_of_squares(table.data(), table.size());
  // The largest float's square is 1e77: doubles overflow only where a float already is infinite.
  if (!std::isfinite(sum)) return false;
  const double longest = norm * static_cast<double>(samples);
  const double length = std::sqrt(sum);
  if (length <= longest) return true;
  for (const std::span<float> table : update) scale_all(table.data(), table.size(), longest / length);
  return true;
}

}  // namespace meridian

#include "src/data/image_set.h"

#include <array>
#include <cmath>

namespace meridian {

Normalisation normalisation_of(const ImageSet& set) {
  if (set.pixels.empty()) return {};
  // Counting is exact, so the result depends on no order of summation.
  std::array<std::uint64_t, 256> counts{};
  for (const std::uint8_t pixel : set.pixels) ++counts[pixel];
  std::uint64_t sum = 0;
  std::uint64_t sum_of_squares = 0;
  for (std::uint64_t value = 0; value < counts.size(); ++value) {
    sum += counts[value] * value;
    sum_of_squares += counts[value] * value * value;
  }
  const double count = static_cast<double>(set.pixels.size());
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(sum_of_squares) / count - mean * mean;
  const double deviation = variance > 1e-9 ? std::sqrt(variance) : 1.0;
  return {static_cast<float>(1.0 / deviation), static_cast<float>(-mean / deviation)};
}

}  // namespace meridian

#include "src/data/image_set.h"

#include <array>
#include <cmath>

namespace meridian {

Normalisation normalisation_of(const ImageSet& set) {
  if (set.pixels.empty()) return {};
  // Counting is exact, so the result depends on no order of summation.
  // Neighbouring pixels are often equal, and to count one would wait for the other: they count in turns.
  constexpr std::size_t kTurns = 4;
  std::array<std::array<std::uint64_t, 256>, kTurns> counts{};
  for (std::size_t i = 0; i < set.pixels.size(); ++i) ++counts[i % kTurns][set.pixels[i]];
  std::uint64_t sum = 0;
  std::uint64_t sum_of_squares = 0;
  for (const auto& turn : counts) {
    for (std::uint64_t value = 0; value < turn.size(); ++value) {
      sum += turn[value] * value;
      sum_of_squares += turn[value] * value * value;
    }
  }
  const double count = static_cast<double>(set.pixels.size());
  const double mean = static_cast<double>(sum) / count;
  const double variance = static_cast<double>(sum_of_squares) / count - mean * mean;
  const double deviation = variance > 1e-9 ? std::sqrt(variance) : 1.0;
  return {static_cast<float>(1.0 / deviation), static_cast<float>(-mean / deviation)};
}

Normalisation normalisation_by(double mean, double deviation) {
  constexpr double kLargestPixel = 255.0;
  return {static_cast<float>(1.0 / (kLargestPixel * deviation)), static_cast<float>(-mean / deviation)};
}

}  // namespace meridian

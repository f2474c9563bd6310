#include "experiments/precision/samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "src/base/check.h"

namespace meridian::precision {

double quantile(std::vector<double> sample, double share) {
  MERIDIAN_CHECK(!sample.empty(), "no sample for the quantile {}", share);
  const auto position = static_cast<std::size_t>(share * static_cast<double>(sample.size()));
  const auto at = sample.begin() + static_cast<std::ptrdiff_t>(std::min(position, sample.size() - 1));
  std::nth_element(sample.begin(), at, sample.end());
  return *at;
}

double median(std::vector<double> sample) {
  if (sample.size() % 2 == 1) return quantile(std::move(sample), 0.5);
  MERIDIAN_CHECK(!sample.empty(), "no sample for the median");
  std::sort(sample.begin(), sample.end());
  return (sample[sample.size() / 2 - 1] + sample[sample.size() / 2]) / 2;
}

std::string median_and_range(const std::vector<double>& rounds, int decimals) {
  const auto [least, most] = std::minmax_element(rounds.begin(), rounds.end());
  return fmt::format("{:.{}f} ({:.{}f}–{:.{}f})", median(rounds), decimals, *least, decimals, *most,
                     decimals);
}

double kolmogorov_smirnov(std::vector<double> sample, const std::function<double(double)>& distribution) {
  std::sort(sample.begin(), sample.end());
  const auto size = static_cast<double>(sample.size());
  double largest = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double expected = distribution(sample[i]);
    const double before = static_cast<double>(i) / size;
    const double after = static_cast<double>(i + 1) / size;
    largest = std::max({largest, expected - before, after - expected});
  }
  return largest;
}

double kolmogorov_smirnov_critical(std::size_t sample_size) {
  return 1.628 / std::sqrt(static_cast<double>(sample_size));
}

}  // namespace meridian::precision

// What is said of measured values: median, quantiles, and how far they are from a distribution.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace meridian::precision {

/// The value below which `share` of the sample lies. Requires a sample that is not empty.
double quantile(std::vector<double> sample, double share);

double median(std::vector<double> sample);

/// "0.998 (0.981–1.002)": the median of the rounds, the least and the most.
std::string median_and_range(const std::vector<double>& rounds, int decimals);

/// The largest distance between the sample's share below x and `distribution`(x): the statistic of
/// Kolmogorov and Smirnov, for a continuous distribution.
double kolmogorov_smirnov(std::vector<double> sample, const std::function<double(double)>& distribution);

/// What that statistic exceeds in one of a hundred samples of this size that do follow the distribution.
double kolmogorov_smirnov_critical(std::size_t sample_size);

}  // namespace meridian::precision

#include "src/data/distributions.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "src/base/check.h"
#include "src/data/shuffle.h"

namespace meridian {
namespace {

// The logarithm of a uniform variate in (0, 1].
double draw_log_uniform(Random& random) { return std::log(1.0 - random.uniform()); }

void softmax(std::span<double> logarithms) {
  const double largest = *std::max_element(logarithms.begin(), logarithms.end());
  double sum = 0.0;
  for (double& value : logarithms) {
    value = std::exp(value - largest);
    sum += value;
  }
  for (double& value : logarithms) value /= sum;
}

}  // namespace

double draw_log_gamma(Random& random, double shape) {
  MERIDIAN_CHECK(shape > 0.0, "shape {}", shape);
  // A variate of shape a is one of shape a + 1 times u^(1/a).
  if (shape < 1.0) return draw_log_gamma(random, shape + 1.0) + draw_log_uniform(random) / shape;
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = random.normal();
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (draw_log_uniform(random) < 0.5 * x * x + d - d * v + d * std::log(v)) return std::log(d * v);
  }
}

void draw_dirichlet(Random& random, std::span<const double> concentrations, std::span<double> shares) {
  MERIDIAN_CHECK(!shares.empty() && concentrations.size() == shares.size(), "{} of {}", concentrations.size(),
                 shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) shares[i] = draw_log_gamma(random, concentrations[i]);
  softmax(shares);
}

void draw_dirichlet(Random& random, double concentration, std::span<double> shares) {
  MERIDIAN_CHECK(!shares.empty(), "concentration {}", concentration);
  for (double& share : shares) share = draw_log_gamma(random, concentration);
  softmax(shares);
}

std::uint32_t draw_poisson(Random& random, double mean) {
  MERIDIAN_CHECK(mean >= 0.0 && std::isfinite(mean), "mean {}", mean);
  // Counts the events of a Poisson process in the time `mean`.
  std::uint32_t events = 0;
  double time = -draw_log_uniform(random);
  while (time < mean) {
    ++events;
    time -= draw_log_uniform(random);
  }
  return events;
}

std::vector<double> power_law_weights(Random& random, std::size_t count, double exponent) {
  std::vector<std::uint32_t> ranks(count);
  std::iota(ranks.begin(), ranks.end(), 1U);
  shuffle(random, ranks);
  std::vector<double> weights(count);
  std::transform(ranks.begin(), ranks.end(), weights.begin(),
                 [exponent](std::uint32_t rank) { return std::pow(static_cast<double>(rank), -exponent); });
  return weights;
}

}  // namespace meridian

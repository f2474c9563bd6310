// Goal: variates have the distributions that their names say, and the same seed gives the same ones. How:
// means and variances of many draws against the formulas, within some five standard errors of a fixed seed.
#include "src/data/distributions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "src/data/alias_table.h"
#include "src/data/distinct_draws.h"

namespace meridian {
namespace {

TEST(Gamma, HasMeanAndVarianceOfItsShape) {
  constexpr int kDraws = 100000;
  for (const double shape : {0.3, 1.0, 7.5}) {
    Random random(5);
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < kDraws; ++i) {
      const double value = std::exp(draw_log_gamma(random, shape));
      sum += value;
      squares += value * value;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, shape, 5.0 * std::sqrt(shape / kDraws));
    EXPECT_NEAR(squares / kDraws - mean * mean, shape, 0.06 * shape);
  }
  // So small a shape that the variates themselves are below any double.
  Random random(6);
  EXPECT_TRUE(std::isfinite(draw_log_gamma(random, 1e-5)));
}

TEST(Dirichlet, SharesSumToOneAndSpreadAsTheirConcentrationSays) {
  const std::vector<double> concentrations{1.0, 2.0, 5.0};
  std::vector<double> shares(3);
  std::vector<double> sums(3, 0.0);
  double squares = 0.0;
  Random random(9);
  constexpr int kDraws = 50000;
  for (int i = 0; i < kDraws; ++i) {
    draw_dirichlet(random, concentrations, shares);
    EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1.0, 1e-12);
    for (std::size_t k = 0; k < 3; ++k) sums[k] += shares[k] / kDraws;
    squares += (shares[0] - 0.125) * (shares[0] - 0.125) / kDraws;
  }
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(sums[k], concentrations[k] / 8.0, 0.004);
  EXPECT_NEAR(squares, 0.125 * 0.875 / 9.0, 0.0005);

  std::vector<double> many(1000);
  draw_dirichlet(random, 1e-4, many);
  EXPECT_GT(*std::max_element(many.begin(), many.end()), 0.9);
  draw_dirichlet(random, 1e6, many);
  EXPECT_NEAR(*std::max_element(many.begin(), many.end()), 0.001, 0.0001);
}

TEST(Poisson, HasItsMeanForVariance) {
  constexpr int kDraws = 20000;
  for (const double mean_wanted : {0.0, 0.7, 60.0}) {
    Random random(2);
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < kDraws; ++i) {
      const double value = draw_poisson(random, mean_wanted);
      sum += value;
      squares += value * value;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, mean_wanted, 5.0 * std::sqrt(mean_wanted / kDraws));
    EXPECT_NEAR(squares / kDraws - mean * mean, mean_wanted, 0.06 * mean_wanted);
  }
}

TEST(AliasTable, DrawsInProportionToWeights) {
  const std::vector<double> weights{3.0, 0.0, 0.5, 6.0, 0.5};
  const AliasTable table(weights);
  std::vector<double> counts(weights.size(), 0.0);
  Random random(8);
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) ++counts[table.draw(random)];
  EXPECT_EQ(counts[1], 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) EXPECT_NEAR(counts[i] / kDraws, weights[i] / 10.0, 0.008);
}

TEST(DistinctDraws, NeverDrawsAThingTwice) {
  Random random(4);
  DistinctDraws draws(power_law_weights(random, 50, 3.0));
  for (const std::size_t count : {1U, 10U, 49U, 50U}) {
    std::vector<std::uint32_t> drawn(count);
    draws.draw(random, drawn);
    EXPECT_EQ(std::set<std::uint32_t>(drawn.begin(), drawn.end()).size(), count);
    EXPECT_LT(*std::max_element(drawn.begin(), drawn.end()), 50U);
  }
}

TEST(DistinctDraws, DrawsEachInProportionToWhatIsLeft) {
  DistinctDraws draws({6.0, 3.0, 1.0});
  Random random(4);
  int first_then_second = 0;
  int last_first = 0;
  constexpr int kDraws = 50000;
  for (int i = 0; i < kDraws; ++i) {
    std::vector<std::uint32_t> drawn(2);
    draws.draw(random, drawn);
    if (drawn[0] == 0 && drawn[1] == 1) ++first_then_second;
    if (drawn[0] == 2) ++last_first;
  }
  EXPECT_NEAR(first_then_second / static_cast<double>(kDraws), 0.6 * 0.75, 0.012);
  EXPECT_NEAR(last_first / static_cast<double>(kDraws), 0.1, 0.007);
}

TEST(DistinctDraws, DependOnTheRandomSourceAlone) {
  DistinctDraws draws({1.0, 2.0, 3.0, 4.0, 5.0});
  std::vector<std::uint32_t> once(3);
  std::vector<std::uint32_t> again(3);
  Random random(4);
  draws.draw(random, once);
  Random same(4);
  draws.draw(same, again);
  EXPECT_EQ(once, again);
}

}  // namespace
}  // namespace meridian

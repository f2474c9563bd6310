// Random variates that generated data and partitions are drawn from, over our own random source: the same
// seed gives the same values, which <random>'s distributions do not promise between standard libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/random.h"

namespace meridian {

/// The logarithm of a gamma variate of `shape` (above 0) and scale 1: G. Marsaglia & W. W. Tsang, A Simple
/// Method for Generating Gamma Variables, ACM TOMS 2000. A logarithm, since variates of a small shape are
/// below any double.
double draw_log_gamma(Random& random, double shape);

/// Fills `shares` with a draw from the Dirichlet distribution of the parameters `concentrations` (as many,
/// each above 0): shares are at least 0 and sum to 1.
void draw_dirichlet(Random& random, std::span<const double> concentrations, std::span<double> shares);

/// The same with one concentration for all.
void draw_dirichlet(Random& random, double concentration, std::span<double> shares);

/// A Poisson variate; costs time in proportion to `mean` (at least 0).
std::uint32_t draw_poisson(Random& random, double mean);

/// The weights 1, 2^-exponent, 3^-exponent, ... of ranks, dealt to `count` things at random: how popular each
/// is.
std::vector<double> power_law_weights(Random& random, std::size_t count, double exponent);

}  // namespace meridian

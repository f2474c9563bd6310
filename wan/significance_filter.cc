#include "wan/significance_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "src/base/check.h"
#include "wan/significant_entries.h"

namespace meridian::wan {
namespace {

/// A double that may lie beyond a float's range, as a float.
float as_float(double value) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  return value < static_cast<double>(kLargest) ? static_cast<float>(value) : kLargest;
}

/// The sum of squares. A double holds any float's square, so that it is finite when all entries are. Several
/// sums side by side, since a loop over one could not be vectorised.
double sum_of_squares(std::span<const float> row) {
  constexpr std::size_t kSums = 8;
  std::array<double, kSums> sums{};
  std::size_t i = 0;
  for (; i + kSums <= row.size(); i += kSums) {
    for (std::size_t k = 0; k < kSums; ++k) {
      const auto entry = static_cast<double>(row[i + k]);
      sums[k] += entry * entry;
    }
  }
  for (; i < row.size(); ++i) sums[0] += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  double sum = 0.0;
  for (const double part : sums) sum += part;
  return sum;
}

/// Tests row by row, by squared norms.
void select_rows(double threshold, double floor, std::size_t columns, std::size_t begin,
                 std::span<const float> values, std::span<float> residual, TableSelection& out) {
  for (std::size_t first = 0; first < residual.size(); first += columns) {
    const std::span<float> row = residual.subspan(first, columns);
    const double change = sum_of_squares(row);
    const double value = sum_of_squares(values.subspan(first, columns));
    if (significant(change, value, threshold * threshold, floor * floor) == 0) continue;
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i] == 0.0F) continue;
      out.add(begin + first + i, row[i]);
      row[i] = 0.0F;
    }
  }
}

/// The largest norm of a row's change above the floor in units of that of its values; 0 only where none is.
double largest_ratio_of_rows(double floor, std::size_t columns, std::span<const float> values,
                             std::span<const float> residual) {
  double largest = 0.0;
  for (std::size_t first = 0; first < residual.size(); first += columns) {
    const double change = sum_of_squares(residual.subspan(first, columns));
    const double value = sum_of_squares(values.subspan(first, columns));
    if (change <= floor * floor) continue;
    largest = std::max({largest, std::sqrt(change / value), double{std::numeric_limits<float>::min()}});
  }
  return largest;
}

void check(const Significance& significance) {
  MERIDIAN_CHECK(std::isfinite(significance.v0) && significance.v0 >= 0.0, "v0 is {}", significance.v0);
  MERIDIAN_CHECK(std::isfinite(significance.floor) && significance.floor >= 0.0, "the floor is {}",
                 significance.floor);
}

}  // namespace

SignificanceFilter::SignificanceFilter(Options options) : options_(std::move(options)) {
  check(options_.defaults);
  for (const auto& [table, significance] : options_.tables) check(significance);
}

const Significance& SignificanceFilter::of(std::size_t table) const {
  const auto own = options_.tables.find(table);
  return own == options_.tables.end() ? options_.defaults : own->second;
}

double SignificanceFilter::threshold(const FilterPass& pass) const {
  return pass.scale * options_.schedule.at(of(pass.table).v0, pass.clock, pass.learning_rate_ratio);
}

void SignificanceFilter::select(const FilterPass& pass, std::span<const float> values,
                                std::span<float> residual, TableSelection& out) const {
  MERIDIAN_CHECK(values.size() == residual.size(), "{} values for {} residuals", values.size(),
                 residual.size());
  const Significance& significance = of(pass.table);
  if (significance.granularity == Granularity::entry) {
    return select_entries({as_float(threshold(pass)), as_float(significance.floor)}, pass.first, values,
                          residual, out);
  }
  MERIDIAN_CHECK(pass.columns > 0 && residual.size() % pass.columns == 0, "{} entries in rows of {}",
                 residual.size(), pass.columns);
  select_rows(threshold(pass), significance.floor, pass.columns, pass.first, values, residual, out);
}

float SignificanceFilter::quiet_from(const FilterPass& pass, std::span<const float> values,
                                     std::span<const float> residual) const {
  const Significance& significance = of(pass.table);
  const double ratio =
      significance.granularity == Granularity::entry
          ? static_cast<double>(largest_ratio(as_float(significance.floor), values, residual))
          : largest_ratio_of_rows(significance.floor, pass.columns, values, residual);
  // What is tested is a product, with another rounding than the ratio's.
  constexpr double kMore = 1.0 + 1e-6;
  return as_float(ratio * kMore);
}

bool SignificanceFilter::selects_by_block() const {
  const auto by_row = [](const auto& table) { return table.second.granularity == Granularity::row; };
  return options_.defaults.granularity == Granularity::entry &&
         std::none_of(options_.tables.begin(), options_.tables.end(), by_row);
}

void SignificanceFilter::add_and_select(const FilterPass& pass, std::span<const float> step,
                                        std::span<float> values, std::span<float> residual,
                                        TableSelection& out) const {
  MERIDIAN_CHECK(values.size() == step.size() && residual.size() == step.size(),
                 "a step of {} entries for {} values and {} residuals", step.size(), values.size(),
                 residual.size());
  const EntryTest test{as_float(threshold(pass)), as_float(of(pass.table).floor)};
  add_and_select_entries(test, pass.first, step, values, residual, out);
}

}  // namespace meridian::wan

#include "wan/significance_filter.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"

namespace meridian::wan {
namespace {

template <typename Float>
constexpr Float kLargest = std::numeric_limits<Float>::max();

/// Whether a change of this size goes out beside a value of that size; 1 or 0, without a branch. The product
/// replaces a division, which also makes every change above the floor significant where the value is 0. Only
/// comparisons that hold let a change stay, so that one that is not a number never does.
template <typename Float>
std::uint32_t significant(Float change, Float value, Float limit, Float floor) {
  const auto above_threshold = static_cast<std::uint32_t>(!(change <= limit * value));
  const auto above_floor = static_cast<std::uint32_t>(!(change <= floor));
  const auto beyond_finite = static_cast<std::uint32_t>(!(change <= kLargest<Float>));
  return beyond_finite | (above_threshold & above_floor);
}

/// A double that may lie beyond a float's range, as a float.
float as_float(double value) {
  return value < static_cast<double>(kLargest<float>) ? static_cast<float>(value) : kLargest<float>;
}

// Entries are tested block by block: first whether a block has anything significant, in a loop that
// vectorises and only reads; only then which entries. One entry in a hundred is significant as a rule, and
// most blocks of this size are passed over.
constexpr std::size_t kBlock = 32;

struct EntryTest {
  float limit;
  float floor;

  std::uint32_t operator()(float change, float value) const {
    return significant(std::fabs(change), std::fabs(value), limit, floor);
  }
};

/// Takes the significant entries of one block, which begins at `offset`. Without a branch for each entry:
/// which ones are significant is hard to predict.
[[gnu::always_inline]] inline void take(EntryTest test, std::size_t offset, const float* values,
                                        float* residual, std::size_t count, TableSelection& out) {
  std::array<std::uint32_t, kBlock> goes{};
  for (std::size_t i = 0; i < count; ++i) goes[i] = test(residual[i], values[i]);
  std::array<std::uint32_t, kBlock> offsets{};
  std::array<float, kBlock> taken{};
  std::size_t selected = 0;
  for (std::size_t i = 0; i < count; ++i) {
    offsets[selected] = static_cast<std::uint32_t>(offset + i);
    taken[selected] = residual[i];
    selected += goes[i];
  }
  for (std::size_t i = 0; i < count; ++i) residual[i] = goes[i] != 0 ? 0.0F : residual[i];
  out.append(offsets.data(), taken.data(), selected);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, select_entries,
                                  (EntryTest test, std::size_t first, std::span<const float> values,
                                   std::span<float> residual, TableSelection& out),
                                  (test, first, values, residual, out)) {
  for (std::size_t begin = 0; begin < residual.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, residual.size() - begin);
    const float* const block_values = values.data() + begin;
    float* const block = residual.data() + begin;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < count; ++i) any |= test(block[i], block_values[i]);
    if (any != 0) take(test, first + begin, block_values, block, count, out);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_and_select_entries,
                                  (EntryTest test, std::size_t first, std::span<const float> step,
                                   std::span<float> values, std::span<float> residual, TableSelection& out),
                                  (test, first, step, values, residual, out)) {
  for (std::size_t begin = 0; begin < residual.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, residual.size() - begin);
    const float* const block_step = step.data() + begin;
    float* const block_values = values.data() + begin;
    float* const block = residual.data() + begin;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const float value = block_values[i] + block_step[i];
      const float change = block[i] + block_step[i];
      block_values[i] = value;
      block[i] = change;
      any |= test(change, value);
    }
    if (any != 0) take(test, first + begin, block_values, block, count, out);
  }
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
void select_rows(double threshold, double floor, std::size_t columns, std::span<const float> values,
                 std::span<float> residual, TableSelection& out) {
  for (std::size_t first = 0; first < residual.size(); first += columns) {
    const std::span<float> row = residual.subspan(first, columns);
    const double change = sum_of_squares(row);
    const double value = sum_of_squares(values.subspan(first, columns));
    if (significant(change, value, threshold * threshold, floor * floor) == 0) continue;
    for (std::size_t i = 0; i < columns; ++i) {
      if (row[i] == 0.0F) continue;
      out.add(first + i, row[i]);
      row[i] = 0.0F;
    }
  }
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
  select_rows(threshold(pass), significance.floor, pass.columns, values, residual, out);
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

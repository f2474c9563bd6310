// Goal: the filter takes exactly what is significant by its definition, for entries and for rows, whatever
// the table's size, and what it takes leaves the residual: no sum ever changes. Reached by small tables with
// known answers, by values that are not finite at every place, and by random tables against the definition
// written out.
#include "wan/significance_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "src/base/check.h"
#include "src/base/random.h"
#include "tests/wan/selected.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kLargest = std::numeric_limits<float>::max();
constexpr float kLeast = std::numeric_limits<float>::denorm_min();

SignificanceFilter constant(const Significance& significance) {
  return SignificanceFilter({.schedule = {.kind = Schedule::constant}, .defaults = significance});
}

TEST(SignificanceFilter, ItsThresholdIsTheSchedulesTimesTheScale) {
  const SignificanceFilter filter(0.25, Schedule::inverse_sqrt);
  EXPECT_TRUE(filter.sends());
  EXPECT_EQ(filter.threshold({}), 0.25);
  EXPECT_EQ(filter.threshold({.clock = 4}), 0.125);
  EXPECT_EQ(filter.threshold({.clock = 4, .scale = 0.5}), 0.0625);
  EXPECT_EQ(filter.threshold({.clock = 4, .scale = 8.0, .learning_rate_ratio = 0.1}), 1.0);
  EXPECT_EQ(SignificanceFilter(0.25, Schedule::learning_rate)
                .threshold({.clock = 4, .scale = 2.0, .learning_rate_ratio = 0.5}),
            0.25);
}

TEST(SignificanceFilter, TakesWhatExceedsTheThresholdOnly) {
  // A threshold of 0.25 and values whose products with it are exact: equality does not exceed.
  const SignificanceFilter filter(0.25, Schedule::constant);
  const float above = std::nextafter(1.0F, 2.0F);
  const TableSelection out =
      selected(filter, {.clock = 9}, {4, 4, 4, -4, -4, 4}, {1.0F, above, -above, 1.0F, -above, 0.5F});
  EXPECT_THAT(out.offsets, ElementsAre(1, 2, 4));
  EXPECT_THAT(out.values, ElementsAre(above, -above, -above));
}

TEST(SignificanceFilter, TheClockAndTheScaleDecide) {
  const SignificanceFilter filter(1.0, Schedule::inverse_sqrt);
  EXPECT_THAT(selected(filter, {.clock = 1}, {10}, {2}).offsets, IsEmpty());        // 20 % of 100 %
  EXPECT_THAT(selected(filter, {.clock = 24}, {10}, {2}).offsets, IsEmpty());       // of 20.4 %
  EXPECT_THAT(selected(filter, {.clock = 26}, {10}, {2}).offsets, ElementsAre(0));  // of 19.6 %
  EXPECT_THAT(selected(filter, {.clock = 26, .scale = 1.1}, {10}, {2}).offsets, IsEmpty());
  EXPECT_THAT(selected(filter, {.clock = 24, .scale = 0.9}, {10}, {2}).offsets, ElementsAre(0));
}

TEST(SignificanceFilter, AppendsToWhatIsThere) {
  TableSelection out;
  out.add(7, 7.0F);
  std::vector<float> residual{0, 1};
  SignificanceFilter(0.5, Schedule::constant).select({}, std::vector<float>{1, 1}, residual, out);
  EXPECT_THAT(out.offsets, ElementsAre(7, 1));
  EXPECT_THAT(out.values, ElementsAre(7, 1));
}

TEST(SignificanceFilter, AtValueZeroEveryResidualIsSignificantButZero) {
  const SignificanceFilter filter(1e6, Schedule::constant);
  EXPECT_THAT(selected(filter, {}, {0, -0.0F, 0, 0}, {1, -kLeast, 0, -0.0F}).offsets, ElementsAre(0, 1));
}

TEST(SignificanceFilter, ResidualZeroIsNeverTaken) {
  // Not at threshold 0 either, nor beside a value that is no number.
  for (const Granularity granularity : {Granularity::entry, Granularity::row}) {
    const SignificanceFilter filter = constant({.v0 = 0.0, .granularity = granularity});
    EXPECT_THAT(selected(filter, {}, {0, 1, kNan, kInfinity}, {0, 0, -0.0F, 0}).offsets, IsEmpty());
    EXPECT_THAT(selected(filter, {}, {1, 1}, {1e-30F, 0}).offsets, ElementsAre(0));
  }
}

TEST(SignificanceFilter, WhatTheFloorHoldsStaysWhateverTheValue) {
  // The floor bites where values are small, the threshold where they are large.
  const SignificanceFilter filter = constant({.v0 = 0.5, .floor = 0.125});
  const float above = std::nextafter(0.125F, 1.0F);
  EXPECT_THAT(
      selected(filter, {}, {0, 0, 1e-6F, 1e-6F, 1, 1}, {0.125F, above, -0.125F, -above, 0.5F, 0.6F}).offsets,
      ElementsAre(1, 3, 5));
  // No scale changes the floor.
  EXPECT_THAT(selected(filter, {.scale = 1e-9}, {1, 1}, {0.125F, above}).offsets, ElementsAre(1));
}

TEST(SignificanceFilter, WhatIsNotFiniteNeverStaysUnseen) {
  // Four infinite or undefined residuals beside values of every kind; nothing can be large enough to hide
  // them.
  for (const Granularity granularity : {Granularity::entry, Granularity::row}) {
    for (const double v0 : {0.0, 0.01, 1e9, 1e300}) {
      for (const double floor : {0.0, 1.0, 1e300}) {
        const SignificanceFilter filter = constant({v0, floor, granularity});
        for (const float bad : {kNan, kInfinity, -kInfinity}) {
          for (const std::size_t columns : {1U, 2U, 5U}) {
            EXPECT_THAT(selected(filter, {.clock = 3, .columns = columns},
                                 {1, 0, kInfinity, kNan, kLargest, 1, 0, kInfinity, kNan, kLargest},
                                 {bad, bad, bad, bad, bad, -bad, -bad, -bad, -bad, -bad})
                            .offsets,
                        ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
          }
        }
      }
    }
  }
}

TEST(SignificanceFilter, FindsASingleEntryAtEveryPlace) {
  // Sizes around those of its blocks, of a vector and of a row's partial sums.
  for (const std::size_t size : {1U, 3U, 4U, 17U, 255U, 256U, 257U, 600U}) {
    const std::vector<float> values(size, 1.0F);
    for (std::size_t place = 0; place < size; place += size < 300 ? 1 : 7) {
      for (const float residual : {1.0F, kNan}) {
        std::vector<float> residuals(size, 1e-4F);
        residuals[place] = residual;
        const TableSelection out = selected(constant({.v0 = 0.5}), {}, values, residuals);
        ASSERT_THAT(out.offsets, ElementsAre(place));
      }
      std::vector<float> row(size, 0.0F);
      row[place] = kNan;
      const SignificanceFilter rows = constant({.v0 = 1e9, .granularity = Granularity::row});
      ASSERT_THAT(selected(rows, {.columns = size}, values, row).offsets, ElementsAre(place));
    }
  }
}

TEST(SignificanceFilter, TakesWholeRowsByTheirNorms) {
  const SignificanceFilter filter = constant({.v0 = 0.5, .granularity = Granularity::row});
  // Norms of values 5, 10, 0 and 10; of residuals 5 (all in one entry), 5 (just half), least above 0, 13.
  const std::vector<float> values{3, 4, 0, 6, 8, 0, 0, 0, 0, 0, 0, 10};
  const std::vector<float> residual{0, 0, -5, 3, 4, 0, 0, kLeast, 0, 3, -4, 12};
  const TableSelection out = selected(filter, {.columns = 3}, values, residual);
  EXPECT_THAT(out.offsets, ElementsAre(2, 7, 9, 10, 11));
  EXPECT_THAT(out.values, ElementsAre(-5, kLeast, 3, -4, 12));
  // A small entry goes with its row, and a large one stays with it.
  EXPECT_THAT(selected(filter, {.columns = 2}, {10, 10, 0, 100}, {0.001F, 9, 4, 4}).offsets,
              ElementsAre(0, 1));
}

TEST(SignificanceFilter, TheFloorOfARowHoldsItsNorm) {
  const SignificanceFilter filter = constant({.v0 = 0.0, .floor = 5.0, .granularity = Granularity::row});
  EXPECT_THAT(selected(filter, {.columns = 2}, {0, 0, 0, 0}, {3, 4, 3, 4.5F}).offsets, ElementsAre(2, 3));
}

TEST(SignificanceFilter, NormsNeitherOverflowNorVanish) {
  const SignificanceFilter filter = constant({.v0 = 0.5, .granularity = Granularity::row});
  EXPECT_THAT(selected(filter, {.columns = 2}, {kLargest, kLargest, kLargest, kLargest},
                       {kLargest, kLargest, kLargest / 4, kLargest / 4})
                  .offsets,
              ElementsAre(0, 1));
  EXPECT_THAT(selected(filter, {.columns = 2}, {1e-30F, 0, 1e-30F, 0}, {1e-30F, 0, 1e-31F, 0}).offsets,
              ElementsAre(0));
}

TEST(SignificanceFilter, EachTableHasItsOwnSettings) {
  const SignificanceFilter filter(
      {.schedule = {.kind = Schedule::linear, .v_end = 4.0, .ramp_clocks = 2},
       .defaults = {.v0 = 1.0},
       .tables = {{1, {.v0 = 0.25}}, {3, {.v0 = 1.0, .floor = 3.0, .granularity = Granularity::row}}}});
  EXPECT_EQ(filter.threshold({.table = 0}), 1.0);
  EXPECT_EQ(filter.threshold({.table = 1}), 0.25);
  EXPECT_EQ(filter.threshold({.table = 2}), 1.0);
  EXPECT_EQ(filter.threshold({.clock = 2, .table = 1}), 4.0);
  const auto taken_from = [&](std::size_t table) {
    return selected(filter, {.table = table, .columns = 2}, {1, 1, 1, 1}, {0.5F, 2, 3, 3}).offsets;
  };
  EXPECT_THAT(taken_from(0), ElementsAre(1, 2, 3));
  EXPECT_THAT(taken_from(1), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(taken_from(2), ElementsAre(1, 2, 3));
  EXPECT_THAT(taken_from(3), ElementsAre(2, 3));
}

TEST(SignificanceFilter, RefusesWhatMakesNoSense) {
  EXPECT_THROW(SignificanceFilter(-0.1, Schedule::constant), BrokenInvariant);
  EXPECT_THROW(SignificanceFilter(std::nan(""), Schedule::constant), BrokenInvariant);
  EXPECT_THROW(constant({.floor = -1.0}), BrokenInvariant);
  EXPECT_THROW(SignificanceFilter({.schedule = {}, .defaults = {}, .tables = {{2, {.v0 = -1.0}}}}),
               BrokenInvariant);
  const SignificanceFilter rows = constant({.granularity = Granularity::row});
  EXPECT_THROW(selected(rows, {.columns = 2}, {1, 2, 3}, {1, 2, 3}), BrokenInvariant);
  EXPECT_THROW(selected(rows, {.columns = 0}, {1}, {1}), BrokenInvariant);
  EXPECT_THROW(selected(rows, {}, {1}, {1, 2}), BrokenInvariant);
  EXPECT_THAT(selected(rows, {.columns = 2}, {}, {}).offsets, IsEmpty());
}

/// Norms of a row's values and residuals, as the definition has them.
double norm(const std::vector<float>& entries, std::size_t first, std::size_t count) {
  double sum = 0.0;
  for (std::size_t i = first; i < first + count; ++i) sum += std::pow(static_cast<double>(entries[i]), 2);
  return std::sqrt(sum);
}

// Block by block with the step, or the step first and then the whole table: the same bits.
TEST(SignificanceFilter, SelectsWithAStepWhatItSelectsAfterIt) {
  Random random(3);
  const SignificanceFilter filter(0.5, Schedule::constant);
  ASSERT_TRUE(filter.selects_by_block());
  for (const std::size_t size : {1U, 31U, 32U, 33U, 1000U}) {
    std::vector<float> values(size);
    std::vector<float> residual(size);
    std::vector<float> step(size);
    for (std::size_t i = 0; i < size; ++i) {
      values[i] = static_cast<float>(random.normal());
      residual[i] = static_cast<float>(random.normal());
      step[i] = i % 7 == 0 ? 0.0F : static_cast<float>(random.normal());
    }
    step[size / 2] = kInfinity;
    std::vector<float> block_values = values;
    std::vector<float> block_residual = residual;
    TableSelection in_blocks;
    for (std::size_t first = 0; first < size; first += 77) {
      const std::size_t count = std::min<std::size_t>(77, size - first);
      filter.add_and_select({.first = first}, std::span(step).subspan(first, count),
                            std::span(block_values).subspan(first, count),
                            std::span(block_residual).subspan(first, count), in_blocks);
    }
    TableSelection at_once;
    for (std::size_t i = 0; i < size; ++i) {
      values[i] += step[i];
      residual[i] += step[i];
    }
    filter.select({}, values, residual, at_once);
    EXPECT_EQ(in_blocks.offsets, at_once.offsets);
    EXPECT_EQ(in_blocks.values, at_once.values);
    EXPECT_EQ(block_residual, residual);
    EXPECT_EQ(block_values, values);
  }
}

TEST(SignificanceFilter, WholeRowsAreNotSelectedByBlock) {
  const Significance by_row{.v0 = 0.5, .granularity = Granularity::row};
  EXPECT_FALSE(constant(by_row).selects_by_block());
  EXPECT_FALSE(SignificanceFilter({.tables = {{1, by_row}}}).selects_by_block());
}

TEST(SignificanceFilter, IsItsDefinitionOnRandomTables) {
  Random random(3);
  for (int round = 0; round < 400; ++round) {
    const bool by_row = random.below(2) == 0;
    const auto columns = static_cast<std::size_t>(1 + random.below(20));
    const std::size_t size = columns * static_cast<std::size_t>(random.below(60));
    std::vector<float> values(size);
    std::vector<float> residual(size);
    for (float& value : values) value = random.below(5) == 0 ? 0.0F : static_cast<float>(random.normal());
    for (float& value : residual) {
      value = random.below(5) == 0 ? 0.0F : static_cast<float>(0.1 * random.normal());
    }
    const Significance settings{.v0 = random.uniform(),
                                .floor = random.below(2) == 0 ? 0.0 : 0.1 * random.uniform(),
                                .granularity = by_row ? Granularity::row : Granularity::entry};
    const SignificanceFilter filter({.schedule = {}, .defaults = settings});
    const FilterPass pass{.clock = static_cast<Clock>(1 + random.below(50)), .columns = columns};
    const TableSelection out = selected(filter, pass, values, residual);
    std::vector<bool> taken(size, false);
    for (const std::uint32_t offset : out.offsets) taken[offset] = true;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t first = by_row ? i - i % columns : i;
      const double change = norm(residual, first, by_row ? columns : 1);
      const double value = norm(values, first, by_row ? columns : 1);
      const bool significant =
          residual[i] != 0.0F && change > filter.threshold(pass) * value && change > settings.floor;
      EXPECT_EQ(taken[i], significant) << residual[i] << " of " << values[i];
    }
  }
}

}  // namespace
}  // namespace meridian::wan

// Goal: passing over what is quiet changes nothing: at every clock goes out what would if every entry were
// tested, and what is left is the same, bit for bit. Reached by tables that change here and there, by own
// steps and others' updates, under thresholds that fall, rise and are 0, by entry and by row. And it does
// pass over what is quiet: a filter that counts says how many entries it was shown.
#include "wan/quiet_blocks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "wan/significance_filter.h"

namespace meridian::wan {
namespace {

constexpr std::size_t kColumns = 10;
constexpr std::size_t kRows = 1003;
constexpr std::size_t kSize = kRows * kColumns;

SignificanceFilter filter_of(const Significance& significance, Schedule schedule) {
  return SignificanceFilter({.schedule = {.kind = schedule}, .defaults = significance});
}

/// Values and what is owed of them, twice: tested as a whole, and with what is quiet passed over.
struct Twins {
  Twins(const What& tested, std::size_t columns) : what(tested), quiet(kSize, columns) {}

  void change(std::size_t first, std::size_t count, float step, float of_others) {
    for (std::size_t i = first; i < first + count; ++i) {
      values[i] += step + of_others;
      whole[i] += step;
      parts[i] += step;
    }
    quiet.changed(first, count);
  }
  void pass(FilterPass pass) {
    pass.columns = kColumns;
    TableSelection expected;
    TableSelection found;
    what.select(pass, values, whole, expected);
    quiet.select(what, pass, values, parts, found);
    ASSERT_EQ(found.offsets, expected.offsets) << "at clock " << pass.clock;
    ASSERT_EQ(found.values, expected.values);
    ASSERT_EQ(parts, whole);
    sent += found.size();
  }

  const What& what;
  QuietBlocks quiet;
  std::vector<float> values = std::vector<float>(kSize, 0.0F);
  std::vector<float> whole = std::vector<float>(kSize, 0.0F);
  std::vector<float> parts = std::vector<float>(kSize, 0.0F);
  std::size_t sent = 0;
};

void expect_the_same(const What& what, std::uint64_t seed) {
  Random random(seed);
  Twins twins(what, kColumns);
  for (float& value : twins.values)
    value = random.below(50) == 0 ? 0.0F : static_cast<float>(random.normal());
  for (Clock clock = 1; clock <= 60; ++clock) {
    for (std::uint64_t touched = random.below(20); touched > 0; --touched) {
      const std::size_t row = random.below(kRows);
      const auto step = static_cast<float>(random.normal()) * 0.02F;
      if (random.below(4) == 0) {
        twins.change(row * kColumns + random.below(kColumns), 1, 0.0F, static_cast<float>(random.normal()));
      } else {
        twins.change(row * kColumns, kColumns, step, 0.0F);
      }
    }
    const double scales[] = {1.0, 1.0, 0.5, 3.0};
    twins.pass({.clock = clock, .scale = scales[random.below(4)]});
  }
  EXPECT_GT(twins.sent, 100U);
  EXPECT_GT(std::count_if(twins.whole.begin(), twins.whole.end(), [](float owed) { return owed != 0.0F; }),
            100);
}

TEST(QuietBlocks, ChangeNothingOfWhatGoesOut) {
  for (const Granularity granularity : {Granularity::entry, Granularity::row}) {
    for (const double floor : {0.0, 0.005}) {
      expect_the_same(
          filter_of({.v0 = 0.1, .floor = floor, .granularity = granularity}, Schedule::inverse_sqrt), 7);
    }
  }
}

TEST(QuietBlocks, AtThresholdZeroAllAboveTheFloorGoes) {
  const SignificanceFilter filter = filter_of({.v0 = 0.0}, Schedule::constant);
  Twins twins(filter, kColumns);
  for (std::size_t i = 0; i < kSize; ++i) twins.values[i] = 1e38F;
  twins.pass({.clock = 1, .scale = 1.0});
  twins.change(5, 1, 1e-38F, 0.0F);
  twins.pass({.clock = 2, .scale = 1.0});
  EXPECT_EQ(twins.sent, 1U);
}

TEST(QuietBlocks, NothingAboveTheFloorIsQuietAtThresholdZero) {
  // Ratios that are 0 as floats.
  const SignificanceFilter filter = filter_of({.v0 = 0.5}, Schedule::constant);
  Twins twins(filter, kColumns);
  twins.values.assign(kSize, 8.9e24F);
  twins.change(5, 1, 3.2e-28F, 0.0F);
  twins.values[300] = 44.0F;
  twins.change(300, 1, 2.5e-44F, 0.0F);
  twins.pass({.clock = 1, .scale = 1.0});
  EXPECT_EQ(twins.sent, 0U);
  twins.pass({.clock = 2, .scale = 0.0});
  EXPECT_EQ(twins.sent, 2U);
}

TEST(QuietBlocks, WhatIsNotFiniteIsSeenAtAnyThreshold) {
  const SignificanceFilter filter = filter_of({.v0 = 1e300}, Schedule::constant);
  Twins twins(filter, kColumns);
  twins.change(5, 1, std::numeric_limits<float>::infinity(), 0.0F);
  twins.pass({.clock = 1, .scale = 1e300});
  EXPECT_EQ(twins.sent, 1U);
}

/// Counts what it is shown.
class Counting final : public What {
 public:
  explicit Counting(SignificanceFilter filter) : filter_(std::move(filter)) {}
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override {
    seen_ += residual.size();
    filter_.select(pass, values, residual, out);
  }
  bool selects_by_row() const override { return true; }
  float quiet_from(const FilterPass& pass, std::span<const float> values,
                   std::span<const float> residual) const override {
    return filter_.quiet_from(pass, values, residual);
  }
  double threshold(const FilterPass& pass) const override { return filter_.threshold(pass); }
  std::size_t take_seen() const { return std::exchange(seen_, 0); }

 private:
  SignificanceFilter filter_;
  mutable std::size_t seen_ = 0;
};

TEST(QuietBlocks, WhatIsQuietIsNotLookedAt) {
  const Counting what(filter_of({.v0 = 0.1}, Schedule::constant));
  Twins twins(what, kColumns);
  for (float& value : twins.values) value = 1.0F;
  const auto shown = [&](Clock clock, double scale) {
    what.take_seen();
    twins.pass({.clock = clock, .scale = scale});
    return what.take_seen() - kSize;  // of which one was shown all
  };
  EXPECT_EQ(shown(1, 1.0), kSize) << "nothing is known at first";
  EXPECT_EQ(shown(2, 1.0), 0U);
  twins.change(5000, 3, 0.05F, 0.0F);
  const std::size_t block = shown(3, 1.0);
  EXPECT_GE(block, kColumns);
  EXPECT_LE(block, 300U);
  EXPECT_EQ(shown(4, 1.0), 0U) << "what is owed is below the threshold";
  EXPECT_EQ(shown(5, 0.6), 0U) << "5 % are below a threshold of 6 %";
  EXPECT_EQ(twins.sent, 0U);
  EXPECT_EQ(shown(6, 0.4), block);
  EXPECT_EQ(twins.sent, 3U);
}

}  // namespace
}  // namespace meridian::wan

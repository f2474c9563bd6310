// Goal: what goes out takes the bits that its format says, is as near as that format allows, and what
// rounding takes off stays in the residual: no sum ever changes. Reached by drawn tables in every format, by
// blocks with known answers, and by means over many clocks.
#include "wan/rounding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "src/base/random.h"
#include "wan/compact_values.h"
#include "wan/short_floats.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;

struct Outcome {
  TableSelection out;
  std::vector<float> left;
};

Outcome rounded(ValueFormat format, RoundingMode mode, std::vector<float> residual, Clock clock = 1) {
  Outcome outcome{{}, std::move(residual)};
  const std::vector<float> values(outcome.left.size(), 1.0F);
  Rounded(std::make_unique<SendAll>(), format, mode)
      .select({.clock = clock}, values, outcome.left, outcome.out);
  return outcome;
}

std::vector<float> drawn(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.normal());
  return values;
}

std::size_t bytes_of(const std::vector<float>& values) {
  EncodedBytes bytes;
  append_values(values, bytes);
  return bytes.size();
}

struct Case {
  const char* name;
  double bits;           // of a value, the block's own bytes included
  double nearest_error;  // root of the mean square / that of the values, at most
};
constexpr Case kCases[] = {{"fp16", 16.1, 0.0004}, {"bf16", 16.1, 0.003}, {"8bit", 8.1, 0.02},
                           {"4bit", 4.1, 0.30},    {"2bit", 2.2, 0.40},   {"sign", 1.2, 0.65}};

TEST(Rounding, TakesItsBitsAndLosesNothing) {
  for (const Case& each : kCases) {
    const ValueFormat format = value_format_named(each.name).value();
    for (const RoundingMode mode : {RoundingMode::nearest, RoundingMode::stochastic}) {
      const std::vector<float> residual = drawn(4096, 1);
      const auto [out, left] = rounded(format, mode, residual);
      EXPECT_LE(8.0 * static_cast<double>(bytes_of(out.values)), each.bits * static_cast<double>(out.size()))
          << each.name;
      std::vector<float> sums = left;
      double error = 0.0;
      double square = 0.0;
      for (std::size_t i = 0; i < out.size(); ++i) sums[out.offsets[i]] += out.values[i];
      for (std::size_t i = 0; i < sums.size(); ++i) {
        EXPECT_NEAR(sums[i], residual[i], 1e-7F * (2.0F + std::fabs(residual[i]))) << each.name;
        error += left[i] * left[i];
        square += residual[i] * residual[i];
      }
      const double most = each.nearest_error * (mode == RoundingMode::nearest ? 1.0 : 2.0);
      EXPECT_LT(std::sqrt(error / square), most) << each.name;
      EXPECT_GT(error, 0.0) << each.name;
    }
  }
}

TEST(Rounding, Fp32IsLeftAsItIs) {
  const std::vector<float> residual = drawn(300, 2);
  const auto [out, left] = rounded(ValueFormat::fp32, RoundingMode::stochastic, residual);
  EXPECT_EQ(out.values, residual);
  EXPECT_EQ(left, std::vector<float>(300, 0.0F));
}

TEST(Rounding, GridsReachToTheLargestValue) {
  const auto [out, left] = rounded(ValueFormat::bits4, RoundingMode::nearest, {7, -7, 3.4F, 0.4F, -0.6F});
  EXPECT_THAT(out.offsets, ElementsAre(0, 1, 2, 4)) << "0.4 comes to nothing and stays";
  EXPECT_THAT(out.values, ElementsAre(7, -7, 3, -1));
  EXPECT_FLOAT_EQ(left[2], 0.4F);
  EXPECT_EQ(left[3], 0.4F);
  EXPECT_FLOAT_EQ(left[4], 0.4F);
}

TEST(Rounding, LevelsAreMeansOfMagnitudes) {
  EXPECT_THAT(rounded(ValueFormat::sign, RoundingMode::nearest, {1, -2, 3, -6}).out.values,
              ElementsAre(3, -3, 3, -3));
  EXPECT_THAT(rounded(ValueFormat::bits2, RoundingMode::nearest, {1, -2, 5, -7}).out.values,
              ElementsAre(1.5F, -1.5F, 6, -6));
  EXPECT_THAT(rounded(ValueFormat::bits2, RoundingMode::nearest, {2, -2}).out.values, ElementsAre(2, -2));
}

TEST(Rounding, StochasticIsRightInTheMean) {
  for (const char* name : {"fp16", "bf16", "8bit", "4bit"}) {
    const ValueFormat format = value_format_named(name).value();
    constexpr Clock kClocks = 4000;
    const std::vector<float> residual = {1.0F, 0.3001F, -0.2003F, 0.7007F};
    std::vector<double> sums(residual.size());
    std::vector<std::set<float>> seen(residual.size());
    for (Clock clock = 1; clock <= kClocks; ++clock) {
      const auto [out, left] = rounded(format, RoundingMode::stochastic, residual, clock);
      for (std::size_t i = 0; i < out.size(); ++i) {
        sums[out.offsets[i]] += static_cast<double>(out.values[i]);
        seen[out.offsets[i]].insert(out.values[i]);
      }
    }
    for (std::size_t i = 1; i < residual.size(); ++i) {
      EXPECT_LE(seen[i].size(), 2U) << name;
      const double step = seen[i].size() == 2 ? static_cast<double>(*seen[i].rbegin() - *seen[i].begin())
                                              : static_cast<double>(std::fabs(*seen[i].begin()));
      // Five standard deviations of the mean at most.
      EXPECT_NEAR(sums[i] / kClocks, static_cast<double>(residual[i]), 5 * 0.5 * step / std::sqrt(kClocks))
          << name;
    }
  }
}

TEST(Rounding, BlocksAreFullWhereManyValuesComeToNothing) {
  // Every sixteenth value is large; the others are below half a unit, and stay.
  std::vector<float> residual(16 * 2 * kValueBlock - 15, 0.01F);
  for (std::size_t i = 0; i < residual.size(); i += 16) residual[i] = i < residual.size() / 2 ? 7.0F : 56.0F;
  const auto [out, left] = rounded(ValueFormat::bits4, RoundingMode::nearest, residual);
  ASSERT_EQ(out.size(), 2 * kValueBlock);
  EXPECT_EQ(out.values[0], 7.0F);
  EXPECT_EQ(out.values[2 * kValueBlock - 1], 56.0F);
  EXPECT_EQ(bytes_of(out.values), 2 * (3 + kValueBlock / 8)) << "a block has one magnitude";
  EXPECT_EQ(left[1], 0.01F);
}

TEST(Rounding, WhatIsNotFiniteIsSeen) {
  for (const Case& each : kCases) {
    std::vector<float> residual = drawn(10, 3);
    residual[4] = std::numeric_limits<float>::quiet_NaN();
    residual[7] = -std::numeric_limits<float>::infinity();
    const Outcome outcome = rounded(value_format_named(each.name).value(), RoundingMode::nearest, residual);
    const TableSelection& out = outcome.out;
    const auto taken = [&](std::uint32_t offset) {
      const auto found = std::find(out.offsets.begin(), out.offsets.end(), offset);
      return found == out.offsets.end() ? 0.0F
                                        : out.values[static_cast<std::size_t>(found - out.offsets.begin())];
    };
    EXPECT_TRUE(std::isnan(taken(4))) << each.name;
    EXPECT_EQ(taken(7), residual[7]) << each.name;
    for (const float stays : outcome.left) EXPECT_TRUE(std::isfinite(stays));
  }
}

TEST(Rounding, TheSmallestAndTheLargestStayInTheirRange) {
  const float least = std::numeric_limits<float>::denorm_min();
  const float largest = std::numeric_limits<float>::max();
  for (const Case& each : kCases) {
    for (const std::vector<float>& residual :
         {std::vector<float>{least, -least}, {largest, -largest}, {largest, least}, {1e-38F, 2e-38F, 0.0F}}) {
      const auto [out, left] =
          rounded(value_format_named(each.name).value(), RoundingMode::nearest, residual);
      for (const float value : out.values) EXPECT_TRUE(std::isfinite(value)) << each.name;
      for (const float stays : left) EXPECT_TRUE(std::isfinite(stays)) << each.name;
    }
  }
}

TEST(Rounding, HalvesAreTheNearest) {
  Random random(4);
  for (int draw = 0; draw < 20000; ++draw) {
    const auto value =
        static_cast<float>(random.normal() * std::exp2(static_cast<double>(random.below(44)) - 26));
    const std::uint16_t half = to_fp16(value);
    const float error = std::fabs(from_fp16(half) - value);
    for (const int step : {-1, 1}) {
      if ((half & 0x7FFF) == 0 || (half & 0x7FFF) == 0x7BFF) continue;
      EXPECT_LE(error, std::fabs(from_fp16(static_cast<std::uint16_t>(half + step)) - value)) << value;
    }
    const std::uint16_t upper = to_bf16(value);
    EXPECT_LE(std::fabs(from_bf16(upper) - value), std::ldexp(std::fabs(value), -8)) << value;
  }
}

}  // namespace
}  // namespace meridian::wan

// Goal: group normalisation and its gradients are right for one group, several, one channel a group, and
// sizes that fill no whole vector; values far from 0 lose nothing. How: a plain computation in double
// precision, whose gradient is checked in turn by the layers' finite differences.
#include "src/math/normalisation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {
namespace {

constexpr std::size_t kSamples = 3;

std::vector<GroupShape> shapes() {
  return {{1, 2, 1}, {4, 9, 2}, {6, 25, 6}, {6, 1, 2}, {8, 49, 1}, {10, 33, 5}, {32, 1, 8}};
}

std::vector<float> random_values(Random& random, std::size_t size, double mean) {
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(mean + random.normal());
  return values;
}

/// The normalised values before scale and shift, in double precision, and the inverse deviation of each.
struct Normalised {
  std::vector<double> values;
  std::vector<double> inverse_deviations;
};

Normalised normalise(const GroupShape& shape, const std::vector<float>& input) {
  Normalised result{std::vector<double>(input.size()), std::vector<double>(input.size())};
  const std::size_t size = shape.group_size();
  for (std::size_t start = 0; start < input.size(); start += size) {
    double mean = 0.0;
    double variance = 0.0;
    for (std::size_t i = start; i < start + size; ++i)
      mean += static_cast<double>(input[i]) / static_cast<double>(size);
    for (std::size_t i = start; i < start + size; ++i)
      variance += std::pow(static_cast<double>(input[i]) - mean, 2.0) / static_cast<double>(size);
    for (std::size_t i = start; i < start + size; ++i) {
      result.inverse_deviations[i] = 1.0 / std::sqrt(variance + static_cast<double>(kGroupVarianceFloor));
      result.values[i] = (static_cast<double>(input[i]) - mean) * result.inverse_deviations[i];
    }
  }
  return result;
}

class GroupNormalisation : public testing::TestWithParam<double> {};

TEST_P(GroupNormalisation, AgreesWithAPlainComputation) {
  // The rounding of a mean of 50 shows in differences of size 1 a good ten times as much as one of 0.
  const double tolerance = GetParam() == 0.0 ? 1e-5 : 1e-4;
  Random random(9);
  for (const GroupShape& shape : shapes()) {
    const std::vector<float> input = random_values(random, kSamples * shape.size(), GetParam());
    const std::vector<float> scale = random_values(random, shape.channels, 1.0);
    const std::vector<float> shift = random_values(random, shape.channels, 0.0);
    std::vector<float> output(input.size(), 99.0F);
    normalise_groups(shape, {input.data(), kSamples, shape.size()}, scale, shift,
                     {output.data(), kSamples, shape.size()});
    const Normalised normalised = normalise(shape, input);
    for (std::size_t i = 0; i < input.size(); ++i) {
      const std::size_t channel = i / shape.pixels % shape.channels;
      ASSERT_NEAR(
          output[i],
          normalised.values[i] * static_cast<double>(scale[channel]) + static_cast<double>(shift[channel]),
          tolerance)
          << shape.channels << " channels, " << shape.groups << " groups, at " << i;
    }
  }
}

TEST_P(GroupNormalisation, GradientsAgreeWithAPlainComputation) {
  const double tolerance = GetParam() == 0.0 ? 3e-5 : 5e-4;
  Random random(10);
  for (const GroupShape& shape : shapes()) {
    const std::vector<float> input = random_values(random, kSamples * shape.size(), GetParam());
    const std::vector<float> gradient = random_values(random, input.size(), 0.0);
    const std::vector<float> scale = random_values(random, shape.channels, 1.0);
    std::vector<float> input_gradient(input.size(), 99.0F);
    std::vector<float> scale_gradient(shape.channels, 99.0F);
    std::vector<float> shift_gradient(shape.channels, 99.0F);
    normalise_groups_backward(shape, {input.data(), kSamples, shape.size()},
                              {gradient.data(), kSamples, shape.size()}, scale, scale_gradient,
                              shift_gradient, {input_gradient.data(), kSamples, shape.size()});
    const Normalised normalised = normalise(shape, input);
    std::vector<double> expected_scale(shape.channels);
    std::vector<double> expected_shift(shape.channels);
    const std::size_t size = shape.group_size();
    for (std::size_t start = 0; start < input.size(); start += size) {
      double mean = 0.0;          // of what reaches the normalised values
      double product_mean = 0.0;  // of that times them
      const auto arriving = [&](std::size_t i) {
        return static_cast<double>(gradient[i]) *
               static_cast<double>(scale[i / shape.pixels % shape.channels]);
      };
      for (std::size_t i = start; i < start + size; ++i) {
        const std::size_t channel = i / shape.pixels % shape.channels;
        mean += arriving(i) / static_cast<double>(size);
        product_mean += arriving(i) * normalised.values[i] / static_cast<double>(size);
        expected_scale[channel] += static_cast<double>(gradient[i]) * normalised.values[i];
        expected_shift[channel] += static_cast<double>(gradient[i]);
      }
      for (std::size_t i = start; i < start + size; ++i) {
        // A group of two values has a derivative of nearly 0 that large terms cancel to; they count here.
        const double terms = std::abs(arriving(i)) + std::abs(mean) + std::abs(product_mean);
        ASSERT_NEAR(
            input_gradient[i],
            (arriving(i) - mean - normalised.values[i] * product_mean) * normalised.inverse_deviations[i],
            tolerance * (1.0 + terms) * (1.0 + normalised.inverse_deviations[i]))
            << shape.channels << " channels, " << shape.groups << " groups, at " << i;
      }
    }
    for (std::size_t channel = 0; channel < shape.channels; ++channel) {
      const double terms = 1.0 + static_cast<double>(kSamples * shape.pixels) / 10.0;
      ASSERT_NEAR(scale_gradient[channel], expected_scale[channel], tolerance * terms);
      ASSERT_NEAR(shift_gradient[channel], expected_shift[channel], tolerance * terms);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Means, GroupNormalisation, testing::Values(0.0, 50.0));

TEST(GroupNormalisationOfEqualValues, IsTheShift) {
  const std::vector<float> input(12, 7.0F);
  const std::vector<float> scale{3.0F, 2.0F};
  const std::vector<float> shift{0.5F, -1.0F};
  std::vector<float> output(12);
  normalise_groups({2, 6, 1}, {input.data(), 1, 12}, scale, shift, {output.data(), 1, 12});
  for (std::size_t i = 0; i < 12; ++i) EXPECT_EQ(output[i], shift[i / 6]);
}

TEST(GroupNormalisationOfWrongSizes, IsRefused) {
  std::vector<float> values(100);
  const std::span<const float> three(values.data(), 3);
  EXPECT_THROW(normalise_groups({3, 2, 2}, {values.data(), 1, 6}, three, three, {values.data() + 50, 1, 6}),
               BrokenInvariant);
}

}  // namespace
}  // namespace meridian

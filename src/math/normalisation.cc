#include "src/math/normalisation.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

// Sums go into this many lanes: an order of additions that is fixed and that vector units of every width keep
// up with.
constexpr std::size_t kLanes = 16;
using Lanes = std::array<float, kLanes>;

float add_up(const Lanes& lanes) {
  float sum = 0.0F;
  for (const float lane : lanes) sum += lane;
  return sum;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_to_lanes,
                                  (const float* values, std::size_t size, float* __restrict lanes),
                                  (values, size, lanes)) {
  const std::size_t whole = size / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  for (std::size_t i = whole; i < size; ++i) lanes[i - whole] += values[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_squares_to_lanes,
                                  (const float* values, float mean, std::size_t size,
                                   float* __restrict lanes),
                                  (values, mean, size, lanes)) {
  const std::size_t whole = size / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float difference = values[i + lane] - mean;
      lanes[lane] += difference * difference;
    }
  }
  for (std::size_t i = whole; i < size; ++i) lanes[i - whole] += (values[i] - mean) * (values[i] - mean);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_products_to_lanes,
                                  (const float* values, float mean, const float* gradient, std::size_t size,
                                   float* __restrict lanes),
                                  (values, mean, gradient, size, lanes)) {
  const std::size_t whole = size / kLanes * kLanes;
  for (std::size_t i = 0; i < whole; i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane)
      lanes[lane] += (values[i + lane] - mean) * gradient[i + lane];
  }
  for (std::size_t i = whole; i < size; ++i) lanes[i - whole] += (values[i] - mean) * gradient[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, scale_and_shift,
                                  (const float* __restrict values, float mean, float scale, float shift,
                                   float* __restrict result, std::size_t size),
                                  (values, mean, scale, shift, result, size)) {
  for (std::size_t i = 0; i < size; ++i) result[i] = (values[i] - mean) * scale + shift;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, combine,
                                  (const float* __restrict gradient, float gradient_scale,
                                   const float* __restrict values, float mean, float values_scale,
                                   float shift, float* __restrict result, std::size_t size),
                                  (gradient, gradient_scale, values, mean, values_scale, shift, result,
                                   size)) {
  for (std::size_t i = 0; i < size; ++i)
    result[i] = gradient[i] * gradient_scale + ((values[i] - mean) * values_scale + shift);
}

struct Moments {
  float mean = 0.0F;
  float inverse_deviation = 0.0F;
};

Moments moments_of(const float* group, std::size_t size) {
  Lanes lanes{};
  add_to_lanes(group, size, lanes.data());
  const float mean = add_up(lanes) / static_cast<float>(size);
  lanes = {};
  add_squares_to_lanes(group, mean, size, lanes.data());
  const float variance = add_up(lanes) / static_cast<float>(size);
  return {mean, 1.0F / std::sqrt(variance + kGroupVarianceFloor)};
}

void check_shape(const GroupShape& shape, ConstMatrix rows, std::span<const float> of_channels) {
  MERIDIAN_CHECK(shape.groups > 0 && shape.channels % shape.groups == 0 && rows.columns == shape.size() &&
                     of_channels.size() == shape.channels,
                 "{} groups of {} channels of {} pixels, rows of {}, {} values for channels", shape.groups,
                 shape.channels, shape.pixels, rows.columns, of_channels.size());
}

/// Calls run(offset of the group's first value, its first channel, its channels) for each sample's groups.
template <typename Run>
void for_each_group(const GroupShape& shape, std::size_t samples, Run run) {
  const std::size_t channels = shape.channels / shape.groups;
  for (std::size_t sample = 0; sample < samples; ++sample) {
    for (std::size_t group = 0; group < shape.groups; ++group)
      run((sample * shape.groups + group) * shape.group_size(), group * channels, channels);
  }
}

}  // namespace

void normalise_groups(const GroupShape& shape, ConstMatrix input, std::span<const float> scale,
                      std::span<const float> shift, Matrix output) {
  check_shape(shape, input, scale);
  check_shape(shape, output, shift);
  MERIDIAN_CHECK(input.rows == output.rows, "{} rows into {}", input.rows, output.rows);
  for_each_group(shape, input.rows, [&](std::size_t start, std::size_t channel, std::size_t channels) {
    const Moments moments = moments_of(input.data + start, shape.group_size());
    for (std::size_t i = 0; i < channels; ++i) {
      const std::size_t at = start + i * shape.pixels;
      scale_and_shift(input.data + at, moments.mean, scale[channel + i] * moments.inverse_deviation,
                      shift[channel + i], output.data + at, shape.pixels);
    }
  });
}

// With n values x of a group, normalised to h = (x - mean) / deviation, and g = scale * output gradient:
// input gradient = (g - mean(g) - h * mean(g * h)) / deviation.
void normalise_groups_backward(const GroupShape& shape, ConstMatrix input, ConstMatrix output_gradient,
                               std::span<const float> scale, std::span<float> scale_gradient,
                               std::span<float> shift_gradient, Matrix input_gradient) {
  check_shape(shape, input, scale);
  check_shape(shape, output_gradient, scale_gradient);
  check_shape(shape, output_gradient, shift_gradient);
  MERIDIAN_CHECK(input.rows == output_gradient.rows, "{} rows, gradient of {}", input.rows,
                 output_gradient.rows);
  std::fill(scale_gradient.begin(), scale_gradient.end(), 0.0F);
  std::fill(shift_gradient.begin(), shift_gradient.end(), 0.0F);
  for_each_group(shape, input.rows, [&](std::size_t start, std::size_t channel, std::size_t channels) {
    const Moments moments = moments_of(input.data + start, shape.group_size());
    float gradient_sum = 0.0F;
    float product_sum = 0.0F;
    for (std::size_t i = 0; i < channels; ++i) {
      const float* const gradient = output_gradient.data + start + i * shape.pixels;
      Lanes lanes{};
      add_to_lanes(gradient, shape.pixels, lanes.data());
      const float of_shift = add_up(lanes);
      lanes = {};
      add_products_to_lanes(input.data + start + i * shape.pixels, moments.mean, gradient, shape.pixels,
                            lanes.data());
      const float of_scale = add_up(lanes) * moments.inverse_deviation;
      shift_gradient[channel + i] += of_shift;
      scale_gradient[channel + i] += of_scale;
      gradient_sum += of_shift * scale[channel + i];
      product_sum += of_scale * scale[channel + i];
    }
    if (input_gradient.data == nullptr) return;
    const auto size = static_cast<float>(shape.group_size());
    const float values_scale = -product_sum / size * moments.inverse_deviation * moments.inverse_deviation;
    const float shift = -gradient_sum / size * moments.inverse_deviation;
    for (std::size_t i = 0; i < channels; ++i) {
      const std::size_t at = start + i * shape.pixels;
      combine(output_gradient.data + at, scale[channel + i] * moments.inverse_deviation, input.data + at,
              moments.mean, values_scale, shift, input_gradient.data + at, shape.pixels);
    }
  });
}

}  // namespace meridian

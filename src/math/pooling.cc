#include "src/math/pooling.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

constexpr std::size_t kUsualKernel = 2;  // and stride: the pooling of nearly every network

// ---- windows of 2 x 2 side by side, over `rows` rows of `size` outputs each, whose inputs are two rows of
// `width` floats

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, max_of_squares,
                                  (const float* __restrict input, std::size_t width, float* __restrict output,
                                   std::size_t rows, std::size_t size),
                                  (input, width, output, rows, size)) {
  for (std::size_t y = 0; y < rows; ++y) {
    const float* const upper = input + 2 * y * width;
    const float* const lower = upper + width;
    float* const row = output + y * size;
    for (std::size_t x = 0; x < size; ++x) {
      const float a = std::max(upper[2 * x], upper[2 * x + 1]);
      const float b = std::max(lower[2 * x], lower[2 * x + 1]);
      row[x] = std::max(a, b);
    }
  }
}

/// All bits or none.
inline std::uint32_t mask_of(bool holds) { return std::uint32_t{0} - static_cast<std::uint32_t>(holds); }

// Of one row of outputs. Which of four values is the largest cannot be predicted, so there are masks instead
// of branches; what the first three leave is the fourth's. Rows have pointers of their own, or the compiler
// takes them to overlap.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, max_of_squares_backward,
                                  (const float* __restrict upper, const float* __restrict lower,
                                   const float* __restrict largest, const float* __restrict gradient,
                                   float* __restrict upper_gradient, float* __restrict lower_gradient,
                                   std::size_t size),
                                  (upper, lower, largest, gradient, upper_gradient, lower_gradient, size)) {
  for (std::size_t x = 0; x < size; ++x) {
    const float value = largest[x];
    const auto arriving = std::bit_cast<std::uint32_t>(gradient[x]);
    const std::uint32_t first = mask_of(upper[2 * x] == value);
    const std::uint32_t second = mask_of(upper[2 * x + 1] == value) & ~first;
    const std::uint32_t third = mask_of(lower[2 * x] == value) & ~(first | second);
    const std::uint32_t fourth = ~(first | second | third);
    upper_gradient[2 * x] = std::bit_cast<float>(arriving & first);
    upper_gradient[2 * x + 1] = std::bit_cast<float>(arriving & second);
    lower_gradient[2 * x] = std::bit_cast<float>(arriving & third);
    lower_gradient[2 * x + 1] = std::bit_cast<float>(arriving & fourth);
  }
}

// ---- any windows: entry by entry of the window, over one row of outputs

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, take_larger,
                                  (const float* __restrict input, std::size_t stride,
                                   float* __restrict output, std::size_t size),
                                  (input, stride, output, size)) {
  for (std::size_t x = 0; x < size; ++x) output[x] = std::max(output[x], input[x * stride]);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_strided,
                                  (const float* __restrict input, std::size_t stride,
                                   float* __restrict output, std::size_t size),
                                  (input, stride, output, size)) {
  for (std::size_t x = 0; x < size; ++x) output[x] += input[x * stride];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_scaled_to_strided,
                                  (const float* __restrict gradient, float scale, std::size_t stride,
                                   float* __restrict input_gradient, std::size_t size),
                                  (gradient, scale, stride, input_gradient, size)) {
  for (std::size_t x = 0; x < size; ++x) input_gradient[x * stride] += gradient[x] * scale;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, scale_array,
                                  (float factor, float* __restrict values, std::size_t size),
                                  (factor, values, size)) {
  for (std::size_t i = 0; i < size; ++i) values[i] *= factor;
}

void check_rows(const PoolingShape& shape, ConstMatrix input, ConstMatrix output) {
  MERIDIAN_CHECK(
      shape.kernel > 0 && shape.stride > 0 && shape.kernel <= shape.height && shape.kernel <= shape.width,
      "windows of {}, stride {}, in {} x {}", shape.kernel, shape.stride, shape.height, shape.width);
  MERIDIAN_CHECK(input.rows == output.rows && input.columns == shape.input_size() &&
                     output.columns == shape.output_size(),
                 "{} x {} pooled to {} x {}; expected rows of {} and {}", input.rows, input.columns,
                 output.rows, output.columns, shape.input_size(), shape.output_size());
}

/// Calls run(offset of the first input, offset of the first output) for each channel of each sample.
template <typename Run>
void for_each_plane(const PoolingShape& shape, std::size_t samples, Run run) {
  const std::size_t outputs = shape.output_height() * shape.output_width();
  for (std::size_t plane = 0; plane < samples * shape.channels; ++plane)
    run(plane * shape.height * shape.width, plane * outputs);
}

/// Calls run(offset of the first window's first input, offset of the first output) for each row of outputs.
template <typename Run>
void for_each_row(const PoolingShape& shape, std::size_t samples, Run run) {
  const std::size_t rows = shape.output_height();
  for (std::size_t plane = 0; plane < samples * shape.channels; ++plane) {
    for (std::size_t row = 0; row < rows; ++row) {
      run((plane * shape.height + row * shape.stride) * shape.width,
          (plane * rows + row) * shape.output_width());
    }
  }
}

/// Calls run(offset from the window's first input) for each entry of a window, by rows.
template <typename Run>
void for_each_entry(const PoolingShape& shape, Run run) {
  for (std::size_t y = 0; y < shape.kernel; ++y) {
    for (std::size_t x = 0; x < shape.kernel; ++x) run(y * shape.width + x);
  }
}

bool is_usual(const PoolingShape& shape) {
  return shape.kernel == kUsualKernel && shape.stride == kUsualKernel;
}

}  // namespace

void max_pool(const PoolingShape& shape, ConstMatrix input, Matrix output) {
  check_rows(shape, input, output);
  const std::size_t size = shape.output_width();
  if (is_usual(shape)) {
    for_each_plane(shape, input.rows, [&](std::size_t from, std::size_t to) {
      max_of_squares(input.data + from, shape.width, output.data + to, shape.output_height(), size);
    });
    return;
  }
  for_each_row(shape, input.rows, [&](std::size_t from, std::size_t to) {
    const float* const window = input.data + from;
    float* const row = output.data + to;
    for (std::size_t x = 0; x < size; ++x) row[x] = window[x * shape.stride];
    for_each_entry(shape, [&](std::size_t entry) { take_larger(window + entry, shape.stride, row, size); });
  });
}

void max_pool_backward(const PoolingShape& shape, ConstMatrix input, ConstMatrix output,
                       ConstMatrix output_gradient, Matrix input_gradient) {
  check_rows(shape, input, output);
  check_rows(shape, input_gradient, output_gradient);
  const std::size_t size = shape.output_width();
  const bool usual = is_usual(shape);
  // Windows of 2 x 2 write every entry once, but those that no window holds.
  if (!usual || shape.height % kUsualKernel != 0 || shape.width % kUsualKernel != 0)
    std::fill_n(input_gradient.data, input_gradient.size(), 0.0F);
  if (usual) {
    for_each_row(shape, input.rows, [&](std::size_t from, std::size_t to) {
      const std::size_t lower = from + shape.width;
      max_of_squares_backward(input.data + from, input.data + lower, output.data + to,
                              output_gradient.data + to, input_gradient.data + from,
                              input_gradient.data + lower, size);
    });
    return;
  }
  for_each_row(shape, input.rows, [&](std::size_t from, std::size_t to) {
    const float* const window = input.data + from;
    const float* const largest = output.data + to;
    const float* const gradient = output_gradient.data + to;
    float* const result = input_gradient.data + from;
    for (std::size_t x = 0; x < size; ++x) {
      const std::size_t start = x * shape.stride;
      bool found = false;
      for_each_entry(shape, [&](std::size_t entry) {
        if (found || window[start + entry] != largest[x]) return;
        result[start + entry] += gradient[x];
        found = true;
      });
    }
  });
}

void average_pool(const PoolingShape& shape, ConstMatrix input, Matrix output) {
  check_rows(shape, input, output);
  const float share = 1.0F / static_cast<float>(shape.kernel * shape.kernel);
  const std::size_t size = shape.output_width();
  for_each_row(shape, input.rows, [&](std::size_t from, std::size_t to) {
    float* const row = output.data + to;
    std::fill_n(row, size, 0.0F);
    for_each_entry(
        shape, [&](std::size_t entry) { add_strided(input.data + from + entry, shape.stride, row, size); });
  });
  scale_array(share, output.data, output.size());
}

void average_pool_backward(const PoolingShape& shape, ConstMatrix output_gradient, Matrix input_gradient) {
  check_rows(shape, input_gradient, output_gradient);
  const float share = 1.0F / static_cast<float>(shape.kernel * shape.kernel);
  std::fill_n(input_gradient.data, input_gradient.size(), 0.0F);
  for_each_row(shape, input_gradient.rows, [&](std::size_t from, std::size_t to) {
    for_each_entry(shape, [&](std::size_t entry) {
      add_scaled_to_strided(output_gradient.data + to, share, shape.stride,
                            input_gradient.data + from + entry, shape.output_width());
    });
  });
}

}  // namespace meridian

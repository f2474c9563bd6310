#include "src/math/elementwise.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "src/base/check.h"
#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

// ---- loops over plain arrays, which never overlap

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, scale_array,
                                  (const std::uint8_t* __restrict bytes, float scale, float shift,
                                   float* __restrict values, std::size_t size),
                                  (bytes, scale, shift, values, size)) {
  for (std::size_t i = 0; i < size; ++i) values[i] = static_cast<float>(bytes[i]) * scale + shift;
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_array,
                                  (const float* __restrict terms, float* __restrict sums, std::size_t size),
                                  (terms, sums, size)) {
  for (std::size_t i = 0; i < size; ++i) sums[i] += terms[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, rectify_array,
                                  (const float* __restrict input, float* __restrict output, std::size_t size),
                                  (input, output, size)) {
  // Written so that a NaN, which is not below 0, passes through.
  for (std::size_t i = 0; i < size; ++i) output[i] = input[i] < 0.0F ? 0.0F : input[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, rectify_in_place, (float* values, std::size_t size), (values, size)) {
  for (std::size_t i = 0; i < size; ++i) values[i] = values[i] < 0.0F ? 0.0F : values[i];
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, stop_where_not_positive,
                                  (const float* __restrict output, float* __restrict gradient,
                                   std::size_t size),
                                  (output, gradient, size)) {
  for (std::size_t i = 0; i < size; ++i) {
    const float value = gradient[i];
    gradient[i] = output[i] > 0.0F ? value : 0.0F;
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, pass_where_positive,
                                  (const float* __restrict output, const float* __restrict gradient,
                                   float* __restrict result, std::size_t size),
                                  (output, gradient, result, size)) {
  for (std::size_t i = 0; i < size; ++i) {
    // Read whether it passes or not: a loop without a branch. Which entries pass cannot be predicted.
    const float value = gradient[i];
    result[i] = output[i] > 0.0F ? value : 0.0F;
  }
}

void check_same_shape(ConstMatrix a, ConstMatrix b) {
  MERIDIAN_CHECK(a.rows == b.rows && a.columns == b.columns, "{} x {} against {} x {}", a.rows, a.columns,
                 b.rows, b.columns);
}

std::size_t first_largest(std::span<const float> row) {
  std::size_t largest = 0;
  for (std::size_t i = 1; i < row.size(); ++i) {
    if (row[i] > row[largest]) largest = i;
  }
  return largest;
}

// Both cross-entropy functions: leaves exp(logit - largest) in `logits` and calls finish(row, sum of its
// row).
template <typename FinishRow>
CrossEntropy exponentiate_rows(Matrix logits, std::span<const std::uint8_t> labels, FinishRow finish_row) {
  MERIDIAN_CHECK(logits.rows == labels.size() && logits.columns > 0, "{} x {} logits for {} labels",
                 logits.rows, logits.columns, labels.size());
  CrossEntropy result;
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const std::span<float> row(logits.data + i * logits.columns, logits.columns);
    const std::size_t label = labels[i];
    MERIDIAN_CHECK(label < row.size(), "label {} of {} classes", label, row.size());
    const std::size_t answer = first_largest(row);
    if (answer == label) ++result.correct;
    // The loss before the exponentials overwrite the logits: log(sum) is added below.
    const float largest = row[answer];
    result.loss_sum += static_cast<double>(largest) - static_cast<double>(row[label]);
    for (float& logit : row) logit -= largest;
  }
  // One pass over the whole block: Eigen's exponential takes several elements at a time.
  // An unaligned map: nothing is assumed about where a caller's memory lies.
  Eigen::Map<Eigen::Array<float, Eigen::Dynamic, 1>> all(logits.data,
                                                         static_cast<Eigen::Index>(logits.size()));
  all = all.exp();
  for (std::size_t i = 0; i < logits.rows; ++i) {
    const std::span<float> row(logits.data + i * logits.columns, logits.columns);
    float sum = 0.0F;
    for (const float value : row) sum += value;
    result.loss_sum += std::log(static_cast<double>(sum));
    finish_row(row, sum, labels[i]);
  }
  return result;
}

}  // namespace

void scale_bytes(std::span<const std::uint8_t> bytes, float scale, float shift, std::span<float> values) {
  MERIDIAN_CHECK(bytes.size() == values.size(), "{} bytes into {} values", bytes.size(), values.size());
  scale_array(bytes.data(), scale, shift, values.data(), values.size());
}

void add_to_rows(std::span<const float> row, Matrix matrix) {
  MERIDIAN_CHECK(row.size() == matrix.columns, "{} values for {} columns", row.size(), matrix.columns);
  for (std::size_t i = 0; i < matrix.rows; ++i)
    add_array(row.data(), matrix.data + i * matrix.columns, row.size());
}

void sum_columns(ConstMatrix matrix, std::span<float> sums) {
  MERIDIAN_CHECK(sums.size() == matrix.columns, "{} sums for {} columns", sums.size(), matrix.columns);
  std::fill(sums.begin(), sums.end(), 0.0F);
  for (std::size_t i = 0; i < matrix.rows; ++i)
    add_array(matrix.data + i * matrix.columns, sums.data(), sums.size());
}

void rectify(ConstMatrix input, Matrix output) {
  check_same_shape(input, output);
  if (input.data == output.data) return rectify_in_place(output.data, output.size());
  rectify_array(input.data, output.data, output.size());
}

void rectify_backward(ConstMatrix output, ConstMatrix output_gradient, Matrix input_gradient) {
  check_same_shape(output, output_gradient);
  check_same_shape(output, input_gradient);
  if (input_gradient.data == output_gradient.data)
    return stop_where_not_positive(output.data, input_gradient.data, output.size());
  pass_where_positive(output.data, output_gradient.data, input_gradient.data, output.size());
}

CrossEntropy measure_cross_entropy(Matrix logits, std::span<const std::uint8_t> labels) {
  return exponentiate_rows(logits, labels, [](std::span<float>, float, std::uint8_t) {});
}

CrossEntropy cross_entropy_gradient(Matrix logits, std::span<const std::uint8_t> labels) {
  return exponentiate_rows(logits, labels, [](std::span<float> row, float sum, std::uint8_t label) {
    const float share = 1.0F / sum;
    for (float& value : row) value *= share;
    row[label] -= 1.0F;
  });
}

}  // namespace meridian

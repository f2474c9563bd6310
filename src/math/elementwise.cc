#include "src/math/elementwise.h"

#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <cmath>

#include "src/base/check.h"

namespace meridian {
namespace {

using Rows = Eigen::Array<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::Array<float, 1, Eigen::Dynamic>;

Eigen::Index to_index(std::size_t size) { return static_cast<Eigen::Index>(size); }

// Unaligned maps: nothing is assumed about where a caller's memory lies.
Eigen::Map<Rows> map(Matrix matrix) { return {matrix.data, to_index(matrix.rows), to_index(matrix.columns)}; }
Eigen::Map<const Rows> map(ConstMatrix matrix) {
  return {matrix.data, to_index(matrix.rows), to_index(matrix.columns)};
}
Eigen::Map<const Row> map(std::span<const float> row) { return {row.data(), to_index(row.size())}; }
Eigen::Map<Row> map(std::span<float> row) { return {row.data(), to_index(row.size())}; }

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
  auto all = map(std::span<float>(logits.data, logits.size()));
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
  const std::uint8_t* const from = bytes.data();
  float* const to = values.data();
  for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<float>(from[i]) * scale + shift;
}

void add_to_rows(std::span<const float> row, Matrix matrix) {
  MERIDIAN_CHECK(row.size() == matrix.columns, "{} values for {} columns", row.size(), matrix.columns);
  map(matrix).rowwise() += map(row);
}

void sum_columns(ConstMatrix matrix, std::span<float> sums) {
  MERIDIAN_CHECK(sums.size() == matrix.columns, "{} sums for {} columns", sums.size(), matrix.columns);
  auto total = map(sums);
  total.setZero();
  const auto rows = map(matrix);
  for (Eigen::Index i = 0; i < rows.rows(); ++i) total += rows.row(i);
}

void rectify(ConstMatrix input, Matrix output) {
  check_same_shape(input, output);
  // Written so that a NaN, which is not below 0, passes through.
  for (std::size_t i = 0; i < output.size(); ++i)
    output.data[i] = input.data[i] < 0.0F ? 0.0F : input.data[i];
}

void rectify_backward(ConstMatrix output, ConstMatrix output_gradient, Matrix input_gradient) {
  check_same_shape(output, output_gradient);
  check_same_shape(output, input_gradient);
  for (std::size_t i = 0; i < output.size(); ++i) {
    input_gradient.data[i] = output.data[i] > 0.0F ? output_gradient.data[i] : 0.0F;
  }
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

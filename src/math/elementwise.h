// Arithmetic over matrices element by element: what a network needs between its products. Rows are samples.
//
// Thread safety: no state; every function may be called from any thread at once. What a function reads and
// what it writes must not overlap, but where it says so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "src/math/matrix.h"

namespace meridian {

/// values[i] = bytes[i] * scale + shift. Both spans have the same size.
void scale_bytes(std::span<const std::uint8_t> bytes, float scale, float shift, std::span<float> values);

/// Adds `row` (one value for each column) to every row of `matrix`.
void add_to_rows(std::span<const float> row, Matrix matrix);

/// sums[c] = the sum over column c, rows added from the first to the last.
void sum_columns(ConstMatrix matrix, std::span<float> sums);

/// output = max(input, 0), element by element. NaN stays NaN. `output` may be `input`.
void rectify(ConstMatrix input, Matrix output);

/// input_gradient = output_gradient where output is above zero, else 0. `input_gradient` may be
/// `output_gradient`.
void rectify_backward(ConstMatrix output, ConstMatrix output_gradient, Matrix input_gradient);

/// What softmax cross-entropy found in a batch.
struct CrossEntropy {
  double loss_sum = 0.0;    ///< sum over rows of -log softmax(row)[label]
  std::size_t correct = 0;  ///< rows whose largest entry (the first, if several) is the label's
};

/// Measures `logits` [samples x classes] against `labels` (each below `classes`). The largest logit is taken
/// out before the exponential, so no finite logit overflows. Overwrites `logits` with its exponentials.
CrossEntropy measure_cross_entropy(Matrix logits, std::span<const std::uint8_t> labels);

/// The same, and overwrites `logits` with the gradient of the summed loss: softmax(row) - one-hot(label).
CrossEntropy cross_entropy_gradient(Matrix logits, std::span<const std::uint8_t> labels);

}  // namespace meridian

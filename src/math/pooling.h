// Pooling of images: what a window of each channel comes to, its largest value or its mean.
//
// Thread safety: no state; every function may be called from any thread at once. What a function reads and
// what it writes must not overlap. Sizes that do not fit are a BrokenInvariant.
#pragma once

#include <cstddef>

#include "src/math/matrix.h"

namespace meridian {

/// Square windows, `stride` apart in both directions; only whole windows count, so rows and columns at the
/// end may go unread. Requires sizes above 0 and a kernel that fits.
struct PoolingShape {
  std::size_t channels = 1;
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t kernel = 2;
  std::size_t stride = 2;

  std::size_t output_height() const { return (height - kernel) / stride + 1; }
  std::size_t output_width() const { return (width - kernel) / stride + 1; }
  std::size_t input_size() const { return channels * height * width; }
  std::size_t output_size() const { return channels * output_height() * output_width(); }
};

/// output [samples x output_size()]: the largest value of each window of input [samples x input_size()]. A
/// NaN that is not a window's first value may be passed over.
void max_pool(const PoolingShape& shape, ConstMatrix input, Matrix output);

/// input_gradient: each output's gradient goes to the first (by rows) of its window's largest values.
void max_pool_backward(const PoolingShape& shape, ConstMatrix input, ConstMatrix output,
                       ConstMatrix output_gradient, Matrix input_gradient);

/// output: the mean of each window.
void average_pool(const PoolingShape& shape, ConstMatrix input, Matrix output);

/// input_gradient: each output's gradient in equal parts over its window.
void average_pool_backward(const PoolingShape& shape, ConstMatrix output_gradient, Matrix input_gradient);

}  // namespace meridian

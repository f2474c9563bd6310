// Convolutions of images: the seam behind which oneDNN chooses instructions and memory layouts. Callers see
// rows of [channels x height x width] only; blocked layouts exist inside.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "src/math/matrix.h"

namespace meridian {

/// A 2-D convolution (a cross-correlation, as networks use it): square kernel, the same stride and padding
/// with zeros in both directions.
struct ConvolutionShape {
  std::size_t channels = 1;  ///< of the input
  std::size_t height = 1;
  std::size_t width = 1;
  std::size_t filters = 1;  ///< channels of the output
  std::size_t kernel = 1;
  std::size_t stride = 1;
  std::size_t padding = 0;  ///< rows and columns of zeros on each side

  std::size_t output_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::size_t output_width() const { return (width + 2 * padding - kernel) / stride + 1; }
  std::size_t input_size() const { return channels * height * width; }
  std::size_t output_size() const { return filters * output_height() * output_width(); }
  std::size_t weight_size() const { return filters * channels * kernel * kernel; }
};

/// The convolutions of one layer. It keeps what oneDNN compiled for the shape, for blocks of a few samples
/// that stay in the second-level cache, so the number of samples is free at each call. In the steady state
/// only oneDNN's own bookkeeping allocates.
///
/// Thread safety: any thread may call any function at once; working memory is borrowed for each call, and
/// there is as much of it as there were ever calls at the same time. Each call computes on its thread alone,
/// and the same inputs give the same bits on one machine, wherever they lie. Operands and results must not
/// overlap; sizes that do not fit are a BrokenInvariant.
///
/// Below, `input` is [samples x input_size()], `weight` [filters x channels x kernel x kernel], `output`
/// [samples x output_size()].
class Convolution {
 public:
  /// Requires sizes above 0, padding below kernel, and a kernel that fits into the padded input.
  explicit Convolution(const ConvolutionShape& shape);
  ~Convolution();
  Convolution(const Convolution&) = delete;
  Convolution& operator=(const Convolution&) = delete;

  const ConvolutionShape& shape() const { return shape_; }

  /// output = input * weight + bias (one value for each filter).
  void forward(ConstMatrix input, std::span<const float> weight, std::span<const float> bias,
               Matrix output) const;

  /// The gradient by the input from the gradient by the output.
  void backward_data(ConstMatrix output_gradient, std::span<const float> weight, Matrix input_gradient) const;

  /// The gradients by weight and bias, summed over the samples.
  void backward_weights(ConstMatrix input, ConstMatrix output_gradient, std::span<float> weight_gradient,
                        std::span<float> bias_gradient) const;

 private:
  class Library;

  ConvolutionShape shape_;
  std::unique_ptr<Library> library_;
};

}  // namespace meridian

// A convolution of images with one bias for each filter. Its tables are NAME.weight [filters x channels *
// kernel * kernel] and NAME.bias [filters x 1].
#pragma once

#include <string>

#include "src/math/convolution.h"
#include "src/model/layer.h"

namespace meridian {

class ConvolutionLayer : public Layer {
 public:
  /// `shape` as class Convolution requires it.
  ConvolutionLayer(std::string name, const ConvolutionShape& shape);

  std::size_t inputs() const override { return convolution_.shape().input_size(); }
  std::size_t outputs() const override { return convolution_.shape().output_size(); }
  std::vector<TableSpec> tables() const override;

  /// Weights are drawn from a normal distribution of variance 2 / (channels * kernel * kernel); biases are 0.
  void fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const override;

  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  std::string name_;
  Convolution convolution_;
};

}  // namespace meridian

// Max pooling: the largest value of each window of each channel; the gradient goes to the first of several.
// It has no parameters.
#pragma once

#include "src/math/pooling.h"
#include "src/model/layer.h"

namespace meridian {

class MaxPoolLayer : public Layer {
 public:
  explicit MaxPoolLayer(const PoolingShape& shape) : shape_(shape) {}

  std::size_t inputs() const override { return shape_.input_size(); }
  std::size_t outputs() const override { return shape_.output_size(); }
  bool backward_reads_output() const override { return true; }
  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  PoolingShape shape_;
};

}  // namespace meridian

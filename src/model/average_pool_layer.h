// Average pooling: the mean of each window of each channel. It has no parameters.
#pragma once

#include "src/math/pooling.h"
#include "src/model/layer.h"

namespace meridian {

class AveragePoolLayer : public Layer {
 public:
  explicit AveragePoolLayer(const PoolingShape& shape) : shape_(shape) {}

  std::size_t inputs() const override { return shape_.input_size(); }
  std::size_t outputs() const override { return shape_.output_size(); }
  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  PoolingShape shape_;
};

}  // namespace meridian

// The rectifier (ReLU): output = max(input, 0), element by element. It has no parameters.
#pragma once

#include "src/model/layer.h"

namespace meridian {

class RectifierLayer : public Layer {
 public:
  explicit RectifierLayer(std::size_t size) : size_(size) {}

  std::size_t inputs() const override { return size_; }
  std::size_t outputs() const override { return size_; }
  bool works_in_place() const override { return true; }
  bool backward_reads_output() const override { return true; }
  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  std::size_t size_;
};

}  // namespace meridian

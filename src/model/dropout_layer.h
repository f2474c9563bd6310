// Dropout, inverted: in training each value is dropped with probability `rate` and the others are scaled up;
// otherwise all pass. Which are dropped depends on the run's seed, the worker's place, the clock and the
// layer's position. It has no parameters.
#pragma once

#include "src/model/layer.h"

namespace meridian {

class DropoutLayer : public Layer {
 public:
  /// `position` in the network, so that two such layers draw different numbers. Requires a rate in [0, 1).
  DropoutLayer(std::size_t position, std::size_t size, double rate)
      : position_(position), size_(size), rate_(rate) {}

  std::size_t inputs() const override { return size_; }
  std::size_t outputs() const override { return size_; }
  bool works_in_place() const override { return true; }
  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  void pass(const LayerContext& context, ConstMatrix from, Matrix to) const;

  std::size_t position_;
  std::size_t size_;
  double rate_;
};

}  // namespace meridian

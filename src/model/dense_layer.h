// A dense (fully connected) layer: output = input * transpose(weight) + bias. Its tables are NAME.weight
// [outputs x inputs] and NAME.bias [outputs x 1].
#pragma once

#include <string>

#include "src/model/layer.h"

namespace meridian {

class DenseLayer : public Layer {
 public:
  DenseLayer(std::string name, std::size_t inputs, std::size_t outputs);

  std::size_t inputs() const override { return inputs_; }
  std::size_t outputs() const override { return outputs_; }
  std::vector<TableSpec> tables() const override;

  /// Weights are drawn from a normal distribution of variance 2 / inputs (He, Zhang, Ren & Sun 2015); biases
  /// are 0.
  void fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const override;

  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  ConstMatrix weight(TablesView parameters) const;

  std::string name_;
  std::size_t inputs_;
  std::size_t outputs_;
};

}  // namespace meridian

// Group normalisation (Wu & He, ECCV 2018; src/math/normalisation.h). Its tables are NAME.scale and
// NAME.shift, both [channels x 1].
#pragma once

#include <string>

#include "src/math/normalisation.h"
#include "src/model/layer.h"

namespace meridian {

class GroupNormLayer : public Layer {
 public:
  /// Requires that shape.groups divides shape.channels.
  GroupNormLayer(std::string name, const GroupShape& shape);

  std::size_t inputs() const override { return shape_.size(); }
  std::size_t outputs() const override { return shape_.size(); }
  std::vector<TableSpec> tables() const override;

  /// Scales are 1, shifts 0.
  void fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const override;

  void forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
               Matrix output) const override;
  void backward(const LayerContext& context, ConstMatrix input, ConstMatrix output,
                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                Matrix input_gradient) const override;

 private:
  std::string name_;
  GroupShape shape_;
};

}  // namespace meridian

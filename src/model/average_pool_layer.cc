#include "src/model/average_pool_layer.h"

namespace meridian {

void AveragePoolLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView /*parameters*/,
                               Matrix output) const {
  average_pool(shape_, input, output);
}

void AveragePoolLayer::backward(const LayerContext& /*context*/, ConstMatrix /*input*/,
                                ConstMatrix /*output*/, ConstMatrix output_gradient,
                                TablesView /*parameters*/, TablesSpan /*gradient*/,
                                Matrix input_gradient) const {
  if (input_gradient.data == nullptr) return;
  average_pool_backward(shape_, output_gradient, input_gradient);
}

}  // namespace meridian

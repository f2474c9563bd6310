#include "src/model/max_pool_layer.h"

namespace meridian {

void MaxPoolLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView /*parameters*/,
                           Matrix output) const {
  max_pool(shape_, input, output);
}

void MaxPoolLayer::backward(const LayerContext& /*context*/, ConstMatrix input, ConstMatrix output,
                            ConstMatrix output_gradient, TablesView /*parameters*/, TablesSpan /*gradient*/,
                            Matrix input_gradient) const {
  if (input_gradient.data == nullptr) return;
  max_pool_backward(shape_, input, output, output_gradient, input_gradient);
}

}  // namespace meridian

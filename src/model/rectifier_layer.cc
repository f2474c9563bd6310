#include "src/model/rectifier_layer.h"

#include "src/math/elementwise.h"

namespace meridian {

void RectifierLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView /*parameters*/,
                             Matrix output) const {
  rectify(input, output);
}

void RectifierLayer::backward(const LayerContext& /*context*/, ConstMatrix /*input*/, ConstMatrix output,
                              ConstMatrix output_gradient, TablesView /*parameters*/, TablesSpan /*gradient*/,
                              Matrix input_gradient) const {
  if (input_gradient.data != nullptr) rectify_backward(output, output_gradient, input_gradient);
}

}  // namespace meridian

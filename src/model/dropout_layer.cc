#include "src/model/dropout_layer.h"

#include <algorithm>

#include "src/base/random.h"
#include "src/math/dropout.h"

namespace meridian {

void DropoutLayer::forward(const LayerContext& context, ConstMatrix input, TablesView /*parameters*/,
                           Matrix output) const {
  pass(context, input, output);
}

void DropoutLayer::backward(const LayerContext& context, ConstMatrix /*input*/, ConstMatrix /*output*/,
                            ConstMatrix output_gradient, TablesView /*parameters*/, TablesSpan /*gradient*/,
                            Matrix input_gradient) const {
  if (input_gradient.data != nullptr) pass(context, output_gradient, input_gradient);
}

void DropoutLayer::pass(const LayerContext& context, ConstMatrix from, Matrix to) const {
  if (!context.trains || rate_ == 0.0) {
    if (from.data != to.data) std::copy_n(from.data, from.size(), to.data);
    return;
  }
  const WorkerPlace place = context.place;
  Random random = Random::for_parts(
      context.seed, {hash_text("dropout"), place.datacenter, place.worker, context.clock, position_});
  drop_out(random.next(), rate_, from, to);
}

}  // namespace meridian

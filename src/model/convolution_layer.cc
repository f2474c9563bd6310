#include "src/model/convolution_layer.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/model/initial_values.h"

namespace meridian {
namespace {

constexpr std::size_t kWeight = 0;
constexpr std::size_t kBias = 1;

}  // namespace

ConvolutionLayer::ConvolutionLayer(std::string name, const ConvolutionShape& shape)
    : name_(std::move(name)), convolution_(shape) {}

std::vector<TableSpec> ConvolutionLayer::tables() const {
  const ConvolutionShape& shape = convolution_.shape();
  return {{name_ + ".weight", shape.filters, shape.channels * shape.kernel * shape.kernel},
          {name_ + ".bias", shape.filters, 1}};
}

void ConvolutionLayer::fill_initial_values(std::size_t table, std::uint64_t seed,
                                           std::span<float> values) const {
  const TableSpec spec = tables().at(table);
  MERIDIAN_CHECK(values.size() == spec.size(), "{} values for {}", values.size(), spec.name);
  if (table == kBias) {
    std::fill(values.begin(), values.end(), 0.0F);
    return;
  }
  fill_for_rectifiers(seed, spec.name, spec.columns, values);
}

void ConvolutionLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView parameters,
                               Matrix output) const {
  MERIDIAN_CHECK(parameters.size() == 2, "{} tables of {}", parameters.size(), name_);
  convolution_.forward(input, parameters[kWeight], parameters[kBias], output);
}

void ConvolutionLayer::backward(const LayerContext& /*context*/, ConstMatrix input, ConstMatrix /*output*/,
                                ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                                Matrix input_gradient) const {
  MERIDIAN_CHECK(parameters.size() == 2 && gradient.size() == 2, "{} tables, {} gradients of {}",
                 parameters.size(), gradient.size(), name_);
  convolution_.backward_weights(input, output_gradient, gradient[kWeight], gradient[kBias]);
  if (input_gradient.data != nullptr)
    convolution_.backward_data(output_gradient, parameters[kWeight], input_gradient);
}

}  // namespace meridian

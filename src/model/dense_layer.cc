#include "src/model/dense_layer.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/math/elementwise.h"
#include "src/math/products.h"
#include "src/model/initial_values.h"

namespace meridian {
namespace {

constexpr std::size_t kWeight = 0;
constexpr std::size_t kBias = 1;

}  // namespace

DenseLayer::DenseLayer(std::string name, std::size_t inputs, std::size_t outputs)
    : name_(std::move(name)), inputs_(inputs), outputs_(outputs) {}

std::vector<TableSpec> DenseLayer::tables() const {
  return {{name_ + ".weight", outputs_, inputs_}, {name_ + ".bias", outputs_, 1}};
}

void DenseLayer::fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const {
  const TableSpec spec = tables().at(table);
  MERIDIAN_CHECK(values.size() == spec.size(), "{} values for {}", values.size(), spec.name);
  if (table == kBias) {
    std::fill(values.begin(), values.end(), 0.0F);
    return;
  }
  fill_for_rectifiers(seed, spec.name, inputs_, values);
}

void DenseLayer::forward(const LayerContext& /*context*/, ConstMatrix input, TablesView parameters,
                         Matrix output) const {
  multiply_transposed_right(input, weight(parameters), output);
  add_to_rows(parameters[kBias], output);
}

void DenseLayer::backward(const LayerContext& /*context*/, ConstMatrix input, ConstMatrix /*output*/,
                          ConstMatrix output_gradient, TablesView parameters, TablesSpan gradient,
                          Matrix input_gradient) const {
  MERIDIAN_CHECK(gradient.size() == 2 && gradient[kWeight].size() == outputs_ * inputs_, "gradient of {}",
                 name_);
  multiply_transposed_left(output_gradient, input, {gradient[kWeight].data(), outputs_, inputs_});
  sum_columns(output_gradient, gradient[kBias]);
  if (input_gradient.data != nullptr) multiply(output_gradient, weight(parameters), input_gradient);
}

ConstMatrix DenseLayer::weight(TablesView parameters) const {
  MERIDIAN_CHECK(parameters.size() == 2 && parameters[kWeight].size() == outputs_ * inputs_, "tables of {}",
                 name_);
  return {parameters[kWeight].data(), outputs_, inputs_};
}

}  // namespace meridian

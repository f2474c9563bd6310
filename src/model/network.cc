#include "src/model/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/model/dense_layer.h"
#include "src/model/rectifier_layer.h"

namespace meridian {
namespace {

void grow(FloatBuffer& buffer, std::size_t size) {
  if (buffer.size() < size) buffer = FloatBuffer(size);
}

}  // namespace

Network::Network(std::vector<std::unique_ptr<Layer>> layers) : layers_(std::move(layers)) {
  MERIDIAN_CHECK(!layers_.empty(), "a network without layers");
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    MERIDIAN_CHECK(i == 0 || layers_[i]->inputs() == layers_[i - 1]->outputs(), "layer {} takes {}, gets {}",
                   i, layers_[i]->inputs(), layers_[i - 1]->outputs());
    first_table_.push_back(tables_.size());
    for (TableSpec& table : layers_[i]->tables()) tables_.push_back(std::move(table));
    widest_ = std::max(widest_, layers_[i]->outputs());
    const bool in_place = i > 0 && layers_[i]->works_in_place() && !layers_[i - 1]->backward_reads_output();
    buffer_of_.push_back(in_place ? buffer_of_.back() : i);
  }
  MERIDIAN_CHECK(!layers_.back()->backward_reads_output(), "the last layer, {}, reads its output",
                 layers_.size() - 1);
  while (first_trained_ + 1 < layers_.size() && layers_[first_trained_]->tables().empty()) ++first_trained_;
  first_table_.push_back(tables_.size());
}

Network Network::perceptron(std::size_t inputs, std::span<const std::size_t> hidden, std::size_t classes) {
  std::vector<std::unique_ptr<Layer>> layers;
  std::size_t dense = 0;
  std::size_t width = inputs;
  const auto add_dense = [&](std::size_t outputs) {
    layers.push_back(std::make_unique<DenseLayer>(fmt::format("layer{}", dense++), width, outputs));
    width = outputs;
  };
  for (const std::size_t outputs : hidden) {
    add_dense(outputs);
    layers.push_back(std::make_unique<RectifierLayer>(outputs));
  }
  add_dense(classes);
  return Network(std::move(layers));
}

void Network::fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const {
  MERIDIAN_CHECK(table < tables_.size(), "table {} of {}", table, tables_.size());
  const auto after = std::upper_bound(first_table_.begin(), first_table_.end(), table);
  const auto layer = static_cast<std::size_t>(after - first_table_.begin()) - 1;
  layers_[layer]->fill_initial_values(table - first_table_[layer], seed, values);
}

CrossEntropy Network::compute_gradient(ConstMatrix input, std::span<const std::uint8_t> labels,
                                       TablesView parameters, TablesSpan gradient, NetworkScratch& scratch,
                                       LayerContext context) const {
  MERIDIAN_CHECK(gradient.size() == tables_.size(), "{} gradients for {} tables", gradient.size(),
                 tables_.size());
  context.trains = true;
  Matrix output_gradient = forward(context, input, parameters, scratch);
  // The last layer's output now holds the gradient by itself; from there the two buffers take turns.
  const CrossEntropy result = cross_entropy_gradient(output_gradient, labels);
  grow(scratch.gradient, input.rows * widest_);
  grow(scratch.next_gradient, input.rows * widest_);
  for (std::size_t i = layers_.size(); i-- > first_trained_;) {
    const Layer& layer = *layers_[i];
    const bool in_place = buffer_of_[i] != i;
    Matrix input_gradient{nullptr, input.rows, layer.inputs()};
    if (i > first_trained_)
      input_gradient.data = in_place ? output_gradient.data : scratch.next_gradient.data();
    const std::size_t first = first_table_[i];
    layer.backward(context, i == 0 ? input : output_of(i - 1, input.rows, scratch),
                   output_of(i, input.rows, scratch), output_gradient, own_tables(i, parameters),
                   gradient.subspan(first, first_table_[i + 1] - first), input_gradient);
    if (!in_place) std::swap(scratch.gradient, scratch.next_gradient);
    output_gradient = input_gradient;
  }
  return result;
}

CrossEntropy Network::evaluate(ConstMatrix input, std::span<const std::uint8_t> labels, TablesView parameters,
                               NetworkScratch& scratch) const {
  return measure_cross_entropy(forward({}, input, parameters, scratch), labels);
}

Matrix Network::forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
                        NetworkScratch& scratch) const {
  MERIDIAN_CHECK(input.columns == inputs() && parameters.size() == tables_.size(),
                 "{} inputs for {}, {} tables for {}", input.columns, inputs(), parameters.size(),
                 tables_.size());
  if (scratch.outputs.size() < layers_.size()) scratch.outputs.resize(layers_.size());
  ConstMatrix current = input;
  Matrix output;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    FloatBuffer& buffer = scratch.outputs[buffer_of_[i]];
    grow(buffer, input.rows * layers_[i]->outputs());
    output = {buffer.data(), input.rows, layers_[i]->outputs()};
    layers_[i]->forward(context, current, own_tables(i, parameters), output);
    current = output;
  }
  return output;
}

ConstMatrix Network::output_of(std::size_t layer, std::size_t samples, const NetworkScratch& scratch) const {
  return {scratch.outputs[buffer_of_[layer]].data(), samples, layers_[layer]->outputs()};
}

TablesView Network::own_tables(std::size_t layer, TablesView tables) const {
  return tables.subspan(first_table_[layer], first_table_[layer + 1] - first_table_[layer]);
}

}  // namespace meridian

// A feed-forward classifier: a list of layers that ends in one value (logit) for each class, trained by
// softmax cross-entropy. Softmax regression is the network without hidden layers.
//
// Thread safety: a network holds shapes, not values; every function may be called from any thread at once,
// each call with a scratch of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/math/elementwise.h"
#include "src/math/matrix.h"
#include "src/model/layer.h"
#include "src/model/layer_description.h"
#include "src/workload/workload.h"

namespace meridian {

/// Working memory of one computation. Kept between calls, it is allocated only when a batch is larger than
/// all before. What it holds between calls means nothing.
struct NetworkScratch {
  std::vector<FloatBuffer> outputs;  ///< of each layer that does not work in place
  FloatBuffer gradient;              ///< by a layer's output
  FloatBuffer next_gradient;         ///< by its input
};

class Network {
 public:
  /// Requires at least one layer, each layer's inputs to be the outputs of the one before it, and a last
  /// layer whose backward() does not read its output.
  explicit Network(std::vector<std::unique_ptr<Layer>> layers);

  /// Dense layers of the given hidden widths with rectifiers between them; tables layer0.weight, layer0.bias,
  /// layer1.weight and so on. No hidden widths: softmax regression.
  static Network perceptron(std::size_t inputs, std::span<const std::size_t> hidden, std::size_t classes);

  /// The layers described, in order, and a dense layer to the classes. Images go from one to the next as rows
  /// of channels x height x width; a dense layer takes them flat. Tables are layerN.weight and layerN.bias
  /// (layerN.scale and layerN.shift of a group_norm), N counting the layers that have tables from 0. An error
  /// names the layer's position from 0, its sizes and what it gets: "layers[2] (conv, kernel 5 x 5, padding
  /// 0) gets images of 6 x 3 x 3; expected ...".
  static Result<Network> from_description(std::span<const LayerDescription> layers, const ImageShape& input,
                                          std::size_t classes);

  std::size_t inputs() const { return layers_.front()->inputs(); }
  std::size_t classes() const { return layers_.back()->outputs(); }
  const std::vector<TableSpec>& tables() const { return tables_; }
  void fill_initial_values(std::size_t table, std::uint64_t seed, std::span<float> values) const;

  /// Replaces `gradient` by the gradient of the loss summed over the samples of `input` [samples x inputs],
  /// whose classes are `labels`. `context` is of use to layers that draw random numbers; it trains, whatever
  /// it says.
  CrossEntropy compute_gradient(ConstMatrix input, std::span<const std::uint8_t> labels,
                                TablesView parameters, TablesSpan gradient, NetworkScratch& scratch,
                                LayerContext context = {}) const;

  /// The loss and the right answers over the samples of `input`.
  CrossEntropy evaluate(ConstMatrix input, std::span<const std::uint8_t> labels, TablesView parameters,
                        NetworkScratch& scratch) const;

 private:
  Matrix forward(const LayerContext& context, ConstMatrix input, TablesView parameters,
                 NetworkScratch& scratch) const;
  ConstMatrix output_of(std::size_t layer, std::size_t samples, const NetworkScratch& scratch) const;
  TablesView own_tables(std::size_t layer, TablesView tables) const;

  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<std::size_t> first_table_;  // of each layer, and the total
  std::vector<TableSpec> tables_;
  std::vector<std::size_t> buffer_of_;  // for each layer, whose buffer holds its output: its own, or an
                                        // earlier layer's where it works in place
  std::size_t first_trained_ = 0;       // the first layer with tables: no gradient is of use before it
  std::size_t widest_ = 0;  // the most values per sample that any layer takes or gives, the input aside
};

}  // namespace meridian

// Network::from_description: follows the image's shape from layer to layer and refuses what does not fit.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/model/average_pool_layer.h"
#include "src/model/convolution_layer.h"
#include "src/model/dense_layer.h"
#include "src/model/dropout_layer.h"
#include "src/model/group_norm_layer.h"
#include "src/model/max_pool_layer.h"
#include "src/model/network.h"
#include "src/model/rectifier_layer.h"

namespace meridian {
namespace {

// Far above what one machine trains; below it, no product of sizes overflows.
constexpr std::size_t kLargestSize = std::size_t{1} << 20;
constexpr std::size_t kMostValues = std::size_t{1} << 26;  // of one image between layers
constexpr std::size_t kMostWeights = std::size_t{1} << 30;

std::string text_of(const ImageShape& shape) {
  return fmt::format("{} x {} x {}", shape.channels, shape.height, shape.width);
}

/// What a layer is called in messages: its kind and the sizes that matter to what it takes.
std::string text_of(const LayerDescription& layer) {
  if (layer.kind == "conv")
    return fmt::format("conv, kernel {0} x {0}, padding {1}", layer.kernel, layer.padding);
  if (layer.kind == "max_pool" || layer.kind == "average_pool")
    return fmt::format("{0}, windows of {1} x {1}", layer.kind, layer.kernel);
  if (layer.kind == "group_norm") return fmt::format("group_norm, {} groups", layer.groups);
  return layer.kind;
}

class Builder {
 public:
  explicit Builder(const ImageShape& input) : shape_(input) {}

  Failure add(const LayerDescription& layer) {
    const std::size_t position = layers_.size();
    const ImageShape before = shape_;
    const std::string expected = append(layer);
    if (!expected.empty()) {
      return Error{fmt::format("layers[{}] ({}) gets images of {}; expected {}", position, text_of(layer),
                               text_of(before), expected)};
    }
    return {};
  }

  Network finish(std::size_t classes) {
    add_dense(classes);
    return Network(std::move(layers_));
  }

 private:
  /// Adds the layer, or says what was expected.
  std::string append(const LayerDescription& layer) {
    if (layer.kind == "conv") return add_convolution(layer);
    if (layer.kind == "max_pool") return add_pool<MaxPoolLayer>(layer);
    if (layer.kind == "average_pool") return add_pool<AveragePoolLayer>(layer);
    if (layer.kind == "group_norm") return add_group_norm(layer);
    if (layer.kind == "dropout") {
      if (!(layer.rate >= 0.0 && layer.rate < 1.0))
        return fmt::format("a rate from 0, below 1, not {}", layer.rate);
      layers_.push_back(std::make_unique<DropoutLayer>(layers_.size(), shape_.size(), layer.rate));
      return {};
    }
    if (layer.kind == "dense") {
      if (layer.outputs == 0 || layer.outputs > kLargestSize || shape_.size() * layer.outputs > kMostWeights)
        return fmt::format("1 to {} outputs and at most {} weights, not {} outputs", kLargestSize,
                           kMostWeights, layer.outputs);
      add_dense(layer.outputs);
      return {};
    }
    if (layer.kind == "relu") {
      layers_.push_back(std::make_unique<RectifierLayer>(shape_.size()));
      return {};
    }
    return "the kind conv, max_pool, average_pool, relu, dense, dropout or group_norm";
  }

  /// What a window takes of an image, with the image's padded sizes; empty when it fits.
  static std::string refuse_window(const LayerDescription& layer, const ImageShape& image) {
    if (layer.kernel == 0 || layer.stride == 0 || layer.kernel > kLargestSize || layer.stride > kLargestSize)
      return fmt::format("a kernel and a stride from 1 to {}, not {} and {}", kLargestSize, layer.kernel,
                         layer.stride);
    if (layer.padding >= layer.kernel)
      return fmt::format("padding below the kernel's {}, not {}", layer.kernel, layer.padding);
    const std::size_t padding = 2 * layer.padding;
    if (image.height + padding < layer.kernel || image.width + padding < layer.kernel)
      return fmt::format("at least {0} x {0} pixels", layer.kernel - padding);
    return {};
  }

  std::string add_convolution(const LayerDescription& layer) {
    if (std::string refusal = refuse_window(layer, shape_); !refusal.empty()) return refusal;
    if (layer.outputs == 0 || layer.outputs > kLargestSize)
      return fmt::format("1 to {} channels out of it, not {}", kLargestSize, layer.outputs);
    const ConvolutionShape shape{shape_.channels, shape_.height, shape_.width, layer.outputs,
                                 layer.kernel,    layer.stride,  layer.padding};
    if (shape.output_size() > kMostValues || shape.weight_size() > kMostWeights)
      return fmt::format("at most {} values out of it and {} weights", kMostValues, kMostWeights);
    layers_.push_back(std::make_unique<ConvolutionLayer>(next_name(), shape));
    shape_ = {shape.filters, shape.output_height(), shape.output_width()};
    return {};
  }

  template <typename PoolLayer>
  std::string add_pool(const LayerDescription& layer) {
    if (layer.padding != 0) return fmt::format("no padding, not {}", layer.padding);
    if (std::string refusal = refuse_window(layer, shape_); !refusal.empty()) return refusal;
    const PoolingShape shape{shape_.channels, shape_.height, shape_.width, layer.kernel, layer.stride};
    layers_.push_back(std::make_unique<PoolLayer>(shape));
    shape_ = {shape.channels, shape.output_height(), shape.output_width()};
    return {};
  }

  std::string add_group_norm(const LayerDescription& layer) {
    if (layer.groups == 0 || shape_.channels % layer.groups != 0)
      return fmt::format("channels that {} groups divide evenly", layer.groups);
    const GroupShape shape{shape_.channels, shape_.height * shape_.width, layer.groups};
    layers_.push_back(std::make_unique<GroupNormLayer>(next_name(), shape));
    return {};
  }

  void add_dense(std::size_t outputs) {
    layers_.push_back(std::make_unique<DenseLayer>(next_name(), shape_.size(), outputs));
    shape_ = {outputs, 1, 1};
  }

  std::string next_name() { return fmt::format("layer{}", tables_++); }

  ImageShape shape_;  // of what the layers so far give
  std::size_t tables_ = 0;
  std::vector<std::unique_ptr<Layer>> layers_;
};

}  // namespace

Result<Network> Network::from_description(std::span<const LayerDescription> layers, const ImageShape& input,
                                          std::size_t classes) {
  Builder builder(input);
  for (const LayerDescription& layer : layers) {
    if (Failure failure = builder.add(layer)) return std::move(*failure);
  }
  return builder.finish(classes);
}

}  // namespace meridian

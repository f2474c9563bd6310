#include "src/config/layers.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/choices.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostLayers = 256;
constexpr std::size_t kMostOutputs = 65536;
constexpr std::size_t kMostChannels = 65536;
constexpr std::size_t kLargestKernel = 1024;

constexpr const char* kExample = "a list such as [{conv: {channels: 6, kernel: 5}}, relu, {max_pool: 2}]";

/// Whether a layer's value is one number that stands for `key` alone: `dense: 120`.
bool is_short(const YamlNode& value) { return value.kind == Kind::scalar; }

void read_size(const YamlNode& value, const std::string& path, std::string_view key, std::size_t& out,
               std::uint64_t most, Problems& problems) {
  if (is_short(value)) {
    if (const auto read = read_integer(value, path, 1, most, problems)) out = static_cast<std::size_t>(*read);
    return;
  }
  Fields fields(problems, &value, path);
  fields.integer(key, out, 1, most, Presence::required);
  fields.refuse_unknown();
}

void read_convolution(const YamlNode& value, const std::string& path, LayerConfig& layer,
                      Problems& problems) {
  Fields fields(problems, &value, path);
  fields.integer("channels", layer.outputs, 1, kMostChannels, Presence::required);
  const bool sized = fields.integer("kernel", layer.kernel, 1, kLargestKernel, Presence::required);
  fields.integer("stride", layer.stride, 1, kLargestKernel);
  const bool padded = fields.integer("padding", layer.padding, 0, kLargestKernel);
  if (sized && padded && layer.padding >= layer.kernel) {
    problems.add(
        fields.place_of("padding"),
        fmt::format("{} is {}, and the kernel {}", fields.path_of("padding"), layer.padding, layer.kernel),
        fmt::format("less than {}", fields.path_of("kernel")));
  }
  fields.refuse_unknown();
}

void read_pool(const YamlNode& value, const std::string& path, LayerConfig& layer, Problems& problems) {
  if (is_short(value)) {
    read_size(value, path, "kernel", layer.kernel, kLargestKernel, problems);
    layer.stride = layer.kernel;
    return;
  }
  Fields fields(problems, &value, path);
  fields.integer("kernel", layer.kernel, 1, kLargestKernel, Presence::required);
  layer.stride = layer.kernel;
  fields.integer("stride", layer.stride, 1, kLargestKernel);
  fields.refuse_unknown();
}

void read_dropout(const YamlNode& value, const std::string& path, LayerConfig& layer, Problems& problems) {
  const Range range = Range::below(0, 1);
  if (is_short(value)) {
    if (const auto rate = read_number(value, path, range, problems)) layer.rate = *rate;
    return;
  }
  Fields fields(problems, &value, path);
  fields.number("rate", layer.rate, range, Presence::required);
  fields.refuse_unknown();
}

void read_values(const YamlNode& value, const std::string& path, LayerConfig& layer, Problems& problems) {
  if (value.kind == Kind::broken) return;
  if (layer.kind == "conv") return read_convolution(value, path, layer, problems);
  if (layer.kind == "dropout") return read_dropout(value, path, layer, problems);
  if (layer.kind == "dense") return read_size(value, path, "outputs", layer.outputs, kMostOutputs, problems);
  if (layer.kind == "group_norm")
    return read_size(value, path, "groups", layer.groups, kMostChannels, problems);
  if (layer.kind == "max_pool" || layer.kind == "average_pool")
    return read_pool(value, path, layer, problems);
  problems.add(value.place, fmt::format("{} is {}", path, describe_value(value)),
               fmt::format("the word {} alone", layer.kind));
}

void refuse_kind(Place place, const std::string& path, const std::string& word, Problems& problems) {
  problems.add(place, fmt::format("{} is {}{}", path, in_quotes(word), perhaps(word, kLayers)),
               one_of(kLayers));
}

/// `relu`, or a map of one key: {conv: {...}}.
void read_layer(const YamlNode& node, const std::string& path, LayerConfig& layer, Problems& problems) {
  if (node.kind == Kind::broken) return;
  if (node.kind == Kind::scalar) {
    const auto kind = read_choice(node, path, kLayers, problems);
    if (!kind) return;
    layer.kind = *kind;
    if (layer.kind == "relu") return;
    problems.add(node.place, fmt::format("{} is {} without its sizes", path, layer.kind),
                 layer.kind == "conv" ? std::string("a map such as {conv: {channels: 6, kernel: 5}}")
                                      : fmt::format("a map such as {{{}: 2}}", layer.kind));
    return;
  }
  if (node.kind != Kind::map || node.keys.size() != 1) {
    problems.add(node.place,
                 node.kind == Kind::map ? fmt::format("{} has {} keys", path, node.keys.size())
                                        : fmt::format("{} is {}", path, describe_value(node)),
                 "relu, or a map of one layer such as {max_pool: 2}");
    return;
  }
  layer.kind = node.keys.front().text;
  if (std::find(kLayers.begin(), kLayers.end(), layer.kind) == kLayers.end())
    return refuse_kind(node.keys.front().place, path, layer.kind, problems);
  read_values(node.children.front(), fmt::format("{}.{}", path, layer.kind), layer, problems);
}

}  // namespace

void read_layers(Fields& fields, ModelConfig& model) {
  const bool is_cnn = model.kind == "cnn";
  const YamlNode* node = fields.find("layers", is_cnn ? Presence::required : Presence::optional);
  if (node == nullptr || node->kind == Kind::broken) return;
  const std::string path = fields.path_of("layers");
  Problems& problems = fields.problems();
  if (!is_cnn) {
    problems.add(node->place, fmt::format("{} with a {} model", path, model.kind), "no layers, or kind: cnn");
    return;
  }
  if (node->kind != Kind::list || node->children.empty() || node->children.size() > kMostLayers) {
    const std::string found =
        node->kind == Kind::list ? fmt::format("a list of {}", node->children.size()) : describe_value(*node);
    problems.add(node->place, fmt::format("{} is {}", path, found), kExample);
    return;
  }
  for (std::size_t i = 0; i < node->children.size(); ++i)
    read_layer(node->children[i], fmt::format("{}[{}]", path, i), model.layers.emplace_back(), problems);
}

std::string layer_yaml(const LayerConfig& layer) {
  if (layer.kind == "conv") {
    return fmt::format("conv: {{channels: {}, kernel: {}, stride: {}, padding: {}}}", layer.outputs,
                       layer.kernel, layer.stride, layer.padding);
  }
  if (layer.kind == "max_pool" || layer.kind == "average_pool")
    return fmt::format("{}: {{kernel: {}, stride: {}}}", layer.kind, layer.kernel, layer.stride);
  if (layer.kind == "dropout") return fmt::format("dropout: {}", layer.rate);
  if (layer.kind == "dense") return fmt::format("dense: {}", layer.outputs);
  if (layer.kind == "group_norm") return fmt::format("group_norm: {}", layer.groups);
  return layer.kind;
}

}  // namespace meridian

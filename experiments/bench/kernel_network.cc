#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "experiments/bench/kernel.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "src/model/network.h"

namespace meridian::bench {
namespace {

constexpr std::size_t kBatch = 256;

/// A perceptron 784-512-512-10 and one batch.
struct Training {
  Training() {
    for (const TableSpec& table : network.tables()) {
      for (std::size_t i = 0; i < 2; ++i) buffers.emplace_back(table.size());
    }
    for (std::size_t table = 0; table < network.tables().size(); ++table) {
      network.fill_initial_values(table, 1, buffers[2 * table].span());
      parameters.emplace_back(buffers[2 * table].span());
      gradient.push_back(buffers[2 * table + 1].span());
    }
    Random random(1);
    for (float& value : input.span()) value = static_cast<float>(random.normal());
    for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(random.below(10));
  }

  std::vector<LayerDescription> layers = {{.kind = "dense", .outputs = 512},
                                          {.kind = "relu"},
                                          {.kind = "dense", .outputs = 512},
                                          {.kind = "relu"}};
  Network network = std::move(Network::from_description(layers, {1, 28, 28}, 10)).value();
  std::vector<FloatBuffer> buffers;
  std::vector<std::span<const float>> parameters;
  std::vector<std::span<float>> gradient;
  FloatBuffer input = FloatBuffer(kBatch * 784);
  std::vector<std::uint8_t> labels = std::vector<std::uint8_t>(kBatch);
  NetworkScratch scratch;
};

}  // namespace

void add_network_kernels(std::vector<Kernel>& kernels) {
  const auto training = std::make_shared<Training>();
  // Two operations for each product and sum: forward, gradient by the weights and, but for the first layer,
  // gradient by the input.
  constexpr double kOperations = kBatch * (4.0 * 784 * 512 + 6.0 * 512 * 512 + 6.0 * 512 * 10);
  kernels.push_back({.name = "gradient of a perceptron 784-512-512-10, batch 256",
                     .limit = kProducts,
                     .work = kOperations,
                     .unit = Work::operations,
                     .prepare = {},
                     .call = [training] {
                       training->network.compute_gradient({training->input.data(), kBatch, 784},
                                                          training->labels, training->parameters,
                                                          training->gradient, training->scratch);
                     }});
}

}  // namespace meridian::bench

// How fast networks train on one thread: images per second of its processor time (gradient and a step of
// stochastic gradient descent) of perceptrons and of a LeNet, and which share of the core's arithmetic peak
// that is. The peak is what a large product of matrices reaches just before. networks_torch.py measures the
// same networks in PyTorch; run the two in turn.
//
//   bench_networks [ROUNDS]        ROUNDS (5) rows for each network; compare medians
#include <fmt/format.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/float_buffer.h"
#include "src/base/random.h"
#include "src/math/elementwise.h"
#include "src/math/products.h"
#include "src/model/network.h"

namespace meridian {
namespace {

constexpr double kSecondsOfRow = 0.5;
constexpr std::size_t kPeakSide = 1024;
constexpr const char* kRow = "{:<16} {:>5} {:>10} {:>10} {:>10} {:>8}\n";

struct Named {
  std::string name;
  std::vector<LayerDescription> layers;
  double flops;  // of one image in training: two for each product and sum
};

LayerDescription dense(std::size_t outputs) { return {.kind = "dense", .outputs = outputs}; }

/// Forward, gradient by the weights and, but for the first layer, gradient by the input.
double training_flops(const std::vector<double>& products_of_layers) {
  double flops = -2.0 * products_of_layers.front();
  for (const double products : products_of_layers) flops += 3.0 * 2.0 * products;
  return flops;
}

std::vector<Named> networks() {
  const LayerDescription relu{.kind = "relu"};
  const LayerDescription pool{.kind = "max_pool", .kernel = 2, .stride = 2};
  return {
      {"784-128-10", {dense(128), relu}, training_flops({784 * 128, 128 * 10})},
      {"784-512-512-10",
       {dense(512), relu, dense(512), relu},
       training_flops({784 * 512, 512 * 512, 512 * 10})},
      {"LeNet",
       {{.kind = "conv", .outputs = 6, .kernel = 5, .padding = 2},
        relu,
        pool,
        {.kind = "conv", .outputs = 16, .kernel = 5},
        relu,
        pool,
        dense(120),
        relu,
        dense(84),
        relu},
       training_flops({28 * 28 * 6 * 25, 10 * 10 * 16 * 6 * 25, 400 * 120, 120 * 84, 84 * 10})},
  };
}

/// Of this thread: on a machine that does other things too, what the work itself takes.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Calls of run() per second of the processor.
template <typename Run>
double rate_of(double seconds, Run run) {
  run();
  const double begin = processor_seconds();
  std::size_t calls = 0;
  do {
    run();
    ++calls;
  } while (processor_seconds() - begin < seconds);
  return static_cast<double>(calls) / (processor_seconds() - begin);
}

double peak_flops() {
  FloatBuffer a(kPeakSide * kPeakSide);
  FloatBuffer b(a.size());
  FloatBuffer c(a.size());
  const auto side = static_cast<double>(kPeakSide);
  return 2.0 * side * side * side * rate_of(kSecondsOfRow, [&] {
           multiply({a.data(), kPeakSide, kPeakSide}, {b.data(), kPeakSide, kPeakSide},
                    {c.data(), kPeakSide, kPeakSide});
         });
}

/// Images per second.
double measure(const Named& named, std::size_t batch) {
  const Result<Network> made = Network::from_description(named.layers, {1, 28, 28}, 10);
  const Network& network = made.value();
  std::vector<FloatBuffer> buffers;
  std::vector<std::span<float>> parameters;
  std::vector<std::span<const float>> views;
  std::vector<std::span<float>> gradient;
  for (const TableSpec& table : network.tables()) {
    for (std::size_t i = 0; i < 2; ++i) buffers.emplace_back(table.size());
  }
  for (std::size_t table = 0; table < network.tables().size(); ++table) {
    parameters.push_back(buffers[2 * table].span());
    views.emplace_back(parameters.back());
    gradient.push_back(buffers[2 * table + 1].span());
    network.fill_initial_values(table, 1, parameters.back());
  }
  Random random(1);
  FloatBuffer input(batch * network.inputs());
  for (float& value : input.span()) value = static_cast<float>(random.normal());
  std::vector<std::uint8_t> labels(batch);
  for (std::uint8_t& label : labels) label = static_cast<std::uint8_t>(random.below(10));
  NetworkScratch scratch;
  const float rate = -0.01F / static_cast<float>(batch);
  return static_cast<double>(batch) * rate_of(kSecondsOfRow, [&] {
           network.compute_gradient({input.data(), batch, network.inputs()}, labels, views, gradient,
                                    scratch);
           for (std::size_t table = 0; table < gradient.size(); ++table) {
             const std::span<float> values = parameters[table];
             const std::span<const float> slope = gradient[table];
             for (std::size_t i = 0; i < values.size(); ++i) values[i] += rate * slope[i];
           }
         });
}

void measure_all(int rounds) {
  fmt::print(kRow, "network", "batch", "images/s", "Gflop/s", "peak", "share");
  for (int round = 0; round < rounds; ++round) {
    for (const Named& named : networks()) {
      for (const std::size_t batch : {64U, 256U}) {
        const double peak = peak_flops();
        const double images = measure(named, batch);
        fmt::print(kRow, named.name, batch, fmt::format("{:.0f}", images),
                   fmt::format("{:.1f}", 1e-9 * images * named.flops), fmt::format("{:.1f}", 1e-9 * peak),
                   fmt::format("{:.0f} %", 100.0 * images * named.flops / peak));
      }
    }
  }
}

}  // namespace
}  // namespace meridian

int main(int count, char** arguments) {
  meridian::bench::require_wanted_instruction_set();
  meridian::measure_all(count > 1 ? std::atoi(arguments[1]) : 5);  // NOLINT(cert-err34-c)
}

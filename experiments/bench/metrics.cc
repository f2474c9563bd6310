// What being watched costs a process: the time that its main thread takes for one snapshot of a server's
// metrics, and that another thread takes to write it as text, by the number of datacenters. A snapshot is
// made when somebody asks, and nothing is done for metrics otherwise.
#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/config/config_reader.h"
#include "src/program/deployment.h"
#include "src/program/node_metrics.h"

namespace meridian::program {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kRounds = 2000;

std::string configuration(std::size_t datacenters) {
  std::string text =
      "name: bench\n"
      "workload:\n"
      "  model: {kind: mlp, hidden: [128]}\n"
      "  data: {format: generated, generated_train: 1280, generated_test: 100}\n"
      "  optimizer: {learning_rate: 0.01}\n"
      "  batch: 1\n"
      "  compute: {seconds_per_clock: 0.05}\n"
      "  stop: {clocks: 200}\n"
      "wan: {links: {default: {bandwidth_mbps: 100, rtt_ms: 80}}}\n"
      "datacenters:\n";
  for (std::size_t d = 0; d < datacenters; ++d) text += fmt::format("  - {{name: d{}}}\n", d);
  return text;
}

struct Percentiles {
  double middle_us = 0.0;
  double p99_us = 0.0;
};

template <typename Work>
Percentiles measure(Work work) {
  std::vector<double> times;
  for (int round = 0; round < kRounds; ++round) {
    const Clock::time_point began = Clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - began).count());
  }
  std::sort(times.begin(), times.end());
  return {times[times.size() / 2], times[times.size() * 99 / 100]};
}

int bench(std::size_t datacenters) {
  Result<Config> config = read_config_text(configuration(datacenters), "bench.yaml", {},
                                           [](const std::string&) { return std::optional<std::string>(); });
  if (!config) return fmt::print(stderr, "{}\n", config.error().message), 1;
  const auto deployment = Deployment::create(std::move(config).value());
  if (!deployment) return fmt::print(stderr, "{}\n", deployment.error().message), 1;
  const auto server = deployment.value()->make_server(0, 0, 1);
  if (!server) return fmt::print(stderr, "{}\n", server.error().message), 1;
  const std::optional<Measured> measured(Measured{});
  const auto snapshot = [&] {
    monitoring::MetricSet set(process_labels(deployment.value()->config(), ProcessId::server(0, 0)));
    add_server(set, *deployment.value(), *server.value(), Time{0});
    add_datacenter(set, *deployment.value(), 0, measured);
    add_process(set, *deployment.value(), {}, {});
    return set.take();
  };
  const auto families = snapshot();
  const Percentiles made = measure([&] { (void)snapshot(); });
  const Percentiles written = measure([&] { (void)prometheus::TextSerializer().Serialize(families); });
  std::size_t series = 0;
  for (const auto& family : families) series += family.metric.size();
  fmt::print("{:>11} {:>7} {:>12.0f} {:>12.0f} {:>12.0f} {:>12.0f}\n", datacenters, series, made.middle_us,
             made.p99_us, written.middle_us, written.p99_us);
  return 0;
}

}  // namespace
}  // namespace meridian::program

int main() {
  meridian::bench::require_wanted_instruction_set();
  fmt::print("{:>11} {:>7} {:>12} {:>12} {:>12} {:>12}\n", "datacenters", "series", "made p50 us",
             "made p99 us", "text p50 us", "text p99 us");
  for (const std::size_t datacenters : {3, 11, 64}) {
    if (const int code = meridian::program::bench(datacenters); code != 0) return code;
  }
  return 0;
}

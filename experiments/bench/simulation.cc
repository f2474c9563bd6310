// How the simulator scales: events per second and bytes of memory per datacenter for 2 to 64 datacenters,
// over hubs and as a mesh. Arithmetic is kept small, a linear model and one image per gradient, so that
// messages are what is measured. Time is linear in messages where the processor's time per message stays
// level; it, unlike wall time, says so on a busy machine too.
#include "src/runtime/simulated/simulation.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/config/config_reader.h"
#include "src/program/deployment.h"
#include "src/program/link_parts.h"
#include "src/runtime/forwarding_machine.h"

namespace meridian::program {
namespace {

constexpr std::size_t kGroup = 8;  // a hub and its members

constexpr const char* kRow = "{:<8} {:>11} {:>6} {:>8} {:>9} {:>8} {:>9} {:>14} {:>16}\n";

std::string name_of(std::size_t datacenter) { return fmt::format("d{}", datacenter); }

std::string configuration(std::size_t datacenters, bool hubs) {
  std::string text =
      "name: bench\n"
      "workload:\n"
      "  model: softmax\n"
      "  data: {format: generated, generated_train: 1280, generated_test: 100}\n"
      "  optimizer: {learning_rate: 0.01}\n"
      "  batch: 1\n"
      "  evaluate_every: 1000\n"
      "  compute: {seconds_per_clock: 0.05, spread: 0.1}\n"
      "  stop: {clocks: 200}\n"
      "datacenters:\n";
  for (std::size_t d = 0; d < datacenters; ++d) text += fmt::format("  - {{name: {}}}\n", name_of(d));
  text +=
      "wan:\n"
      "  links: {default: {bandwidth_mbps: 100, rtt_ms: 80}}\n"
      "  parameters: {v0: 1, ds: 8}\n";
  if (!hubs) return text;
  text += "  topology:\n    hubs:\n";
  for (std::size_t hub = 0; hub < datacenters; hub += kGroup) {
    std::string members;
    for (std::size_t d = hub + 1; d < std::min(hub + kGroup, datacenters); ++d) {
      members += (members.empty() ? "" : ", ") + name_of(d);
    }
    text += fmt::format("      - {{hub: {}, members: [{}]}}\n", name_of(hub), members);
  }
  return text;
}

/// Pairs of datacenters that exchange.
std::size_t links_of(std::size_t datacenters, bool hubs) {
  if (!hubs) return datacenters * (datacenters - 1) / 2;
  const std::size_t groups = (datacenters + kGroup - 1) / kGroup;
  return datacenters - groups + groups * (groups - 1) / 2;
}

std::size_t resident_bytes() {
  std::size_t total_pages = 0;
  std::size_t resident_pages = 0;
  std::ifstream("/proc/self/statm") >> total_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::size_t most_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::size_t>(usage.ru_maxrss) * 1024;
}

/// Passes everything on to a machine and counts its messages.
class CountingMachine final : public ForwardingMachine {
 public:
  CountingMachine(Machine& machine, std::uint64_t& messages)
      : ForwardingMachine(machine), messages_(messages) {}

  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    ++messages_;
    ForwardingMachine::on_message(now, from, channel, std::move(message), actions);
  }

 private:
  std::uint64_t& messages_;
};

/// One simulation; prints its row.
int measure(std::size_t datacenters, bool hubs) {
  Result<Config> config = read_config_text(configuration(datacenters, hubs), "bench.yaml", {}, {});
  if (!config) {
    fmt::print(stderr, "{}\n", config.error().message);
    return EXIT_FAILURE;
  }
  const Result<std::unique_ptr<Deployment>> made = Deployment::create(std::move(config).value());
  if (!made) {
    fmt::print(stderr, "{}\n", made.error().message);
    return EXIT_FAILURE;
  }
  const Deployment& deployment = *made.value();
  // Data and model are there now, once for all: what is added from here on is the datacenters' own.
  const std::size_t bytes_before = resident_bytes();
  const double processor_before = processor_seconds();
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::unique_ptr<wan::MirroredServer>> servers;
  std::vector<std::unique_ptr<datacenter::Worker>> workers;
  std::vector<std::unique_ptr<CountingMachine>> counted;
  std::uint64_t messages = 0;
  const auto add = [&](Simulation& simulation, ProcessId id, Machine& machine) {
    counted.push_back(std::make_unique<CountingMachine>(machine, messages));
    simulation.add(id, *counted.back());
  };
  const auto& links = deployment.config().wan.links;
  Simulation simulation({.link =
                             [&links](std::uint16_t from, std::uint16_t to) {
                               return wide_area_link_options(links[from][to], links[to][from]);
                             },
                         .lan = shared_link_options(deployment.config().wan.lan)});
  for (const ProcessId id : deployment.processes()) {
    if (id.role == Role::worker) {
      workers.push_back(deployment.make_worker(id.datacenter, id.index, /*incarnation=*/1));
      add(simulation, id, *workers.back());
      continue;
    }
    auto server = deployment.make_server(id.datacenter, id.index, /*incarnation=*/1);
    if (!server) {
      fmt::print(stderr, "{}\n", server.error().message);
      return EXIT_FAILURE;
    }
    servers.push_back(std::move(server).value());
    add(simulation, id, *servers.back());
  }
  const Simulation::Outcome outcome = simulation.run();
  if (outcome.fault) {
    fmt::print(stderr, "the simulation failed: {}\n", outcome.fault->reason);
    return EXIT_FAILURE;
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double processor = processor_seconds() - processor_before;
  const auto bytes = static_cast<double>(most_resident_bytes() - bytes_before);
  fmt::print(kRow, hubs ? "hubs" : "mesh", datacenters, links_of(datacenters, hubs), outcome.events, messages,
             fmt::format("{:.2f}", seconds),
             fmt::format("{:.0f}", static_cast<double>(outcome.events) / seconds),
             fmt::format("{:.1f}", 1e6 * processor / static_cast<double>(messages)),
             fmt::format("{:.0f}", bytes / static_cast<double>(datacenters)));
  return EXIT_SUCCESS;
}

/// In a process of its own, so that a row's memory is its own.
bool measure_apart(std::size_t datacenters, bool hubs) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const int code = measure(datacenters, hubs);
    std::fflush(stdout);
    _exit(code);
  }
  int status = 0;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
         WEXITSTATUS(status) == EXIT_SUCCESS;
}

int measure_all() {
  fmt::print(kRow, "topology", "datacenters", "links", "events", "messages", "seconds", "events/s",
             "CPU us/message", "bytes/datacenter");
  for (const bool hubs : {true, false}) {
    for (const std::size_t datacenters : {2U, 4U, 8U, 16U, 32U, 64U}) {
      if (!measure_apart(datacenters, hubs)) return EXIT_FAILURE;
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace meridian::program

int main() {
  meridian::bench::require_wanted_instruction_set();
  return meridian::program::measure_all();
}

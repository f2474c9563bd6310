// The kernel's own shaper, `tc tbf`, between two network namespaces, beside the emulator.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/network_namespace.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/throughput.h"
#include "experiments/precision/timer_error.h"
#include "src/network/congestion_window.h"

namespace meridian::precision {

namespace {

constexpr Time kLasting = std::chrono::seconds(5);
// tbf counts Ethernet frames, and the emulator payload.
constexpr double kPayloadShare = CongestionWindow::kSegmentBytes / 1514.0;

struct Shares {
  std::vector<double> kernel;
  std::vector<double> emulator;
};

void require(const Failure& failure) {
  if (failure) throw std::runtime_error(failure->message);
}

/// Two hosts in namespaces of their own; what the first sends to the second is shaped.
class KernelPair {
 public:
  KernelPair(NetworkNamespace here, NetworkNamespace there)
      : here_(std::move(here)), there_(std::move(there)) {
    require(here_.command(fmt::format("ip link add shaped type veth peer name far netns {}", there_.path())));
    require(here_.command("ip addr add 10.0.0.1/24 dev shaped && ip link set shaped up"));
    require(there_.command("ip addr add 10.0.0.2/24 dev far && ip link set far up"));
  }

  // The bucket holds 4 ms, so that what it lets through at once hardly counts in the measured seconds.
  void shape(double mbit) const {
    const double burst_bytes = std::max(32.0 * 1024, bytes_per_s(mbit) * 0.004);
    require(here_.command(
        fmt::format("tc qdisc replace dev shaped root tbf rate {:.0f}mbit burst {:.0f} latency 100ms", mbit,
                    burst_bytes)));
  }

  Connection connect() const {
    std::optional<TcpSocket> listener;
    there_.inside([&] { listener.emplace(TcpSocket::listening("10.0.0.2")); });
    std::optional<TcpSocket> sender;
    here_.inside([&] { sender.emplace(TcpSocket::connected(listener->port(), "10.0.0.2")); });
    return {std::move(*sender), listener->accept()};
  }

 private:
  NetworkNamespace here_;
  NetworkNamespace there_;
};

std::string skipped(const std::string& why) { return "Not measured on this machine: " + why + "\n"; }

}  // namespace

std::string kernel(const Plan& plan) {
  auto here = NetworkNamespace::create();
  auto there = NetworkNamespace::create();
  if (!here || !there) return skipped((here ? there : here).error().message);
  std::optional<KernelPair> pair;
  try {
    pair.emplace(std::move(here).value(), std::move(there).value());
    pair->shape(10);
  } catch (const std::runtime_error& error) {
    return skipped(error.what());
  }

  const Surroundings surroundings(plan.rounds);
  std::map<double, Shares> measured;
  for (int round = 1; round <= plan.rounds; ++round) {
    for (const double mbit : {10.0, 116.0, 500.0}) {
      say(fmt::format("kernel, round {} of {}: {} Mb/s", round, plan.rounds, mbit));
      pair->shape(mbit);
      std::vector<Connection> through_kernel;
      through_kernel.push_back(pair->connect());
      measured[mbit].kernel.push_back(throughput(through_kernel, kLasting) / bytes_per_s(mbit));
      EmulatedPairs emulated(std::vector<EmulatedPair>{{.rate_bytes_per_s = bytes_per_s(mbit)}});
      auto through_emulator = emulated.connect_many(1);
      measured[mbit].emulator.push_back(throughput(through_emulator, kLasting) / bytes_per_s(mbit));
    }
  }
  Table table(
      {"configured rate", "kernel, payload / rate", "kernel, frames / rate", "emulator, payload / rate"});
  for (const auto& [mbit, shares] : measured) {
    std::vector<double> frames;
    for (const double share : shares.kernel) frames.push_back(share / kPayloadShare);
    table.add({fmt::format("{} Mb/s", mbit), median_and_range(shares.kernel, 3), median_and_range(frames, 3),
               median_and_range(shares.emulator, 3)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision

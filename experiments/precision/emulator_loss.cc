// Throughput of one connection over a link that loses, against the formula of Mathis et al. (1997).
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/throughput.h"
#include "experiments/precision/timer_error.h"
#include "src/network/congestion_window.h"
#include "src/network/wide_area_link.h"

namespace meridian::precision {

namespace {

constexpr double kRate = bytes_per_s(1000);  // far above what any of these connections gets
// The first losses end slow start, which the formula does not know.
constexpr Time kSlowStart = std::chrono::seconds(5);
constexpr Time kLasting = std::chrono::seconds(30);
constexpr Time kVirtuallyLasting = std::chrono::seconds(1000);

struct Case {
  double loss = 0;
  int rtt_ms = 0;

  Time delay() const { return std::chrono::microseconds(500) * rtt_ms; }
  double formula_bytes_per_s() const {
    return 1.22 * CongestionWindow::kSegmentBytes / (rtt_ms / 1e3) / std::sqrt(loss);
  }
};

// The same link in virtual time, with as much waiting for the window as a socket would hold.
double simulated_bytes_per_s(const Case& one, std::uint64_t seed) {
  constexpr std::size_t kMessage = std::size_t{16} * 1024;
  WideAreaLink link({.link = {.rate_bytes_per_s = kRate, .delay = one.delay()},
                     .loss = one.loss,
                     .return_delay = one.delay()},
                    seed);
  std::uint64_t cookie = 0;
  for (; cookie < 256; ++cookie) link.send(Time{0}, 0, kMessage, cookie);
  double bytes = 0;
  std::vector<WideAreaLink::Arrival> arrived;
  while (const auto next = link.next_event()) {
    if (*next > kSlowStart + kVirtuallyLasting) break;
    arrived.clear();
    link.advance(*next, arrived);
    for (const WideAreaLink::Arrival& arrival : arrived) {
      if (*next > kSlowStart) bytes += static_cast<double>(arrival.bytes);
      link.send(*next, 0, kMessage, cookie++);
    }
  }
  return bytes / to_seconds(kVirtuallyLasting);
}

}  // namespace

std::string emulator_loss(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  std::vector<Case> cases;
  for (const double loss : {0.001, 0.005, 0.01, 0.02}) {
    for (const int rtt_ms : {20, 50, 100}) cases.push_back({loss, rtt_ms});
  }
  std::vector<std::vector<double>> emulated(cases.size());
  std::vector<std::vector<double>> simulated(cases.size());
  for (int round = 1; round <= plan.rounds; ++round) {
    say(fmt::format("loss, round {} of {}: {} links side by side", round, plan.rounds, cases.size()));
    std::vector<EmulatedPair> pairs;
    for (const Case& one : cases) {
      pairs.push_back({.rate_bytes_per_s = kRate,
                       .delay = one.delay(),
                       .loss = one.loss,
                       .seed = static_cast<std::uint64_t>(round) * cases.size() + pairs.size()});
    }
    EmulatedPairs emulator(pairs);
    std::vector<Connection> connections;
    for (std::size_t i = 0; i < cases.size(); ++i) connections.push_back(emulator.connect(i));
    const auto rates = throughputs(connections, kLasting, kSlowStart);
    for (std::size_t i = 0; i < cases.size(); ++i) {
      const double formula = cases[i].formula_bytes_per_s();
      emulated[i].push_back(rates[i] / formula);
      simulated[i].push_back(simulated_bytes_per_s(cases[i], static_cast<std::uint64_t>(round)) / formula);
    }
  }
  Table table({"loss", "RTT", "formula, Mb/s", "emulator / formula", "virtual time / formula"});
  for (std::size_t i = 0; i < cases.size(); ++i) {
    table.add({fmt::format("{:.1f} %", cases[i].loss * 100), fmt::format("{} ms", cases[i].rtt_ms),
               fmt::format("{:.2f}", cases[i].formula_bytes_per_s() * 8 / 1e6),
               median_and_range(emulated[i], 2), median_and_range(simulated[i], 2)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision

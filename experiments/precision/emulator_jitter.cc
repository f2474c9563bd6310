// Whether delays that vary are distributed as configured.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/message_delays.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/timer_error.h"
#include "src/base/random.h"

namespace meridian::precision {

namespace {

constexpr double kRate = bytes_per_s(100);
constexpr Time kDelay = std::chrono::milliseconds(50);
constexpr std::size_t kMessages = 1500;
// A link draws anew in each millisecond.
constexpr Time kApart = std::chrono::milliseconds(3);
// A message is held up by an earlier one of its connection that is later than it, and must not be here: one
// connection's messages are farther apart than delays are.
constexpr std::size_t kConnections = 40;

struct Jitter {
  std::string name;
  DelayVariation::Options options;
  std::function<double(double)> distribution;  // of what is added to the mean delay, in ms
};

double in_ms(Time time) { return to_seconds(time) * 1e3; }

Jitter uniform_jitter() {
  const Time width = std::chrono::milliseconds(20);
  return {"uniform, ±20 ms", {.kind = DelayVariation::Kind::uniform, .width = width}, [width](double ms) {
            return std::clamp(0.5 + ms / (2 * in_ms(width)), 0.0, 1.0);
          }};
}

Jitter normal_jitter() {
  const Time width = std::chrono::milliseconds(5);
  return {"normal, σ 5 ms", {.kind = DelayVariation::Kind::normal, .width = width}, [width](double ms) {
            return 0.5 * std::erfc(-ms / in_ms(width) / std::numbers::sqrt2);
          }};
}

// As a mobile network's: mostly a little, at times much.
Jitter recorded_jitter() {
  DelayVariation::Options options{.kind = DelayVariation::Kind::recorded};
  Random random(4);
  for (int i = 0; i < 500; ++i) {
    const double ms = std::min(50.0, 4.0 * std::exp(random.normal()));
    options.samples.push_back(from_seconds(ms / 1e3));
  }
  std::sort(options.samples.begin(), options.samples.end());
  const auto distribution = [samples = options.samples](double ms) {
    const auto above = std::upper_bound(samples.begin(), samples.end(), from_seconds(ms / 1e3));
    return static_cast<double>(above - samples.begin()) / static_cast<double>(samples.size());
  };
  return {"recorded, 500 samples up to 50 ms", options, distribution};
}

// What the same link does in virtual time: no machine, no noise.
std::vector<double> in_virtual_time(const Jitter& jitter, std::uint64_t seed) {
  WideAreaLink link({.link = {.rate_bytes_per_s = kRate, .delay = kDelay}, .variation = jitter.options},
                    seed);
  std::vector<double> added_ms;
  for (std::size_t i = 0; i < kMessages; ++i) {
    const Time now = std::chrono::seconds(1) * static_cast<Time::rep>(i);
    link.send(now, 0, 8, i);
    std::vector<WideAreaLink::Arrival> arrived;
    while (const auto next = link.next_event()) {
      link.advance(*next, arrived);
      if (!arrived.empty()) added_ms.push_back(in_ms(*next - now - kDelay));
      arrived.clear();
    }
  }
  return added_ms;
}

}  // namespace

std::string emulator_jitter(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  const std::vector<Jitter> jitters{uniform_jitter(), normal_jitter(), recorded_jitter()};
  std::vector<std::vector<double>> emulated(jitters.size());
  std::vector<std::vector<double>> simulated(jitters.size());
  std::vector<std::vector<double>> middle(jitters.size());
  for (int round = 1; round <= plan.rounds; ++round) {
    for (std::size_t i = 0; i < jitters.size(); ++i) {
      say(fmt::format("jitter, round {} of {}: {}", round, plan.rounds, jitters[i].name));
      EmulatedPairs pairs({{.rate_bytes_per_s = kRate, .delay = kDelay, .variation = jitters[i].options}});
      auto connections = pairs.connect_many(kConnections);
      auto delays = delays_ms(connections, kMessages, kApart);
      for (double& delay : delays) delay -= in_ms(kDelay);
      emulated[i].push_back(kolmogorov_smirnov(delays, jitters[i].distribution));
      simulated[i].push_back(kolmogorov_smirnov(
          in_virtual_time(jitters[i], static_cast<std::uint64_t>(round)), jitters[i].distribution));
      const double half = jitters[i].distribution(median(delays));
      middle[i].push_back(half);
    }
  }
  Table table({"jitter", "statistic, emulator", "statistic, virtual time", "critical at 1 %",
               "configured share below the measured median"});
  for (std::size_t i = 0; i < jitters.size(); ++i) {
    table.add({jitters[i].name, median_and_range(emulated[i], 3), median_and_range(simulated[i], 3),
               fmt::format("{:.3f}", kolmogorov_smirnov_critical(kMessages)),
               median_and_range(middle[i], 3)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision

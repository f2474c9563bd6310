// Whether delays that vary are distributed as configured.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>
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

std::vector<double> emulated_ms(const DelayVariation::Options& variation, int round) {
  EmulatedPairs pairs({{.rate_bytes_per_s = kRate,
                        .delay = kDelay,
                        .variation = variation,
                        .seed = static_cast<std::uint64_t>(round)}});
  auto connections = pairs.connect_many(kConnections);
  auto added = delays_ms(connections, kMessages, kApart);
  for (double& delay : added) delay -= in_ms(kDelay);
  return added;
}

// The jitter's distribution with the machine's own noise on top of it.
std::function<double(double)> with_noise(const Jitter& jitter, std::vector<double> noise_ms) {
  return [distribution = jitter.distribution, noise_ms = std::move(noise_ms)](double ms) {
    double sum = 0;
    for (const double noise : noise_ms) sum += distribution(ms - noise);
    return sum / static_cast<double>(noise_ms.size());
  };
}

struct Statistics {
  std::vector<double> emulated;
  std::vector<double> beside_noise;
  std::vector<double> simulated;
};

}  // namespace

std::string emulator_jitter(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  const std::vector<Jitter> jitters{uniform_jitter(), normal_jitter(), recorded_jitter()};
  std::vector<Statistics> statistics(jitters.size());
  std::vector<double> noise_median_ms;
  std::vector<double> noise_p99_ms;
  for (int round = 1; round <= plan.rounds; ++round) {
    say(fmt::format("jitter, round {} of {}: none", round, plan.rounds));
    const std::vector<double> noise_ms = emulated_ms({}, round);
    noise_median_ms.push_back(quantile(noise_ms, 0.5));
    noise_p99_ms.push_back(quantile(noise_ms, 0.99));
    for (std::size_t i = 0; i < jitters.size(); ++i) {
      const Jitter& jitter = jitters[i];
      say(fmt::format("jitter, round {} of {}: {}", round, plan.rounds, jitter.name));
      const std::vector<double> added_ms = emulated_ms(jitter.options, round);
      statistics[i].emulated.push_back(kolmogorov_smirnov(added_ms, jitter.distribution));
      statistics[i].beside_noise.push_back(kolmogorov_smirnov(added_ms, with_noise(jitter, noise_ms)));
      statistics[i].simulated.push_back(kolmogorov_smirnov(
          in_virtual_time(jitter, static_cast<std::uint64_t>(round)), jitter.distribution));
    }
  }
  Table table(
      {"jitter", "emulator", "emulator, the machine's noise allowed for", "virtual time", "critical at 1 %"});
  for (std::size_t i = 0; i < jitters.size(); ++i) {
    table.add({jitters[i].name, median_and_range(statistics[i].emulated, 3),
               median_and_range(statistics[i].beside_noise, 3), median_and_range(statistics[i].simulated, 3),
               fmt::format("{:.3f}", kolmogorov_smirnov_critical(kMessages))});
  }
  return table.markdown() +
         fmt::format(
             "\nThe same messages without jitter were later than configured by {} ms in the median and {} "
             "ms at the 99th percentile. {}",
             median_and_range(noise_median_ms, 2), median_and_range(noise_p99_ms, 2), surroundings.line());
}

}  // namespace meridian::precision

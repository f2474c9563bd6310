// What the emulator adds to the configured delay at half load.
#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/message_delays.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/timer_error.h"

namespace meridian::precision {

namespace {

constexpr Time kLasting = std::chrono::seconds(4);

struct Rounds {
  std::vector<double> median_ms;
  std::vector<double> p99_ms;
};

}  // namespace

std::string emulator_delay(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  const std::vector<double> rates_mbit{1, 10, 58, 116, 250, 500};
  std::map<std::pair<double, int>, Rounds> measured;
  for (int round = 1; round <= plan.rounds; ++round) {
    for (const double mbit : rates_mbit) {
      for (const int rtt_ms : {20, 200}) {
        say(fmt::format("delay, round {} of {}: {} Mb/s, RTT {} ms", round, plan.rounds, mbit, rtt_ms));
        const Time delay = std::chrono::milliseconds(rtt_ms / 2);
        EmulatedPairs pairs({{.rate_bytes_per_s = bytes_per_s(mbit), .delay = delay}});
        Connection connection = pairs.connect();
        const auto beyond = beyond_at_half_load_ms(connection, bytes_per_s(mbit), delay, kLasting);
        Rounds& rounds = measured[{mbit, rtt_ms}];
        rounds.median_ms.push_back(quantile(beyond, 0.5));
        rounds.p99_ms.push_back(quantile(beyond, 0.99));
      }
    }
  }
  Table table({"configured rate", "RTT", "added, median ms", "added, 99th percentile ms"});
  for (const auto& [link, rounds] : measured) {
    table.add({fmt::format("{} Mb/s", link.first), fmt::format("{} ms", link.second),
               median_and_range(rounds.median_ms, 2), median_and_range(rounds.p99_ms, 2)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision

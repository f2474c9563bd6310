// Throughput of one and of eight connections over an emulated link, as a share of its rate.
#include <fmt/format.h>

#include <map>
#include <utility>
#include <vector>

#include "experiments/precision/measurements.h"
#include "experiments/precision/samples.h"
#include "experiments/precision/table.h"
#include "experiments/precision/throughput.h"
#include "experiments/precision/timer_error.h"

namespace meridian::precision {

namespace {

constexpr Time kDelay = std::chrono::milliseconds(20);
constexpr Time kLasting = std::chrono::seconds(5);

}  // namespace

std::string emulator_throughput(const Plan& plan) {
  const Surroundings surroundings(plan.rounds);
  const std::vector<double> rates_mbit{1, 10, 58, 116, 250, 500};
  std::map<std::pair<double, std::size_t>, std::vector<double>> shares;
  for (int round = 1; round <= plan.rounds; ++round) {
    for (const double mbit : rates_mbit) {
      for (const std::size_t count : {std::size_t{1}, std::size_t{8}}) {
        say(fmt::format("throughput, round {} of {}: {} Mb/s, {} connections", round, plan.rounds, mbit,
                        count));
        EmulatedPairs pairs({{.rate_bytes_per_s = bytes_per_s(mbit), .delay = kDelay}});
        auto connections = pairs.connect_many(count);
        shares[{mbit, count}].push_back(throughput(connections, kLasting) / bytes_per_s(mbit));
      }
    }
  }
  Table table({"configured rate", "one connection", "eight connections together"});
  for (const double mbit : rates_mbit) {
    table.add({fmt::format("{} Mb/s", mbit), median_and_range(shares[{mbit, 1}], 3),
               median_and_range(shares[{mbit, 8}], 3)});
  }
  return table.markdown() + "\n" + surroundings.line();
}

}  // namespace meridian::precision

// Goal: with `ds: auto` a deployment finds the staleness that its links need: waits for other datacenters'
// clocks nearly vanish, the configured limit holds and is warned of, and no read is ever served further ahead
// than the bound in force. Reached by whole runs over links of 200 ms, with a listener on every served read.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

/// Clocks of 20 ms over links of 100 ms each way.
DeploymentOptions far_apart(std::optional<Clock> ds, Clock ds_most = 32) {
  DeploymentOptions options;
  options.datacenters = {{.workers = 2, .servers = 1, .seconds_per_clock = 0.020},
                         {.workers = 1, .servers = 2, .seconds_per_clock = 0.020},
                         {.workers = 1, .servers = 1, .seconds_per_clock = 0.020}};
  options.spread = 0.05;
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e7, .delay = milliseconds(100)};
  };
  options.parameters.filter.defaults.v0 = 0.01;
  options.parameters.ds = ds;
  options.parameters.ds_most = ds_most;
  options.clocks = 200;
  return options;
}

struct Found {
  double waited_s = 0.0;  ///< per worker, for other datacenters' clocks
  Clock largest_bound = 0;
  Clock last_bound = 0;
  std::vector<std::string> notices;  ///< of all datacenters
};

/// Runs to the end; every served read keeps the bound that is in force when it is served.
Found found_by(const DeploymentOptions& options, std::size_t rows = 30) {
  const CountingWorkload workload(
      {.seed = 2, .workers = workers_of(options), .tables = {{"a", rows, 10}}, .poison = {}});
  Found found;
  std::map<std::pair<ProcessId, ProcessId>, Clock> reported;  // to the first, by the second
  const SimulatedDeployment* watched = nullptr;
  SimulatedDeployment::Taps taps;
  taps.before_message = [&](Time, ProcessId to, ProcessId from, const Message& message) {
    if (const auto* report = std::get_if<ClockReport>(&message.body)) reported[{to, from}] = report->clock;
  };
  taps.on_send = [&](Time, ProcessId from, ProcessId, const Message& message) {
    const auto* reply = std::get_if<PullReply>(&message.body);
    if (reply == nullptr || watched->log(from.datacenter).stopped_at) return;
    const Clock bound = watched->server(from).mirror().staleness_bound();
    found.largest_bound = std::max(found.largest_bound, bound);
    found.last_bound = bound;
    for (std::size_t d = 0; d < watched->datacenters(); ++d) {
      if (d == from.datacenter) continue;
      for (std::size_t s = 0; s < watched->servers(d); ++s) {
        const ProcessId peer =
            ProcessId::server(static_cast<std::uint16_t>(d), static_cast<std::uint16_t>(s));
        // Servers that share nothing tell each other nothing of clocks.
        if (watched->servers(from.datacenter) > 1 && watched->servers(d) > 1 && from.index != s) continue;
        EXPECT_GE((reported[{from, peer}]) + bound, reply->clock);
      }
    }
  };
  SimulatedDeployment deployment(options, workload, taps);
  watched = &deployment;
  const Simulation::Outcome outcome = deployment.run();
  EXPECT_FALSE(outcome.fault) << outcome.fault->reason;
  std::size_t workers = 0;
  for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
    workers += options.datacenters[d].workers;
    found.waited_s += to_seconds(deployment.log(d).final.value_or(Measured{}).waits.mirror_clock);
    const auto& notices = deployment.log(d).notices;
    found.notices.insert(found.notices.end(), notices.begin(), notices.end());
  }
  found.waited_s /= static_cast<double>(workers);
  return found;
}

TEST(AutoStaleness, RisesToWhatTheLinksNeed) {
  const Found lock_step = found_by(far_apart(0));
  // Each of 200 clocks waits for a report that is 100 ms on its way.
  EXPECT_GT(lock_step.waited_s, 200 * 0.09);
  const Found found = found_by(far_apart(std::nullopt));
  EXPECT_LT(found.waited_s, 0.05 * lock_step.waited_s);
  // 100 ms are five clocks; measuring adds a chunk's time and a held acknowledgement to the round trip.
  EXPECT_GE(found.last_bound, 5U);
  EXPECT_LE(found.last_bound, 12U);
  EXPECT_THAT(found.notices, Not(Contains(HasSubstr("wan.parameters.ds_most"))));
}

TEST(AutoStaleness, StaysWithinItsLimitAndWarns) {
  const Found found = found_by(far_apart(std::nullopt, /*ds_most=*/2));
  EXPECT_EQ(found.largest_bound, 2U);
  EXPECT_THAT(found.notices, Contains(HasSubstr("wan.parameters.ds_most")));
  // Two of the five clocks that a report takes are covered.
  EXPECT_GT(found.waited_s, 1.0);
}

TEST(AutoStaleness, IsSmallOverNearLinks) {
  DeploymentOptions options = far_apart(std::nullopt);
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e9, .delay = milliseconds(1)};
  };
  const Found found = found_by(options);
  EXPECT_LE(found.last_bound, 4U);
}

// Rules hold while the links, and with them the bound, change.
TEST(AutoStaleness, FollowsALinkThatSlowsDown) {
  DeploymentOptions options = far_apart(std::nullopt);
  options.clocks = 400;
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 2e6, .delay = milliseconds(20)};
  };
  const Found before = found_by(options, 300);
  options.faults = {LinkDegradation{.from = 0,
                                    .to = 1,
                                    .at = std::chrono::seconds(3),
                                    .lasts = std::chrono::hours(1),
                                    .values = {.rate_factor = 0.03}}};
  const Found after = found_by(options, 300);
  EXPECT_GT(after.largest_bound, before.largest_bound);
}

}  // namespace
}  // namespace meridian::wan

// Goal: while a deployment runs, no shard serves reads further ahead than its mode allows, whoever waits for
// the mirror clock has its wait counted, a value that is not finite ends the run with its place and is never
// sent, and a simulation is a function of its configuration and seed. Reached by drawn deployments with a tap
// on every message.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "src/wire/float_bytes.h"
#include "tests/wan/drawn_deployment.h"
#include "tests/wan/report_in.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using testing::HasSubstr;

/// Whether two servers share entries.
bool share(const MirroredServer& a, const MirroredServer& b) {
  for (std::size_t table = 0; table < a.store().tables(); ++table) {
    if (!intersection(a.store().ranges()[table], b.store().ranges()[table]).empty()) return true;
  }
  return false;
}

class BoundedStaleness : public testing::TestWithParam<std::string> {
 protected:
  /// Checks one read that is being served.
  void check_read(const SimulatedDeployment& deployment, const CountingWorkload& workload, ProcessId from,
                  Clock clock) {
    const MirroredServer& server = deployment.server(from);
    const Clock ds = GetParam() == "bsp" ? 0 : deployment.options().parameters.ds.value();
    furthest_ = std::max(furthest_, clock);
    if (clock <= ds) return;
    for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
      for (std::size_t s = 0; s < deployment.servers(d) && d != from.datacenter; ++s) {
        const MirroredServer& other = deployment.server(d, s);
        if (!share(server, other)) continue;
        ahead_ = std::max(ahead_, clock - std::min(clock, other.server().closed()));
        ASSERT_GE(other.server().closed() + ds, clock) << "datacenter " << from.datacenter << " and " << d;
        // And this server knows it from each of the counterparts, not from the fastest of them.
        const ProcessId id = ProcessId::server(static_cast<std::uint16_t>(d), static_cast<std::uint16_t>(s));
        ASSERT_GE((reported_[{from, id}]) + ds, clock) << "datacenter " << from.datacenter << " and " << d;
        if (GetParam() == "gaia") continue;
        // Applied, not only reported: with gradients of one sign a value tells how many steps it holds.
        check_applied(server, workload, d, clock - ds, deployment);
      }
    }
  }

  static void check_applied(const MirroredServer& server, const CountingWorkload& workload, std::size_t owner,
                            Clock due, const SimulatedDeployment& deployment) {
    const double factor =
        deployment.options().optimizer.learning_rate * deployment.weight(owner) / CountingWorkload::kSamples;
    for (std::size_t table = 0; table < server.store().tables(); ++table) {
      const datacenter::TableRange range = server.store().ranges()[table];
      for (std::size_t entry = range.begin; entry < range.end; entry += 97) {
        std::size_t owned = entry;
        while (owned < range.end && workload.owner(table, owned) != owner) ++owned;
        if (owned >= range.end) continue;
        double fallen = 0.0;
        for (Clock clock = 1; clock <= due; ++clock)
          fallen += factor * workload.gradient_sum(table, owned, clock);
        ASSERT_LE(static_cast<double>(server.store().values(table)[owned - range.begin]),
                  static_cast<double>(workload.initial_value(table, owned)) - fallen);
      }
    }
  }

  std::map<std::pair<ProcessId, ProcessId>, Clock> reported_;  // to the first, by the second
  Clock furthest_ = 0;
  Clock ahead_ = 0;
};

TEST_P(BoundedStaleness, NoReadIsServedFurtherAhead) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.weights_are_powers_of_two = true;
    const CountingWorkload workload({.seed = seed,
                                     .workers = workers_of(options),
                                     .only_positive = true,
                                     .tables = {{"a", 40, 50}, {"b", 30, 1}},
                                     .poison = {}});
    SimulatedDeployment* watched = nullptr;
    reported_.clear();
    SimulatedDeployment::Taps taps;
    taps.before_message = [&](Time, ProcessId to, ProcessId from, const Message& message) {
      const ClockReport* const report = report_in(message);
      if (report != nullptr) reported_[{to, from}] = report->clock;
    };
    taps.on_send = [&](Time, ProcessId from, ProcessId, const Message& message) {
      const auto* reply = std::get_if<PullReply>(&message.body);
      // Final reads are not the training's: by then the drain has made all equal.
      if (reply == nullptr || watched == nullptr || watched->log(from.datacenter).stopped_at || HasFailure())
        return;
      check_read(*watched, workload, from, reply->clock);
    };
    SimulatedDeployment deployment(options, workload, taps);
    watched = &deployment;
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    if (HasFailure()) return;
  }
  EXPECT_GT(furthest_, 10U);
  // The bound was reached, or the links were never slow enough to show anything.
  EXPECT_EQ(ahead_, GetParam() == "bsp" ? 0U : 4U);
}

INSTANTIATE_TEST_SUITE_P(Modes, BoundedStaleness, testing::Values("gaia", "bsp", "ssp"),
                         [](const auto& each) { return each.param; });

/// Seconds that all workers waited for other datacenters' clocks.
double mirror_clock_waits(Clock ds) {
  DeploymentOptions options = drawn_deployment(1, "gaia");
  options.datacenters = {{.workers = 2, .servers = 1}, {.workers = 1, .servers = 2}};
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e6, .delay = std::chrono::milliseconds(100)};
  };
  options.clocks = 20;
  options.parameters = {.filter = SignificanceFilter::Options{.schedule = {.kind = Schedule::constant},
                                                              .defaults = {.v0 = 0.5}},
                        .ds = ds,
                        .h = 1};
  const CountingWorkload workload({.seed = 1, .workers = workers_of(options), .poison = {}});
  SimulatedDeployment deployment(options, workload);
  EXPECT_FALSE(deployment.run().fault);
  double waited = 0.0;
  for (std::size_t d = 0; d < deployment.datacenters(); ++d)
    waited += to_seconds(deployment.log(d).final->waits.mirror_clock);
  return waited;
}

TEST(MirrorClockWaits, AreLongOverAFarLinkInLockStepAndGoneWithEnoughSlack) {
  // Three workers, twenty clocks, each with a report that is a tenth of a second on its way.
  const double lock_step = mirror_clock_waits(0);
  EXPECT_GT(lock_step, 3 * 20 * 0.05);
  EXPECT_LT(lock_step, 3 * 20 * 0.11);
  // 100 ms are some ten clocks.
  EXPECT_GT(mirror_clock_waits(4), 0.0);
  EXPECT_EQ(mirror_clock_waits(20), 0.0);
}

class NotFinite : public testing::TestWithParam<std::string> {};

TEST_P(NotFinite, EndsTheRunWithItsPlaceAndIsNeverSent) {
  int updates = 0;
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random(seed);
    const DeploymentOptions options = drawn_deployment(seed, GetParam());
    const CountingWorkload::Poison poison{random.below(options.datacenters.size()),
                                          static_cast<Clock>(1 + random.below(*options.clocks)),
                                          random.below(3)};
    const CountingWorkload workload({.seed = seed, .workers = workers_of(options), .poison = poison});
    bool sent = false;
    const SimulatedDeployment* watched = nullptr;
    SimulatedDeployment::Taps taps;
    taps.on_send = [&](Time, ProcessId from, ProcessId to, const Message& message) {
      if (from.role != Role::server) return;  // a worker's gradient is what brings it
      // An announcement's payload says which entries, not what they are.
      if (std::holds_alternative<Announcement>(message.body)) return;
      for (const Payload& payload : message.payloads) {
        const auto* update = std::get_if<Update>(&message.body);
        if (update == nullptr) {
          for (std::size_t at = 0; at < payload.size(); at += 4)
            sent = sent || !std::isfinite(load_float(payload.bytes().data() + at));
          continue;
        }
        ++updates;
        for_each_entry(watched->chunk_of(to, from, *update, {payload}),
                       [&](std::size_t, std::size_t, float value) { sent = sent || !std::isfinite(value); });
      }
    };
    SimulatedDeployment deployment(options, workload, taps);
    watched = &deployment;
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_TRUE(outcome.fault);
    EXPECT_EQ(outcome.fault->process.datacenter, poison.datacenter);
    EXPECT_THAT(outcome.fault->reason, HasSubstr("not finite"));
    EXPECT_THAT(outcome.fault->reason, HasSubstr("table " + workload.tables()[poison.table].name));
    EXPECT_THAT(outcome.fault->reason, HasSubstr("clock " + std::to_string(poison.clock) + " "));
    EXPECT_THAT(outcome.fault->reason,
                HasSubstr("datacenter " + deployment.name_of_datacenter(poison.datacenter)));
    EXPECT_FALSE(sent);
  }
  EXPECT_EQ(updates > 0, GetParam() != "isolated");
}

INSTANTIATE_TEST_SUITE_P(Modes, NotFinite, testing::Values("gaia", "bsp", "ssp", "async", "isolated"),
                         [](const auto& each) { return each.param; });

// Every step of the optimizer is finite, yet what they add up to is not.
TEST(NotFinite, AValueThatOverflowsEndsTheRun) {
  DeploymentOptions options = drawn_deployment(3, "gaia");
  options.datacenters = {{}, {}};
  options.parameters = {.filter = SignificanceFilter::Options{.schedule = {.kind = Schedule::constant},
                                                              .defaults = {.v0 = 1e9}},
                        .ds = 50,
                        .h = 1};
  options.clocks = 30;
  options.evaluate_every = 1000;
  options.optimizer.learning_rate = 3e38;  // steps between 1e37 and 1e38
  const CountingWorkload workload(
      {.seed = 3, .workers = workers_of(options), .only_positive = true, .poison = {}});
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_THAT(outcome.fault->reason, HasSubstr("a value that is not finite in table wide at clock"));
  EXPECT_THAT(outcome.fault->reason, testing::Not(HasSubstr("at clock 30")));  // seen long before the drain
}

}  // namespace
}  // namespace meridian::wan

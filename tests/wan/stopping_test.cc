// Goal: all datacenters stop at one clock, for the reason that counts, and drain; what cannot be brought to
// an end in time is named. Reached by deployments in virtual time that end by each reason, or are kept from
// it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using testing::AnyOf;
using testing::HasSubstr;

CountingWorkload rising(const DeploymentOptions& options) {
  return CountingWorkload({.seed = options.seed,
                           .workers = workers_of(options),
                           .only_positive = true,
                           .tables = {{"a", 40, 50}, {"b", 30, 1}},
                           .poison = {}});
}

/// All stopped at the same clock, which it returns, and for `reason`.
Clock expect_one_end(const SimulatedDeployment& deployment, const Simulation::Outcome& outcome,
                     StopReason reason) {
  EXPECT_FALSE(outcome.fault) << outcome.fault->reason;
  for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
    const DatacenterLog& log = deployment.log(d);
    EXPECT_EQ(log.stopped_at, deployment.log(0).stopped_at) << "datacenter " << d;
    EXPECT_TRUE(log.final && log.final->stop_reason == reason) << "datacenter " << d;
    EXPECT_TRUE(log.final && log.final->clock == log.stopped_at) << "datacenter " << d;
  }
  return deployment.log(0).stopped_at.value_or(0);
}

class Stopping : public testing::TestWithParam<std::string> {
 protected:
  static constexpr std::uint64_t kSeeds = 20;
};

TEST_P(Stopping, AtAFixedClock) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const DeploymentOptions options = drawn_deployment(seed, GetParam());
    const CountingWorkload workload = rising(options);
    SimulatedDeployment deployment(options, workload);
    EXPECT_EQ(expect_one_end(deployment, deployment.run(), StopReason::clocks), *options.clocks);
  }
}

TEST_P(Stopping, WhenAllMetTheTargetAtOneEvaluationClock) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.clocks = 400;
    options.evaluate_every = 4;
    options.target = 60.0;
    const CountingWorkload workload = rising(options);
    SimulatedDeployment deployment(options, workload);
    const Clock stopped = expect_one_end(deployment, deployment.run(), StopReason::target);
    EXPECT_LT(stopped, 400U);
    // The first evaluation clock at which all met it; the objective only rises.
    Clock met = 0;
    for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
      const auto& measured = deployment.log(d).measured;
      const auto first = std::find_if(measured.begin(), measured.end(), [&](const Measured& each) {
        return each.objective >= *options.target;
      });
      ASSERT_NE(first, measured.end());
      EXPECT_LE(first->clock, stopped);
      met = std::max(met, first->clock);
    }
    EXPECT_LE(met, stopped);
  }
}

TEST_P(Stopping, WhenTimeIsOver) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.clocks.reset();
    options.stop_time = std::chrono::milliseconds(700);
    const CountingWorkload workload = rising(options);
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    expect_one_end(deployment, outcome, StopReason::time);
    EXPECT_GE(outcome.ended, *options.stop_time);
  }
}

TEST_P(Stopping, WhenTheUserInterrupts) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.clocks = 100'000;
    options.interrupted_at = std::chrono::milliseconds(900);
    const CountingWorkload workload = rising(options);
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    expect_one_end(deployment, outcome, StopReason::interrupted);
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Stopping, testing::Values("gaia", "bsp", "ssp", "async", "isolated"),
                         [](const auto& each) { return each.param; });

/// Two datacenters of one worker and server; datacenter 1 takes `slower` times as long.
DeploymentOptions pair(const std::string& mode, double slower, double bytes_per_s) {
  DeploymentOptions options;
  options.mode = mode;
  options.datacenters = {{.seconds_per_clock = 0.010}, {.seconds_per_clock = 0.010 * slower}};
  options.clocks = 30;
  options.link = [bytes_per_s](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = bytes_per_s, .delay = std::chrono::milliseconds(10)};
  };
  return options;
}

// Its time runs out while it drains: that is not why its training ended.
TEST(Draining, TimeThatEndsDuringTheDrainChangesNoReason) {
  DeploymentOptions options = pair("gaia", 1, 2e4);
  options.parameters = {
      .filter = SignificanceFilter::Options{.schedule = {.kind = Schedule::constant}, .defaults = {.v0 = 10}},
      .encoding = Encoding::plain,
      .ds = 50,
      .h = 1};
  options.stop_time = std::chrono::milliseconds(800);
  const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  EXPECT_EQ(expect_one_end(deployment, outcome, StopReason::clocks), 30U);
  EXPECT_GT(outcome.ended, *options.stop_time);
}

TEST(Draining, ALinkTooSlowForTheDeadlineIsNamed) {
  DeploymentOptions options = pair("gaia", 1, 2e3);
  options.parameters = {
      .filter = SignificanceFilter::Options{.schedule = {.kind = Schedule::constant}, .defaults = {.v0 = 10}},
      .encoding = Encoding::plain,
      .ds = 50,
      .h = 1};
  options.drain_deadline = std::chrono::seconds(3);
  const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->kind, FaultKind::drain_timeout);
  const std::size_t other = outcome.fault->process.datacenter == 0 ? 1 : 0;
  EXPECT_THAT(outcome.fault->reason, HasSubstr("the drain was not over after 3 s"));
  EXPECT_THAT(outcome.fault->reason,
              HasSubstr("waiting for " + deployment.name_of_datacenter(other) + "-server-0"));
}

// Whoever finishes early waits for the others' training without a deadline, and says for whom.
TEST(Draining, TheDeadlineDoesNotCountWhileOthersStillTrain) {
  for (const std::string mode : {"gaia", "async", "isolated"}) {
    SCOPED_TRACE(mode);
    DeploymentOptions options = pair(mode, 40, 1e7);
    options.parameters.ds = 1000;
    options.drain_deadline = std::chrono::seconds(1);
    const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    EXPECT_EQ(expect_one_end(deployment, outcome, StopReason::clocks), 30U);
    EXPECT_GT(outcome.ended, std::chrono::seconds(8));
    EXPECT_THAT(deployment.log(0).notices,
                testing::Contains(HasSubstr("waiting for the end of " + deployment.name_of_datacenter(1))));
  }
}

// The slow one's "nothing follows" comes before its last chunks do. However that falls to the fast one's
// repeated deadline, the slow one's drain has its own full time.
TEST(Draining, ADrainThatHasJustBegunIsNotOverdue) {
  for (int step = 0; step < 32; ++step) {
    const double slowdown = 20.0 + step / 8.0;
    SCOPED_TRACE(slowdown);
    DeploymentOptions options = pair("async", slowdown, 3e4);
    options.parameters.h = 30;
    options.drain_deadline = std::chrono::seconds(1);
    const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
    SimulatedDeployment deployment(options, workload);
    expect_one_end(deployment, deployment.run(), StopReason::clocks);
  }
}

TEST(Draining, IsolatedDatacentersStayApart) {
  DeploymentOptions options = pair("isolated", 1, 1e6);
  const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
  int updates = 0;
  SimulatedDeployment::Taps taps;
  taps.on_send = [&](Time, ProcessId, ProcessId, const Message& message) {
    updates += std::holds_alternative<Update>(message.body) ? 1 : 0;
  };
  SimulatedDeployment deployment(options, workload, taps);
  expect_one_end(deployment, deployment.run(), StopReason::clocks);
  EXPECT_EQ(updates, 0);
  EXPECT_GT(deployment.relative_difference(), 0.0);
}

TEST(Start, PeersThatAreMissingAreNamedAtTheDeadline) {
  DeploymentOptions options = pair("gaia", 1, 1e6);
  options.datacenters.push_back({.workers = 1, .servers = 2});
  options.absent = {ProcessId::server(1, 0), ProcessId::server(2, 1)};
  options.deadlines.start = std::chrono::seconds(12);
  const CountingWorkload workload({.workers = workers_of(options), .poison = {}});
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_GE(outcome.ended, std::chrono::seconds(12));
  EXPECT_LE(outcome.ended, std::chrono::seconds(13));
  const std::string first = deployment.name_of_datacenter(1) + "-server-0";
  const std::string second = deployment.name_of_datacenter(2) + "-server-1";
  EXPECT_THAT(outcome.fault->reason, HasSubstr("did not join within 12 s"));
  EXPECT_THAT(outcome.fault->reason, AnyOf(HasSubstr(first), HasSubstr(second)));
  // Meanwhile it was said who is waited for.
  EXPECT_THAT(deployment.log(0).notices,
              testing::Contains(HasSubstr("waiting for " + first + " and " + second)));
}

}  // namespace
}  // namespace meridian::wan

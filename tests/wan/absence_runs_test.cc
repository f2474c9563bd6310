// Goal: what happens to a run when a datacenter goes silent is what the policy says: stop ends it with the
// name, wait holds it, continue leaves it out and takes it back; over hubs all hear of it. Reached by
// pausing, killing and cutting off datacenters of simulated deployments whose sums are exact.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/link_ledger.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

ScheduledFault paused(std::uint16_t datacenter, Time at, Time lasts) {
  return ProcessPause{
      .processes = {.datacenter = datacenter, .role = {}, .index = {}}, .at = at, .lasts = lasts};
}

ScheduledFault killed(std::uint16_t datacenter, Time at) {
  return ProcessKill{.processes = {.datacenter = datacenter, .role = {}, .index = {}}, .at = at};
}

/// Everything that a datacenter of `datacenters` sends and is sent is cut off.
std::vector<ScheduledFault> cut_off(std::uint16_t datacenter, std::size_t datacenters, Time at, Time lasts) {
  std::vector<ScheduledFault> faults;
  for (std::size_t d = 0; d < datacenters; ++d) {
    const auto other = static_cast<std::uint16_t>(d);
    if (other == datacenter) continue;
    faults.emplace_back(LinkCut{.from = datacenter, .to = other, .at = at, .lasts = lasts});
    faults.emplace_back(LinkCut{.from = other, .to = datacenter, .at = at, .lasts = lasts});
  }
  return faults;
}

constexpr Time kSilence = seconds(3);
constexpr Time kFaultAt = seconds(2);

class AbsenceRuns : public testing::TestWithParam<std::string> {
 protected:
  /// Some 20 s of training.
  static DeploymentOptions deployment(SilencePolicy policy, std::size_t datacenters = 3) {
    DeploymentOptions options;
    for (std::size_t d = 0; d < datacenters; ++d) {
      options.datacenters.push_back(
          {.workers = 1 + d % 2, .servers = 1 + (d + 1) % 2, .seconds_per_clock = 0.08});
    }
    options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
      return {.rate_bytes_per_s = 1e6, .delay = milliseconds(30)};
    };
    options.parameters.ds = 4;
    options.clocks = 200;
    options.absence = {.policy = policy, .silence = kSilence, .wait = seconds(20)};
    return options;
  }

  void run(const DeploymentOptions& options) {
    workload_.emplace(CountingWorkload::Options{.seed = 2,
                                                .workers = workers_of(options),
                                                .tables = {{"wide", 30, 10}, {"narrow", 7, 1}},
                                                .poison = {}});
    ledger_.emplace(options, *workload_, LinkLedger::Options{});
    outcome_ = ledger_->run();
  }
  void expect_all_well() {
    ASSERT_FALSE(outcome_.fault) << outcome_.fault->reason;
    EXPECT_EQ(ledger_->wrong(), "");
    EXPECT_EQ(ledger_->not_drained(), "");
  }
  std::vector<std::string> notices(std::size_t datacenter) const {
    return ledger_->deployment().log(datacenter).notices;
  }
  const SimulatedDeployment& deployment() const { return ledger_->deployment(); }

  std::optional<CountingWorkload> workload_;
  std::optional<LinkLedger> ledger_;
  Simulation::Outcome outcome_;
};

TEST_P(AbsenceRuns, StopEndsTheRunAtTheDeadlineWithTheName) {
  for (const char* how : {"paused", "killed", "cut off"}) {
    SCOPED_TRACE(how);
    DeploymentOptions options = deployment(SilencePolicy::stop);
    options.mode = GetParam();
    if (how == std::string("paused")) options.faults = {paused(1, kFaultAt, seconds(60))};
    if (how == std::string("killed")) options.faults = {killed(1, kFaultAt)};
    if (how == std::string("cut off")) options.faults = cut_off(1, 3, kFaultAt, seconds(60));
    run(options);
    ASSERT_TRUE(outcome_.fault);
    // Who is cut off sees the others silent as they see it.
    const std::string who = outcome_.fault->process.datacenter == 1 ? "-server-" : "i1-server-";
    EXPECT_THAT(outcome_.fault->reason, HasSubstr(who));
    EXPECT_THAT(outcome_.fault->reason,
                HasSubstr("has been silent for 3 s (wan.deadlines.silence_s; policy: stop)"));
    EXPECT_GT(outcome_.ended, kFaultAt + kSilence - seconds(1));
    EXPECT_LT(outcome_.ended, kFaultAt + kSilence + seconds(2));
  }
}

TEST_P(AbsenceRuns, WaitGoesOnWhenItReturns) {
  for (const bool cut : {false, true}) {
    SCOPED_TRACE(cut ? "cut off" : "paused");
    DeploymentOptions options = deployment(SilencePolicy::wait);
    options.mode = GetParam();
    options.faults = cut ? cut_off(1, 3, kFaultAt, seconds(12))
                         : std::vector<ScheduledFault>{paused(1, kFaultAt, seconds(12))};
    run(options);
    expect_all_well();
    EXPECT_THAT(notices(0), Contains(HasSubstr("policy: wait")));
    for (std::size_t d = 0; d < 3; ++d) EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
    // Only a mode without bounds trains on meanwhile.
    EXPECT_GT(outcome_.ended, seconds(16) + (GetParam() == "async" ? seconds(0) : seconds(11)));
  }
}

TEST_P(AbsenceRuns, WaitEndsTheRunAfterItsDeadline) {
  DeploymentOptions options = deployment(SilencePolicy::wait);
  options.mode = GetParam();
  options.clocks = 2000;
  options.faults = {killed(1, kFaultAt)};
  run(options);
  ASSERT_TRUE(outcome_.fault);
  EXPECT_THAT(outcome_.fault->reason, HasSubstr("i1-server-"));
  EXPECT_THAT(outcome_.fault->reason, HasSubstr("has been silent for 23 s"));
  EXPECT_GT(outcome_.ended, kFaultAt + seconds(22));
  EXPECT_LT(outcome_.ended, kFaultAt + seconds(25));
}

TEST_P(AbsenceRuns, ContinueGoesOnAndTakesItBack) {
  for (const bool cut : {false, true}) {
    SCOPED_TRACE(cut ? "cut off" : "paused");
    DeploymentOptions options = deployment(SilencePolicy::go_on);
    options.mode = GetParam();
    options.faults = cut ? cut_off(1, 3, kFaultAt, seconds(8))
                         : std::vector<ScheduledFault>{paused(1, kFaultAt, seconds(8))};
    run(options);
    expect_all_well();
    EXPECT_THAT(notices(0), Contains(HasSubstr("policy: continue")));
    EXPECT_THAT(notices(0), Contains(HasSubstr("i1 takes part again")));
    EXPECT_THAT(notices(2), Contains(HasSubstr("i1 takes part again")));
    for (std::size_t d = 0; d < 3; ++d) EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
  }
}

// One link of three: the two that do not hear each other go on, with the third between them.
TEST_P(AbsenceRuns, ContinueOverOneCutLink) {
  DeploymentOptions options = deployment(SilencePolicy::go_on);
  options.mode = GetParam();
  options.faults = {LinkCut{.from = 0, .to = 1, .at = kFaultAt, .lasts = seconds(8)},
                    LinkCut{.from = 1, .to = 0, .at = kFaultAt, .lasts = seconds(8)}};
  run(options);
  expect_all_well();
  EXPECT_THAT(notices(0), Contains(HasSubstr("i1 takes part again")));
  EXPECT_THAT(notices(1), Contains(HasSubstr("d0 takes part again")));
}

TEST_P(AbsenceRuns, ContinueEndsWithoutWhoIsGoneForGood) {
  DeploymentOptions options = deployment(SilencePolicy::go_on);
  options.mode = GetParam();
  options.faults = {killed(1, kFaultAt)};
  run(options);
  ASSERT_FALSE(outcome_.fault) << outcome_.fault->reason;
  for (const std::size_t d : {0U, 2U}) {
    EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
    EXPECT_TRUE(deployment().log(d).final);
    EXPECT_TRUE(deployment().server(d, 0).mirror().has_left(1));
  }
  EXPECT_LT(outcome_.ended, seconds(45));
}

/// Datacenters 1 and 2 behind hub 0, datacenter 4 behind hub 3.
Overlay two_hubs() {
  return Overlay::hubs(5, {{.hub = 0, .members = {1, 2}}, {.hub = 3, .members = {4}}}).value();
}

TEST_P(AbsenceRuns, OverHubsALostMemberIsLeftOutByAllAndTakenBack) {
  DeploymentOptions options = deployment(SilencePolicy::go_on, 5);
  options.mode = GetParam();
  options.overlay = two_hubs();
  options.faults = {paused(1, kFaultAt, seconds(8))};
  run(options);
  expect_all_well();
  for (std::size_t d = 0; d < 5; ++d) {
    EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
    EXPECT_FALSE(deployment().server(d, 0).mirror().has_left(1));
  }
  options.faults = {killed(1, kFaultAt)};
  run(options);
  ASSERT_FALSE(outcome_.fault) << outcome_.fault->reason;
  for (const std::size_t d : {0U, 2U, 3U, 4U}) {
    EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
    EXPECT_TRUE(deployment().server(d, 0).mirror().has_left(1)) << "datacenter " << d;
    EXPECT_FALSE(deployment().server(d, 0).mirror().has_left(d == 2 ? 4 : 2)) << "datacenter " << d;
    EXPECT_THAT(notices(d), Not(Contains(HasSubstr("takes part again"))));
  }
  EXPECT_LT(outcome_.ended, seconds(45));
}

TEST_P(AbsenceRuns, ALostHubTakesItsGroupWithIt) {
  DeploymentOptions options = deployment(SilencePolicy::go_on, 5);
  options.mode = GetParam();
  options.overlay = two_hubs();
  options.faults = {killed(3, kFaultAt)};
  run(options);
  ASSERT_FALSE(outcome_.fault) << outcome_.fault->reason;
  for (const std::size_t d : {0U, 1U, 2U}) {
    EXPECT_EQ(deployment().log(d).stopped_at, options.clocks);
    EXPECT_TRUE(deployment().server(d, 0).mirror().has_left(3)) << "datacenter " << d;
    EXPECT_TRUE(deployment().server(d, 0).mirror().has_left(4)) << "datacenter " << d;
  }
  EXPECT_LT(outcome_.ended, seconds(45));
  // Its member is alone, and trains to its end.
  EXPECT_EQ(deployment().log(4).stopped_at, options.clocks);
}

INSTANTIATE_TEST_SUITE_P(Modes, AbsenceRuns, testing::Values("gaia", "ssp", "async"),
                         [](const auto& each) { return each.param; });

// A datacenter that has done its clocks is infinitely far ahead: it blocks nobody, and waits for the rest as
// long as they need.
TEST(EarlyFinishers, BlockNobody) {
  DeploymentOptions options;
  options.datacenters = {{.workers = 1, .servers = 1, .seconds_per_clock = 0.002},
                         {.workers = 2, .servers = 2, .seconds_per_clock = 0.5}};
  options.mode = "async";
  options.clocks = 40;
  options.drain_deadline = seconds(4);
  options.absence.silence = seconds(4);
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e6, .delay = milliseconds(30)};
  };
  const CountingWorkload workload({.seed = 2, .workers = workers_of(options), .poison = {}});
  LinkLedger ledger(options, workload, {});
  const Simulation::Outcome outcome = ledger.run();
  ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
  EXPECT_EQ(ledger.not_drained(), "");
  EXPECT_GT(outcome.ended, seconds(15));
  EXPECT_THAT(ledger.deployment().log(0).notices, Contains(HasSubstr("waiting for the end of i1-server-")));
}

// Who is away when another drains is left for good, and told so when it is back, even where the first word of
// it gets lost: it must not wait for what will never come.
TEST(EarlyFinishers, TellWhoIsAwayThatTheyDrainWithoutIt) {
  for (const bool lost : {false, true}) {
    SCOPED_TRACE(lost);
    DeploymentOptions options;
    options.datacenters = {{.workers = 1, .servers = 1, .seconds_per_clock = 0.002},
                           {.workers = 1, .servers = 1, .seconds_per_clock = 0.1},
                           {.workers = 1, .servers = 1, .seconds_per_clock = 0.1}};
    options.mode = "async";
    options.clocks = 100;
    options.absence = {.policy = SilencePolicy::go_on, .silence = seconds(1), .wait = {}};
    options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
      return {.rate_bytes_per_s = 1e6, .delay = milliseconds(30)};
    };
    options.faults = {LinkCut{.from = 0, .to = 2, .at = milliseconds(100), .lasts = seconds(4)},
                      LinkCut{.from = 2, .to = 0, .at = milliseconds(100), .lasts = seconds(4)}};
    if (lost)
      options.faults.emplace_back(
          ConnectionReset{.from = 0, .to = 2, .at = seconds(3), .data = false, .sender = {}, .receiver = {}});
    const CountingWorkload workload({.seed = 2, .workers = workers_of(options), .poison = {}});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    EXPECT_THAT(deployment.log(2).notices, Contains(HasSubstr("drains without it")));
    EXPECT_LT(outcome.ended, seconds(20));
  }
}

TEST(MissingAtStart, AreNamedEveryFewSecondsUntilTheDeadline) {
  DeploymentOptions options;
  options.datacenters.assign(3, {.workers = 1, .servers = 1});
  options.clocks = 10;
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e6, .delay = milliseconds(30)};
  };
  options.deadlines = {.start = seconds(28), .silence = seconds(60)};
  options.absent = {ProcessId::server(2, 0)};
  const CountingWorkload workload({.seed = 2, .workers = workers_of(options), .poison = {}});
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_THAT(outcome.fault->reason, HasSubstr("c2-server-0"));
  EXPECT_GE(outcome.ended, seconds(28));
  const auto named =
      std::count_if(deployment.log(0).notices.begin(), deployment.log(0).notices.end(),
                    [](const std::string& text) { return text.find("c2-server-0") != std::string::npos; });
  EXPECT_GE(named, 4);
}

}  // namespace
}  // namespace meridian::wan

// Goal: the joined summary of a run is the one that the parts imply: sums, worsts, one time axis, the first
// clock at which all met the target, and the replicas' difference. Reached with hand-made parts of three
// datacenters whose joined values are worked out by hand, and with parts that do not belong together.
#include "src/output/join_datacenters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace meridian::output {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Model model_of(std::vector<float> values) {
  Model model;
  model.tables = {{"w", values.size(), 1}};
  FloatBuffer& buffer = model.values.emplace_back(values.size());
  std::ranges::copy(values, buffer.data());
  return model;
}

DatacenterPart part_of(const std::string& name, const std::string& to, double started_unix_s,
                       std::vector<double> objectives) {
  DatacenterPart part;
  Summary& summary = part.summary;
  summary.name = "demo";
  summary.wan_mode = "gaia";
  summary.seed = 3;
  summary.stop_reason = StopReason::target;
  summary.started_unix_s = started_unix_s;
  summary.time_s = 10.0;
  summary.clocks = 100;
  summary.objective.target = 0.8;
  summary.objective.final = objectives.back();
  summary.wan = {1000, 900, 100, 77, 40, 4, {{name, to, 1000, 0.5}}, 850};
  summary.waits_s = {1.0, std::nullopt, 0.25};
  summary.replicas.drained = true;
  summary.datacenters = {{name, 100, 2, 1, objectives.back()}};
  for (std::size_t i = 0; i < objectives.size(); ++i) {
    const auto step = static_cast<std::uint64_t>(i + 1);
    part.timeline.push_back({static_cast<double>(step), 25 * step, name, objectives[i], 100 * step, 0.1});
  }
  part.model = model_of({1.0F, -2.0F});
  return part;
}

const std::vector<std::string> kNames = {"virginia", "ireland", "tokyo"};

std::vector<DatacenterPart> three_parts() {
  std::vector<DatacenterPart> parts;
  parts.push_back(part_of("tokyo", "ireland", 1000.5, {0.5, 0.9, 0.7, 0.85}));
  parts.push_back(part_of("virginia", "ireland", 1000.0, {0.6, 0.8, 0.85, 0.9}));
  parts.push_back(part_of("ireland", "tokyo", 1002.0, {0.6, 0.7, 0.85, 0.8}));
  return parts;
}

JoinedRun joined(std::vector<DatacenterPart> parts, const std::vector<LinkRate>& rates = {}) {
  Result<JoinedRun> run = join_datacenters(std::move(parts), kNames, rates);
  EXPECT_TRUE(run) << run.error().message;
  return std::move(run).value();
}

TEST(JoinDatacenters, SaysOfTheDataWhatEachDatacenterSaysOnce) {
  auto same = three_parts();
  for (DatacenterPart& part : same) part.summary.data_note = "GENERATED";
  EXPECT_EQ(joined(std::move(same)).summary.data_note, "GENERATED");
  auto own = three_parts();
  for (DatacenterPart& part : own) part.summary.data_note = part.summary.datacenters[0].name + " has 5";
  EXPECT_EQ(joined(std::move(own)).summary.data_note, "virginia has 5; ireland has 5; tokyo has 5");
}

TEST(JoinDatacenters, SumsWhatAddsUpAndOrdersAsTheConfigurationDoes) {
  auto parts = three_parts();
  parts[1].summary.clocks = 97;
  parts[2].summary.waits_s.selective_barrier = 0.5;
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.name, "demo");
  EXPECT_EQ(run.wan.bytes_sent, 3000U);
  EXPECT_EQ(run.wan.data_bytes, 2700U);
  EXPECT_EQ(run.wan.control_bytes, 300U);
  EXPECT_EQ(run.wan.payload_bytes, 2550U);
  EXPECT_EQ(run.wan.entries_considered, 120U);
  EXPECT_EQ(run.wan.entries_sent, 12U);
  EXPECT_EQ(run.wan.links.size(), 3U);
  EXPECT_EQ(run.waits_s, (WaitsSummary{3.0, 0.5, 0.75}));
  EXPECT_EQ(run.clocks, 97U);
  ASSERT_EQ(run.datacenters.size(), 3U);
  EXPECT_EQ(run.datacenters[0].name, "virginia");
  EXPECT_EQ(run.datacenters[1].name, "ireland");
  EXPECT_EQ(run.datacenters[2].name, "tokyo");
}

TEST(JoinDatacenters, PutsAllOnOneTimeAxis) {
  const JoinedRun run = joined(three_parts());
  EXPECT_EQ(run.summary.started_unix_s, 1000.0);
  EXPECT_DOUBLE_EQ(run.summary.time_s, 12.0);
  ASSERT_EQ(run.timeline.size(), 12U);
  EXPECT_EQ(run.timeline[0].datacenter, "virginia");
  EXPECT_DOUBLE_EQ(run.timeline[0].time_s, 1.0);
  EXPECT_EQ(run.timeline[1].datacenter, "tokyo");
  EXPECT_DOUBLE_EQ(run.timeline[1].time_s, 1.5);
  EXPECT_EQ(run.timeline[11].datacenter, "ireland");
  EXPECT_DOUBLE_EQ(run.timeline[11].time_s, 6.0);
}

TEST(JoinDatacenters, ASimulationsPartsStartTogether) {
  auto parts = three_parts();
  for (DatacenterPart& part : parts) {
    part.summary.mode = RunMode::simulate;
    part.summary.started_unix_s.reset();
  }
  const JoinedRun run = joined(std::move(parts));
  EXPECT_EQ(run.summary.started_unix_s, std::nullopt);
  EXPECT_DOUBLE_EQ(run.summary.time_s, 10.0);
}

TEST(JoinDatacenters, TheTargetCountsWhenAllMetItAtTheSameClock) {
  // At clock 50 ireland, at clock 75 tokyo is below; at clock 100 all meet it, ireland exactly and last.
  const Summary run = joined(three_parts()).summary;
  EXPECT_EQ(run.objective.clocks_to_target, 100U);
  EXPECT_DOUBLE_EQ(run.objective.time_to_target_s.value(), 6.0);
  EXPECT_EQ(run.wan.bytes_to_target, 1200U);
  EXPECT_EQ(run.objective.final, 0.8);
}

TEST(JoinDatacenters, BytesToTargetAreEachDatacentersOwnAtThatClock) {
  auto parts = three_parts();
  parts[0].timeline[3].wan_bytes = 7;
  for (DatacenterPart& part : parts) part.timeline[3].payload_bytes = part.timeline[3].wan_bytes - 2;
  // A second measurement at the same clock is the one after the drain: it counts for neither time nor bytes.
  parts[0].timeline.push_back({50.0, 100, "tokyo", 0.95, 5000, 0.1});
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.wan.bytes_to_target, 807U);
  EXPECT_EQ(run.wan.payload_bytes_to_target, 801U);
  EXPECT_EQ(run.datacenters[0].bytes_to_target, 400U);
  EXPECT_EQ(run.datacenters[2].name, "tokyo");
  EXPECT_EQ(run.datacenters[2].bytes_to_target, 7U);
  EXPECT_DOUBLE_EQ(run.objective.time_to_target_s.value(), 6.0);
}

TEST(JoinDatacenters, WithoutAClockAtWhichAllMetItTheTargetWasNotReached) {
  auto parts = three_parts();
  parts[2].timeline.pop_back();
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.objective.clocks_to_target, std::nullopt);
  EXPECT_EQ(run.objective.time_to_target_s, std::nullopt);
  EXPECT_EQ(run.wan.bytes_to_target, std::nullopt);
  for (const DatacenterSummary& datacenter : run.datacenters) {
    EXPECT_EQ(datacenter.bytes_to_target, std::nullopt) << datacenter.name;
  }
}

TEST(JoinDatacenters, ASmallerObjectiveMayBeTheBetterOne) {
  auto parts = three_parts();
  for (DatacenterPart& part : parts) part.summary.objective.larger_is_better = false;
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.objective.final, 0.9);
  EXPECT_EQ(run.objective.clocks_to_target, 25U);
}

TEST(JoinDatacenters, UtilizationComesFromTheRatesHandedIn) {
  const Summary run =
      joined(three_parts(), {{"tokyo", "ireland", 1000.0}, {"virginia", "ireland", 0.0}}).summary;
  ASSERT_EQ(run.wan.links[2].from, "tokyo");
  EXPECT_DOUBLE_EQ(run.wan.links[2].utilization.value(), 8000.0 / 12000.0);
  EXPECT_EQ(run.wan.links[0].utilization, std::nullopt);
  EXPECT_EQ(run.wan.links[1].utilization, std::nullopt);
}

TEST(JoinDatacenters, TheWorstReasonCounts) {
  const auto reason_of = [](StopReason a, StopReason b) {
    auto parts = three_parts();
    parts[0].summary.stop_reason = a;
    parts[1].summary.stop_reason = b;
    return joined(std::move(parts)).summary.stop_reason;
  };
  EXPECT_EQ(reason_of(StopReason::target, StopReason::target), StopReason::target);
  EXPECT_EQ(reason_of(StopReason::clocks, StopReason::time), StopReason::time);
  EXPECT_EQ(reason_of(StopReason::interrupted, StopReason::time), StopReason::interrupted);
  EXPECT_EQ(reason_of(StopReason::drain_timeout, StopReason::interrupted), StopReason::drain_timeout);
  EXPECT_EQ(reason_of(StopReason::failed, StopReason::drain_timeout), StopReason::failed);
}

TEST(JoinDatacenters, AMissingDatacenterMakesTheRunAFailedOne) {
  auto parts = three_parts();
  parts[0].summary.failure = "no answer from ireland";
  parts.pop_back();
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.stop_reason, StopReason::failed);
  EXPECT_EQ(run.failure, "tokyo: no answer from ireland; datacenter ireland left no summary");
  EXPECT_EQ(run.objective.final, std::nullopt);
  EXPECT_EQ(run.objective.time_to_target_s, std::nullopt);
  EXPECT_EQ(run.replicas.max_relative_difference_after_drain, std::nullopt);
  EXPECT_FALSE(run.replicas.drained);
  EXPECT_EQ(run.datacenters.size(), 2U);
}

TEST(JoinDatacenters, BoundsAddUpAndReplicasAreCompared) {
  auto parts = three_parts();
  parts[0].summary.replicas.max_relative_difference = 0.25;
  parts[1].summary.replicas.max_relative_difference = 0.125;
  parts[2].summary.replicas.max_relative_difference = 0.5;
  parts[2].model = model_of({1.0F, -2.5F});
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_DOUBLE_EQ(run.replicas.max_relative_difference.value(), 0.75);
  EXPECT_DOUBLE_EQ(run.replicas.max_relative_difference_after_drain.value(), 0.25);
  EXPECT_TRUE(run.replicas.drained);
}

TEST(JoinDatacenters, WithoutADrainThereIsNoDifferenceAfterIt) {
  auto parts = three_parts();
  parts[1].summary.replicas.drained = false;
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.replicas.max_relative_difference_after_drain, std::nullopt);
  EXPECT_FALSE(run.replicas.drained);
}

TEST(JoinDatacenters, AReplicaThatIsNotFiniteFailsTheRun) {
  auto parts = three_parts();
  parts[1].model = model_of({1.0F, std::nanf("")});
  const Summary run = joined(std::move(parts)).summary;
  EXPECT_EQ(run.stop_reason, StopReason::failed);
  EXPECT_THAT(run.failure.value(), AllOf(HasSubstr("table w"), HasSubstr("nan")));
}

TEST(JoinDatacenters, RefusesPartsThatDoNotBelongTogether) {
  const auto error_of = [](auto change) {
    auto parts = three_parts();
    change(parts);
    const Result<JoinedRun> run = join_datacenters(std::move(parts), kNames, {});
    EXPECT_FALSE(run);
    return run ? std::string() : run.error().message;
  };
  EXPECT_THAT(error_of([](auto& parts) { parts.clear(); }), HasSubstr("no datacenter"));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.seed = 4; }),
              AllOf(HasSubstr("seed"), HasSubstr("tokyo"), HasSubstr("ireland")));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.objective.target = 0.7; }),
              HasSubstr("objective.target"));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.datacenters[0].name = "tokyo"; }),
              HasSubstr("tokyo"));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.datacenters[0].name = "mars"; }),
              HasSubstr("mars"));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.datacenters.clear(); }),
              HasSubstr("0 datacenters"));
  EXPECT_THAT(error_of([](auto& parts) { parts[2].summary.wan.links[0].from = "tokyo"; }),
              HasSubstr("link from tokyo"));
}

TEST(MaxRelativeDifference, TakesTheWorstPairTableAndOrder) {
  const Model a = model_of({4.0F, -1.0F});
  const Model b = model_of({2.0F, -1.0F});
  EXPECT_DOUBLE_EQ(max_relative_difference({&a, &b}).value().value(), 1.0);
  EXPECT_DOUBLE_EQ(max_relative_difference({&b, &a}).value().value(), 1.0);
  EXPECT_DOUBLE_EQ(max_relative_difference({&a, &a, &a}).value().value(), 0.0);
  EXPECT_EQ(max_relative_difference({&a}).value(), std::nullopt);
}

TEST(MaxRelativeDifference, IsFiniteWithZerosToo) {
  const Model zero = model_of({0.0F});
  const Model one = model_of({1.0F});
  EXPECT_EQ(max_relative_difference({&zero, &zero}).value(), 0.0);
  const std::optional<double> far = max_relative_difference({&zero, &one}).value();
  EXPECT_TRUE(std::isfinite(far.value()));
  EXPECT_GT(far.value(), 1e300);
}

TEST(MaxRelativeDifference, RefusesReplicasOfDifferentTables) {
  const Model one = model_of({1.0F});
  const Model two = model_of({1.0F, 2.0F});
  EXPECT_THAT(max_relative_difference({&one, &two}).error().message, HasSubstr("different tables"));
}

}  // namespace
}  // namespace meridian::output

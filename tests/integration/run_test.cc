// Goal: `meridian run` trains in real processes and leaves what its users rely on: every file, every key,
// bytes that are the bytes on the wire, a stop for each of its reasons, equal replicas. Reached by running
// small configurations to their end and reading their folders.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A message sent just before its receiver closes may be counted here and not be carried any more.
constexpr double kLastWordsBytes = 512;

/// What the emulator, a process of its own, carried on each link is what the run says it sent.
void expect_the_emulators_count(const std::filesystem::path& folder) {
  const json carried = read_json(folder / "emulator" / "carried.json");
  const json links = read_json(folder / "summary.json")["wan"]["links"];
  ASSERT_EQ(carried.size(), links.size());
  for (const json& link : links) {
    bool found = false;
    for (const json& relay : carried) {
      if (relay["from"] != link["from"] || relay["to"] != link["to"]) continue;
      found = true;
      EXPECT_NEAR(relay["bytes"].get<double>(), link["bytes"].get<double>(), kLastWordsBytes)
          << link["from"] << " to " << link["to"];
    }
    EXPECT_TRUE(found) << link;
  }
}

/// Four machines, one for each worker, and every byte, at prices that are the same everywhere.
void expect_cost(const json& summary, double per_gb, double per_hour) {
  constexpr double kMachines = 4.0;
  const auto amounts_are = [&](const char* key, const json& time_s, const json& bytes) {
    const json amounts = summary["cost"][key];
    EXPECT_NEAR(amounts["machines"].get<double>(), kMachines * per_hour * time_s.get<double>() / 3600.0,
                1e-9);
    EXPECT_NEAR(amounts["transfer"].get<double>(), bytes.get<double>() / 1e9 * per_gb, 1e-9);
    EXPECT_NEAR(amounts["total"].get<double>(),
                amounts["machines"].get<double>() + amounts["transfer"].get<double>(), 1e-9);
  };
  EXPECT_EQ(summary["cost"]["currency"], "EUR");
  amounts_are("in_all", summary["time_s"], summary["wan"]["bytes_sent"]);
  amounts_are("to_target", summary["objective"]["time_to_target_s"], summary["wan"]["bytes_to_target"]);
}

TEST(Run, LeavesEverythingAFinishedRunHas) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended run = run_meridian({"run", config, "--out", work / "out"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_finished_run(work / "out");
  expect_the_emulators_count(work / "out");
  const json summary = read_json(work / "out" / "summary.json");
  EXPECT_EQ(summary["name"], "small");
  EXPECT_EQ(summary["mode"], "run");
  EXPECT_EQ(summary["seed"], 1);
  EXPECT_EQ(summary["stop_reason"], "clocks");
  EXPECT_EQ(summary["clocks"], 30);
  EXPECT_EQ(summary["objective"]["target"], nullptr);
  EXPECT_EQ(summary["objective"]["time_to_target_s"], nullptr);
  EXPECT_EQ(summary["cost"], nullptr) << "nobody said what anything costs";
  // 1000 images of 28 x 28 in each of the two datacenters.
  for (const json& datacenter : summary["datacenters"])
    EXPECT_EQ(datacenter["training_bytes"], 1000 * (784 + 1));
  EXPECT_EQ(read_json_lines(work / "out" / "timeline.jsonl").size(), 12U);
  // Results on stdout, everything else on stderr.
  EXPECT_THAT(run.out, HasSubstr("stopped by clocks at clock 30"));
  EXPECT_THAT(run.err, HasSubstr("GENERATED data"));
  EXPECT_TRUE(processes_of(work.folder()).empty());
}

TEST(Run, ThreeDatacentersOfDifferentSizesStopAtTheTarget) {
  const Workspace work;
  TestConfig shape = three_datacenters();
  shape.stop = "{target: 0.3, clocks: 2000, time_s: 40}";
  const std::string config = work.write("config.yaml", shape.yaml());
  const Ended run = run_meridian(
      {"run", config, "--out", work / "out", "--set", "seed=7", "--set",
       "wan.links.prices={dated: 2023-08-06, source: a list, currency: EUR, default: {egress_per_gb: 100, "
       "machine_per_hour: 36}}"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_finished_run(work / "out");
  expect_the_emulators_count(work / "out");
  const json summary = read_json(work / "out" / "summary.json");
  expect_cost(summary, 100.0, 36.0);
  EXPECT_THAT(run.out, HasSubstr(" EUR\n"));
  EXPECT_EQ(summary["stop_reason"], "target");
  EXPECT_EQ(summary["seed"], 7);
  EXPECT_EQ(summary["objective"]["target"], 0.3);
  ASSERT_TRUE(summary["objective"]["time_to_target_s"].is_number());
  ASSERT_TRUE(summary["objective"]["clocks_to_target"].is_number());
  ASSERT_TRUE(summary["wan"]["bytes_to_target"].is_number());
  EXPECT_GT(summary["objective"]["time_to_target_s"], 0.0);
  EXPECT_LE(summary["objective"]["time_to_target_s"], summary["time_s"]);
  EXPECT_GT(summary["wan"]["bytes_to_target"], 0);
  EXPECT_LT(summary["wan"]["bytes_to_target"], summary["wan"]["bytes_sent"]);
  // The first clock at which every datacenter's replica met the target, by the timeline itself.
  std::map<int, int> met;
  for (const json& line : read_json_lines(work / "out" / "timeline.jsonl")) {
    if (line["objective"] >= 0.3) ++met[line["clock"].get<int>()];
  }
  std::erase_if(met, [](const auto& entry) { return entry.second < 3; });
  ASSERT_FALSE(met.empty());
  EXPECT_EQ(summary["objective"]["clocks_to_target"], met.begin()->first);
  std::vector<std::string> names;
  for (const json& datacenter : summary["datacenters"]) names.push_back(datacenter["name"]);
  EXPECT_THAT(names, ::testing::ElementsAre("east", "west", "south"));
}

TEST(Run, StopsByTime) {
  const Workspace work;
  TestConfig shape;
  shape.stop = "{clocks: 1000000, time_s: 0.5}";
  const std::string config = work.write("config.yaml", shape.yaml());
  const Ended run =
      run_meridian({"run", config, "--out", work / "out", "--set", "workload.evaluate_every=1"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_finished_run(work / "out");
  const json summary = read_json(work / "out" / "summary.json");
  EXPECT_EQ(summary["stop_reason"], "time");
  EXPECT_GE(summary["time_s"], 0.5);
}

TEST(Run, IsolatedDatacentersSendNoUpdateAndDoNotDrain) {
  const Workspace work;
  TestConfig shape;
  shape.mode = "isolated";
  const std::string config = work.write("config.yaml", shape.yaml());
  const Ended run = run_meridian({"run", config, "--out", work / "out"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_summary_keys(work / "out");
  const json summary = read_json(work / "out" / "summary.json");
  EXPECT_EQ(summary["replicas"]["max_relative_difference_after_drain"], nullptr);
  EXPECT_EQ(summary["wan"]["entries_sent"], 0);
  EXPECT_TRUE(summary["objective"]["final"].is_number());
}

TEST(Run, BspAgreesWithItsSimulation) {
  const Workspace work;
  TestConfig shape = three_datacenters();
  shape.mode = "bsp";
  const std::string config = work.write("config.yaml", shape.yaml());
  const Ended run = run_meridian({"run", config, "--out", work / "run"});
  ASSERT_EQ(run.code, 0) << run.err;
  const Ended simulation = run_meridian({"simulate", config, "--out", work / "simulate"});
  ASSERT_EQ(simulation.code, 0) << simulation.err;
  expect_finished_run(work / "run");
  expect_finished_run(work / "simulate");
  const json real = read_json(work / "run" / "summary.json");
  const json simulated = read_json(work / "simulate" / "summary.json");
  EXPECT_EQ(real["clocks"], 30);
  EXPECT_EQ(simulated["clocks"], 30);
  // The same sums in another order: a held-out sample or two of 500 may fall to the other side.
  EXPECT_NEAR(real["objective"]["final"], simulated["objective"]["final"], 0.005);
  EXPECT_EQ(real["wan"]["entries_considered"], simulated["wan"]["entries_considered"]);
  EXPECT_EQ(real["wan"]["entries_sent"], simulated["wan"]["entries_sent"]);
  // The same formula for bytes; acknowledgements ride along differently.
  const double bytes = real["wan"]["bytes_sent"];
  EXPECT_NEAR(bytes, simulated["wan"]["bytes_sent"], 0.01 * bytes);
}

TEST(Run, CutsAndPausesDelayItAndLoseNothing) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  const Ended run = run_meridian(
      {"run", config, "--out", work / "out", "--set",
       "wan.links={default: {bandwidth_mbps: 50, rtt_ms: 10}, events: [{at_s: 0.1, for_s: 0.2, action: cut, "
       "between: [east, west]}, {at_s: 0.1, for_s: 0.3, action: pause, datacenter: south}]}"});
  ASSERT_EQ(run.code, 0) << run.err;
  expect_finished_run(work / "out");
  const std::string log = read_file(work / "out" / "log");
  EXPECT_THAT(log, HasSubstr("south is paused"));
  EXPECT_THAT(log, HasSubstr("south goes on"));
  EXPECT_GE(read_json(work / "out" / "summary.json")["time_s"], 0.4)
      << "30 clocks of 5 ms, and south's pause";
  EXPECT_THAT(read_file(work / "out" / "emulator" / "address"), HasSubstr("http://127.0.0.1:"));
}

TEST(Run, ItsConfigurationRunsAgain) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended run =
      run_meridian({"run", config, "--out", work / "out", "--set", "datacenters.west.workers=2"});
  ASSERT_EQ(run.code, 0) << run.err;
  // What was overridden stands in the resolved file, so that it alone gives the run.
  const Ended simulation = run_meridian({"simulate", work / "out/config.yaml", "--out", work / "again"});
  ASSERT_EQ(simulation.code, 0) << simulation.err;
  EXPECT_EQ(read_json(work / "again" / "summary.json")["datacenters"][1]["workers"], 2);
  EXPECT_EQ(read_file(work / "out" / "config.yaml"), read_file(work / "again" / "config.yaml"));
}

}  // namespace
}  // namespace meridian::integration

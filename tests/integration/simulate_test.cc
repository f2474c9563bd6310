// Goal: `meridian simulate` is a function of its configuration and seed: the same bytes whatever the threads,
// the working directory and the output folder; another seed gives another training; nothing of this machine
// stands in its files. Reached by simulating one configuration in several ways and comparing the files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

#include "src/base/instruction_sets.h"
#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::array kDeterministicFiles = {"summary.json", "timeline.jsonl", "model.safetensors"};

void expect_equal_files(const std::filesystem::path& one, const std::filesystem::path& other) {
  for (const char* file : kDeterministicFiles) {
    EXPECT_FALSE(read_file(one / file).empty()) << file;
    EXPECT_TRUE(read_file(one / file) == read_file(other / file)) << file << " differs";
  }
}

std::vector<double> objectives(const std::filesystem::path& folder) {
  std::vector<double> values;
  for (const json& line : read_json_lines(folder / "timeline.jsonl")) values.push_back(line["objective"]);
  return values;
}

TEST(Simulate, LeavesEverythingAFinishedRunHas) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended simulation = run_meridian({"simulate", config, "--out", work / "out"});
  ASSERT_EQ(simulation.code, 0) << simulation.err;
  expect_finished_run(work / "out");
  const json summary = read_json(work / "out" / "summary.json");
  EXPECT_EQ(summary["mode"], "simulate");
  EXPECT_EQ(summary["stop_reason"], "clocks");
  EXPECT_EQ(summary["clocks"], 30);
}

TEST(Simulate, GivesTheSameBytesWhateverTheThreadsAndFolders) {
  const Workspace work;
  const std::string text = three_datacenters().yaml();
  const std::string config = work.write("config.yaml", text);
  const std::string elsewhere = work.write("other place/small.yaml", text);
  const Ended first = run_meridian({"simulate", config, "--out", work / "first", "--threads", "1"});
  ASSERT_EQ(first.code, 0) << first.err;
  const Ended again = run_meridian({"simulate", config, "--out", work / "again", "--threads", "4"});
  ASSERT_EQ(again.code, 0) << again.err;
  const Ended moved = run_meridian({"simulate", "small.yaml", "--out", "a/b"},
                                   {.working_directory = work / "other place",
                                    .environment = {{"TZ", "Asia/Tokyo"}, {"LC_ALL", "de_DE.UTF-8"}},
                                    .file_size_limit_bytes = {}});
  ASSERT_EQ(moved.code, 0) << moved.err;
  expect_equal_files(work / "first", work / "again");
  expect_equal_files(work / "first", work / "other place/a/b");
}

TEST(Simulate, GivesTheSameBytesOnWhateverVectorUnit) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  for (const InstructionSet set : available_instruction_sets()) {
    StartOptions options;
    options.environment = {{"MERIDIAN_ISA", to_string(set)}};
    const Ended run = run_meridian({"simulate", config, "--out", work / to_string(set)}, options);
    ASSERT_EQ(run.code, 0) << run.err;
    expect_equal_files(work / "portable", work / to_string(set));
  }
}

TEST(Simulate, NamesTheVectorUnitsThereAre) {
  StartOptions options;
  options.environment = {{"MERIDIAN_ISA", "abacus"}};
  const Ended run = run_meridian({"--version"}, options);
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("MERIDIAN_ISA is 'abacus'; this machine and build have portable"));
}

/// Everything that a description of links can say.
constexpr const char* kEventfulLinks =
    "wan.links={default: {bandwidth_mbps: 20, rtt_ms: 12, jitter: {normal_ms: 1}, loss: 0.002, "
    "trace: {steps: [[0, 20], [0.2, 5]], repeat_s: 0.5}}, caps: {east: {egress_mbps: 15, ingress_mbps: 30}}, "
    "events: [{at_s: 0.1, for_s: 0.2, action: cut, between: [east, west]}, {at_s: 0.2, action: degrade, "
    "datacenter: south, bandwidth_factor: 0.5, rtt_ms: 30}, {at_s: 0.3, for_s: 0.2, action: pause, "
    "datacenter: west}, {at_s: 0.5, action: restore, datacenter: south}, {at_s: 0.6, action: reset, "
    "from: south, to: east}]}";

TEST(Simulate, LinksThatVaryAndBreakGiveTheSameBytesEachTime) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  for (const auto& [folder, threads] : {std::pair("first", "1"), std::pair("again", "4")}) {
    const Ended run = run_meridian(
        {"simulate", config, "--out", work / folder, "--threads", threads, "--set", kEventfulLinks});
    ASSERT_EQ(run.code, 0) << run.err;
  }
  const Ended calm = run_meridian({"simulate", config, "--out", work / "calm"});
  ASSERT_EQ(calm.code, 0) << calm.err;
  expect_equal_files(work / "first", work / "again");
  const json eventful = read_json(work / "first" / "summary.json");
  EXPECT_GT(eventful["time_s"], read_json(work / "calm" / "summary.json")["time_s"]);
  EXPECT_LE(eventful["replicas"]["max_relative_difference_after_drain"], 1e-5);
  // The resolved configuration alone gives the same run.
  const Ended resolved =
      run_meridian({"simulate", work / "first" / "config.yaml", "--out", work / "resolved"});
  ASSERT_EQ(resolved.code, 0) << resolved.err;
  expect_equal_files(work / "first", work / "resolved");
}

TEST(Simulate, AnotherSeedGivesAnotherTraining) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  for (const char* seed : {"1", "2"}) {
    const Ended simulation =
        run_meridian({"simulate", config, "--out", work / seed, "--set", std::string("seed=") + seed});
    ASSERT_EQ(simulation.code, 0) << simulation.err;
  }
  EXPECT_NE(objectives(work / "1"), objectives(work / "2"));
}

TEST(Simulate, NothingOfThisMachineStandsInItsFiles) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended simulation = run_meridian({"simulate", config, "--out", work / "out", "--threads", "3"});
  ASSERT_EQ(simulation.code, 0) << simulation.err;
  std::array<char, 256> host{};
  ASSERT_EQ(::gethostname(host.data(), host.size() - 1), 0);
  for (const char* file : kDeterministicFiles) {
    const std::string content = read_file(work / "out" / file);
    EXPECT_THAT(content, Not(HasSubstr(work.folder().string()))) << file;
    EXPECT_THAT(content, Not(HasSubstr("unix"))) << file;
    EXPECT_THAT(content, Not(HasSubstr("threads"))) << file;
    EXPECT_THAT(content, Not(HasSubstr('"' + std::string(host.data())))) << file;
  }
}

TEST(Simulate, StopsByTargetAndByVirtualTime) {
  const Workspace work;
  TestConfig shape = three_datacenters();
  shape.stop = "{target: 0.3, clocks: 2000}";
  const Ended target =
      run_meridian({"simulate", work.write("target.yaml", shape.yaml()), "--out", work / "target"});
  ASSERT_EQ(target.code, 0) << target.err;
  expect_finished_run(work / "target");
  const json at_target = read_json(work / "target" / "summary.json");
  EXPECT_EQ(at_target["stop_reason"], "target");
  EXPECT_TRUE(at_target["objective"]["time_to_target_s"].is_number());
  // An hour of clocks takes nobody's hour.
  shape.stop = "{clocks: 1000000, time_s: 3600}";
  const Ended time = run_meridian({"simulate", work.write("time.yaml", shape.yaml()), "--out", work / "time",
                                   "--set", "workload.compute.seconds_per_clock=5"});
  ASSERT_EQ(time.code, 0) << time.err;
  const json at_time = read_json(work / "time" / "summary.json");
  EXPECT_EQ(at_time["stop_reason"], "time");
  EXPECT_GE(at_time["time_s"], 3600.0);
}

TEST(Simulate, AnInterruptLeavesOutputs) {
  const Workspace work;
  TestConfig shape;
  shape.stop = kEndless;
  const std::string config = work.write("config.yaml", shape.yaml());
  ProgramUnderTest simulation({"simulate", config, "--out", work / "out"});
  ASSERT_TRUE(simulation.wait_until([&] { return !read_file(work / "out" / "log").empty(); }))
      << simulation.err();
  simulation.send_signal(SIGINT);
  const auto ended = simulation.wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  expect_summary_keys(work / "out");
  EXPECT_EQ(read_json(work / "out" / "summary.json")["stop_reason"], "interrupted");
  EXPECT_FALSE(read_json_lines(work / "out" / "timeline.jsonl").empty());
}

TEST(Simulate, SaysWhereAllOfTheWorkersTimeWent) {
  const Workspace work;
  const std::string config = work.write("config.yaml", three_datacenters().yaml());
  const Ended ended = run_meridian({"simulate", config, "--out", work / "out", "--set", "wan.mode=bsp"});
  ASSERT_EQ(ended.code, 0) << ended.err;
  EXPECT_THAT(ended.out, HasSubstr("where the time of "));
  EXPECT_THAT(ended.out, HasSubstr("mirror clock"));
  const nlohmann::json summary = read_json(work / "out" / "summary.json");
  double workers = 0;
  for (const nlohmann::json& datacenter : summary["datacenters"])
    workers += datacenter["workers"].get<double>();
  double seconds = 0;
  for (const char* part : {"work_s", "waits_s"}) {
    for (const nlohmann::json& value : summary[part]) seconds += value.get<double>();
  }
  const double time_s = summary["time_s"];
  EXPECT_NEAR(seconds / (workers * time_s), 1.0, 0.05) << "virtual time: nothing else passes";
  EXPECT_GT(summary["waits_s"]["mirror_clock"], 0.2 * seconds) << "lock step waits for far datacenters";
}

}  // namespace
}  // namespace meridian::integration

// Goal: whatever dies, hangs or is interrupted, `meridian run` ends in time, says who was to blame, writes
// what it has and leaves no process behind. Reached by signals to the real processes of runs that would go on
// for ever, and by looking at every process of the system afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>

#include "tests/integration/program_under_test.h"
#include "tests/integration/run_files_check.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

/// A run that is well under way, of datacenters that would train for ever.
class EndlessRun {
 public:
  explicit EndlessRun(TestConfig shape = {}, const std::vector<std::string>& more = {})
      : program_(arguments(std::move(shape), more)) {}

  const Workspace& work() const { return work_; }
  std::filesystem::path out() const { return work_ / "out"; }
  ProgramUnderTest& program() { return program_; }

  /// Every datacenter has measured its replica once.
  bool under_way() const {
    return program_.wait_until([&] { return has_measured(out(), "east") && has_measured(out(), "west"); });
  }

  /// Sends a signal to one of the run's processes.
  void signal(const std::string& process, int number) const {
    const auto processes = processes_of(out());
    ASSERT_TRUE(processes.contains(process)) << process;
    ASSERT_EQ(::kill(processes.at(process), number), 0);
  }

  json summary() const { return read_json(out() / "summary.json"); }

 private:
  std::vector<std::string> arguments(TestConfig shape, const std::vector<std::string>& more) {
    shape.stop = kEndless;
    std::vector<std::string> words = {"run", work_.write("config.yaml", shape.yaml()), "--out", out()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  Workspace work_;
  ProgramUnderTest program_;
};

void expect_failed_run(EndlessRun& run, const std::string& named, std::chrono::seconds deadline) {
  const auto ended = run.program().wait(deadline);
  ASSERT_TRUE(ended) << "still runs; said: " << run.program().err();
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err, HasSubstr(named));
  EXPECT_TRUE(processes_of(run.work().folder()).empty()) << "a process is left";
  expect_summary_keys(run.out());
  EXPECT_EQ(run.summary()["stop_reason"], "failed");
  EXPECT_THAT(run.summary()["failure"].dump(), HasSubstr(named));
  EXPECT_EQ(run.summary()["objective"]["final"], nullptr);
  EXPECT_GT(run.summary()["clocks"], 0);
  EXPECT_FALSE(std::filesystem::exists(run.out() / "model.safetensors"));
}

class KilledProcess : public ::testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(KilledProcess, EndsTheRunAndIsNamed) {
  const auto& [process, name] = GetParam();
  EndlessRun run;
  ASSERT_TRUE(run.under_way()) << run.program().err();
  ASSERT_EQ(processes_of(run.out()).size(), 8U);  // 6 nodes, the emulator, the launcher
  run.signal(process, SIGKILL);
  expect_failed_run(run, std::string(name) + " was killed by signal 9 (SIGKILL)", kEndDeadline);
}

INSTANTIATE_TEST_SUITE_P(Faults, KilledProcess,
                         ::testing::Values(std::pair{"west-worker-0", "west-worker-0"},
                                           std::pair{"east-server-0", "east-server-0"},
                                           std::pair{"west-server-1", "west-server-1"},
                                           std::pair{"emulator", "the WAN emulator"}),
                         [](const auto& tested) {
                           std::string name = tested.param.first;
                           std::erase(name, '-');
                           return name;
                         });

TEST(Faults, AProcessKilledBeforeTheFirstClockEndsTheRunToo) {
  EndlessRun run;
  ASSERT_TRUE(run.program().wait_until([&] { return processes_of(run.out()).contains("west-worker-0"); }));
  run.signal("west-worker-0", SIGKILL);
  const auto ended = run.program().wait(kEndDeadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err, HasSubstr("west-worker-0 was killed by signal 9 (SIGKILL)"));
  EXPECT_TRUE(processes_of(run.work().folder()).empty());
  expect_summary_keys(run.out());
  EXPECT_EQ(run.summary()["stop_reason"], "failed");
}

TEST(Faults, ARunThatNobodyCanReportOnHasASummaryAllTheSame) {
  TestConfig alone;
  alone.datacenters = {{"east", 1, {}, 1}};
  EndlessRun run(alone);
  ASSERT_TRUE(run.program().wait_until([&] { return has_measured(run.out(), "east"); }));
  run.signal("east-server-0", SIGKILL);
  const auto ended = run.program().wait(kEndDeadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err, HasSubstr("east-server-0 was killed by signal 9 (SIGKILL)"));
  expect_summary_keys(run.out());
  EXPECT_EQ(run.summary()["stop_reason"], "failed");
  EXPECT_THAT(run.summary()["failure"].dump(), HasSubstr("east-server-0 was killed"));
}

TEST(Faults, ChildrenOfAKilledLauncherEndOnTheirOwn) {
  EndlessRun run;
  ASSERT_TRUE(run.under_way()) << run.program().err();
  run.program().send_signal(SIGKILL);
  ASSERT_TRUE(run.program().wait(kEndDeadline));
  EXPECT_TRUE(all_gone(run.work().folder())) << "a process is left";
}

TEST(Faults, AStoppedWorkerIsNamedAfterTheSilenceDeadline) {
  EndlessRun run({}, {"--set", "wan.deadlines.silence_s=4"});
  ASSERT_TRUE(run.under_way()) << run.program().err();
  run.signal("west-worker-0", SIGSTOP);
  expect_failed_run(run, "west-worker-0", kDeadline);
  EXPECT_THAT(run.program().err(), HasSubstr("silent"));
}

TEST(Faults, AStoppedServerIsNamedAfterTheSilenceDeadline) {
  EndlessRun run({}, {"--set", "wan.deadlines.silence_s=4"});
  ASSERT_TRUE(run.under_way()) << run.program().err();
  run.signal("east-server-1", SIGSTOP);
  expect_failed_run(run, "east-server-1", kDeadline);
}

TEST(Faults, AnInterruptDrainsAndWritesEverything) {
  for (const int signal_number : {SIGINT, SIGTERM}) {
    EndlessRun run(three_datacenters());
    ASSERT_TRUE(run.under_way()) << run.program().err();
    run.program().send_signal(signal_number);
    const auto ended = run.program().wait();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->code, 1);
    EXPECT_TRUE(processes_of(run.work().folder()).empty());
    expect_finished_run(run.out());
    EXPECT_EQ(run.summary()["stop_reason"], "interrupted");
    EXPECT_EQ(run.summary()["failure"], nullptr);
    EXPECT_THAT(ended->err, HasSubstr("interrupted"));
  }
}

/// In this mode nobody waits for updates, and over this link a drain takes a quarter of a minute.
const std::vector<std::string> kSlowDrain = {"--set", "wan.mode=async",
                                             "--set", "workload.model={kind: mlp, hidden: [64]}",
                                             "--set", "wan.links.default={bandwidth_mbps: 0.1, rtt_ms: 10}"};

TEST(Faults, ASecondInterruptDoesNotWaitForTheDrain) {
  EndlessRun run({}, kSlowDrain);
  ASSERT_TRUE(run.under_way()) << run.program().err();
  run.program().send_signal(SIGINT);
  ASSERT_TRUE(
      run.program().wait_until([&] { return run.program().err().find("interrupted") != std::string::npos; }));
  run.program().send_signal(SIGINT);
  const auto ended = run.program().wait(kEndDeadline);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err, HasSubstr("stopped without a drain"));
  EXPECT_TRUE(processes_of(run.work().folder()).empty());
  expect_summary_keys(run.out());
  EXPECT_EQ(run.summary()["objective"]["final"], nullptr);
}

TEST(Faults, ADrainThatDoesNotEndInTimeIsNamed) {
  for (const char* command : {"run", "simulate"}) {
    const Workspace work;
    const std::string config = work.write("config.yaml", TestConfig().yaml());
    std::vector<std::string> words = {command,      config,  "--out",
                                      work / "out", "--set", "wan.deadlines.drain_s=1"};
    words.insert(words.end(), kSlowDrain.begin(), kSlowDrain.end());
    const Ended ended = run_meridian(words);
    EXPECT_EQ(ended.code, 1) << command;
    EXPECT_THAT(ended.err, HasSubstr("the drain was not over after 1 s")) << command;
    expect_summary_keys(work / "out");
    const json summary = read_json(work / "out" / "summary.json");
    EXPECT_EQ(summary["stop_reason"], "drain_timeout") << command;
    EXPECT_THAT(summary["failure"].dump(), HasSubstr("the drain was not over after 1 s")) << command;
    EXPECT_TRUE(processes_of(work.folder()).empty()) << command;
  }
}

}  // namespace
}  // namespace meridian::integration

// Goal: a run can be watched: all its processes serve their metrics, listed where Prometheus looks and
// nowhere once the run has ended; `meridian top` shows them; a fault is seen before its process goes. How:
// real runs, asked over HTTP.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <set>

#include "src/monitoring/catalogue.h"
#include "src/monitoring/targets_file.h"
#include "src/program/metrics_reader.h"
#include "tests/integration/program_under_test.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using monitoring::Sample;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::chrono::seconds kAnswer{10};

/// Prices for all, so that nothing of the catalogue is without cause.
constexpr const char* kLinks =
    "wan.links={default: {bandwidth_mbps: 100, rtt_ms: 4}, prices: {dated: 2026-01-31, source: a test, "
    "currency: EUR, "
    "default: {egress_per_gb: 0.1, machine_per_hour: 2}}}";

/// The addresses in a targets file, without the emulator's.
std::vector<std::string> addresses_in(const std::filesystem::path& file) {
  std::vector<std::string> addresses;
  const auto groups = monitoring::read_targets(file);
  if (!groups) return addresses;
  for (const monitoring::TargetGroup& group : groups.value()) {
    if (group.labels.at("role") != "emulator")
      addresses.insert(addresses.end(), group.addresses.begin(), group.addresses.end());
  }
  return addresses;
}

TEST(Watch, EveryProcessServesAllOfItsMetricsWhileTheRunGoesOn) {
  const Workspace work;
  TestConfig endless = three_datacenters();
  endless.stop = kEndless;
  const std::string config = work.write("config.yaml", endless.yaml());
  const std::filesystem::path targets = work / "watched" / "run.json";
  ProgramUnderTest run({"run", config, "--out", work / "out", "--set", kLinks, "--set",
                        "workload.stop.target=1", "--set", "metrics.targets=" + targets.string(), "--set",
                        "log.format=json"});
  // Until an evaluation there is no objective.
  std::vector<Sample> samples;
  ASSERT_TRUE(run.wait_until([&] {
    const auto addresses = addresses_in(targets);
    if (addresses.empty()) return false;
    program::MetricsRead read = program::read_metrics(addresses, kAnswer);
    samples = std::move(read.samples);
    return read.unreachable.empty() && std::any_of(samples.begin(), samples.end(), [](const Sample& sample) {
             return sample.name == "meridian_train_loss";
           });
  })) << run.err();
  std::set<std::string> served;
  std::set<std::string> processes;
  for (const Sample& sample : samples) {
    served.insert(sample.name);
    if (sample.name.starts_with("exposer_")) continue;
    EXPECT_NE(monitoring::find_metric(sample.name), nullptr) << sample.name << " is not in the catalogue";
    EXPECT_EQ(sample.label("run"), "small") << sample.name;
    processes.insert(
        fmt::format("{}-{}-{}", sample.label("datacenter"), sample.label("role"), sample.label("index")));
  }
  for (const monitoring::MetricInfo& metric : monitoring::catalogue()) {
    const bool of_some_workloads = std::string_view(metric.name) == "meridian_figure";
    EXPECT_TRUE(of_some_workloads || served.contains(metric.name)) << metric.name << " is served by nobody";
  }
  EXPECT_THAT(processes, SizeIs(addresses_in(targets).size()));
  EXPECT_THAT(run.err(), HasSubstr("metrics of "));

  const Ended top = run_meridian({"top", work / "out", "--once", "--interval", "0.2"});
  EXPECT_EQ(top.code, 0) << top.err;
  for (const char* text : {"small", "gaia", "training", "clocks/s", "round trip"})
    EXPECT_THAT(top.out, HasSubstr(text));

  run.send_signal(SIGINT);
  const auto ended = run.wait();
  ASSERT_TRUE(ended);
  EXPECT_THAT(addresses_in(targets), IsEmpty()) << "what has ended is not missing";
  const Ended after = run_meridian({"top", work / "out"});
  EXPECT_EQ(after.code, 1);
  EXPECT_THAT(after.err, HasSubstr("the run has ended"));
  const std::string log = read_file(work / "out" / "log");
  const nlohmann::json line = nlohmann::json::parse(log.substr(0, log.find('\n')), nullptr, false);
  EXPECT_TRUE(line.is_object() && line.contains("message")) << log;
}

TEST(Watch, AFaultIsSeenBeforeItsProcessGoes) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  // Steps of this size overflow within a few clocks, which take long enough to be looked at.
  ProgramUnderTest run({"run", config, "--out", work / "out", "--set",
                        "workload.optimizer.learning_rate=1000", "--set", "workload.optimizer.momentum=0.999",
                        "--set", "workload.optimizer.name=momentum", "--set",
                        "workload.stop={clocks: 100000}", "--set", "workload.compute.seconds_per_clock=0.01",
                        "--set", "workload.optimizer.weight_decay=1000"});
  std::vector<std::string> addresses;
  EXPECT_TRUE(run.wait_until([&] {
    if (addresses.empty()) addresses = addresses_in(work / "out" / "targets.json");
    const program::MetricsRead read = program::read_metrics(addresses, kAnswer);
    return std::any_of(read.samples.begin(), read.samples.end(), [](const Sample& sample) {
      return sample.name == "meridian_faults_total" && sample.label("kind") == "not_finite" &&
             sample.value == 1.0;
    });
  })) << run.err();
  const auto ended = run.wait();
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->code, 1);
  EXPECT_THAT(ended->err, HasSubstr("not finite"));
}

TEST(Watch, ANodesPortIsTheOneOfItsPlaceAndNoMetricsAreServedWhereNoneAreWanted) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  const Ended quiet = run_meridian({"run", config, "--out", work / "quiet", "--set", "metrics.address=none"});
  EXPECT_EQ(quiet.code, 0) << quiet.err;
  EXPECT_FALSE(std::filesystem::exists(work / "quiet" / "targets.json"));

  const int first = free_port_blocks(1).front();  // four in a row
  TestConfig endless;
  endless.stop = kEndless;
  endless.datacenters = {{"east", 1, {}, 1}, {"west", 1, {}, 1}};
  const std::string other = work.write("other.yaml", endless.yaml());
  ProgramUnderTest run(
      {"run", other, "--out", work / "out", "--set", fmt::format("metrics.address='127.0.0.1:{}'", first)});
  std::vector<std::string> addresses;
  ASSERT_TRUE(run.wait_until([&] {
    return !(addresses = addresses_in(work / "out" / "targets.json")).empty();
  })) << run.err();
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < addresses.size(); ++i)
    expected.push_back(fmt::format("127.0.0.1:{}", first + static_cast<int>(i)));
  EXPECT_THAT(addresses, testing::UnorderedElementsAreArray(expected));
}

TEST(Top, RefusesWhatIsNoRun) {
  const Workspace work;
  for (const std::string& where :
       {work.folder().string(), (work / "none").string(), std::string("nowhere")}) {
    const Ended ended = run_meridian({"top", where});
    EXPECT_EQ(ended.code, 2) << where;
    EXPECT_THAT(ended.err, HasSubstr(where));
  }
  const Ended nobody = run_meridian({"top", "127.0.0.1:1", "--once"});
  EXPECT_EQ(nobody.code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("nobody answers"));
}

}  // namespace
}  // namespace meridian::integration

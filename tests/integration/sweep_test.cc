// Goal: `meridian sweep` runs each cell once, leaves tables and a page, goes on where it ended, and checks
// all cells before the first one runs. Reached by sweeping a tiny grid twice and looking at its files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/integration/program_under_test.h"
#include "tests/integration/workspace.h"

namespace meridian::integration {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kExperiment = R"(name: tiny
base: config.yaml
set: {workload.stop: {clocks: 4, target: 0.01}, workload.evaluate_every: 2}
axes:
  - {name: mode, key: wan.mode, values: [gaia, bsp]}
  - name: links
    values:
      - {label: "<WAN>", set: {}}
      - {label: LAN, set: {wan.links: lan}}
baseline: {mode: bsp}
lan: {mode: bsp, links: LAN}
)";

/// Every file of the cells and when it was last changed.
std::map<std::string, std::filesystem::file_time_type> times_of(const std::filesystem::path& folder) {
  std::map<std::string, std::filesystem::file_time_type> times;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) times[entry.path().string()] = entry.last_write_time();
  }
  return times;
}

TEST(Sweep, RunsEachCellOnceHoweverOftenItIsStarted) {
  const Workspace work;
  work.write("config.yaml", TestConfig().yaml());
  const std::string experiment = work.write("tiny.yaml", kExperiment);
  const Ended first = run_meridian({"sweep", experiment, "--out", work / "out", "--jobs", "2"});
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out,
              AllOf(HasSubstr("4 of 4 runs are finished, 0 of them from before"), HasSubstr("1.00x")));
  const std::string csv = read_file(work / "out" / "results.csv");
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 5);
  EXPECT_THAT(read_file(work / "out" / "results.md"), HasSubstr("| gaia | \\<WAN\\> | 1 |"));
  EXPECT_THAT(read_file(work / "out" / "page.html"),
              AllOf(HasSubstr("&lt;WAN&gt;"), HasSubstr("</html>"), Not(HasSubstr("<WAN>"))));

  const auto before = times_of(work / "out" / "cells");
  EXPECT_GE(before.size(), 4U * 5U);
  const Ended again = run_meridian({"sweep", experiment, "--out", work / "out", "--quiet"});
  ASSERT_EQ(again.code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("4 of 4 runs are finished, 4 of them from before"));
  EXPECT_EQ(times_of(work / "out" / "cells"), before);

  // A half-written folder is done again, and it alone.
  const std::filesystem::path cell = work / "out" / "cells" / "gaia,LAN-seed1";
  ASSERT_TRUE(std::filesystem::remove(cell / "summary.json"));
  const Ended mended = run_meridian({"sweep", experiment, "--out", work / "out"});
  ASSERT_EQ(mended.code, 0) << mended.err;
  EXPECT_THAT(mended.out, HasSubstr("4 of 4 runs are finished, 3 of them from before"));
  for (const auto& [file, time] : times_of(work / "out" / "cells")) {
    if (file.find("gaia,LAN-seed1") != std::string::npos) continue;
    EXPECT_EQ(time, before.at(file)) << file;
  }
  EXPECT_EQ(read_file(work / "out" / "results.csv"), csv);
}

TEST(Sweep, RunsForRealWhereItIsToldTo) {
  const Workspace work;
  work.write("config.yaml", TestConfig().yaml());
  const std::string experiment = work.write(
      "one.yaml",
      "name: one\nbase: config.yaml\nset: {workload.stop: {clocks: 4}, workload.evaluate_every: 2}\n"
      "axes:\n  - {name: mode, key: wan.mode, values: [bsp]}\n");
  const Ended simulated = run_meridian({"sweep", experiment, "--out", work / "out"});
  ASSERT_EQ(simulated.code, 0) << simulated.err;
  // What was simulated does not stand for a real run.
  const Ended real = run_meridian({"sweep", experiment, "--out", work / "out", "--real"});
  ASSERT_EQ(real.code, 0) << real.err;
  EXPECT_THAT(real.out, HasSubstr("1 of 1 runs are finished, 0 of them from before"));
  EXPECT_THAT(read_file(work / "out" / "results.csv"), HasSubstr(",real,"));
  const Ended again = run_meridian({"sweep", experiment, "--out", work / "out", "--real"});
  EXPECT_THAT(again.out, HasSubstr("1 of 1 runs are finished, 1 of them from before"));
}

TEST(Sweep, ChecksEveryCellBeforeTheFirstOneRuns) {
  const Workspace work;
  work.write("config.yaml", TestConfig().yaml());
  const std::string experiment = work.write(
      "bad.yaml", "name: bad\nbase: config.yaml\naxes:\n  - {key: wan.mode, values: [gaia, warp]}\n");
  const Ended ended = run_meridian({"sweep", experiment, "--out", work / "out"});
  EXPECT_EQ(ended.code, 2);
  EXPECT_THAT(ended.err, HasSubstr(experiment + ":4:36: wan.mode is 'warp'"));
  EXPECT_FALSE(std::filesystem::exists(work / "out"));
}

TEST(Sweep, NamesTheCellThatFailedAndItsLogAndKeepsTheOthers) {
  const Workspace work;
  work.write("config.yaml", TestConfig().yaml());
  const std::string experiment = work.write(
      "half.yaml",
      "name: half\nbase: config.yaml\nset: {workload.stop: {clocks: 4}}\naxes:\n  - name: data\n    values:\n"
      "      - {label: there, set: {}}\n"
      "      - {label: missing, set: {workload.data: {format: idx, path: nowhere, if_missing: error}}}\n");
  const Ended ended = run_meridian({"sweep", experiment, "--out", work / "out"});
  EXPECT_EQ(ended.code, 1);
  EXPECT_THAT(ended.err,
              AllOf(HasSubstr("missing-seed1 exited with code 2"), HasSubstr("missing-seed1.log")));
  EXPECT_THAT(read_file(work / "out" / "cells" / "missing-seed1.log"), HasSubstr("nowhere"));
  EXPECT_THAT(ended.out, HasSubstr("1 of 2 runs are finished"));
}

constexpr const char* kPriced = R"(name: priced
base: config.yaml
set:
  workload.stop: {clocks: 4, target: 0.01}
  workload.evaluate_every: 2
axes:
  - name: links
    values:
      - label: WAN
        set:
          wan.links:
            default: {bandwidth_mbps: 8, rtt_ms: 100}
            prices:
              dated: 2023-08-06
              source: a list & more
              currency: USD
              default: {egress_per_gb: 0.5, machine_per_hour: 36}
              regions: {west: {machine_per_hour: 18}}
      - {label: LAN, set: {wan.links: lan}}
seeds: 2
lan: {links: LAN}
centralised: {data_gb: 0.02}
)";

TEST(Sweep, HasAComputedRowForTrainingInOnePlace) {
  const Workspace work;
  work.write("config.yaml", TestConfig().yaml());
  const std::string experiment = work.write("priced.yaml", kPriced);
  const Ended sweep = run_meridian({"sweep", experiment, "--out", work / "out"});
  ASSERT_EQ(sweep.code, 0) << sweep.err;
  EXPECT_THAT(
      sweep.out,
      AllOf(HasSubstr("cost in all"), HasSubstr("centralised, WAN"), HasSubstr("2 computed"),
            HasSubstr("Prices of 2023-08-06 in USD: a list & more\n"),
            HasSubstr("0.01 GB of 0.02 GB of training data move to west (where it costs least) in 10.")));
  const nlohmann::json lan = read_json(work / "out" / "cells" / "LAN-seed1" / "summary.json");
  EXPECT_EQ(lan["cost"], nullptr);
  EXPECT_THAT(read_file(work / "out" / "results.csv"), HasSubstr("\"centralised, WAN\",2,computed,"));
  EXPECT_THAT(read_file(work / "out" / "results.md"),
              AllOf(HasSubstr("2 computed"), HasSubstr("a list \\& more")));
  EXPECT_THAT(read_file(work / "out" / "page.html"), HasSubstr("a list &amp; more"));

  // A report of the same runs has the same row: half of 0.02 GB at 10^6 bytes/s and 50 ms, then the run over
  // the LAN with a machine for each of the two workers.
  const std::filesystem::path cells = work / "out" / "cells";
  std::vector<std::string> report = {"report",
                                     cells / "WAN-seed1",
                                     cells / "LAN-seed1",
                                     "--lan",
                                     cells / "LAN-seed1",
                                     "--centralised",
                                     "--data-gb",
                                     "0.02",
                                     "--json"};
  const Ended reported = run_meridian(report);
  ASSERT_EQ(reported.code, 0) << reported.err;
  const nlohmann::json rows = nlohmann::json::parse(reported.out, nullptr, false);
  ASSERT_EQ(rows.size(), 3U);
  const nlohmann::json& row = rows[2];
  EXPECT_EQ(row["name"], "centralised");
  EXPECT_EQ(row["mode"], "computed");
  EXPECT_NEAR(row["time_s"].get<double>(), 10.05 + lan["time_s"].get<double>(), 1e-9);
  EXPECT_NEAR(row["time_to_target_s"].get<double>(),
              10.05 + lan["objective"]["time_to_target_s"].get<double>(), 1e-9);
  EXPECT_NEAR(row["cost_in_all"].get<double>(), 0.01 * 0.5 + 2 * 18 * lan["time_s"].get<double>() / 3600,
              1e-9);
  EXPECT_NEAR(row["wan_mb_total"].get<double>(), 10.0, 1e-9);
  EXPECT_THAT(reported.err, HasSubstr("centralised: computed, not run"));

  for (const std::vector<std::string>& bad : std::vector<std::vector<std::string>>{
           {"--region", "ost"}, {"--data-gb", "0"}, {"--data-gb", "nan"}, {"--lan", cells / "WAN-seed1"}}) {
    std::vector<std::string> arguments = {"report", cells / "WAN-seed1", cells / "LAN-seed1",
                                          "--centralised"};
    arguments.insert(arguments.end(), bad.begin(), bad.end());
    if (bad.front() != "--lan") arguments.insert(arguments.end(), {"--lan", cells / "LAN-seed1"});
    const Ended refused = run_meridian(arguments);
    EXPECT_EQ(refused.code, 2) << bad.back();
    EXPECT_THAT(refused.err, HasSubstr("expected")) << bad.back();
  }
}

TEST(Sweep, ReportMakesTheSamePageOfAnyFinishedRuns) {
  const Workspace work;
  const std::string config = work.write("config.yaml", TestConfig().yaml());
  for (const char* mode : {"gaia", "bsp"}) {
    const Ended run = run_meridian({"simulate", config, "--set", std::string("wan.mode=") + mode, "--set",
                                    "workload.stop={clocks: 4}", "--out", work / mode});
    ASSERT_EQ(run.code, 0) << run.err;
  }
  const Ended report = run_meridian(
      {"report", work / "gaia", work / "bsp", "--baseline", work / "bsp", "--page", work / "compared"});
  ASSERT_EQ(report.code, 0) << report.err;
  EXPECT_THAT(read_file(work / "compared" / "page.html"),
              AllOf(HasSubstr("<td>gaia</td>"), HasSubstr("</html>")));
  EXPECT_THAT(read_file(work / "compared" / "results.csv"), HasSubstr("axis.run,seed,"));
}

}  // namespace
}  // namespace meridian::integration

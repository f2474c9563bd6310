// Goal: axes are crossed, keys of one axis go together, each cell knows what it is compared with; every
// configuration is checked before anything runs; a run is repeated unless its folder holds exactly its
// outcome. Reached by planning small grids over a configuration in a folder of the test's own.
#include "src/sweep/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"

namespace meridian::sweep {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kBase = R"(name: small
workload:
  model: softmax
  optimizer: {learning_rate: 0.1}
  data: {format: generated, generated_train: 600, generated_test: 100}
  stop: {clocks: 5}
datacenters: [{name: east}, {name: west}]
wan:
  links: {default: {bandwidth_mbps: 10, rtt_ms: 20}}
)";

std::optional<std::string> no_environment(const std::string& /*name*/) { return std::nullopt; }

class Grid : public ::testing::Test {
 protected:
  Grid() {
    std::filesystem::create_directories(folder_);
    EXPECT_FALSE(output::write_text_atomically(folder_ / "base.yaml", kBase));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Experiment experiment(const std::string& rest) const {
    Result<Experiment> read =
        read_experiment_text("name: study\nbase: base.yaml\n" + rest, folder_ / "study.yaml");
    EXPECT_TRUE(read) << read.error().message;
    return read ? std::move(read).value() : Experiment{};
  }

  static Result<std::vector<PlannedRun>> plan(const Experiment& experiment) {
    return plan_runs(experiment, cells_of(experiment), no_environment);
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("meridian-grid-test-" + std::to_string(::getpid()));
};

constexpr const char* kTwoAxes = R"(axes:
  - {name: mode, key: wan.mode, values: [gaia, bsp]}
  - name: pair
    values:
      - {label: small, set: {workload.batch: 8, workload.evaluate_every: 2}}
      - {label: "b/i,g", set: {workload.batch: 16, workload.evaluate_every: 4}}
      - {label: other, set: {workload.batch: 4}}
seeds: [7, 9]
baseline: {mode: bsp}
lan: {mode: gaia, pair: other}
)";

TEST_F(Grid, CrossesAxesAndKeepsTheKeysOfOneTogether) {
  const std::vector<Cell> cells = cells_of(experiment(kTwoAxes));
  ASSERT_EQ(cells.size(), 6U);
  EXPECT_THAT(cells[0].labels, ElementsAre("gaia", "small"));
  EXPECT_THAT(cells[1].labels, ElementsAre("gaia", "b/i,g"));
  EXPECT_THAT(cells[5].labels, ElementsAre("bsp", "other"));
  std::vector<std::string> settings;
  for (const Setting& setting : cells[1].settings) settings.push_back(setting.text);
  EXPECT_THAT(settings, ElementsAre("wan.mode=gaia", "workload.batch=16", "workload.evaluate_every=4"));
}

TEST_F(Grid, ALaterAxisGoesBeforeAnEarlierOneAndBothBeforeTheBase) {
  const Experiment over = experiment(
      "set: {shards: 3}\naxes:\n  - {name: a, key: shards, values: [4]}\n  - {name: b, key: shards, values: "
      "[5]}\n");
  const auto runs = plan(over);
  ASSERT_TRUE(runs) << runs.error().message;
  EXPECT_THAT(runs.value().at(0).resolved, HasSubstr("\nshards: 5\n"));
}

TEST_F(Grid, KnowsTheCellOfWhichOthersReport) {
  const Experiment some = experiment(
      "axes:\n  - {name: mode, key: wan.mode, values: [gaia, bsp]}\n  - {name: s, key: shards, values: [1, "
      "2]}\n"
      "baseline: {mode: gaia}\npublished: [{cell: {mode: bsp, s: 1}, speed_up: 2}]\n");
  const std::vector<Cell> cells = cells_of(some);
  for (const Cell& cell : cells) {
    EXPECT_EQ(cell.published.has_value(), (cell.labels == std::vector<std::string>{"bsp", "1"}));
  }
}

TEST_F(Grid, ComparesAlongTheAxesThatAReferenceDoesNotName) {
  const std::vector<Cell> cells = cells_of(experiment(kTwoAxes));
  for (std::size_t i = 0; i < cells.size(); ++i) {
    ASSERT_TRUE(cells[i].baseline && cells[i].lan);
    EXPECT_EQ(*cells[i].baseline, 3 + i % 3);
    EXPECT_EQ(*cells[i].lan, 2U);
  }
}

TEST_F(Grid, PlansARunForEachCellAndSeedInAFolderOfItsOwn) {
  const Result<std::vector<PlannedRun>> runs = plan(experiment(kTwoAxes));
  ASSERT_TRUE(runs) << runs.error().message;
  ASSERT_EQ(runs.value().size(), 12U);
  EXPECT_EQ(runs.value()[0].name, "gaia,small-seed7");
  EXPECT_EQ(runs.value()[3].name, "gaia,b%2fi%2cg-seed9");
  EXPECT_THAT(runs.value()[1].overrides,
              ElementsAre("wan.mode=gaia", "workload.batch=8", "workload.evaluate_every=2", "seed=9"));
  EXPECT_THAT(runs.value()[1].resolved, HasSubstr("seed: 9"));
  std::set<std::string> names;
  for (const PlannedRun& run : runs.value()) names.insert(run.name);
  EXPECT_EQ(names.size(), 12U);
}

TEST_F(Grid, SaysOnceWhatIsWrongWithManyCellsAndWhere) {
  const Result<std::vector<PlannedRun>> runs = plan(experiment(
      "axes:\n  - {key: wan.mode, values: [gaia, warp]}\n  - {key: workload.batch, values: [1, 2]}\n"));
  ASSERT_FALSE(runs);
  const std::string& message = runs.error().message;
  EXPECT_THAT(message, StartsWith((folder_ / "study.yaml").string() + ":4:36: wan.mode is 'warp'"));
  EXPECT_THAT(message, HasSubstr("; expected "));
  EXPECT_THAT(message, Not(HasSubstr("\n")));
}

TEST_F(Grid, SaysThatTheBaseIsMissing) {
  std::filesystem::remove(folder_ / "base.yaml");
  const Result<std::vector<PlannedRun>> runs = plan(experiment(kTwoAxes));
  ASSERT_FALSE(runs);
  EXPECT_THAT(runs.error().message, AllOf(HasSubstr("study.yaml: base: "), HasSubstr("expected the path")));
}

TEST_F(Grid, TakesQuotedTextsAndMapsOverAsTheyAre) {
  const Result<std::vector<PlannedRun>> runs =
      plan(experiment("set: {name: \"1\", wan.links: {default: {bandwidth_mbps: 7, rtt_ms: 9}}}\n"
                      "axes:\n  - {key: workload.data.format, values: [idx], }\n  - {key: "
                      "workload.data.path, values: [\"a: b, {c} \\\"d\\\"\"]}\n"));
  ASSERT_TRUE(runs) << runs.error().message;
  EXPECT_THAT(runs.value()[0].resolved,
              AllOf(HasSubstr("bandwidth_mbps: 7"), HasSubstr("a: b, {c} \\\"d\\\"")));
}

class Resume : public Grid {
 protected:
  Resume() {
    const Result<std::vector<PlannedRun>> runs = plan(experiment("axes: [{key: wan.mode, values: [gaia]}]"));
    EXPECT_TRUE(runs) << runs.error().message;
    run_ = runs.value().front();
    std::filesystem::create_directories(run_folder_);
    write(run_.resolved, simulated());
  }

  static output::Summary simulated() {
    output::Summary summary;
    summary.mode = output::RunMode::simulate;
    return summary;
  }

  void write(const std::string& config, const output::Summary& summary) const {
    EXPECT_FALSE(output::write_text_atomically(run_folder_ / output::kConfigFile, config));
    EXPECT_FALSE(output::write_summary(run_folder_ / output::kSummaryFile, summary));
  }

  std::filesystem::path run_folder_ = folder_ / "run";
  PlannedRun run_;
};

TEST_F(Resume, KeepsWhatIsWholeAndTheSame) { EXPECT_TRUE(is_finished(run_folder_, run_)); }

TEST_F(Resume, TakesNoSimulationForARealRun) {
  EXPECT_FALSE(is_finished(run_folder_, run_, output::RunMode::run));
  output::Summary real = simulated();
  real.mode = output::RunMode::run;
  write(run_.resolved, real);
  EXPECT_TRUE(is_finished(run_folder_, run_, output::RunMode::run));
  EXPECT_FALSE(is_finished(run_folder_, run_));
}

TEST_F(Resume, RepeatsWhatWasRunOtherwise) {
  PlannedRun other = run_;
  other.resolved += "# changed\n";
  EXPECT_FALSE(is_finished(run_folder_, other));
}

TEST_F(Resume, RepeatsWhatIsNotWhole) {
  for (const char* file : {output::kSummaryFile, output::kConfigFile}) {
    write(run_.resolved, simulated());
    std::filesystem::remove(run_folder_ / file);
    EXPECT_FALSE(is_finished(run_folder_, run_)) << file;
  }
  write(run_.resolved, simulated());
  EXPECT_FALSE(output::write_text_atomically(run_folder_ / output::kSummaryFile, "{\"name\": "));
  EXPECT_FALSE(is_finished(run_folder_, run_));
  EXPECT_FALSE(is_finished(folder_ / "never", run_));
}

TEST_F(Resume, RepeatsWhatDidNotEndWell) {
  for (const output::StopReason reason :
       {output::StopReason::interrupted, output::StopReason::drain_timeout, output::StopReason::failed}) {
    output::Summary summary = simulated();
    summary.stop_reason = reason;
    write(run_.resolved, summary);
    EXPECT_FALSE(is_finished(run_folder_, run_)) << output::to_string(reason);
  }
}

}  // namespace
}  // namespace meridian::sweep

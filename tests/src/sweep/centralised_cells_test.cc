// Goal: an experiment that asks for training in one place gets one computed row for each set of links and LAN
// cell, marked as computed, and is refused, at its place, where there is nothing to compute it from. Reached
// by planning small experiments over a configuration in a folder of the test's own and by hand-made results.
#include "src/sweep/centralised_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/output/temporary_folder.h"

namespace meridian::sweep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kBase = R"(name: small
workload:
  model: softmax
  optimizer: {learning_rate: 0.1}
  data: {format: generated, generated_train: 600, generated_test: 100}
  stop: {clocks: 5}
datacenters: [{name: east}, {name: west, machines: 4}]
wan:
  links:
    default: {bandwidth_mbps: 80, rtt_ms: 100}
    prices: {dated: 2023-08-06, source: a list, currency: USD, default: {egress_per_gb: 0.5, machine_per_hour: 36}}
)";

constexpr const char* kAxes = R"(axes:
  - {name: mode, key: wan.mode, values: [gaia, bsp]}
  - name: links
    values:
      - {label: WAN, set: {}}
      - {label: slow, set: {wan.links: {default: {bandwidth_mbps: 8, rtt_ms: 100}}}}
      - {label: LAN, set: {wan.links: lan}}
baseline: {mode: bsp}
)";

struct Planned {
  Experiment experiment;
  std::vector<Cell> cells;
  Result<std::vector<CentralisedCell>> centralised;
};

class CentralisedCells : public ::testing::Test {
 protected:
  CentralisedCells() { output::put(folder_.path() / "base.yaml", kBase); }

  Planned plan(const std::string& rest) const {
    const auto read =
        read_experiment_text("name: study\nbase: base.yaml\n" + rest, folder_.path() / "study.yaml");
    EXPECT_TRUE(read) << read.error().message;
    const std::vector<Cell> cells = cells_of(read.value());
    const auto runs =
        plan_runs(read.value(), cells, [](const std::string&) { return std::optional<std::string>(); });
    EXPECT_TRUE(runs) << runs.error().message;
    return {read.value(), cells, plan_centralised(read.value(), cells, runs.value())};
  }

  std::string place(const std::string& line_and_column) const {
    return (folder_.path() / "study.yaml").string() + ":" + line_and_column + ": ";
  }

  output::TemporaryFolder folder_;
};

TEST_F(CentralisedCells, AreOneForEachSetOfLinks) {
  const Planned planned =
      plan(std::string(kAxes) + "lan: {mode: bsp, links: LAN}\ncentralised: {region: west}\n");
  ASSERT_TRUE(planned.centralised) << planned.centralised.error().message;
  const std::vector<CentralisedCell>& cells = planned.centralised.value();
  ASSERT_EQ(cells.size(), 2U);
  EXPECT_THAT(cells[0].labels, ElementsAre("centralised", "WAN"));
  EXPECT_EQ(cells[0].lan, 5U);
  EXPECT_EQ(cells[0].baseline, 3U);
  EXPECT_EQ(cells[0].wan.wan.links[0][1].bandwidth_mbps, 80.0);
  EXPECT_TRUE(cells[0].wan.wan.prices);
  EXPECT_THAT(cells[1].labels, ElementsAre("centralised", "slow"));
  EXPECT_EQ(cells[1].baseline, 4U);
  EXPECT_EQ(cells[1].wan.wan.prices, std::nullopt);
}

TEST_F(CentralisedCells, AreOneForEachLanCellWhereTheseDiffer) {
  // Without a mode in lan each mode has a LAN cell of its own.
  const Planned planned = plan(std::string(kAxes) + "lan: {links: LAN}\ncentralised: {}\n");
  ASSERT_TRUE(planned.centralised) << planned.centralised.error().message;
  std::vector<std::vector<std::string>> labels;
  for (const CentralisedCell& cell : planned.centralised.value()) labels.push_back(cell.labels);
  EXPECT_THAT(labels,
              ElementsAre(ElementsAre("centralised, gaia", "WAN"), ElementsAre("centralised, gaia", "slow"),
                          ElementsAre("centralised, bsp", "WAN"), ElementsAre("centralised, bsp", "slow")));
}

TEST_F(CentralisedCells, AreNoneUnlessAskedFor) {
  const Planned planned = plan(std::string(kAxes) + "lan: {mode: bsp, links: LAN}\n");
  ASSERT_TRUE(planned.centralised);
  EXPECT_TRUE(planned.centralised.value().empty());
}

TEST_F(CentralisedCells, AreRefusedAtTheirPlace) {
  const auto error = [&](const std::string& rest) {
    const Planned planned = plan(std::string(kAxes) + rest);
    return planned.centralised ? "no error" : planned.centralised.error().message;
  };
  EXPECT_THAT(
      error("lan: {mode: bsp, links: slow}\ncentralised: {region: west}\n"),
      HasSubstr(place("12:14") + "the cell 'bsp, slow', which lan names, is not over a LAN; expected lan: "));
  EXPECT_THAT(error("lan: {mode: bsp, links: LAN}\ncentralised: {region: ost}\n"),
              HasSubstr(place("12:14") +
                        "centralised.region is 'ost', which is no datacenter of the cell 'gaia, WAN'"));
  const Planned planned = plan(
      "axes: [{key: wan.mode, values: [bsp]}]\nset: {wan.links: lan}\nlan: {wan.mode: bsp}\n"
      "centralised: {}\n");
  ASSERT_FALSE(planned.centralised);
  EXPECT_THAT(planned.centralised.error().message, HasSubstr("centralised has no cell over a WAN"));
}

TEST_F(CentralisedCells, BecomeRowsThatSayWhatTheyAre) {
  const Planned planned =
      plan(std::string(kAxes) + "lan: {mode: bsp, links: LAN}\ncentralised: {region: west, data_gb: 2}\n");
  ASSERT_TRUE(planned.centralised) << planned.centralised.error().message;
  Results results;
  results.axes = {"mode", "links"};
  for (const Cell& cell : planned.cells) {
    results.cells.push_back(
        {.labels = cell.labels, .runs = {}, .planned = 1, .curve = {}, .baseline = {}, .lan = {}});
  }
  Results none = results;
  add_centralised(planned.experiment, planned.centralised.value(), none);
  EXPECT_EQ(none.cells.size(), 6U) << "no run over the LAN has finished";
  output::Summary& lan = results.cells[5].runs.emplace_back();
  lan.wan_mode = "bsp";
  lan.time_s = 20.0;
  lan.objective.target = 0.8;
  lan.objective.time_to_target_s = 10.0;
  lan.datacenters = {{"east", 5, 1, 1, {}, 1, 600}, {"west", 5, 1, 1, {}, 4, 600}};
  add_centralised(planned.experiment, planned.centralised.value(), results);
  ASSERT_EQ(results.cells.size(), 8U);
  EXPECT_TRUE(results.cells[6].computed);
  // 1 GB of the 2 at 10^7 bytes/s; five machines at 36 an hour for 20 s cost 1, the GB 0.5.
  EXPECT_DOUBLE_EQ(results.cells[6].runs.at(0).time_s, 100.05 + 20.0);
  EXPECT_DOUBLE_EQ(results.cells[6].runs.at(0).cost->in_all.total.value(), 1.5);
  const Table table = cell_table(results);
  EXPECT_THAT(table.headings, Contains("cost in all"));
  EXPECT_THAT(table.rows[6], Contains("1 computed"));
  EXPECT_THAT(table.rows[6], Contains("1.50 USD"));
  EXPECT_THAT(run_table(results).rows.at(1), Contains("computed"));
  const std::vector<std::string> notes = notes_of(results);
  ASSERT_EQ(notes.size(), 3U);
  EXPECT_EQ(notes[0], "Prices of 2023-08-06 in USD: a list");
  EXPECT_THAT(notes[1], HasSubstr("centralised, WAN: computed, not run: 1 GB of 2 GB"));
  EXPECT_THAT(notes[2], HasSubstr("centralised, slow: "));
}

}  // namespace
}  // namespace meridian::sweep

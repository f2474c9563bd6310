// Goal: medians, ranges and ratios over seeds are right, also where some runs or all of them never reached
// the target, and nothing is compared that cannot be. Reached by figures that are known beforehand.
#include "src/sweep/results.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace meridian::sweep {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

output::Summary run_that_reached(std::optional<double> time_s, double final = 0.9) {
  output::Summary summary;
  summary.objective.target = 0.8;
  summary.objective.final = final;
  summary.objective.time_to_target_s = time_s;
  if (time_s) summary.wan.bytes_to_target = static_cast<std::uint64_t>(*time_s * 1e6);
  summary.wan.bytes_sent = 200'000'000;
  return summary;
}

CellResult cell_of(const std::vector<std::optional<double>>& times, std::optional<std::size_t> baseline = {},
                   std::optional<std::size_t> lan = {}) {
  CellResult cell;
  cell.labels = {"a"};
  for (const auto& time : times) cell.runs.push_back(run_that_reached(time));
  cell.planned = times.size();
  cell.baseline = baseline;
  cell.lan = lan;
  return cell;
}

TEST(Spread, IsMedianAndRange) {
  EXPECT_EQ(spread_of({}), std::nullopt);
  EXPECT_EQ(spread_of({3.0}), (Spread{3.0, 3.0, 3.0}));
  EXPECT_EQ(spread_of({9.0, 1.0, 2.0}), (Spread{2.0, 1.0, 9.0}));
  EXPECT_EQ(spread_of({4.0, 1.0, 2.0, 9.0}), (Spread{3.0, 1.0, 9.0}));
}

TEST(Figures, CountWhoNeverReachedTheTargetAsLast) {
  Results results{
      "t", {"x"}, {cell_of({10.0, std::nullopt, 20.0}), cell_of({10.0, std::nullopt, std::nullopt})}};
  const std::vector<CellFigures> figures = figures_of(results);
  EXPECT_EQ(figures[0].reached, 2U);
  EXPECT_EQ(figures[0].time_to_target_s->median, 20.0);
  EXPECT_EQ(figures[0].time_to_target_s->least, 10.0);
  EXPECT_TRUE(std::isinf(figures[0].time_to_target_s->most));
  EXPECT_EQ(figures[0].bytes_to_target->median, 20e6);
  EXPECT_TRUE(std::isinf(figures[1].time_to_target_s->median));
  const Table table = cell_table(results);
  EXPECT_THAT(table.rows[0], Contains("20.0 s [10.0–not reached]"));
  EXPECT_THAT(table.rows[1], Contains("not reached [10.0–not reached]"));
}

TEST(Figures, CompareMedians) {
  const Results results{"t", {"x"}, {cell_of({40.0, 60.0, 50.0}, 0, 1), cell_of({5.0, 10.0, 20.0}, 0, 1)}};
  const std::vector<CellFigures> figures = figures_of(results);
  EXPECT_EQ(figures[0].speed_up, 1.0);
  EXPECT_EQ(figures[0].ratio_to_lan, 5.0);
  EXPECT_EQ(figures[1].speed_up, 5.0);
  EXPECT_EQ(figures[1].ratio_to_lan, 1.0);
  EXPECT_THAT(cell_table(results).rows[1], Contains("5.00x"));
}

TEST(Figures, StandBesideWhatOthersReport) {
  CellResult near = cell_of({10.0}, 0, 0);
  near.labels = {"near"};
  near.published = {2.6, 1.3, "of no use"};
  CellResult far = cell_of({4.0}, 0, 0);
  far.labels = {"far"};
  far.published = {5.0, 1.0, "Our links are faster."};
  CellResult plain = cell_of({20.0}, 0, 0);
  const Results results{"t", {"x"}, {plain, near, far}};
  const Table table = cell_table(results);
  EXPECT_EQ(table.headings.back(), "published of LAN time");
  EXPECT_EQ(table.rows[0].back(), "-");
  EXPECT_EQ(table.rows[1].back(), "1.30x");
  EXPECT_EQ(table.rows[1][table.rows[1].size() - 2], "2.60x");
  EXPECT_THAT(notes_of(results),
              ElementsAre("near: of LAN time 0.50 where 1.30 is published (-62 %). of no use",
                          "far: of LAN time 0.20 where 1.00 is published (-80 %). Our links are faster."));
}

TEST(Figures, CountClocksAndUpdatesAlone) {
  CellResult cell = cell_of({10.0, 20.0, std::nullopt});
  for (std::size_t i = 0; i < 2; ++i) {
    cell.runs[i].objective.clocks_to_target = 100 * (i + 1);
    cell.runs[i].wan.payload_bytes_to_target = 1'000'000 * (i + 1);
  }
  const Results results{"t", {"x"}, {cell}};
  EXPECT_EQ(figures_of(results)[0].clocks_to_target->median, 200.0);
  EXPECT_EQ(figures_of(results)[0].payload_to_target->median, 2e6);
  EXPECT_THAT(cell_table(results).rows[0], Contains("200 [100–not reached]"));
  EXPECT_THAT(cell_table(results).rows[0], Contains("2.00 [1.00–not reached]"));
}

TEST(Figures, HaveNoRatioWhereOneSideNeverReachedTheTarget) {
  const Results results{
      "t", {"x"}, {cell_of({std::nullopt}, 1, 1), cell_of({10.0}, 0, 0), cell_of({10.0}), cell_of({}, 1, 1)}};
  for (const CellFigures& figures : figures_of(results)) {
    EXPECT_EQ(figures.speed_up, std::nullopt);
    EXPECT_EQ(figures.ratio_to_lan, std::nullopt);
  }
}

TEST(Figures, HaveNoRatioBetweenTargetsOrMetricsThatDiffer) {
  Results results{"t", {"x"}, {cell_of({10.0}), cell_of({10.0}, 0), cell_of({10.0}, 0)}};
  results.cells[1].runs[0].objective.target = 0.7;
  results.cells[2].runs[0].objective.metric = "auc";
  const std::vector<CellFigures> figures = figures_of(results);
  EXPECT_EQ(figures[1].speed_up, std::nullopt);
  EXPECT_EQ(figures[2].speed_up, std::nullopt);
}

void add_cost(output::Summary& run, double to_target, double in_all) {
  run.cost = {"USD", "2023-08-06", "a list", {{}, {}, in_all}, {{}, {}, to_target}};
  if (!run.objective.time_to_target_s) run.cost->to_target = {};
}

TEST(Figures, HaveTheCostsOfCellsWhoseRunsAllHaveOne) {
  Results results{"t", {"x"}, {cell_of({10.0, 20.0, std::nullopt}), cell_of({10.0, 20.0})}};
  for (std::size_t i = 0; i < 3; ++i) add_cost(results.cells[0].runs[i], 0.25, 1.0 + static_cast<double>(i));
  add_cost(results.cells[1].runs[0], 0.25, 1.0);
  const std::vector<CellFigures> figures = figures_of(results);
  EXPECT_EQ(figures[0].currency, "USD");
  EXPECT_EQ(figures[0].cost_in_all, (Spread{2.0, 1.0, 3.0}));
  EXPECT_EQ(figures[0].cost_to_target->median, 0.25);
  EXPECT_TRUE(std::isinf(figures[0].cost_to_target->most));
  EXPECT_EQ(figures[1].cost_in_all, std::nullopt);
  EXPECT_EQ(figures[1].cost_to_target, std::nullopt);
  const Table table = cell_table(results);
  EXPECT_THAT(table.rows[0], Contains("0.2500 USD [0.2500–not reached]"));
  EXPECT_THAT(table.rows[0], Contains("2.00 USD [1.00–3.00]"));
  for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.headings.size());
  EXPECT_THAT(notes_of(results), testing::ElementsAre("Prices of 2023-08-06 in USD: a list"));
  // Two currencies do not add up.
  results.cells[0].runs[1].cost->currency = "EUR";
  EXPECT_EQ(figures_of(results)[0].cost_in_all, std::nullopt);
}

TEST(CellTable, HasNoColumnsForCostsThatNobodyKnows) {
  const Results results{"t", {"x"}, {cell_of({10.0})}};
  EXPECT_THAT(cell_table(results).headings, testing::Not(Contains("cost in all")));
  EXPECT_THAT(notes_of(results), testing::IsEmpty());
}

TEST(CellTable, ShowsWhatIsMissing) {
  CellResult cell = cell_of({10.0});
  cell.planned = 3;
  CellResult untargeted = cell_of({std::nullopt});
  untargeted.runs[0].objective.target.reset();
  const Table table = cell_table({"t", {"x"}, {cell, cell_of({}), untargeted}});
  EXPECT_THAT(table.rows[0], Contains("1 of 3"));
  EXPECT_THAT(table.rows[1], Contains("-"));
  EXPECT_EQ(table.rows[2][3], "-");  // no target: neither reached nor not reached
  for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.headings.size());
}

TEST(RunTable, HasARowForEachRunAndLeavesOutWhatDoesNotApply) {
  CellResult cell = cell_of({12.5, std::nullopt});
  cell.runs[1].seed = 2;
  const Table table = run_table({"t", {"x"}, {cell}});
  ASSERT_EQ(table.rows.size(), 2U);
  const auto column = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(table.headings.begin(), table.headings.end(), name) -
                                    table.headings.begin());
  };
  EXPECT_EQ(table.headings.front(), "axis.x");
  EXPECT_EQ(table.rows[0].at(column("time_to_target_s")), "12.5");
  EXPECT_EQ(table.rows[0].at(column("bytes_to_target")), "12500000");
  EXPECT_EQ(table.rows[1].at(column("time_to_target_s")), "");
  EXPECT_EQ(table.rows[1].at(column("seed")), "2");
  EXPECT_EQ(table.rows[0].at(column("kind")), "real");
  EXPECT_EQ(table.rows[0].at(column("cost_in_all")), "");
  add_cost(cell.runs[0], 0.25, 1.5);
  const Table priced = run_table({"t", {"x"}, {cell}});
  EXPECT_EQ(priced.rows[0].at(column("currency")), "USD");
  EXPECT_EQ(priced.rows[0].at(column("cost_in_all")), "1.5");
  EXPECT_EQ(priced.rows[0].at(column("cost_to_target")), "0.25");
}

}  // namespace
}  // namespace meridian::sweep

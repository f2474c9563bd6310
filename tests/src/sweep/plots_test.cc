// Goal: there is a plot for what there are figures for, and a label is only ever text in a script. Reached by
// results that lack this or that, and a label that would run a command.
#include "src/sweep/plots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::sweep {
namespace {

using ::testing::HasSubstr;

CellResult cell_of(const std::string& label, std::optional<double> time_s) {
  CellResult cell;
  cell.labels = {label};
  cell.planned = 1;
  output::Summary& run = cell.runs.emplace_back();
  run.objective.target = 0.8;
  run.objective.time_to_target_s = time_s;
  if (time_s) run.wan.bytes_to_target = 5'000'000;
  cell.curve = {{10, 1.0, 0, 0.5}, {20, 2.0, 3'000'000, 0.75}};
  return cell;
}

std::vector<std::string> files(const std::vector<Plot>& plots) {
  std::vector<std::string> names;
  for (const Plot& plot : plots) names.push_back(plot.file);
  return names;
}

TEST(Plots, DrawACurveAndABarForEachCell) {
  const std::vector<Plot> plots =
      plots_of({"t", {"x"}, {cell_of("one", 12.5), cell_of("two", std::nullopt)}});
  ASSERT_THAT(files(plots), testing::ElementsAre("objective_over_time.svg", "objective_over_bytes.svg",
                                                 "time_to_target.svg", "bytes_to_target.svg"));
  EXPECT_THAT(plots[0].script, HasSubstr("$cell0 << END\n1 0.5\n2 0.75\nEND\n"));
  // A logarithmic axis has no place for nothing.
  EXPECT_THAT(plots[1].script, HasSubstr("$cell1 << END\n3 0.75\nEND\n"));
  EXPECT_THAT(plots[1].script, HasSubstr("set logscale x"));
  EXPECT_THAT(plots[2].script, HasSubstr("$bars << END\n0 2 0 12.5 2 2\nEND\n"));
  EXPECT_THAT(plots[2].script, HasSubstr("'two (not reached)' 1"));
}

TEST(Plots, AreLeftOutWhereThereIsNothingToDraw) {
  CellResult local = cell_of("one", std::nullopt);
  local.curve = {{10, 1.0, 0, 0.5}};
  EXPECT_THAT(files(plots_of({"t", {"x"}, {local}})), testing::ElementsAre("objective_over_time.svg"));
  EXPECT_THAT(plots_of({"t", {"x"}, {}}), testing::IsEmpty());
}

TEST(Plots, TakeALabelLiterally) {
  EXPECT_EQ(gnuplot_quoted("it's `ls` \n\"x\""), "'it''s `ls` ?\"x\"'");
  const std::vector<Plot> plots = plots_of({"t", {"x"}, {cell_of("'; system('ls", 1.0)}});
  for (const Plot& plot : plots) EXPECT_THAT(plot.script, HasSubstr("'''; system(''ls'"));
  // Labels of bars are formats to gnuplot; those of lines are not.
  const std::vector<Plot> share = plots_of({"t", {"x"}, {cell_of("0.1 %", 1.0)}});
  EXPECT_THAT(share[0].script, HasSubstr("'0.1 %'"));
  EXPECT_THAT(share[2].script, HasSubstr("'0.1 %%' 1"));
}

}  // namespace
}  // namespace meridian::sweep

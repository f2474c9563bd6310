// Goal: the table compares runs rightly and only where they can be compared, aligns its columns, and lets no
// name steer the terminal. Reached by comparing hand-made summaries with figures worked out by hand and with
// the text expected.
#include "src/output/comparison_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::output {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

ComparedRun run_of(const std::string& label, const std::string& wan_mode, const std::string& links,
                   double time_s, std::uint64_t bytes) {
  ComparedRun run{label, links, {}};
  run.summary.mode = RunMode::simulate;
  run.summary.wan_mode = wan_mode;
  run.summary.stop_reason = StopReason::target;
  run.summary.clocks = 480;
  run.summary.time_s = time_s + 0.5;
  run.summary.objective = {"accuracy", true, 0.8612, 0.86, time_s, 475};
  run.summary.wan.bytes_sent = bytes + 1000000;
  run.summary.wan.bytes_to_target = bytes;
  run.summary.wan.entries_considered = 200;
  run.summary.wan.entries_sent = 5;
  return run;
}

std::vector<ComparedRun> four_runs() {
  std::vector<ComparedRun> runs = {
      run_of("demo", "gaia", "WAN", 25.0, 12345678), run_of("bsp over WAN", "bsp", "WAN", 200.0, 1500000000),
      run_of("bsp over LAN", "bsp", "LAN", 20.0, 1500000000), run_of("zürich", "async", "WAN", 1.0, 5000)};
  runs[0].summary.mode = RunMode::run;
  runs[3].summary.stop_reason = StopReason::clocks;
  runs[3].summary.objective.time_to_target_s.reset();
  runs[3].summary.objective.final.reset();
  runs[3].summary.wan.bytes_to_target.reset();
  runs[3].summary.wan.entries_considered = 0;
  return runs;
}

TEST(ComparisonTable, WorksOutTheRatios) {
  const auto rows = compare_runs(four_runs(), {1, 2});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_DOUBLE_EQ(rows[0].speed_up.value(), 8.0);
  EXPECT_DOUBLE_EQ(rows[0].ratio_to_lan.value(), 1.25);
  EXPECT_DOUBLE_EQ(rows[0].entries_sent_share.value(), 0.025);
  EXPECT_DOUBLE_EQ(rows[1].speed_up.value(), 1.0);
  EXPECT_DOUBLE_EQ(rows[2].speed_up.value(), 10.0);
  EXPECT_EQ(rows[3].speed_up, std::nullopt);
  EXPECT_EQ(rows[3].ratio_to_lan, std::nullopt);
}

TEST(ComparisonTable, ComparesOnlyTheSameTargetOfTheSameMetric) {
  auto runs = four_runs();
  runs[0].summary.objective.target = 0.87;
  runs[2].summary.objective.metric = "auc";
  const auto rows = compare_runs(runs, {1, std::nullopt});
  EXPECT_EQ(rows[0].speed_up, std::nullopt);
  EXPECT_EQ(rows[2].speed_up, std::nullopt);
  EXPECT_EQ(rows[1].ratio_to_lan, std::nullopt);
}

TEST(ComparisonTable, TextIsAligned) {
  EXPECT_EQ(
      comparison_text(compare_runs(four_runs(), {1, 2})),
      R"(run           mode   links  kind       clocks  training    to target  MB to target  MB in all  entries sent            final  speed-up  of LAN time  stopped by
demo          gaia   WAN    real          480    25.5 s       25.0 s          12.3       13.3        2.50 %  0.8612 accuracy     8.00x        1.25x  target
bsp over WAN  bsp    WAN    simulated     480   200.5 s      200.0 s        1500.0     1501.0        2.50 %  0.8612 accuracy     1.00x       10.00x  target
bsp over LAN  bsp    LAN    simulated     480    20.5 s       20.0 s        1500.0     1501.0        2.50 %  0.8612 accuracy    10.00x        1.00x  target
zürich        async  WAN    simulated     480     1.5 s  not reached             -       1.00             -                -         -            -  clocks
)");
}

TEST(ComparisonTable, ShowsCostsWhereAnyRunHasOne) {
  auto runs = four_runs();
  runs[0].summary.cost = {"USD", "2023-08-06", "a list", {0.5, 0.25, 0.75}, {0.3, 0.04, 0.34}};
  runs[1].summary.cost = {"USD", "2023-08-06", "a list", {12, 2000, 2012}, {12, std::nullopt, std::nullopt}};
  runs[2].summary.mode = RunMode::computed;
  const auto rows = compare_runs(runs, {1, 2});
  const std::string text = comparison_text(rows);
  EXPECT_THAT(text, HasSubstr("  MB in all  cost to target  cost in all  entries sent  "));
  EXPECT_THAT(text, HasSubstr("       13.3      0.3400 USD   0.7500 USD        2.50 %  "));
  EXPECT_THAT(text, HasSubstr("     1501.0               -  2012.00 USD        2.50 %  "));
  EXPECT_THAT(text, HasSubstr("     1501.0               -            -        2.50 %  "));
  EXPECT_THAT(text, HasSubstr("LAN    computed "));
  const std::string json = comparison_json(rows);
  EXPECT_THAT(json,
              HasSubstr("\"currency\": \"USD\",\n    \"cost_to_target\": 0.34,\n    \"cost_in_all\": 0.75"));
  EXPECT_THAT(json,
              HasSubstr("\"currency\": null,\n    \"cost_to_target\": null,\n    \"cost_in_all\": null"));
  EXPECT_THAT(comparison_text(compare_runs(four_runs(), {1, 2})), Not(HasSubstr("cost")));
}

TEST(ComparisonTable, NamesDoNotSteerTheTerminal) {
  auto runs = four_runs();
  runs[0].label = "\x1b[2Jx\ny";
  EXPECT_THAT(comparison_text(compare_runs(runs, {})), HasSubstr("?[2Jx?y"));
}

TEST(ComparisonTable, JsonHasNullWhereNothingApplies) {
  const std::string json = comparison_json(compare_runs(four_runs(), {1, 2}));
  EXPECT_THAT(json, HasSubstr("\"speed_up\": 8.0"));
  EXPECT_THAT(json, HasSubstr("\"time_to_target_s\": null"));
  EXPECT_THAT(json, HasSubstr("\"clocks\": 480"));
  EXPECT_THAT(json, Not(HasSubstr("not reached")));
}

}  // namespace
}  // namespace meridian::output

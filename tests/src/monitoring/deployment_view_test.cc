// Goal: several processes' metrics come together as one deployment: sums over servers, the slowest clock, the
// worst objective, rates and shares between two looks. How: two looks at made-up samples.
#include "src/monitoring/deployment_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::monitoring {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Sample> parsed(const std::string& text) {
  auto samples = parse_text_format(text);
  EXPECT_TRUE(samples) << samples.error().message;
  return std::move(samples).value();
}

std::string server(const std::string& datacenter, const std::string& index, int clocks, double objective,
                   const std::string& peer, int bytes) {
  const std::string own =
      "run=\"demo\",datacenter=\"" + datacenter + "\",role=\"server\",index=\"" + index + "\"";
  std::string text = "meridian_run_info{" + own +
                     ",mode=\"gaia\",workload=\"mlp\",metric=\"accuracy\",better=\"larger\"} 1\n";
  text += "meridian_clocks_closed_total{" + own + "} " + std::to_string(clocks) + "\n";
  text += "meridian_training{" + own + "} 1\n";
  if (index == "0") {
    text += "meridian_objective{" + own + "} " + std::to_string(objective) + "\n";
    text += "meridian_evaluated_clock{" + own + "} " + std::to_string(clocks) + "\n";
  }
  text += "meridian_held_reads{" + own + ",cause=\"push\"} 1\n";
  text += "meridian_held_reads{" + own + ",cause=\"mirror_clock\"} 2\n";
  text += "meridian_entries_considered_total{" + own + "} " + std::to_string(100 * clocks) + "\n";
  text += "meridian_entries_sent_total{" + own + "} " + std::to_string(10 * clocks) + "\n";
  const std::string link = own + ",peer=\"" + peer + "\"";
  text += "meridian_peer_present{" + link + "} 1\n";
  text += "meridian_peer_lag_clocks{" + link + "} 3\n";
  text += "meridian_link_round_trip_seconds{" + link + "} 0.05\n";
  text += "meridian_link_configured_rate_bytes_per_second{" + link + "} 1000\n";
  text += "meridian_link_bytes_total{" + link + ",kind=\"data\"} " + std::to_string(bytes) + "\n";
  text += "meridian_link_bytes_total{" + link + ",kind=\"control\"} " + std::to_string(bytes / 10) + "\n";
  return text;
}

std::string worker(const std::string& datacenter, double compute, double mirror) {
  const std::string own = "run=\"demo\",datacenter=\"" + datacenter + "\",role=\"worker\",index=\"0\"";
  return "meridian_worker_clocks_total{" + own + "} 5\n" + "meridian_worker_seconds_total{" + own +
         ",part=\"compute\"} " + std::to_string(compute) + "\n" + "meridian_worker_seconds_total{" + own +
         ",part=\"mirror_clock\"} " + std::to_string(mirror) + "\n";
}

TEST(DeploymentWatch, PutsProcessesTogether) {
  DeploymentWatch watch;
  EXPECT_THAT(watch.view().datacenters, IsEmpty());
  watch.take(10.0,
             parsed(server("east", "0", 100, 0.7, "west", 1000) + server("east", "1", 98, 0, "west", 500) +
                    server("west", "0", 90, 0.6, "east", 100) + worker("east", 10.0, 1.0)));
  DeploymentView view = watch.view();
  EXPECT_EQ(view.run, "demo");
  EXPECT_EQ(view.mode, "gaia");
  EXPECT_TRUE(view.training);
  EXPECT_EQ(view.objective, 0.6) << "the worst";
  EXPECT_FALSE(view.wan_bytes_per_s) << "one look knows no rates";

  watch.take(12.0,
             parsed(server("east", "0", 120, 0.8, "west", 2000) + server("east", "1", 118, 0, "west", 1500) +
                    server("west", "0", 100, 0.65, "east", 100) + worker("east", 11.5, 1.5)),
             {"127.0.0.1:9"});
  view = watch.view();
  ASSERT_EQ(view.datacenters.size(), 2U);
  const DatacenterView& east = view.datacenters[0];
  EXPECT_EQ(east.name, "east");
  EXPECT_EQ(east.servers, 2U);
  EXPECT_EQ(east.workers, 1U);
  EXPECT_EQ(east.clock, 118.0) << "its slowest server's";
  EXPECT_DOUBLE_EQ(*east.clocks_per_s, 10.0);
  EXPECT_EQ(east.objective, 0.8);
  EXPECT_EQ(east.held_reads, 6.0);
  EXPECT_EQ(east.held_for, "mirror_clock");
  EXPECT_DOUBLE_EQ(east.time_shares.at("compute"), 0.75);
  EXPECT_DOUBLE_EQ(east.time_shares.at("mirror_clock"), 0.25);
  EXPECT_THAT(view.datacenters[1].time_shares, IsEmpty()) << "nothing is known of its workers";
  ASSERT_EQ(view.links.size(), 2U);
  const LinkView& link = view.links[0];
  EXPECT_EQ(link.from + link.to, "eastwest");
  EXPECT_EQ(link.bytes, 3850.0);
  EXPECT_DOUBLE_EQ(*link.bytes_per_s, 1100.0);
  EXPECT_DOUBLE_EQ(*link.utilization, 1.1);
  EXPECT_EQ(link.lag_clocks, 3.0);
  EXPECT_DOUBLE_EQ(*view.sent_share, 0.1);
  EXPECT_THAT(view.objective_history, ElementsAre(0.6, 0.65));
  EXPECT_THAT(view.unreachable, ElementsAre("127.0.0.1:9"));
}

TEST(DeploymentWatch, ARestartedProcessGivesNoNegativeRates) {
  DeploymentWatch watch;
  watch.take(1.0, parsed(server("east", "0", 100, 0.7, "west", 1000)));
  watch.take(2.0, parsed(server("east", "0", 3, 0.1, "west", 10)));
  const DeploymentView view = watch.view();
  EXPECT_FALSE(view.datacenters[0].clocks_per_s);
  EXPECT_FALSE(view.links[0].bytes_per_s);
  EXPECT_FALSE(view.wan_bytes_per_s);
}

TEST(DeploymentWatch, AProcessThatComesBackCountsFromThenOn) {
  DeploymentWatch watch;
  watch.take(1.0, parsed(server("east", "0", 100, 0.7, "west", 1000)));
  watch.take(2.0, parsed(server("east", "0", 110, 0.7, "west", 1100) +
                         server("west", "0", 5000, 0.7, "east", 900000)));
  const DeploymentView view = watch.view();
  EXPECT_DOUBLE_EQ(*view.wan_bytes_per_s, 110.0) << "of what was there before, too";
  EXPECT_FALSE(view.datacenters[1].clocks_per_s);
}

TEST(DeploymentWatch, AProcessWithOldFiguresIsStuck) {
  DeploymentWatch watch;
  watch.take(1.0,
             parsed("meridian_snapshot_age_seconds{datacenter=\"a\",role=\"worker\",index=\"1\"} 9\n"
                    "meridian_snapshot_age_seconds{datacenter=\"b\",role=\"worker\",index=\"0\"} 0.1\n"));
  EXPECT_THAT(watch.view().stuck, ElementsAre("a worker 1"));
}

TEST(DeploymentWatch, WhereSmallerIsBetterTheWorstIsTheLargestAndFaultsAreNamed) {
  DeploymentWatch watch;
  watch.take(
      1.0,
      parsed("meridian_run_info{datacenter=\"a\",metric=\"rmse\",better=\"smaller\"} 1\n"
             "meridian_objective{datacenter=\"a\"} 0.5\nmeridian_objective{datacenter=\"b\"} 0.6\n"
             "meridian_faults_total{datacenter=\"a\",role=\"server\",index=\"0\",kind=\"not_finite\"} 1\n"
             "meridian_faults_total{datacenter=\"a\",role=\"server\",index=\"0\",kind=\"failed\"} 0\n"));
  const DeploymentView view = watch.view();
  EXPECT_EQ(view.metric, "rmse");
  EXPECT_EQ(view.objective, 0.6);
  EXPECT_THAT(view.faults, ElementsAre("a server 0: not_finite"));
}

}  // namespace
}  // namespace meridian::monitoring

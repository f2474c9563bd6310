// Goal: names follow Prometheus' conventions, each stands once, and samples carry what the catalogue says.
#include "src/monitoring/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "src/monitoring/metric_set.h"
#include "src/monitoring/process_figures.h"

namespace meridian::monitoring {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::Not;

TEST(Catalogue, NamesFollowPrometheusConventions) {
  const std::regex form("(meridian|process)(_[a-z]+)+");
  std::set<std::string> seen;
  for (const MetricInfo& metric : catalogue()) {
    const std::string name = metric.name;
    EXPECT_TRUE(std::regex_match(name, form)) << name;
    EXPECT_TRUE(seen.insert(name).second) << name << " stands there twice";
    EXPECT_NE(std::string(metric.help), "") << name;
    if (metric.type == MetricType::counter) {
      EXPECT_THAT(name, EndsWith("_total"));
    } else {
      EXPECT_THAT(name, Not(EndsWith("_total")));
    }
    EXPECT_EQ(find_metric(name), &metric);
  }
  EXPECT_EQ(find_metric("meridian_nothing"), nullptr);
}

TEST(MetricSet, FamiliesComeInTheCataloguesOrderWithTypeHelpAndLabels) {
  MetricSet set(Labels{{"run", "demo"}});
  set.add("meridian_loss", 0.5);
  set.add("meridian_worker_seconds_total", 2.0, {{"part", "pull"}});
  set.add("meridian_worker_seconds_total", 3.0, {{"part", "push"}});
  const auto families = set.take();
  ASSERT_EQ(families.size(), 2U);
  EXPECT_EQ(families[0].name, "meridian_worker_seconds_total");
  EXPECT_EQ(families[0].type, prometheus::MetricType::Counter);
  EXPECT_EQ(families[0].help, find_metric("meridian_worker_seconds_total")->help);
  ASSERT_EQ(families[0].metric.size(), 2U);
  EXPECT_EQ(families[0].metric[1].counter.value, 3.0);
  EXPECT_EQ(families[0].metric[1].label[0].name, "run");
  EXPECT_EQ(families[0].metric[1].label[1].value, "push");
  EXPECT_EQ(families[1].type, prometheus::MetricType::Gauge);
  EXPECT_EQ(families[1].metric[0].gauge.value, 0.5);
  EXPECT_TRUE(set.take().empty()) << "what was taken is gone";
}

TEST(ProcessFigures, TellWhatTheSystemSaysOfThisProcess) {
  MetricSet set({});
  add_process_figures(set);
  std::map<std::string, double> values;
  for (const auto& family : set.take()) {
    const auto& metric = family.metric.at(0);
    values[family.name] =
        family.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value;
  }
  EXPECT_GT(values["process_resident_memory_bytes"], 1e5);
  EXPECT_GE(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"]);
  EXPECT_GE(values["process_open_fds"], 3.0);
  EXPECT_GE(values["process_max_fds"], values["process_open_fds"]);
  EXPECT_GE(values["process_threads"], 1.0);
  EXPECT_GE(values["process_cpu_seconds_total"], 0.0);
  EXPECT_GT(values["process_start_time_seconds"], 1.6e9) << "seconds since 1970";
}

}  // namespace
}  // namespace meridian::monitoring

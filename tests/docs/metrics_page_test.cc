// Goal: docs/metrics.md explains every metric of the catalogue, with its type, and none that is not there.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "src/monitoring/catalogue.h"
#include "tests/docs/page.h"

namespace meridian {
namespace {

TEST(MetricsPage, HasEveryMetricWithItsType) {
  std::map<std::string, std::string> expected;
  for (const monitoring::MetricInfo& metric : monitoring::catalogue())
    expected[metric.name] = metric.type == monitoring::MetricType::counter ? "counter" : "gauge";
  std::map<std::string, std::string> documented;
  for (const docs::Row& row : docs::read_page("metrics.md").rows) {
    if (row.table != "metric") continue;
    ASSERT_GE(row.cells.size(), 5U) << row.cells.front();
    EXPECT_TRUE(documented.emplace(row.cells[0], row.cells[1]).second)
        << row.cells[0] << " stands there twice";
    EXPECT_NE(row.cells[3], "") << row.cells[0] << ": what it means";
  }
  EXPECT_EQ(documented, expected);
}

}  // namespace
}  // namespace meridian

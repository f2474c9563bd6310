// Goal: docs/outputs.md explains every key of summary.json and of timeline.jsonl and every column of the
// report, and none that is not there. How: each of them is written by the code with everything filled in, and
// its keys are compared with the page's table.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "src/output/comparison_table.h"
#include "src/output/summary.h"
#include "src/output/timeline.h"
#include "tests/docs/page.h"

namespace meridian {
namespace {

using Names = std::set<std::string>;

/// "wan.links[].bytes" and the like of everything below `json`.
void add_keys(const nlohmann::json& json, const std::string& path, Names& keys) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items())
      add_keys(value, path.empty() ? key : fmt::format("{}.{}", path, key), keys);
  } else if (json.is_array()) {
    for (const nlohmann::json& element : json) add_keys(element, path + "[]", keys);
  } else {
    keys.insert(path);
  }
}

Names keys_of(const std::string& text) {
  Names keys;
  add_keys(nlohmann::json::parse(text), "", keys);
  return keys;
}

/// The first cells of the tables that are headed so.
Names documented(const std::string& heading) {
  Names names;
  for (const docs::Row& row : docs::read_page("outputs.md").rows) {
    if (row.table != heading) continue;
    EXPECT_TRUE(names.insert(row.cells.front()).second) << row.cells.front() << " stands there twice";
  }
  return names;
}

TEST(OutputsPage, HasEveryKeyOfTheSummary) {
  output::Summary summary;
  summary.started_unix_s = 1.0;
  summary.wan.links.emplace_back();
  summary.datacenters.emplace_back();
  summary.cost.emplace();
  EXPECT_EQ(documented("summary key"), keys_of(output::to_json(summary)));
}

TEST(OutputsPage, HasEveryKeyOfTheTimeline) {
  output::TimelineSample sample;
  sample.train_loss = 1.0;
  sample.figures = {{"NAME", 0.5}};
  EXPECT_EQ(documented("timeline key"), keys_of(output::to_json_line(sample)));
}

TEST(OutputsPage, HasEveryColumnOfTheReport) {
  output::ComparisonRow row;
  row.cost_to_target = row.cost_in_all = 1.0;
  std::string heading = output::comparison_text({row});
  heading.resize(heading.find('\n') + 1);
  Names columns;
  for (std::size_t begin = 0; begin < heading.size();) {
    const std::size_t end = std::min(heading.find("  ", begin), heading.size() - 1);
    columns.insert(heading.substr(begin, end - begin));
    begin = std::min(heading.find_first_not_of(" \n", end), heading.size());
  }
  EXPECT_EQ(documented("column"), columns);
}

}  // namespace
}  // namespace meridian

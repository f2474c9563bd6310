// Goal: docs/experiments.md explains every key of an experiment and every column of results.csv, none that is
// not there, and its example is one. How: the reader says which keys it knows when it refuses another, the
// table has its own headings, and the example is read.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "src/sweep/centralised_cells.h"
#include "src/sweep/experiment.h"
#include "src/sweep/grid.h"
#include "src/sweep/results.h"
#include "tests/docs/page.h"

namespace meridian {
namespace {

using Names = std::set<std::string>;

/// The first cells of the tables that are headed so.
Names documented(const std::string& heading) {
  Names names;
  for (const docs::Row& row : docs::read_page("experiments.md").rows) {
    if (row.table == heading) names.insert(row.cells.front());
  }
  return names;
}

/// Adds, after `prefix`, the keys that the reader expects where this text has the key "?".
void add_known(const std::string& text, const std::string& prefix, Names& keys) {
  const Result<sweep::Experiment> read = sweep::read_experiment_text(text, "a.yaml");
  ASSERT_FALSE(read) << text;
  const std::string& message = read.error().message;
  const std::size_t begin = message.find("expected ", message.find("unknown key"));
  ASSERT_NE(begin, std::string::npos) << message;
  std::string known = message.substr(begin + 9, message.find('\n', begin) - begin - 9);
  if (const std::size_t last = known.find(" or "); last != std::string::npos) known.replace(last, 4, ", ");
  for (std::size_t at = 0; at < known.size();) {
    const std::size_t end = std::min(known.find(", ", at), known.size());
    keys.insert(prefix + known.substr(at, end - at));
    at = end + 2;
  }
}

TEST(ExperimentsPage, HasEveryKey) {
  Names keys;
  add_known("'?': 1", "", keys);
  add_known("axes: [{'?': 1}]", "axes[].", keys);
  add_known("axes: [{name: a, values: [{'?': 1}]}]", "axes[].values[].", keys);
  add_known("centralised: {'?': 1}", "centralised.", keys);
  add_known("axes: [{key: a, values: [1]}]\npublished: [{'?': 1}]", "published[].", keys);
  EXPECT_EQ(documented("experiment key"), keys);
}

TEST(ExperimentsPage, HasEveryColumnOfTheTableOfRuns) {
  const sweep::Table table = sweep::run_table({"title", {"NAME"}, {}});
  EXPECT_EQ(documented("csv column"), Names(table.headings.begin(), table.headings.end()));
}

TEST(ExperimentsPage, ShowsAnExperimentThatCanBeRun) {
  const std::string text = docs::read_page("experiments.md").block("name: threshold-study");
  const Result<sweep::Experiment> read =
      sweep::read_experiment_text(text, docs::source_folder() / "experiments" / "example.yaml");
  ASSERT_TRUE(read) << read.error().message;
  const auto runs = sweep::plan_runs(read.value(), sweep::cells_of(read.value()),
                                     [](const std::string&) { return std::optional<std::string>(); });
  ASSERT_TRUE(runs) << runs.error().message;
  EXPECT_EQ(runs.value().size(), 18U);
}

TEST(ExperimentsPage, NamesEveryExperimentThatThereIsAndAllCanBeRun) {
  const std::filesystem::path folder = docs::source_folder() / "experiments";
  Names files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    const std::string file = entry.path().filename().string();
    files.insert(file);
    const auto read = sweep::read_experiment(entry.path());
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read.value().base.parent_path().filename(), "configs") << file;
    const std::vector<sweep::Cell> cells = sweep::cells_of(read.value());
    const auto runs = sweep::plan_runs(read.value(), cells,
                                       [](const std::string&) { return std::optional<std::string>(); });
    ASSERT_TRUE(runs) << runs.error().message;
    const auto computed = sweep::plan_centralised(read.value(), cells, runs.value());
    ASSERT_TRUE(computed) << computed.error().message;
    EXPECT_EQ(computed.value().size(), read.value().centralised ? 1U : 0U) << file;
  }
  EXPECT_EQ(documented("experiment"), files);
}

}  // namespace
}  // namespace meridian

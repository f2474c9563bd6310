// Goal: what deploy/monitoring asks for exists, and is asked for in a language that Prometheus understands.
// How: every expression of dashboards, consoles and rules is collected; its metrics are looked up in the
// catalogue, and promtool, where it is installed, parses them and tries the rules.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "src/monitoring/catalogue.h"
#include "tests/deploy/monitored_expressions.h"
#include "tests/docs/page.h"

namespace meridian::deploy {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

fs::path source_folder() {
  const char* const folder = std::getenv("MERIDIAN_SOURCE_DIR");
  return folder == nullptr ? "." : folder;
}

fs::path monitoring_folder() { return source_folder() / "deploy" / "monitoring"; }

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  EXPECT_TRUE(stream) << file << ": cannot be read; is MERIDIAN_SOURCE_DIR the source tree?";
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What processes serve.
const Names& served_metrics() {
  static const Names names = [] {
    Names all;
    for (const monitoring::MetricInfo& metric : monitoring::catalogue()) all.insert(metric.name);
    return all;
  }();
  return names;
}

struct Outcome {
  int status = 0;
  std::string output;
};

Outcome run(const std::string& command) {
  Outcome outcome;
  FILE* const pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return {-1, "popen failed"};
  std::array<char, 4096> chunk{};
  while (const std::size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe))
    outcome.output.append(chunk.data(), size);
  const int status = pclose(pipe);
  outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return outcome;
}

bool there_is_promtool() { return run("command -v promtool").status == 0; }

/// A folder of its own that goes away.
class Scratch {
 public:
  Scratch() : folder_(fs::temp_directory_path() / "meridian-monitoring-XXXXXX") {
    std::string name = folder_.string();
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  ~Scratch() { fs::remove_all(folder_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  fs::path operator/(const std::string& name) const { return folder_ / name; }

 private:
  fs::path folder_;
};

/// A rule file that records each of them; promtool's errors then name the rule, which is where it stands.
std::string as_rules(const std::vector<MonitoredExpression>& expressions) {
  YAML::Emitter yaml;
  yaml << YAML::BeginMap << YAML::Key << "groups" << YAML::BeginSeq << YAML::BeginMap;
  yaml << YAML::Key << "name" << YAML::Value << "expressions" << YAML::Key << "rules" << YAML::BeginSeq;
  for (const MonitoredExpression& one : expressions) {
    yaml << YAML::BeginMap << YAML::Key << "alert" << YAML::DoubleQuoted << one.where;
    yaml << YAML::Key << "expr" << YAML::DoubleQuoted << filled(one.text, {}) << YAML::EndMap;
  }
  yaml << YAML::EndSeq << YAML::EndMap << YAML::EndSeq << YAML::EndMap;
  return yaml.c_str();
}

TEST(MonitoredExpressions, NamesOfMetricsAreFoundAmongAllElse) {
  EXPECT_EQ(metrics_of(R"(3600 * sum by (run, datacenter) (rate(a_total{run="$run", x=~"b|c"}[1m])) > 0)"),
            Names{"a_total"});
  EXPECT_EQ(
      metrics_of(R"(a:b:c / on (run) group_left () (max(d offset 10m) > 0) or quantile by (x) (0.5, e))"),
      (Names{"a:b:c", "d", "e"}));
  EXPECT_EQ(metrics_of(R"(label_replace(f, "datacenter", "target", "", "") and g{a="}x"} == 1)"),
            (Names{"f", "g"}));
}

TEST(MonitoredExpressions, AreFoundInEveryView) {
  for (const char* const file : {"overview.json", "wan.json", "datacenter.json", "overview.html:",
                                 "wan.html:", "datacenter.html:", "alerts.yml:", "recording.yml:"}) {
    int count = 0;
    for (const MonitoredExpression& one : monitored_expressions(monitoring_folder()))
      count += one.where.starts_with(file) ? 1 : 0;
    EXPECT_GE(count, 10) << file;
  }
}

TEST(MonitoredExpressions, UseOnlyMetricsThatThereAre) {
  Names known = recorded_names(monitoring_folder());
  known.insert(served_metrics().begin(), served_metrics().end());
  known.insert({"up", "ALERTS"});  // Prometheus' own
  for (const MonitoredExpression& one : monitored_expressions(monitoring_folder())) {
    const Names used = metrics_of(one.text);
    EXPECT_FALSE(used.empty()) << one.where << ": " << one.text;
    for (const std::string& name : used)
      EXPECT_TRUE(known.contains(name)) << one.where << ": nothing is named " << name;
  }
}

TEST(MonitoredExpressions, UseEveryRecordedSeries) {
  Names unused = recorded_names(monitoring_folder());
  for (const MonitoredExpression& one : monitored_expressions(monitoring_folder()))
    for (const std::string& name : metrics_of(one.text)) unused.erase(name);
  EXPECT_THAT(unused, testing::IsEmpty());
}

TEST(MonitoredExpressions, ShowOneRunOnly) {
  for (const MonitoredExpression& one : monitored_expressions(monitoring_folder())) {
    const bool is_view =
        one.where.find("panel") != std::string::npos || one.where.find("html:") != std::string::npos;
    const bool looks_for_runs = one.text.find("run!=\"\"") != std::string::npos;
    if (!is_view || looks_for_runs) continue;
    EXPECT_THAT(one.text, testing::HasSubstr("run=")) << one.where;
    EXPECT_THAT(one.text, testing::HasSubstr("$run")) << one.where;
  }
}

TEST(MonitoredExpressions, Parse) {
  if (!there_is_promtool()) GTEST_SKIP() << "promtool is not installed (Debian's package prometheus)";
  const Scratch scratch;
  std::ofstream(scratch / "expressions.yml") << as_rules(monitored_expressions(monitoring_folder()));
  const Outcome outcome =
      run(fmt::format("promtool check rules '{}'", (scratch / "expressions.yml").string()));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
}

TEST(Prometheus, AcceptsTheConfiguration) {
  if (!there_is_promtool()) GTEST_SKIP() << "promtool is not installed (Debian's package prometheus)";
  const Outcome outcome =
      run(fmt::format("promtool check config '{}'", (monitoring_folder() / "prometheus.yml").string()));
  EXPECT_EQ(outcome.status, 0) << outcome.output;
  EXPECT_THAT(outcome.output, testing::HasSubstr("2 rule files found"));
}

TEST(Prometheus, RulesDoWhatTheyShould) {
  if (!there_is_promtool()) GTEST_SKIP() << "promtool is not installed (Debian's package prometheus)";
  for (const char* const test : {"recording_test.yml", "alerts_test.yml"}) {
    const Outcome outcome =
        run(fmt::format("promtool test rules '{}'", (monitoring_folder() / "rules" / test).string()));
    EXPECT_EQ(outcome.status, 0) << outcome.output;
  }
}

TEST(Alerts, SayHowBadItIsAndWhatToDo) {
  const std::string page = text_of(source_folder() / "docs" / "monitoring.md");
  const std::string tests = text_of(monitoring_folder() / "rules" / "alerts_test.yml");
  const YAML::Node groups = YAML::LoadFile((monitoring_folder() / "rules" / "alerts.yml").string())["groups"];
  for (const YAML::Node& group : groups) {
    for (const YAML::Node& rule : group["rules"]) {
      const auto name = rule["alert"].as<std::string>();
      EXPECT_THAT(rule["labels"]["severity"].as<std::string>(""), testing::AnyOf("critical", "warning"))
          << name;
      for (const char* const annotation : {"summary", "description"}) {
        EXPECT_FALSE(rule["annotations"][annotation].as<std::string>("").empty())
            << name << ": " << annotation;
      }
      EXPECT_THAT(rule["annotations"]["runbook"].as<std::string>(""), testing::StartsWith("docs/metrics.md#"))
          << name;
      EXPECT_THAT(page, testing::HasSubstr(fmt::format("| `{}` |", name)));
      EXPECT_THAT(tests, testing::HasSubstr(fmt::format("alertname=\"{}\"", name)));
    }
  }
}

/// The sections of docs/metrics.md, as links name them.
Names sections_of(const std::string& page) {
  Names sections;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("## ")) continue;
    std::string section;
    for (const char letter : line.substr(3)) {
      if (std::isalnum(static_cast<unsigned char>(letter)) || letter == '-')
        section += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
      if (letter == ' ') section += '-';
    }
    sections.insert(section);
  }
  return sections;
}

TEST(Alerts, PointToSectionsThatThereAre) {
  const fs::path page = source_folder() / "docs" / "metrics.md";
  const Names sections = sections_of(text_of(page));
  const YAML::Node groups = YAML::LoadFile((monitoring_folder() / "rules" / "alerts.yml").string())["groups"];
  for (const YAML::Node& group : groups) {
    for (const YAML::Node& rule : group["rules"]) {
      const auto runbook = rule["annotations"]["runbook"].as<std::string>();
      EXPECT_TRUE(sections.contains(runbook.substr(runbook.find('#') + 1))) << runbook;
    }
  }
}

TEST(Dashboards, HangTogether) {
  const YAML::Node sources = YAML::LoadFile(
      (monitoring_folder() / "grafana/provisioning/datasources/prometheus.yml").string())["datasources"];
  const auto source = sources[0]["uid"].as<std::string>();
  Names boards;
  for (const auto& entry : fs::directory_iterator(monitoring_folder() / "grafana" / "dashboards")) {
    const nlohmann::json board = nlohmann::json::parse(text_of(entry.path()));
    EXPECT_TRUE(boards.insert(board.at("uid")).second) << entry.path();
    EXPECT_GE(board.at("schemaVersion").get<int>(), 37);
    EXPECT_EQ(board.at("templating").at("list").at(0).at("name"), "run") << entry.path();
    std::set<int> panels;
    std::set<std::pair<int, int>> taken;
    for (const nlohmann::json& panel : board.at("panels")) {
      EXPECT_TRUE(panels.insert(panel.at("id").get<int>()).second) << panel.at("title");
      EXPECT_EQ(panel.at("datasource").at("uid"), source) << panel.at("title");
      const nlohmann::json& place = panel.at("gridPos");
      const int left = place.at("x").get<int>(), top = place.at("y").get<int>();
      const int right = left + place.at("w").get<int>(), bottom = top + place.at("h").get<int>();
      EXPECT_LE(right, 24) << panel.at("title");
      for (int x = left; x < right; ++x) {
        for (int y = top; y < bottom; ++y) {
          EXPECT_TRUE(taken.insert({x, y}).second) << panel.at("title") << " lies on another panel";
        }
      }
    }
  }
  EXPECT_EQ(boards.size(), 3U);
}

TEST(MetricsPage, NamesForEachMetricTheAlertsThatReadIt) {
  std::map<std::string, Names> expected;
  for (const auto& [alert, metrics] : metrics_of_alerts(monitoring_folder())) {
    for (const std::string& metric : metrics) expected[metric].insert(alert);
  }
  for (const docs::Row& row : docs::read_page("metrics.md").rows) {
    if (row.table != "metric") continue;
    ASSERT_GE(row.cells.size(), 5U) << row.cells.front();
    std::string alerts;
    for (const std::string& alert : expected[row.cells[0]]) alerts += (alerts.empty() ? "" : ", ") + alert;
    std::string stands = row.cells.size() > 5 ? row.cells[5] : "";
    std::erase(stands, '`');
    EXPECT_EQ(stands, alerts) << row.cells[0];
  }
}

TEST(MonitoringPage, HasARowForEachAlert) {
  Names documented;
  for (const docs::Row& row : docs::read_page("monitoring.md").rows) {
    if (row.table == "alert") documented.insert(row.cells.front());
  }
  Names alerts;
  for (const auto& [alert, metrics] : metrics_of_alerts(monitoring_folder())) alerts.insert(alert);
  EXPECT_EQ(documented, alerts);
}

}  // namespace
}  // namespace meridian::deploy

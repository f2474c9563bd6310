#include "tests/deploy/monitored_expressions.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace meridian::deploy {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) throw std::runtime_error(fmt::format("{}: cannot be read", file.string()));
  std::ostringstream content;
  content << stream.rdbuf();
  return content.str();
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

void add_panels(const nlohmann::json& panels, const std::string& file,
                std::vector<MonitoredExpression>& found) {
  for (const nlohmann::json& panel : panels) {
    for (const nlohmann::json& target : panel.value("targets", nlohmann::json::array())) {
      found.push_back({fmt::format("{}: panel '{}', query {}", file, panel.at("title").get<std::string>(),
                                   target.at("refId").get<std::string>()),
                       target.at("expr").get<std::string>()});
    }
    add_panels(panel.value("panels", nlohmann::json::array()), file, found);
  }
}

/// label_values(METRIC, label), which is no PromQL but holds some.
void add_variables(const nlohmann::json& variables, const std::string& file,
                   std::vector<MonitoredExpression>& found) {
  static const std::regex label_values(R"(label_values\((.*), *\w+\))");
  for (const nlohmann::json& variable : variables) {
    std::smatch match;
    const std::string query = variable.value("query", "");
    if (!std::regex_match(query, match, label_values)) continue;
    found.push_back(
        {fmt::format("{}: variable {}", file, variable.at("name").get<std::string>()), match[1].str()});
  }
}

void add_dashboard(const fs::path& file, std::vector<MonitoredExpression>& found) {
  try {
    const nlohmann::json board = nlohmann::json::parse(text_of(file));
    add_panels(board.at("panels"), file.filename().string(), found);
    add_variables(board.at("templating").at("list"), file.filename().string(), found);
  } catch (const nlohmann::json::exception& error) {
    throw std::runtime_error(fmt::format("{}: {}", file.string(), error.what()));
  }
}

/// In consoles and their library expressions stand in backquotes, and nothing else does.
void add_console(const fs::path& file, std::vector<MonitoredExpression>& found) {
  const std::string text = text_of(file);
  for (std::size_t at = text.find('`'); at != std::string::npos;) {
    const std::size_t end = text.find('`', at + 1);
    if (end == std::string::npos) throw std::runtime_error(file.string() + ": a backquote is not closed");
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    found.push_back(
        {fmt::format("{}:{}", file.filename().string(), line), text.substr(at + 1, end - at - 1)});
    at = text.find('`', end + 1);
  }
}

/// The rules of the files in `folder`/rules that have some; those of tests have none.
std::vector<std::pair<std::string, YAML::Node>> rules_in(const fs::path& folder) {
  std::vector<std::pair<std::string, YAML::Node>> rules;
  for (const fs::path& file : files_in(folder / "rules")) {
    const YAML::Node groups = YAML::Load(text_of(file))["groups"];
    for (std::size_t group = 0; groups && group < groups.size(); ++group) {
      for (const YAML::Node& rule : groups[group]["rules"])
        rules.emplace_back(fmt::format("{}:{}", file.filename().string(), rule.Mark().line + 1), rule);
    }
  }
  return rules;
}

}  // namespace

std::vector<MonitoredExpression> monitored_expressions(const fs::path& folder) {
  std::vector<MonitoredExpression> found;
  for (const fs::path& file : files_in(folder / "grafana" / "dashboards")) add_dashboard(file, found);
  for (const fs::path& file : files_in(folder / "consoles")) add_console(file, found);
  for (const fs::path& file : files_in(folder / "console_libraries")) add_console(file, found);
  for (const auto& [where, rule] : rules_in(folder)) found.push_back({where, rule["expr"].as<std::string>()});
  return found;
}

std::set<std::string> recorded_names(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& [where, rule] : rules_in(folder)) {
    if (rule["record"]) names.insert(rule["record"].as<std::string>());
  }
  return names;
}

std::string filled(const std::string& expression, const Placeholders& placeholders) {
  std::string text = expression;
  for (const auto& [name, value] : {std::pair{"$run", placeholders.run},
                                    {"$datacenter", placeholders.datacenter},
                                    {"$other", placeholders.other}}) {
    for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
      text.replace(at, std::string(name).size(), value);
  }
  return text;
}

std::set<std::string> metrics_of(const std::string& expression) {
  // What is left without strings, matchers, ranges and lists of labels are names, functions and operators.
  static const std::regex no_names(R"--("(?:[^"\\]|\\.)*"|'[^']*')--");
  static const std::regex no_metrics(
      R"--(\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)|\boffset\s+\w+)--");
  static const std::regex name(R"--(([a-zA-Z_:][a-zA-Z0-9_:]*)(\s*\()?)--");
  static const std::set<std::string> words = {"and", "or", "unless", "bool", "Inf", "NaN"};
  const std::string text = std::regex_replace(std::regex_replace(expression, no_names, "_"), no_metrics, " ");
  std::set<std::string> names;
  for (std::sregex_iterator it(text.begin(), text.end(), name), end; it != end; ++it) {
    const std::string found = (*it)[1].str();
    const bool is_function = (*it)[2].matched;
    if (!is_function && !words.contains(found) && found != "_") names.insert(found);
  }
  return names;
}

namespace {

/// Adds what an expression reads, with what the recorded series in it read in its place.
void add_read(const std::string& expression, const std::map<std::string, std::string>& recorded,
              std::set<std::string>& metrics) {
  for (const std::string& name : metrics_of(expression)) {
    const auto rule = recorded.find(name);
    if (rule == recorded.end()) {
      metrics.insert(name);
    } else {
      add_read(rule->second, recorded, metrics);
    }
  }
}

}  // namespace

std::map<std::string, std::set<std::string>> metrics_of_alerts(const fs::path& folder) {
  std::map<std::string, std::string> recorded;
  for (const auto& [where, rule] : rules_in(folder)) {
    if (rule["record"]) recorded[rule["record"].as<std::string>()] = rule["expr"].as<std::string>();
  }
  std::map<std::string, std::set<std::string>> metrics;
  for (const auto& [where, rule] : rules_in(folder)) {
    if (rule["alert"])
      add_read(rule["expr"].as<std::string>(), recorded, metrics[rule["alert"].as<std::string>()]);
  }
  return metrics;
}

}  // namespace meridian::deploy

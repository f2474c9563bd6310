// Every PromQL expression of deploy/monitoring: those of Grafana's dashboards, of Prometheus' consoles and of
// the rules, each with the place where it stands. For tests that hold them against the metrics that there
// are.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace meridian::deploy {

struct MonitoredExpression {
  std::string where;  ///< its file, and the line or the panel
  std::string text;   ///< may hold $run, $datacenter and $other
};

/// The values of an expression's placeholders; `other` is a peer or the index of a process.
struct Placeholders {
  std::string run = "run";
  std::string datacenter = "datacenter";
  std::string other = "other";
};

/// Of all files below `folder`, which is deploy/monitoring of some tree. Throws std::runtime_error, with the
/// file's name, where one cannot be read.
std::vector<MonitoredExpression> monitored_expressions(const std::filesystem::path& folder);

/// The alerts below `folder`, and for each the metrics that it reads, be it by way of recorded series.
std::map<std::string, std::set<std::string>> metrics_of_alerts(const std::filesystem::path& folder);

/// The names that the recording rules below `folder` give.
std::set<std::string> recorded_names(const std::filesystem::path& folder);

std::string filled(const std::string& expression, const Placeholders& placeholders);

/// The names of the metrics and of the recorded series that an expression reads.
std::set<std::string> metrics_of(const std::string& expression);

}  // namespace meridian::deploy

// A running deployment as `meridian top` shows it: what all processes' metrics say together, with rates since
// the look before.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/monitoring/text_format.h"

namespace meridian::monitoring {

struct DatacenterView {
  std::string name;
  std::size_t workers = 0;
  std::size_t servers = 0;
  double clock = 0.0;  ///< closed by its slowest server
  std::optional<double> clocks_per_s;
  std::optional<double> objective;
  std::optional<double> loss;
  double held_reads = 0.0;
  std::string held_for;  ///< what most of them wait for: a `cause` of meridian_held_reads
  /// Shares of its workers' time since the look before, by part; empty where none passed.
  std::map<std::string, double> time_shares;
};

struct LinkView {
  std::string from;
  std::string to;
  double bytes = 0.0;
  std::optional<double> bytes_per_s;
  std::optional<double> utilization;  ///< of the configured rate
  double round_trip_s = 0.0;
  double backlog_entries = 0.0;
  double lag_clocks = 0.0;  ///< by which `to` is behind `from`
  bool present = true;      ///< `from` has not gone on without `to`
};

struct DeploymentView {
  std::string run;
  std::string mode;
  std::string workload;
  std::string metric = "objective";
  bool larger_is_better = true;
  bool training = false;
  std::optional<double> target;
  std::optional<double> objective;        ///< of the worst datacenter
  std::vector<double> objective_history;  ///< its changes, oldest first
  std::optional<double> threshold;        ///< the largest of all tables
  std::optional<double> sent_share;       ///< of the entries considered since the look before
  std::optional<double> difference_bound;
  double wan_bytes = 0.0;
  std::optional<double> wan_bytes_per_s;
  std::vector<DatacenterView> datacenters;  ///< by name
  std::vector<LinkView> links;              ///< by name
  std::vector<std::string> faults;          ///< "tokyo server 0: not_finite"
  std::vector<std::string> stuck;           ///< processes whose figures are old
  std::vector<std::string> unreachable;     ///< addresses that did not answer
};

/// Takes what was read at each look. Not thread-safe; no I/O.
class DeploymentWatch {
 public:
  /// The most values that objective_history keeps.
  static constexpr std::size_t kHistory = 400;

  /// `samples` of all processes that answered, at `time_s` on any axis that rises.
  void take(double time_s, std::vector<Sample> samples, std::vector<std::string> unreachable = {});

  DeploymentView view() const;

 private:
  struct Look {
    double time_s = 0.0;
    std::vector<Sample> samples;
  };

  std::optional<Look> last_;
  std::optional<Look> before_;
  std::vector<double> history_;
  std::optional<double> history_clock_;
  std::vector<std::string> unreachable_;
};

}  // namespace meridian::monitoring

// The table that compares finished runs: what `meridian report DIR...` prints, and the end of the demo.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/output/summary.h"

namespace meridian::output {

struct ComparedRun {
  std::string label;  ///< how the row is named; the run's own name where empty
  std::string links;  ///< over what it ran: "WAN", "LAN"
  Summary summary;
};

/// Which of the runs the others are measured against, by position.
struct ComparisonReferences {
  std::optional<std::size_t> baseline;
  std::optional<std::size_t> lan;
};

/// One run's row; what does not apply is empty. A ratio of times exists only between runs that reached the
/// same target of the same metric.
struct ComparisonRow {
  std::string name;
  RunMode mode = RunMode::run;
  std::string wan_mode;
  std::string links;
  StopReason stop_reason = StopReason::clocks;
  std::uint64_t clocks = 0;
  double time_s = 0.0;  ///< of training, without the drain
  std::string metric;
  std::optional<double> target;
  std::optional<double> time_to_target_s;
  std::optional<double> wan_mb_to_target;  ///< 10^6 bytes
  double wan_mb_total = 0.0;               ///< the drain included
  std::optional<double> entries_sent_share;
  std::optional<double> final_objective;
  std::optional<double> speed_up;      ///< the baseline's time to target over this one's
  std::optional<double> ratio_to_lan;  ///< this one's time to target over the LAN run's
  std::string currency;                ///< of the cost; empty where there is none
  std::optional<double> cost_to_target;
  std::optional<double> cost_in_all;
};

/// Requires the references to be positions in `runs`.
std::vector<ComparisonRow> compare_runs(const std::vector<ComparedRun>& runs,
                                        const ComparisonReferences& references);

/// Aligned columns under one heading, `-` where nothing applies, each line ended by a newline. Costs have
/// columns where any row has one.
std::string comparison_text(const std::vector<ComparisonRow>& rows);

/// The same rows as a JSON list, null where nothing applies, ended by a newline.
std::string comparison_json(const std::vector<ComparisonRow>& rows);

}  // namespace meridian::output

// summary.json: what a finished run says of itself, and what one datacenter's first server says of its own
// part. A value that does not apply is null there and empty here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"

namespace meridian::output {

/// A computed run never took place: its figures were made from those of others. It is in no file.
enum class RunMode : std::uint8_t { run, simulate, computed };
const char* to_string(RunMode mode);
/// As tables say it: real, simulated, computed.
const char* kind_word(RunMode mode);

/// Why a run ended, from best to worst: where the parts of a run differ, the worst counts.
enum class StopReason : std::uint8_t { target, clocks, time, interrupted, drain_timeout, failed };
const char* to_string(StopReason reason);

struct ObjectiveSummary {
  std::string metric = "accuracy";  ///< accuracy (0 to 1) | rmse | log_likelihood_per_token | loss | auc
  bool larger_is_better = true;
  std::optional<double> final;  ///< after the drain, in the worst datacenter
  std::optional<double> target;
  std::optional<double> time_to_target_s;
  std::optional<std::uint64_t> clocks_to_target;

  bool operator==(const ObjectiveSummary&) const = default;
};

/// One direction between two datacenters that carried bytes.
struct LinkSummary {
  std::string from;
  std::string to;
  std::uint64_t bytes = 0;
  std::optional<double> utilization;  ///< bytes * 8 / (rate * time)

  bool operator==(const LinkSummary&) const = default;
};

/// Bytes are TCP payload between datacenters.
struct WanSummary {
  std::uint64_t bytes_sent = 0;  ///< data_bytes + control_bytes, and the sum over `links`; the drain included
  std::uint64_t data_bytes = 0;
  std::uint64_t control_bytes = 0;
  std::optional<std::uint64_t> bytes_to_target;
  std::uint64_t entries_considered = 0;  ///< for each filter pass and link, without the drain
  std::uint64_t entries_sent = 0;
  std::vector<LinkSummary> links;
  std::uint64_t payload_bytes = 0;  ///< of data_bytes: updates without headers and framing
  std::optional<std::uint64_t> payload_bytes_to_target = {};

  bool operator==(const WanSummary&) const = default;
};

/// Sums over workers of the time they waited; no moment counts twice.
struct WaitsSummary {
  std::optional<double> local_barrier;
  std::optional<double> selective_barrier;
  std::optional<double> mirror_clock;

  bool operator==(const WaitsSummary&) const = default;
};

/// Sums over workers of the time they did not wait for others; with the waits all of their time.
struct WorkSummary {
  std::optional<double> compute;
  std::optional<double> evaluation;
  std::optional<double> push;  ///< until the own update had arrived
  std::optional<double> pull;  ///< until the model had, without the waits

  bool operator==(const WorkSummary&) const = default;
};

struct ReplicasSummary {
  std::optional<double> max_relative_difference;              ///< while running
  std::optional<double> max_relative_difference_after_drain;  ///< from the full replicas
  bool drained = false;  ///< whether everything held back went out in the end

  bool operator==(const ReplicasSummary&) const = default;
};

struct DatacenterSummary {
  std::string name;
  std::uint64_t clocks = 0;
  std::uint64_t workers = 0;
  std::uint64_t servers = 0;
  std::optional<double> objective;
  std::uint64_t machines = 0;                         ///< that are paid for
  std::optional<std::uint64_t> training_bytes = {};   ///< of its part of the training data
  std::optional<std::uint64_t> bytes_to_target = {};  ///< that it had sent when the target was reached

  bool operator==(const DatacenterSummary&) const = default;
};

/// An amount of money and its parts. What depends on a price that is not known is not there.
struct CostAmounts {
  std::optional<double> machines;
  std::optional<double> transfer;
  std::optional<double> total;

  bool operator==(const CostAmounts&) const = default;
};

/// What a run costs at given prices; cost.h works it out.
struct CostSummary {
  std::string currency;
  std::string prices_dated;
  std::string prices_source;
  CostAmounts in_all;
  CostAmounts to_target;

  bool operator==(const CostSummary&) const = default;
};

struct Summary {
  std::string name;
  RunMode mode = RunMode::run;
  std::string wan_mode;  ///< the preset: gaia, bsp, ...
  std::uint64_t seed = 0;
  StopReason stop_reason = StopReason::clocks;
  std::optional<std::string> failure;    ///< what went wrong, in words
  std::optional<std::string> data_note;  ///< what a reader must know of the data, e.g. that it was generated
  /// Wall time of the first clock's start. Only in a real run: a simulation's files hold no wall time.
  std::optional<double> started_unix_s;
  double time_s = 0.0;       ///< from the first clock's start, without the drain
  std::uint64_t clocks = 0;  ///< the slowest datacenter's
  ObjectiveSummary objective;
  WanSummary wan;
  WaitsSummary waits_s;
  WorkSummary work_s = {};
  ReplicasSummary replicas;
  std::vector<DatacenterSummary> datacenters;
  std::optional<CostSummary> cost;  ///< nothing where no prices were given

  bool operator==(const Summary&) const = default;
};

/// The file's text: keys in a fixed order, the shortest digits that read back as the same number, a newline
/// at the end. Equal summaries give equal bytes. A number that is not finite is written as null.
std::string to_json(const Summary& summary);

/// Reads what to_json wrote, and what others added to it. `file` is only named in errors; an error names the
/// key too. Any text may be given.
Result<Summary> summary_from_json(std::string_view text, const std::string& file);

Failure write_summary(const std::filesystem::path& path, const Summary& summary);
Result<Summary> read_summary(const std::filesystem::path& path);

}  // namespace meridian::output

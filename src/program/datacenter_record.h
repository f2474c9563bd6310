// What is known of one datacenter's part of a run: gathered from its first server's reports while the run
// goes on, and turned into that datacenter's summary and timeline in the end. Both runtimes feed it the same
// reports.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/time.h"
#include "src/output/join_datacenters.h"
#include "src/output/summary.h"
#include "src/output/timeline.h"
#include "src/program/deployment.h"
#include "src/runtime/machine.h"

namespace meridian::program {

class DatacenterRecord {
 public:
  /// `deployment` must outlive the record.
  DatacenterRecord(const Deployment& deployment, std::size_t datacenter, output::RunMode mode);

  /// A report of the datacenter's first server, at `now` on the runtime's axis.
  void on_report(Time now, const Report& report);
  /// The run ended with a fault.
  void on_fault(FaultKind kind, const std::string& reason);

  /// When the first clock began, on the runtime's axis.
  std::optional<Time> started() const { return started_; }
  bool finished() const { return final_.has_value(); }
  Clock clock() const { return clock_; }

  /// A measurement as a line of the timeline, times counted from `zero`.
  output::TimelineSample sample(Time now, const Measured& measured, Time zero) const;

  /// The datacenter's summary and timeline, times counted from `zero`; without the model.
  output::DatacenterPart part(Time zero) const;

 private:
  const Deployment& deployment_;
  std::size_t datacenter_;
  output::RunMode mode_;

  std::optional<Time> started_;
  std::optional<Time> stopped_;
  Time last_{0};
  Clock clock_ = 0;
  std::vector<std::pair<Time, Measured>> measured_;  // without the final one
  std::optional<Measured> final_;
  std::optional<FaultKind> fault_;
  std::string reason_;
};

/// The summary's word for it.
output::StopReason to_summary(StopReason reason);

/// The rates of all links, for their utilization.
std::vector<output::LinkRate> link_rates(const Config& config);
std::vector<std::string> datacenter_names(const Config& config);

}  // namespace meridian::program

#include "src/program/datacenter_record.h"

#include <algorithm>
#include <utility>

namespace meridian::program {

namespace {

/// Of all workers of a datacenter; nothing where one of them does not know.
std::optional<std::uint64_t> training_bytes(const Deployment& deployment, std::size_t datacenter) {
  std::uint64_t sum = 0;
  for (std::size_t worker = 0; worker < deployment.config().datacenters[datacenter].workers; ++worker) {
    const std::optional<std::uint64_t> bytes = deployment.workload().training_bytes({datacenter, worker});
    if (!bytes) return std::nullopt;
    sum += *bytes;
  }
  return sum;
}

}  // namespace

DatacenterRecord::DatacenterRecord(const Deployment& deployment, std::size_t datacenter, output::RunMode mode)
    : deployment_(deployment), datacenter_(datacenter), mode_(mode) {}

void DatacenterRecord::on_report(Time now, const Report& report) {
  last_ = now;
  if (std::holds_alternative<TrainingStarted>(report)) {
    started_ = now;
  } else if (const auto* progress = std::get_if<Progress>(&report)) {
    clock_ = progress->clock;
  } else if (const auto* stopped = std::get_if<TrainingStopped>(&report)) {
    stopped_ = now;
    clock_ = stopped->clock;
  } else if (const auto* measured = std::get_if<Measured>(&report)) {
    if (measured->final) {
      final_ = *measured;
    } else {
      measured_.emplace_back(now, *measured);
    }
  }
}

void DatacenterRecord::on_fault(FaultKind kind, const std::string& reason) {
  if (fault_) return;
  fault_ = kind;
  reason_ = reason;
}

output::TimelineSample DatacenterRecord::sample(Time now, const Measured& measured, Time zero) const {
  output::TimelineSample line;
  line.time_s = to_seconds(now - zero);
  line.clock = measured.clock;
  line.datacenter = deployment_.config().datacenters[datacenter_].name;
  line.objective = measured.objective;
  line.wan_bytes = measured.wan_bytes;
  line.payload_bytes = measured.payload_bytes;
  if (measured.entries_considered > 0) {
    line.entries_sent_share =
        static_cast<double>(measured.entries_sent) / static_cast<double>(measured.entries_considered);
  }
  line.train_loss = measured.train_loss;
  line.figures = measured.figures;
  return line;
}

output::DatacenterPart DatacenterRecord::part(Time zero) const {
  const Config& config = deployment_.config();
  const DatacenterConfig& own = config.datacenters[datacenter_];
  output::DatacenterPart part;
  output::Summary& summary = part.summary;
  summary.name = config.name;
  summary.mode = mode_;
  summary.wan_mode = config.wan.mode;
  summary.seed = config.seed;
  if (fault_) {
    summary.stop_reason =
        *fault_ == FaultKind::drain_timeout ? output::StopReason::drain_timeout : output::StopReason::failed;
    summary.failure = reason_;
  } else if (final_) {
    summary.stop_reason = to_summary(final_->stop_reason);
  } else {
    summary.stop_reason = output::StopReason::failed;
    summary.failure = "ended before its final measurement";
  }
  if (const std::string note = deployment_.data_note(); !note.empty()) summary.data_note = note;
  if (started_) summary.time_s = to_seconds(stopped_.value_or(last_) - zero);
  summary.clocks = clock_;
  summary.objective.metric = deployment_.workload().metric_name();
  summary.objective.larger_is_better = deployment_.workload().larger_is_better();
  summary.objective.target = config.workload.stop.target;
  if (final_) summary.objective.final = final_->objective;

  const Measured* const latest = final_ ? &*final_ : measured_.empty() ? nullptr : &measured_.back().second;
  if (latest != nullptr) {
    summary.wan.entries_considered = latest->entries_considered;
    summary.wan.entries_sent = latest->entries_sent;
    for (const LinkBytes& link : latest->links) {
      summary.wan.data_bytes += link.data;
      summary.wan.control_bytes += link.control;
      summary.wan.payload_bytes += link.payload;
      if (link.data + link.control == 0 || link.datacenter >= config.datacenters.size()) continue;
      summary.wan.links.push_back(
          {own.name, config.datacenters.at(link.datacenter).name, link.data + link.control, {}});
    }
    summary.wan.bytes_sent = summary.wan.data_bytes + summary.wan.control_bytes;
    summary.waits_s = {to_seconds(latest->waits.local_barrier), to_seconds(latest->waits.selective_barrier),
                       to_seconds(latest->waits.mirror_clock)};
    summary.work_s = {to_seconds(latest->work.compute), to_seconds(latest->work.evaluation),
                      to_seconds(latest->waits.push), to_seconds(latest->work.pull)};
  }
  summary.replicas.drained = final_.has_value() && config.wan.mode != "isolated";
  std::optional<double> bound;
  for (const auto& [time, measured] : measured_) {
    bound = std::max(bound.value_or(0.0), measured.difference_bound);
    part.timeline.push_back(sample(time, measured, zero));
  }
  if (config.wan.mode != "isolated") summary.replicas.max_relative_difference = bound;
  output::DatacenterSummary datacenter{own.name, clock_, own.workers, own.servers, {}};
  datacenter.machines = own.paid_machines();
  datacenter.training_bytes = training_bytes(deployment_, datacenter_);
  if (latest != nullptr) datacenter.objective = latest->objective;
  summary.datacenters.push_back(std::move(datacenter));
  return part;
}

output::StopReason to_summary(StopReason reason) {
  switch (reason) {
    case StopReason::target:
      return output::StopReason::target;
    case StopReason::time:
      return output::StopReason::time;
    case StopReason::interrupted:
      return output::StopReason::interrupted;
    case StopReason::none:
    case StopReason::clocks:
      break;
  }
  return output::StopReason::clocks;
}

std::vector<output::LinkRate> link_rates(const Config& config) {
  std::vector<output::LinkRate> rates;
  for (std::size_t from = 0; from < config.datacenters.size(); ++from) {
    for (std::size_t to = 0; to < config.datacenters.size(); ++to) {
      if (from == to) continue;
      rates.push_back({config.datacenters[from].name, config.datacenters[to].name,
                       config.wan.links[from][to].bandwidth_mbps * 1e6});
    }
  }
  return rates;
}

std::vector<std::string> datacenter_names(const Config& config) {
  std::vector<std::string> names;
  for (const DatacenterConfig& datacenter : config.datacenters) names.push_back(datacenter.name);
  return names;
}

}  // namespace meridian::program

#include "src/sweep/centralised.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>

#include "src/base/check.h"
#include "src/config/spelling.h"
#include "src/sweep/data_movement.h"
#include "src/sweep/prices.h"

namespace meridian::sweep {

namespace {

constexpr double kBytesPerGb = 1e9;

double bytes_per_s(double mbps) { return mbps * 1e6 / 8.0; }

/// The run must have ended well, with the configuration's datacenters in their order.
Failure check_run(const Config& wan, const output::Summary& run) {
  if (run.stop_reason > output::StopReason::time) {
    return Error{fmt::format("the run over the LAN ended by {}; expected target, clocks or time",
                             output::to_string(run.stop_reason))};
  }
  std::vector<std::string> ours;
  std::vector<std::string> theirs;
  for (const DatacenterConfig& datacenter : wan.datacenters) ours.push_back(datacenter.name);
  for (const output::DatacenterSummary& datacenter : run.datacenters) theirs.push_back(datacenter.name);
  if (ours == theirs) return {};
  const auto listed = [](const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
  };
  return Error{fmt::format("the run over the LAN has the datacenters {}; expected those with the links: {}",
                           listed(theirs), listed(ours))};
}

/// How many bytes each datacenter has.
Result<std::vector<double>> parts_of(const output::Summary& run, const std::optional<double>& data_gb) {
  std::vector<double> bytes;
  double sum = 0.0;
  for (const output::DatacenterSummary& datacenter : run.datacenters) {
    if (!datacenter.training_bytes) break;
    bytes.push_back(static_cast<double>(*datacenter.training_bytes));
    sum += bytes.back();
  }
  const bool known = bytes.size() == run.datacenters.size();
  if (!data_gb) {
    if (known) return bytes;
    return Error{
        "the run over the LAN does not say how much training data its datacenters have; expected data_gb"};
  }
  if (!known || sum <= 0.0) {
    bytes.clear();
    for (const output::DatacenterSummary& datacenter : run.datacenters) {
      bytes.push_back(static_cast<double>(datacenter.workers));
    }
    sum = std::accumulate(bytes.begin(), bytes.end(), 0.0);
  }
  for (double& part : bytes) part *= *data_gb * kBytesPerGb / sum;
  return bytes;
}

/// Seconds until all parts are in `region`.
double moving_time_to(std::size_t region, const Config& wan, const std::vector<double>& parts) {
  std::vector<Movement> movements;
  for (std::size_t d = 0; d < parts.size(); ++d) {
    if (d == region) continue;
    const LinkConfig& link = wan.wan.links[d][region];
    const double mbps =
        std::min(lasting_bandwidth_mbps(link), wan.wan.caps[d].egress_mbps.value_or(INFINITY));
    movements.push_back({parts[d], bytes_per_s(mbps), link.delay_ms / 1e3});
  }
  const std::optional<double>& ingress = wan.wan.caps[region].ingress_mbps;
  return moving_time_s(movements, ingress ? std::optional(bytes_per_s(*ingress)) : std::nullopt);
}

/// The LAN run in `region`, after its data have come there.
output::Summary moved(const output::Summary& lan, std::size_t region, const Config& wan,
                      const std::vector<double>& parts) {
  const double moving_s = moving_time_to(region, wan, parts);
  const std::string& place = wan.datacenters[region].name;
  output::Summary run;
  run.name = lan.name;
  run.mode = output::RunMode::computed;
  run.wan_mode = lan.wan_mode;
  run.seed = lan.seed;
  run.stop_reason = lan.stop_reason;
  run.data_note = lan.data_note;
  run.clocks = lan.clocks;
  run.objective = lan.objective;
  output::DatacenterSummary all{place, lan.clocks, 0, 0, lan.objective.final};
  all.training_bytes = 0;
  for (std::size_t d = 0; d < parts.size(); ++d) {
    const auto bytes = static_cast<std::uint64_t>(std::llround(parts[d]));
    all.workers += lan.datacenters[d].workers;
    all.servers += lan.datacenters[d].servers;
    all.machines += wan.datacenters[d].paid_machines();
    *all.training_bytes += bytes;
    if (d == region || bytes == 0) continue;
    run.wan.links.push_back({wan.datacenters[d].name, place, bytes, {}});
    run.wan.data_bytes += bytes;
  }
  run.wan.bytes_sent = run.wan.data_bytes;
  run.wan.payload_bytes = run.wan.data_bytes;
  run.datacenters = {all};
  // Until here as long as the machines are paid for.
  run.time_s = lan.time_s;
  add_cost(wan, run);
  if (run.objective.time_to_target_s) {
    if (run.cost) {
      output::Summary to_target = run;
      to_target.time_s = *run.objective.time_to_target_s;
      add_cost(wan, to_target);
      run.cost->to_target = to_target.cost->in_all;
    }
    *run.objective.time_to_target_s += moving_s;
    run.wan.bytes_to_target = run.wan.bytes_sent;
    run.wan.payload_bytes_to_target = run.wan.payload_bytes;
  }
  run.time_s += moving_s;
  return run;
}

using Runs = std::vector<output::Summary>;

double total_cost(const Runs& runs) {
  double sum = 0.0;
  for (const output::Summary& run : runs) {
    if (!run.cost || !run.cost->in_all.total) return INFINITY;
    sum += *run.cost->in_all.total;
  }
  return sum;
}

double total_time(const Runs& runs) {
  double sum = 0.0;
  for (const output::Summary& run : runs) sum += run.time_s;
  return sum;
}

/// Of the regions' runs those that cost least; of equal or unknown costs those that end first.
std::size_t best_of(const std::vector<Runs>& regions) {
  std::size_t best = 0;
  for (std::size_t region = 1; region < regions.size(); ++region) {
    const std::pair ours(total_cost(regions[region]), total_time(regions[region]));
    if (ours < std::pair(total_cost(regions[best]), total_time(regions[best]))) best = region;
  }
  return best;
}

std::string note_of(const output::Summary& run, double moving_s, const char* why) {
  const output::DatacenterSummary& all = run.datacenters.front();
  return fmt::format(
      "computed, not run: {:.6g} GB of {:.6g} GB of training data move to {}{} in {:.1f} s, "
      "then {} goes as over the LAN, with all {} machines there",
      static_cast<double>(run.wan.bytes_sent) / kBytesPerGb,
      static_cast<double>(*all.training_bytes) / kBytesPerGb, all.name, why, moving_s, run.wan_mode,
      all.machines);
}

}  // namespace

double lasting_bandwidth_mbps(const LinkConfig& link) {
  const std::vector<BandwidthTraceConfig::Step>& steps = link.trace.steps;
  if (steps.empty()) return link.bandwidth_mbps;
  if (!link.trace.repeat_s) return steps.back().bandwidth_mbps;
  double sum = link.bandwidth_mbps * steps.front().at_s;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double until_s = i + 1 < steps.size() ? steps[i + 1].at_s : *link.trace.repeat_s;
    sum += steps[i].bandwidth_mbps * (until_s - steps[i].at_s);
  }
  return sum / *link.trace.repeat_s;
}

Result<CentralisedAnswer> centralise(const Config& wan, const std::vector<output::Summary>& lan_runs,
                                     const CentralisedQuestion& question) {
  MERIDIAN_CHECK(!lan_runs.empty(), "no run");
  std::vector<std::size_t> candidates(wan.datacenters.size());
  std::iota(candidates.begin(), candidates.end(), std::size_t{0});
  if (question.region) {
    const std::optional<std::size_t> region = wan.find_datacenter(*question.region);
    if (!region) {
      std::vector<std::string_view> names;
      for (const DatacenterConfig& datacenter : wan.datacenters) names.emplace_back(datacenter.name);
      return Error{fmt::format("the region {} is no datacenter{}; expected {}", in_quotes(*question.region),
                               perhaps(*question.region, names), one_of(names))};
    }
    candidates = {*region};
  }
  std::vector<Runs> regions(candidates.size());
  for (const output::Summary& lan : lan_runs) {
    if (Failure failure = check_run(wan, lan)) return *failure;
    const Result<std::vector<double>> parts = parts_of(lan, question.data_gb);
    if (!parts) return parts.error();
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      regions[i].push_back(moved(lan, candidates[i], wan, parts.value()));
    }
  }
  const std::size_t best = best_of(regions);
  CentralisedAnswer answer{wan.datacenters[candidates[best]].name, std::move(regions[best]), {}};
  const char* const why = question.region                          ? ""
                          : std::isfinite(total_cost(answer.runs)) ? " (where it costs least)"
                                                                   : " (where it is done first)";
  answer.note = note_of(answer.runs.front(), answer.runs.front().time_s - lan_runs.front().time_s, why);
  return answer;
}

}  // namespace meridian::sweep

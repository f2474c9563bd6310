#include "src/monitoring/deployment_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

namespace meridian::monitoring {
namespace {

// Figures of this age, in seconds, are of a process that is stuck.
constexpr double kOld = 3.0;

using Where = std::vector<std::pair<std::string_view, std::string_view>>;

/// Calls `each` with every sample of that name whose labels are these.
template <typename Each>
void for_each(const std::vector<Sample>& samples, std::string_view name, const Where& where, Each each) {
  for (const Sample& sample : samples) {
    const bool matches =
        sample.name == name && std::all_of(where.begin(), where.end(), [&](const auto& label) {
          return sample.label(label.first) == label.second;
        });
    if (matches) each(sample);
  }
}

double sum(const std::vector<Sample>& samples, std::string_view name, const Where& where = {}) {
  double total = 0.0;
  for_each(samples, name, where, [&](const Sample& sample) { total += sample.value; });
  return total;
}

template <typename Better>
std::optional<double> best(const std::vector<Sample>& samples, std::string_view name, const Where& where,
                           Better better) {
  std::optional<double> found;
  for_each(samples, name, where, [&](const Sample& sample) {
    if (!found || better(sample.value, *found)) found = sample.value;
  });
  return found;
}

std::optional<double> largest(const std::vector<Sample>& samples, std::string_view name,
                              const Where& where = {}) {
  return best(samples, name, where, std::greater<>());
}

std::optional<double> smallest(const std::vector<Sample>& samples, std::string_view name,
                               const Where& where = {}) {
  return best(samples, name, where, std::less<>());
}

/// Values of one label, in order.
std::set<std::string> values_of(const std::vector<Sample>& samples, std::string_view name,
                                std::string_view label, const Where& where = {}) {
  std::set<std::string> values;
  for_each(samples, name, where, [&](const Sample& sample) { values.emplace(sample.label(label)); });
  return values;
}

std::string series_of(const Sample& sample) {
  std::string series = sample.name;
  for (const auto& [key, value] : sample.labels)
    fmt::format_to(std::back_inserter(series), "\n{}={}", key, value);
  return series;
}

/// Changes between two looks, of series that were there at both. A counter that has become smaller has begun
/// anew: nothing is known of it.
class Changes {
 public:
  Changes(const std::vector<Sample>& now, const std::vector<Sample>* before, double seconds)
      : now_(now), seconds_(seconds) {
    if (before == nullptr || seconds <= 0.0) return;
    for (const Sample& sample : *before) before_[series_of(sample)] = sample.value;
  }

  std::optional<double> of(std::string_view name, const Where& where = {}) const {
    double change = 0.0;
    bool known = false;
    bool anew = false;
    for_each(now_, name, where, [&](const Sample& sample) {
      const auto before = before_.find(series_of(sample));
      if (before == before_.end()) return;
      known = true;
      anew = anew || sample.value < before->second;
      change += sample.value - before->second;
    });
    return known && !anew ? std::optional(change) : std::nullopt;
  }
  std::optional<double> per_s(std::string_view name, const Where& where = {}) const {
    const std::optional<double> change = of(name, where);
    return change ? std::optional(*change / seconds_) : std::nullopt;
  }

 private:
  const std::vector<Sample>& now_;
  std::map<std::string, double> before_;
  double seconds_;
};

DatacenterView datacenter_view(const std::string& name, const std::vector<Sample>& samples,
                               const Changes& changes) {
  const Where own{{"datacenter", name}};
  DatacenterView view;
  view.name = name;
  view.workers = values_of(samples, "meridian_worker_clocks_total", "index", own).size();
  const std::size_t servers = values_of(samples, "meridian_clocks_closed_total", "index", own).size();
  view.servers = servers;
  view.clock = smallest(samples, "meridian_clocks_closed_total", own).value_or(0.0);
  if (const auto rate = changes.per_s("meridian_clocks_closed_total", own); rate && servers > 0)
    view.clocks_per_s = *rate / static_cast<double>(servers);
  view.objective = largest(samples, "meridian_objective", own);
  view.loss = largest(samples, "meridian_loss", own);
  view.held_reads = sum(samples, "meridian_held_reads", own);
  double most = 0.0;
  for (const std::string& cause : values_of(samples, "meridian_held_reads", "cause", own)) {
    const double held = sum(samples, "meridian_held_reads", {{"datacenter", name}, {"cause", cause}});
    if (held > most) view.held_for = cause;
    most = std::max(most, held);
  }
  const std::optional<double> all = changes.of("meridian_worker_seconds_total", own);
  if (!all || *all <= 0.0) return view;
  for (const std::string& part : values_of(samples, "meridian_worker_seconds_total", "part", own)) {
    const auto spent = changes.of("meridian_worker_seconds_total", {{"datacenter", name}, {"part", part}});
    view.time_shares[part] = spent.value_or(0.0) / *all;
  }
  return view;
}

LinkView link_view(const std::string& from, const std::string& to, const std::vector<Sample>& samples,
                   const Changes& changes) {
  const Where link{{"datacenter", from}, {"peer", to}};
  LinkView view;
  view.from = from;
  view.to = to;
  view.bytes = sum(samples, "meridian_link_bytes_total", link);
  view.bytes_per_s = changes.per_s("meridian_link_bytes_total", link);
  const double rate = largest(samples, "meridian_link_configured_rate_bytes_per_second", link).value_or(0.0);
  if (view.bytes_per_s && rate > 0.0) view.utilization = *view.bytes_per_s / rate;
  view.round_trip_s = largest(samples, "meridian_link_round_trip_seconds", link).value_or(0.0);
  view.backlog_entries = sum(samples, "meridian_link_backlog_entries", link);
  view.lag_clocks = largest(samples, "meridian_peer_lag_clocks", link).value_or(0.0);
  view.present = smallest(samples, "meridian_peer_present", link).value_or(1.0) > 0.0;
  return view;
}

bool larger_is_better(const std::vector<Sample>& samples) {
  const auto better = values_of(samples, "meridian_run_info", "better");
  return better.empty() || *better.begin() != "smaller";
}

std::string first_label(const std::vector<Sample>& samples, std::string_view label) {
  const auto values = values_of(samples, "meridian_run_info", label);
  return values.empty() ? std::string() : *values.begin();
}

std::optional<double> worst_objective(const std::vector<Sample>& samples) {
  return larger_is_better(samples) ? smallest(samples, "meridian_objective")
                                   : largest(samples, "meridian_objective");
}

}  // namespace

void DeploymentWatch::take(double time_s, std::vector<Sample> samples, std::vector<std::string> unreachable) {
  before_ = std::exchange(last_, Look{time_s, std::move(samples)});
  unreachable_ = std::move(unreachable);
  const std::optional<double> clock = smallest(last_->samples, "meridian_evaluated_clock");
  const std::optional<double> objective = worst_objective(last_->samples);
  if (!objective || clock == history_clock_) return;
  history_clock_ = clock;
  history_.push_back(*objective);
  if (history_.size() > kHistory) history_.erase(history_.begin());
}

DeploymentView DeploymentWatch::view() const {
  DeploymentView view;
  view.unreachable = unreachable_;
  view.objective_history = history_;
  if (!last_) return view;
  const std::vector<Sample>& samples = last_->samples;
  const Changes changes(samples, before_ ? &before_->samples : nullptr,
                        before_ ? last_->time_s - before_->time_s : 0.0);
  view.run = first_label(samples, "run");
  view.mode = first_label(samples, "mode");
  view.workload = first_label(samples, "workload");
  if (std::string metric = first_label(samples, "metric"); !metric.empty()) view.metric = std::move(metric);
  view.larger_is_better = larger_is_better(samples);
  view.training = largest(samples, "meridian_training").value_or(0.0) > 0.0;
  view.target = largest(samples, "meridian_objective_target");
  view.objective = worst_objective(samples);
  view.threshold = largest(samples, "meridian_filter_threshold");
  view.difference_bound = largest(samples, "meridian_replica_difference_bound");
  const auto considered = changes.of("meridian_entries_considered_total");
  const auto sent = changes.of("meridian_entries_sent_total");
  if (considered && sent && *considered > 0.0) view.sent_share = *sent / *considered;
  view.wan_bytes = sum(samples, "meridian_link_bytes_total");
  view.wan_bytes_per_s = changes.per_s("meridian_link_bytes_total");
  for (const std::string& name : values_of(samples, "meridian_run_info", "datacenter")) {
    view.datacenters.push_back(datacenter_view(name, samples, changes));
    for (const std::string& to : values_of(samples, "meridian_peer_present", "peer", {{"datacenter", name}}))
      view.links.push_back(link_view(name, to, samples, changes));
  }
  const auto process_of = [](const Sample& sample) {
    return std::string(sample.label("datacenter")) + " " + std::string(sample.label("role")) + " " +
           std::string(sample.label("index"));
  };
  for_each(samples, "meridian_faults_total", {}, [&](const Sample& sample) {
    if (sample.value != 0.0)
      view.faults.push_back(process_of(sample) + ": " + std::string(sample.label("kind")));
  });
  for_each(samples, "meridian_snapshot_age_seconds", {}, [&](const Sample& sample) {
    if (sample.value > kOld) view.stuck.push_back(process_of(sample));
  });
  return view;
}

}  // namespace meridian::monitoring

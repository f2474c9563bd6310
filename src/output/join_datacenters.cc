#include "src/output/join_datacenters.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace meridian::output {

namespace {

const std::string& name_of(const DatacenterPart& part) { return part.summary.datacenters.front().name; }

/// Where parts disagree on what run they are of, the key they differ in.
const char* first_difference(const Summary& a, const Summary& b) {
  if (a.name != b.name) return "name";
  if (a.mode != b.mode) return "mode";
  if (a.wan_mode != b.wan_mode) return "wan_mode";
  if (a.seed != b.seed) return "seed";
  if (a.objective.metric != b.objective.metric) return "objective.metric";
  if (a.objective.larger_is_better != b.objective.larger_is_better) return "objective.larger_is_better";
  if (a.objective.target != b.objective.target) return "objective.target";
  return nullptr;
}

Failure check_parts(const std::vector<DatacenterPart>& parts, const std::vector<std::string>& datacenters) {
  if (parts.empty()) return Error{"no datacenter left a summary"};
  std::set<std::string_view> seen;
  for (const DatacenterPart& part : parts) {
    const std::size_t entries = part.summary.datacenters.size();
    if (entries != 1) {
      return Error{
          fmt::format("a part of {} datacenters: expected a summary of one datacenter's own", entries)};
    }
    const std::string& name = name_of(part);
    if (!seen.insert(name).second) return Error{fmt::format("datacenter {}: two summaries", name)};
    if (std::ranges::find(datacenters, name) == datacenters.end()) {
      return Error{fmt::format("datacenter {}: is not one of this run's", name)};
    }
    if (const char* key = first_difference(parts.front().summary, part.summary)) {
      return Error{fmt::format("{} differs between the summaries of {} and {}: they are not of one run", key,
                               name_of(parts.front()), name)};
    }
    for (const LinkSummary& link : part.summary.wan.links) {
      if (link.from != name) {
        return Error{fmt::format("datacenter {}: its summary has a link from {}", name, link.from)};
      }
    }
  }
  return std::nullopt;
}

void sort_as(const std::vector<std::string>& datacenters, std::vector<DatacenterPart>& parts) {
  std::ranges::sort(parts, {}, [&](const DatacenterPart& part) {
    return std::ranges::find(datacenters, name_of(part)) - datacenters.begin();
  });
}

/// Moves every part's times onto one axis that begins at the earliest start. A part that does not say when it
/// started is taken to have started first.
void align_times(std::vector<DatacenterPart>& parts, std::optional<double>& started_unix_s) {
  for (const DatacenterPart& part : parts) {
    const std::optional<double>& start = part.summary.started_unix_s;
    if (start && (!started_unix_s || *start < *started_unix_s)) started_unix_s = start;
  }
  for (DatacenterPart& part : parts) {
    if (!part.summary.started_unix_s) continue;
    const double offset_s = *part.summary.started_unix_s - *started_unix_s;
    part.summary.time_s += offset_s;
    for (TimelineSample& sample : part.timeline) sample.time_s += offset_s;
  }
}

template <typename T>
void add(std::optional<T>& sum, const std::optional<T>& term) {
  if (term) sum = sum.value_or(T{}) + *term;
}

void add_wan(WanSummary& sum, const WanSummary& term) {
  sum.bytes_sent += term.bytes_sent;
  sum.data_bytes += term.data_bytes;
  sum.control_bytes += term.control_bytes;
  sum.payload_bytes += term.payload_bytes;
  sum.entries_considered += term.entries_considered;
  sum.entries_sent += term.entries_sent;
  sum.links.insert(sum.links.end(), term.links.begin(), term.links.end());
}

void set_utilization(std::vector<LinkSummary>& links, const std::vector<LinkRate>& rates, double time_s) {
  for (LinkSummary& link : links) {
    link.utilization.reset();
    const auto rate = std::ranges::find_if(rates, [&](const LinkRate& candidate) {
      return candidate.from == link.from && candidate.to == link.to;
    });
    if (rate == rates.end() || rate->bits_per_s <= 0.0 || time_s <= 0.0) continue;
    link.utilization = static_cast<double>(link.bytes) * 8.0 / (rate->bits_per_s * time_s);
  }
}

/// The objective in the worst datacenter, or nothing when one of them has none: it might be the worst.
std::optional<double> worst_final(const std::vector<DatacenterPart>& parts, bool larger_is_better) {
  std::optional<double> worst;
  for (const DatacenterPart& part : parts) {
    const std::optional<double>& own = part.summary.objective.final;
    if (!own) return std::nullopt;
    if (!worst || (larger_is_better ? *own < *worst : *own > *worst)) worst = own;
  }
  return worst;
}

/// Fills in when the target was reached; `parts` are all the run's datacenters, in its order, on one time
/// axis.
void find_target(const std::vector<DatacenterPart>& parts, Summary& run) {
  ObjectiveSummary& objective = run.objective;
  if (!objective.target) return;
  struct Evaluation {
    double time_s = 0.0;
    std::vector<std::uint64_t> bytes;  // of each datacenter that met it
    std::uint64_t payload_bytes = 0;
  };
  std::map<std::uint64_t, Evaluation> evaluations;
  for (const DatacenterPart& part : parts) {
    std::set<std::uint64_t> seen;
    for (const TimelineSample& sample : part.timeline) {
      // A second measurement at the same clock is the one after the drain.
      if (!seen.insert(sample.clock).second || !sample.objective) continue;
      const bool met = objective.larger_is_better ? *sample.objective >= *objective.target
                                                  : *sample.objective <= *objective.target;
      if (!met) continue;
      Evaluation& evaluation = evaluations[sample.clock];
      evaluation.time_s = std::max(evaluation.time_s, sample.time_s);
      evaluation.bytes.push_back(sample.wan_bytes);
      evaluation.payload_bytes += sample.payload_bytes;
    }
  }
  for (const auto& [clock, evaluation] : evaluations) {
    if (evaluation.bytes.size() < parts.size()) continue;
    objective.clocks_to_target = clock;
    objective.time_to_target_s = evaluation.time_s;
    run.wan.bytes_to_target = 0;
    for (std::size_t d = 0; d < parts.size(); ++d) {
      run.datacenters[d].bytes_to_target = evaluation.bytes[d];
      *run.wan.bytes_to_target += evaluation.bytes[d];
    }
    run.wan.payload_bytes_to_target = evaluation.payload_bytes;
    return;
  }
}

std::optional<double> sum_of_two_largest(const std::vector<DatacenterPart>& parts) {
  std::vector<double> bounds;
  for (const DatacenterPart& part : parts) {
    if (part.summary.replicas.max_relative_difference) {
      bounds.push_back(*part.summary.replicas.max_relative_difference);
    }
  }
  if (bounds.size() < 2) return std::nullopt;
  std::ranges::sort(bounds, std::greater<>());
  return bounds[0] + bounds[1];
}

/// Adds what went wrong to what is said already, once.
void add_text(std::optional<std::string>& said, const std::string& text) {
  if (!said) {
    said = text;
  } else if (said->find(text) == std::string::npos) {
    *said += "; " + text;
  }
}

void add_failure(Summary& summary, const std::string& text) {
  summary.stop_reason = StopReason::failed;
  add_text(summary.failure, text);
}

void join_replicas(const std::vector<DatacenterPart>& parts, bool complete, Summary& run) {
  run.replicas.drained = complete && std::ranges::all_of(parts, [](const DatacenterPart& part) {
                           return part.summary.replicas.drained;
                         });
  run.replicas.max_relative_difference = sum_of_two_largest(parts);
  std::vector<const Model*> replicas;
  for (const DatacenterPart& part : parts) {
    if (part.model) replicas.push_back(&*part.model);
  }
  if (!run.replicas.drained || replicas.size() != parts.size()) return;
  Result<std::optional<double>> difference = max_relative_difference(replicas);
  if (difference) {
    run.replicas.max_relative_difference_after_drain = difference.value();
  } else {
    add_failure(run, difference.error().message);
  }
}

/// Everything that is a sum, a maximum or a minimum over the parts.
Summary fold_parts(const std::vector<DatacenterPart>& parts) {
  const Summary& first = parts.front().summary;
  Summary run;
  run.name = first.name;
  run.mode = first.mode;
  run.wan_mode = first.wan_mode;
  run.seed = first.seed;
  run.stop_reason = first.stop_reason;
  run.clocks = first.clocks;
  run.objective.metric = first.objective.metric;
  run.objective.larger_is_better = first.objective.larger_is_better;
  run.objective.target = first.objective.target;
  for (const DatacenterPart& part : parts) {
    const Summary& own = part.summary;
    run.stop_reason = std::max(run.stop_reason, own.stop_reason);
    run.time_s = std::max(run.time_s, own.time_s);
    run.clocks = std::min(run.clocks, own.clocks);
    if (own.data_note) add_text(run.data_note, *own.data_note);
    add_wan(run.wan, own.wan);
    add(run.waits_s.local_barrier, own.waits_s.local_barrier);
    add(run.waits_s.selective_barrier, own.waits_s.selective_barrier);
    add(run.waits_s.mirror_clock, own.waits_s.mirror_clock);
    add(run.work_s.compute, own.work_s.compute);
    add(run.work_s.evaluation, own.work_s.evaluation);
    add(run.work_s.push, own.work_s.push);
    add(run.work_s.pull, own.work_s.pull);
    if (own.failure) add_text(run.failure, fmt::format("{}: {}", name_of(part), *own.failure));
    run.datacenters.push_back(own.datacenters.front());
  }
  return run;
}

}  // namespace

Result<std::optional<double>> max_relative_difference(const std::vector<const Model*>& replicas) {
  if (replicas.size() < 2) return std::optional<double>();
  const std::vector<TableSpec>& tables = replicas.front()->tables;
  double largest = 0.0;
  for (std::size_t table = 0; table < tables.size(); ++table) {
    std::vector<float> magnitudes(replicas.size(), 0.0F);
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      if (replicas[i]->tables != tables)
        return Error{fmt::format("replicas 0 and {} have different tables", i)};
      for (const float value : replicas[i]->values[table].span()) {
        if (!std::isfinite(value)) {
          return Error{fmt::format("replica {}, table {}: a value is {}", i, tables[table].name, value)};
        }
        magnitudes[i] = std::max(magnitudes[i], std::abs(value));
      }
    }
    for (std::size_t i = 0; i < replicas.size(); ++i) {
      for (std::size_t j = i + 1; j < replicas.size(); ++j) {
        const std::span<const float> a = replicas[i]->values[table].span();
        const std::span<const float> b = replicas[j]->values[table].span();
        double difference = 0.0;
        for (std::size_t k = 0; k < a.size(); ++k) {
          difference = std::max(difference, std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])));
        }
        if (difference == 0.0) continue;
        // Both orders of the pair count: the smaller replica in the denominator gives the larger of the two.
        const double magnitude = std::min(magnitudes[i], magnitudes[j]);
        largest = std::max(largest, difference / magnitude);
      }
    }
  }
  return std::optional(std::min(largest, std::numeric_limits<double>::max()));
}

Result<JoinedRun> join_datacenters(std::vector<DatacenterPart> parts,
                                   const std::vector<std::string>& datacenters,
                                   const std::vector<LinkRate>& rates) {
  if (Failure failure = check_parts(parts, datacenters)) return *std::move(failure);
  sort_as(datacenters, parts);
  const bool complete = parts.size() == datacenters.size();

  std::optional<double> started_unix_s;
  align_times(parts, started_unix_s);
  JoinedRun run;
  run.summary = fold_parts(parts);
  run.summary.started_unix_s = started_unix_s;
  set_utilization(run.summary.wan.links, rates, run.summary.time_s);
  if (complete) {
    run.summary.objective.final = worst_final(parts, run.summary.objective.larger_is_better);
    find_target(parts, run.summary);
  }
  join_replicas(parts, complete, run.summary);
  for (const std::string& name : datacenters) {
    if (std::ranges::find(parts, name, name_of) != parts.end()) continue;
    add_failure(run.summary, fmt::format("datacenter {} left no summary", name));
  }

  std::vector<std::vector<TimelineSample>> timelines;
  for (DatacenterPart& part : parts) timelines.push_back(std::move(part.timeline));
  run.timeline = merge_timelines(std::move(timelines));
  return run;
}

}  // namespace meridian::output

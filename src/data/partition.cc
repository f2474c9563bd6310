#include "src/data/partition.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/dealing.h"
#include "src/data/shuffle.h"

namespace meridian {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"random", "contiguous", "round_robin", "overlap"};
constexpr std::array<std::string_view, 4> kBetweenDatacenters{"by_sizes", "label_skew", "dirichlet",
                                                              "ranges"};

template <std::size_t size>
Failure check_name(const char* option, const std::string& name,
                   const std::array<std::string_view, size>& known) {
  if (std::find(known.begin(), known.end(), name) != known.end()) return {};
  return Error{fmt::format("{} is '{}'; expected one of {}", option, name, fmt::join(known, ", "))};
}

bool needs_labels(const PartitionOptions& options) {
  return options.between_datacenters == "label_skew" || options.between_datacenters == "dirichlet";
}

/// Whether the datacenter's data are elsewhere.
bool is_elsewhere(const PartitionOptions& options, std::size_t datacenter) {
  return options.between_datacenters == "ranges" && datacenter < options.ranges.size() &&
         options.ranges[datacenter] == 0;
}

Failure check_workers(const PartitionOptions& options, std::size_t samples) {
  std::size_t workers = 0;
  for (std::size_t datacenter = 0; datacenter < options.workers.size(); ++datacenter) {
    if (options.workers[datacenter] == 0) {
      return Error{
          fmt::format("datacenter {} (counted from 0) has 0 workers; expected at least 1", datacenter)};
    }
    if (!is_elsewhere(options, datacenter)) workers += options.workers[datacenter];
  }
  if (options.workers.empty()) return Error{"0 datacenters to divide the data between; expected at least 1"};
  if (samples < workers) {
    return Error{
        fmt::format("{} training samples for {} workers; expected at least one for each", samples, workers)};
  }
  if (samples > std::numeric_limits<std::uint32_t>::max()) {
    return Error{fmt::format("{} training samples; expected at most 2^32 - 1", samples)};
  }
  return {};
}

Failure check_sizes(const PartitionOptions& options, std::size_t samples) {
  const std::size_t datacenters = options.workers.size();
  if (options.between_datacenters == "ranges") {
    if (options.ranges.size() != datacenters) {
      return Error{fmt::format("ranges of {} datacenters; expected one for each of {}", options.ranges.size(),
                               datacenters)};
    }
    const std::size_t sum = std::accumulate(options.ranges.begin(), options.ranges.end(), std::size_t{0});
    if (sum == samples) return {};
    return Error{
        fmt::format("ranges of {} samples together; expected {}, as many as there are", sum, samples)};
  }
  if (options.sizes.empty()) return {};
  if (options.sizes.size() != datacenters) {
    return Error{fmt::format("sizes of {} datacenters; expected one for each of {}", options.sizes.size(),
                             datacenters)};
  }
  for (std::size_t datacenter = 0; datacenter < datacenters; ++datacenter) {
    const double size = options.sizes[datacenter];
    if (!std::isfinite(size) || size <= 0.0) {
      return Error{fmt::format("the size of datacenter {} (counted from 0) is {}; expected a number above 0",
                               datacenter, size)};
    }
  }
  return {};
}

Failure check_shares(const PartitionOptions& options) {
  if (!(options.label_skew >= 0.0 && options.label_skew <= 1.0)) {
    return Error{fmt::format("label_skew is {}; expected 0 to 1", options.label_skew)};
  }
  if (!std::isfinite(options.concentration) || options.concentration <= 0.0) {
    return Error{fmt::format("concentration is {}; expected a number above 0", options.concentration)};
  }
  if (!(options.overlap >= 0.0 && options.overlap <= 1.0)) {
    return Error{fmt::format("overlap is {}; expected 0 to 1", options.overlap)};
  }
  return {};
}

Failure check_samples(const PartitionOptions& options, const PartitionSamples& samples) {
  if (needs_labels(options) && samples.labels.size() != samples.count) {
    return Error{
        fmt::format("{} labels for {} samples; expected one for each, by which {} divides them between "
                    "datacenters: divide data without labels by_sizes or by ranges",
                    samples.labels.size(), samples.count, options.between_datacenters)};
  }
  if (!samples.groups.empty() && samples.groups.size() != samples.count) {
    return Error{fmt::format("groups of {} samples; expected one for each of {}", samples.groups.size(),
                             samples.count)};
  }
  return {};
}

Failure check(const PartitionOptions& options, const PartitionSamples& samples) {
  if (Failure failure = check_name("partition", options.kind, kKinds)) return failure;
  if (Failure failure =
          check_name("the partition between datacenters", options.between_datacenters, kBetweenDatacenters)) {
    return failure;
  }
  if (Failure failure = check_workers(options, samples.count)) return failure;
  if (Failure failure = check_sizes(options, samples.count)) return failure;
  if (Failure failure = check_shares(options)) return failure;
  return check_samples(options, samples);
}

/// Deals a list as a kind says. `list` is in the order of the set.
void deal(const std::string& kind, const DealtUnits& units, UnitList list, std::span<const double> weights,
          Random random, Hands& hands) {
  if (kind == "contiguous") {
    deal_runs(units, list, weights, hands);
  } else if (kind == "round_robin") {
    deal_by_need(units, list, weights, hands);
  } else {
    deal_at_random(units, std::move(list), weights, random, hands);
  }
}

// Each unit to the datacenter in whose range its samples lie.
Failure deal_ranges(const PartitionOptions& options, const DealtUnits& units, Hands& hands) {
  std::vector<std::size_t> ends(options.ranges.size());
  std::partial_sum(options.ranges.begin(), options.ranges.end(), ends.begin());
  const auto range_of = [&](std::uint32_t position) {
    return static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), position) - ends.begin());
  };
  std::vector<std::uint32_t> positions;
  for (std::uint32_t unit = 0; unit < units.size(); ++unit) {
    positions.clear();
    units.append(unit, positions);
    const std::size_t first = range_of(positions.front());
    const std::size_t last = range_of(positions.back());
    if (first != last) {
      return Error{
          fmt::format("samples {} and {} (counted from 0) are of one group but in the ranges of "
                      "datacenters {} and {}; expected each group in one: give them files that share "
                      "no group",
                      positions.front(), positions.back(), first, last)};
    }
    hands[first].push_back(unit);
  }
  return {};
}

Failure deal_between_datacenters(const PartitionOptions& options, const PartitionSamples& samples,
                                 const DealtUnits& units, Hands& hands) {
  std::vector<double> weights = options.sizes;
  if (weights.empty()) weights.assign(options.workers.begin(), options.workers.end());
  UnitList all(units.size());
  std::iota(all.begin(), all.end(), 0U);
  Random random = Random::for_parts(options.seed, {hash_text("partition between datacenters")});
  if (options.between_datacenters == "ranges") return deal_ranges(options, units, hands);
  if (options.between_datacenters == "label_skew") {
    deal_by_label(units, std::move(all), units.labels_of(samples.labels), options.label_skew, weights, random,
                  hands);
  } else if (options.between_datacenters == "dirichlet") {
    deal_by_mix(units, std::move(all), units.labels_of(samples.labels), options.concentration, weights,
                random, hands);
  } else {
    deal(options.kind, units, std::move(all), weights, random, hands);
  }
  return {};
}

// Where neither sizes nor groups matter, all workers of all datacenters are dealt to as one: worker k gets
// the k-th of equal runs of this order.
void arrange(const PartitionOptions& options, std::size_t workers, std::vector<std::uint32_t>& order) {
  std::iota(order.begin(), order.end(), 0U);
  if (options.kind == "contiguous") return;
  if (options.kind == "round_robin") {
    std::size_t at = 0;
    for (std::size_t worker = 0; worker < workers; ++worker) {
      for (std::size_t i = worker; i < order.size(); i += workers) {
        order[at++] = static_cast<std::uint32_t>(i);
      }
    }
    return;
  }
  Random random = Random::for_parts(options.seed, {hash_text("partition")});
  shuffle(random, order);
}

// The starts of the runs: the first `samples % workers` workers get one more than the others.
std::vector<std::size_t> equal_runs(std::size_t samples, std::size_t workers) {
  std::vector<std::size_t> starts{0};
  for (std::size_t worker = 0; worker < workers; ++worker) {
    starts.push_back(starts.back() + samples / workers + (worker < samples % workers ? 1 : 0));
  }
  return starts;
}

}  // namespace

Result<Partition> Partition::make(const PartitionOptions& options, const PartitionSamples& samples) {
  if (Failure failure = check(options, samples)) return std::move(*failure);
  Partition partition;
  partition.seed_ = options.seed;
  if (options.kind == "overlap") partition.overlap_ = options.overlap;
  partition.first_worker_.push_back(0);
  for (const std::size_t workers : options.workers) {
    partition.first_worker_.push_back(partition.first_worker_.back() + workers);
  }
  if (options.between_datacenters == "by_sizes" && options.sizes.empty() && samples.groups.empty()) {
    const std::size_t workers = partition.first_worker_.back();
    partition.order_.resize(samples.count);
    arrange(options, workers, partition.order_);
    partition.starts_ = equal_runs(samples.count, workers);
    return partition;
  }
  const DealtUnits units = samples.groups.empty() ? DealtUnits(samples.count) : DealtUnits(samples.groups);
  Hands datacenters(options.workers.size());
  if (Failure failure = deal_between_datacenters(options, samples, units, datacenters)) {
    return std::move(*failure);
  }
  partition.order_.reserve(samples.count);
  partition.starts_.push_back(0);
  for (std::size_t datacenter = 0; datacenter < datacenters.size(); ++datacenter) {
    UnitList& list = datacenters[datacenter];
    std::sort(list.begin(), list.end());
    Hands workers(options.workers[datacenter]);
    const std::vector<double> equal(workers.size(), 1.0);
    deal(options.kind, units, std::move(list), equal,
         Random::for_parts(options.seed, {hash_text("partition between workers"), datacenter}), workers);
    for (const UnitList& hand : workers) {
      for (const std::uint32_t unit : hand) units.append(unit, partition.order_);
      partition.starts_.push_back(partition.order_.size());
    }
  }
  if (Failure failure = partition.check_parts(options, units.grouped() ? units.size() : 0)) {
    return std::move(*failure);
  }
  return partition;
}

// `groups` is their number, 0 where samples are dealt by themselves.
Failure Partition::check_parts(const PartitionOptions& options, std::size_t groups) const {
  for (std::size_t datacenter = 0; datacenter < datacenters(); ++datacenter) {
    if (is_elsewhere(options, datacenter)) continue;
    const std::size_t first = first_worker_[datacenter];
    const std::size_t end = first_worker_[datacenter + 1];
    for (std::size_t worker = first; worker < end; ++worker) {
      if (starts_[worker] != starts_[worker + 1]) continue;
      return Error{
          fmt::format("worker {} of datacenter {} (both counted from 0) gets no sample: the datacenter's {} "
                      "workers divide "
                      "{} of {} samples{}; expected at least one for each: give it {} or fewer workers{}",
                      worker - first, datacenter, end - first, starts_[end] - starts_[first], order_.size(),
                      groups > 0 ? fmt::format(", which stay together in {} groups", groups) : "",
                      options.between_datacenters == "ranges" ? "a longer range" : "a larger size",
                      groups > 0 ? ", or use data with more groups" : "")};
    }
  }
  return {};
}

std::span<const std::uint32_t> Partition::samples_of(WorkerPlace place) const {
  return part(global_index(place));
}

std::size_t Partition::samples_per_epoch(WorkerPlace place) const {
  std::size_t samples = samples_of(place).size();
  for (const std::size_t neighbour : neighbours_of(place)) samples += borrowed_from(neighbour);
  return samples;
}

std::vector<std::uint32_t> Partition::samples_of_epoch(WorkerPlace place, std::uint64_t epoch) const {
  const std::size_t worker = global_index(place);
  std::vector<std::uint32_t> seen;
  seen.reserve(samples_per_epoch(place));
  seen.assign(part(worker).begin(), part(worker).end());
  for (const std::size_t neighbour : neighbours_of(place)) {
    Random random = Random::for_parts(seed_, {hash_text("partition overlap"), worker, neighbour, epoch});
    std::size_t wanted = borrowed_from(neighbour);
    std::size_t left = part(neighbour).size();
    // Selection sampling (Knuth, The Art of Computer Programming, volume 2, 3.4.2, algorithm S).
    for (const std::uint32_t sample : part(neighbour)) {
      if (random.below(left--) >= wanted) continue;
      seen.push_back(sample);
      --wanted;
    }
  }
  return seen;
}

std::vector<std::size_t> Partition::neighbours_of(WorkerPlace place) const {
  const std::size_t worker = global_index(place);
  const std::size_t first = first_worker_[place.datacenter];
  const std::size_t workers = first_worker_[place.datacenter + 1] - first;
  if (overlap_ == 0.0 || workers == 1) return {};
  const std::size_t before = first + (worker - first + workers - 1) % workers;
  const std::size_t after = first + (worker - first + 1) % workers;
  if (before == after) return {before};
  return {before, after};
}

std::size_t Partition::borrowed_from(std::size_t neighbour) const {
  return static_cast<std::size_t>(overlap_ * static_cast<double>(part(neighbour).size()));
}

std::size_t Partition::global_index(WorkerPlace place) const {
  MERIDIAN_CHECK(place.datacenter + 1 < first_worker_.size(), "datacenter {} of {}", place.datacenter,
                 first_worker_.size() - 1);
  const std::size_t index = first_worker_[place.datacenter] + place.worker;
  MERIDIAN_CHECK(index < first_worker_[place.datacenter + 1], "worker {} of datacenter {}", place.worker,
                 place.datacenter);
  return index;
}

}  // namespace meridian

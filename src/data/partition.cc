#include "src/data/partition.h"

#include <fmt/ranges.h>

#include <array>
#include <limits>
#include <numeric>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/data/shuffle.h"

namespace meridian {
namespace {

// Puts samples into the order in which they are dealt out: worker k gets the k-th of equal runs of it.
using Arrange = void (*)(std::uint64_t seed, std::size_t workers, std::vector<std::uint32_t>& order);

void arrange_random(std::uint64_t seed, std::size_t /*workers*/, std::vector<std::uint32_t>& order) {
  Random random = Random::for_parts(seed, {hash_text("partition")});
  shuffle(random, order);
}

void arrange_contiguous(std::uint64_t /*seed*/, std::size_t /*workers*/,
                        std::vector<std::uint32_t>& /*order*/) {}

// Worker k's run is k, k + workers, k + 2 * workers, ...: the runs' lengths come out as make() cuts them.
void arrange_round_robin(std::uint64_t /*seed*/, std::size_t workers, std::vector<std::uint32_t>& order) {
  std::size_t at = 0;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    for (std::size_t i = worker; i < order.size(); i += workers) order[at++] = static_cast<std::uint32_t>(i);
  }
}

struct Registered {
  std::string_view name;
  Arrange arrange;
};

constexpr std::array kKinds{
    Registered{"random", arrange_random},
    Registered{"contiguous", arrange_contiguous},
    Registered{"round_robin", arrange_round_robin},
};

Result<Registered> find_kind(const std::string& kind) {
  std::vector<std::string_view> names;
  for (const Registered& entry : kKinds) {
    if (entry.name == kind) return entry;
    names.push_back(entry.name);
  }
  return Error{fmt::format("partition is '{}'; expected one of {}", kind, fmt::join(names, ", "))};
}

}  // namespace

Result<Partition> Partition::make(const PartitionOptions& options, std::size_t samples) {
  const Result<Registered> kind = find_kind(options.kind);
  if (!kind) return kind.error();
  Partition partition;
  partition.first_worker_.push_back(0);
  for (const std::size_t workers : options.workers) {
    if (workers == 0) {
      return Error{fmt::format("datacenter {} (counted from 0) has 0 workers; expected at least 1",
                               partition.first_worker_.size() - 1)};
    }
    partition.first_worker_.push_back(partition.first_worker_.back() + workers);
  }
  const std::size_t workers = partition.first_worker_.back();
  if (workers == 0) return Error{"0 datacenters to divide the data between; expected at least 1"};
  if (samples < workers) {
    return Error{
        fmt::format("{} training samples for {} workers; expected at least one for each", samples, workers)};
  }
  if (samples > std::numeric_limits<std::uint32_t>::max()) {
    return Error{fmt::format("{} training samples; expected at most 2^32 - 1", samples)};
  }
  partition.order_.resize(samples);
  std::iota(partition.order_.begin(), partition.order_.end(), 0U);
  kind.value().arrange(options.seed, workers, partition.order_);
  // The first `samples % workers` workers get one more than the others.
  const std::size_t least = samples / workers;
  const std::size_t with_one_more = samples % workers;
  partition.starts_.push_back(0);
  for (std::size_t worker = 0; worker < workers; ++worker) {
    partition.starts_.push_back(partition.starts_.back() + least + (worker < with_one_more ? 1 : 0));
  }
  return partition;
}

std::span<const std::uint32_t> Partition::samples_of(WorkerPlace place) const {
  const std::size_t worker = global_index(place);
  return std::span(order_).subspan(starts_[worker], starts_[worker + 1] - starts_[worker]);
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

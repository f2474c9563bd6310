// Divides a training set between all workers of all datacenters: first between datacenters, then each
// datacenter's part between its workers. Every sample belongs to exactly one worker; samples of one group
// (one user's ratings) stay together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/workload/workload.h"

namespace meridian {

/// Shares of a number of samples are rounded so that all of them add up: to within one sample, two with
/// label_skew, or where groups are dealt, about a group's samples.
struct PartitionOptions {
  /// Between a datacenter's workers, to each an equal number:
  /// - random: in a random order;
  /// - contiguous: in runs, in the order of the set;
  /// - round_robin: dealt one by one, in the order of the set;
  /// - overlap: random, and in each epoch a worker sees, besides its own samples, a share of each neighbour's
  ///   (see `overlap`).
  std::string kind = "random";
  std::uint64_t seed = 1;
  std::vector<std::size_t> workers;  ///< of each datacenter, in the configuration's order; each at least 1

  /// Between datacenters:
  /// - by_sizes: what `kind` says (overlap: random), datacenters in proportion to `sizes`;
  /// - label_skew: the share `label_skew` of the samples, drawn at random, is sorted by label and dealt in
  ///   runs, the rest at random, datacenters in proportion to `sizes` in both: K. Hsieh et al., The Non-IID
  ///   Data Quagmire of Decentralized Machine Learning, ICML 2020;
  /// - dirichlet: each datacenter draws its mix of labels from Dirichlet(concentration * p), p the labels'
  ///   shares of the whole set, and then samples by it, without replacement: T. H. Hsu, H. Qi & M. Brown,
  ///   Measuring the Effects of Non-Identical Data Distribution for Federated Visual Classification, 2019.
  ///   The datacenter furthest behind its size is next to draw; of labels used up, the others take the place,
  ///   and where its mix has none that is left, all that are left by their numbers;
  /// - ranges: datacenter after datacenter gets the number of samples that `ranges` says, in the order of the
  ///   set: data that already lies in one place each. A datacenter whose range is 0 has its data elsewhere:
  ///   its workers have none here.
  std::string between_datacenters = "by_sizes";
  std::vector<double> sizes = {};  ///< weights, each above 0; empty: the numbers of workers. Not for ranges.
  double label_skew = 0.0;         ///< 0 to 1: the share of the samples that is divided by label
  double concentration = 1.0;      ///< above 0: small for few labels in each datacenter, large for all alike
  std::vector<std::size_t> ranges = {};  ///< of each datacenter; their sum is the number of samples

  /// 0 to 1. A worker's neighbours are the ones before and after it in its datacenter, in a ring (of two
  /// workers, the other; of one, none). In each epoch it sees all its own samples once, and of each
  /// neighbour's this share, rounded down, drawn anew without replacement by the seed, the worker and the
  /// epoch. No sample leaves its datacenter.
  double overlap = 0.0;
};

/// The samples to divide. Both lists are read during make() only.
struct PartitionSamples {
  std::size_t count = 0;
  /// The class of each sample: for label_skew and dirichlet.
  std::span<const std::uint32_t> labels = {};
  /// The group of each sample: groups are dealt instead of samples, balanced by their numbers of samples. A
  /// group counts as of the label that most of its samples have.
  std::span<const std::uint32_t> groups = {};
};

/// Immutable; any thread may read it.
class Partition {
 public:
  /// Errors, which say what to change: an unknown kind, an option out of its range or of the wrong length,
  /// labels that are needed but not there, a group in two ranges, a datacenter without workers, no
  /// datacenter, a worker without samples (with its datacenter and number) that is not of an empty range,
  /// more than 2^32 - 1 samples.
  static Result<Partition> make(const PartitionOptions& options, const PartitionSamples& samples);
  static Result<Partition> make(const PartitionOptions& options, std::size_t samples) {
    return make(options, PartitionSamples{samples});
  }

  /// The positions of the samples that belong to a worker. Requires a place that exists.
  std::span<const std::uint32_t> samples_of(WorkerPlace place) const;

  /// How many samples a worker sees in an epoch: its own, and of its neighbours' what overlaps.
  std::size_t samples_per_epoch(WorkerPlace place) const;

  /// Which samples a worker sees in `epoch` (from 0), its own first: the same for the same seed and epoch.
  std::vector<std::uint32_t> samples_of_epoch(WorkerPlace place, std::uint64_t epoch) const;

  /// A worker's position among all workers, datacenter after datacenter. Requires a place that exists.
  std::size_t global_index(WorkerPlace place) const;

  std::size_t workers() const { return starts_.size() - 1; }
  std::size_t datacenters() const { return first_worker_.size() - 1; }

 private:
  Failure check_parts(const PartitionOptions& options, std::size_t groups) const;
  std::vector<std::size_t> neighbours_of(WorkerPlace place) const;
  std::size_t borrowed_from(std::size_t neighbour) const;
  std::span<const std::uint32_t> part(std::size_t worker) const {
    return std::span(order_).subspan(starts_[worker], starts_[worker + 1] - starts_[worker]);
  }

  std::uint64_t seed_ = 1;
  double overlap_ = 0.0;
  std::vector<std::size_t> first_worker_;  // of each datacenter, and the total
  std::vector<std::size_t> starts_;        // of each worker in order_, and the total
  std::vector<std::uint32_t> order_;
};

}  // namespace meridian

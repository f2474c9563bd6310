// Workloads whose every gradient can be said beforehand: what the tests of wan/ train.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "src/workload/workload.h"
#include "tests/src/workload/forwarding_learner.h"

namespace meridian::wan {

/// Gradients that are small multiples of a power of two and do not depend on the parameters, so that float
/// sums of them are exact in any order; and each entry is touched by one datacenter only, its owner, so that
/// whose updates stand in a replica can be read off its values.
class CountingWorkload final : public Workload {
 public:
  /// A gradient that is not a number.
  struct Poison {
    std::size_t datacenter = 0;
    Clock clock = 0;
    std::size_t table = 0;
  };

  struct Options {
    std::uint64_t seed = 1;
    std::vector<std::size_t> workers;  ///< of each datacenter
    bool first_owns_all = false;       ///< else the datacenters own entries in turn
    bool only_positive = false;        ///< else gradients of both signs, and zero
    std::vector<TableSpec> tables = {{"wide", 150, 40}, {"narrow", 17, 1}, {"middle", 60, 7}};
    std::optional<Poison> poison;
  };

  explicit CountingWorkload(Options options) : options_(std::move(options)) {}

  /// Samples of a datacenter's clock: a power of two, whatever its number of workers.
  static constexpr std::size_t kSamples = 8;

  std::size_t owner(std::size_t table, std::size_t entry) const {
    return options_.first_owns_all ? 0 : (entry + table) % options_.workers.size();
  }
  /// The sum over its owner's workers.
  int gradient_sum(std::size_t table, std::size_t entry, Clock clock) const;
  float initial_value(std::size_t table, std::size_t entry) const;

  const std::vector<TableSpec>& tables() const override { return options_.tables; }
  void fill_initial_values(std::size_t table, std::span<float> values) const override;
  std::size_t samples_per_clock(WorkerPlace place) const override;
  UpdateReport compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                TablesSpan gradient) const;
  /// The objective: by how much the parameters have fallen, summed over all entries. With only_positive it
  /// rises clock by clock.
  EvaluationSums evaluate(std::size_t part, std::size_t parts, TablesView parameters) const;
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    return std::make_unique<ForwardingLearner<CountingWorkload>>(*this, place,
                                                                 options_.workers.at(place.datacenter));
  }
  double objective(const EvaluationSums& sums) const override {
    return sums.metric_sum / static_cast<double>(sums.samples);
  }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return true; }

 private:
  int gradient_of(std::size_t worker, std::size_t table, std::size_t entry, Clock clock) const;

  Options options_;
};

/// Least squares with noise: worker w of all the run's workers sees targets of its own at every clock. The
/// gradient depends on the parameters, and its float sums on their order.
class QuadraticWorkload final : public Workload {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::vector<std::size_t> workers;  ///< of each datacenter; workers are numbered through
    std::vector<TableSpec> tables = {{"a", 23, 11}, {"b", 9, 1}};
  };

  explicit QuadraticWorkload(Options options) : options_(std::move(options)) {}

  const std::vector<TableSpec>& tables() const override { return options_.tables; }
  void fill_initial_values(std::size_t table, std::span<float> values) const override;
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return 3; }
  UpdateReport compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                TablesSpan gradient) const;
  EvaluationSums evaluate(std::size_t part, std::size_t parts, TablesView parameters) const;
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    return std::make_unique<ForwardingLearner<QuadraticWorkload>>(*this, place,
                                                                  options_.workers.at(place.datacenter));
  }
  double objective(const EvaluationSums& sums) const override {
    return sums.metric_sum / static_cast<double>(sums.samples);
  }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

 private:
  Options options_;
};

}  // namespace meridian::wan

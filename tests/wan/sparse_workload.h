// A workload over a table of which each batch touches a few rows, and a small one that every batch touches:
// the first is read by row or, for comparison, whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "src/workload/workload.h"

namespace meridian::wan {

class SparseWorkload final : public Workload {
 public:
  static constexpr std::size_t kRows = 97;
  static constexpr std::size_t kColumns = 5;
  static constexpr std::size_t kTouched = 9;

  struct Options {
    std::uint64_t seed = 1;
    std::vector<std::size_t> workers;  ///< of each datacenter
    bool by_row = true;
    UpdateRule rule = UpdateRule::mean_gradient;
  };

  explicit SparseWorkload(Options options)
      : options_(std::move(options)),
        tables_{{"rows", kRows, kColumns, options_.by_row, options_.rule},
                {"all", 7, 1, false, options_.rule}} {}

  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    if (options_.rule == UpdateRule::increment) return std::fill(values.begin(), values.end(), 0.0F);
    Random random = Random::for_parts(options_.seed, {hash_text(tables_[table].name)});
    for (float& value : values) value = static_cast<float>(random.normal());
  }
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return kTouched; }
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override;
  double objective(const EvaluationSums& sums) const override { return sums.metric_sum; }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

  /// The rows that a worker's batch touches, rising.
  std::vector<std::uint32_t> touched(WorkerPlace place, Clock clock) const {
    Random random =
        Random::for_parts(options_.seed, {hash_text("touched"), place.datacenter, place.worker, clock});
    std::set<std::uint32_t> rows;
    while (rows.size() < kTouched) rows.insert(static_cast<std::uint32_t>(random.below(kRows)));
    return {rows.begin(), rows.end()};
  }

  /// One entry of the update: with increments a whole number, else it depends on the value.
  float update_of(WorkerPlace place, Clock clock, std::size_t entry, float value) const {
    Random random =
        Random::for_parts(options_.seed, {hash_text("update"), place.datacenter, place.worker, clock, entry});
    if (options_.rule == UpdateRule::increment) return static_cast<float>(random.below(7)) - 3.0F;
    return value - 3.0F - static_cast<float>(random.normal());
  }

 private:
  Options options_;
  std::vector<TableSpec> tables_;
};

/// Computes what its workload says.
class SparseLearner final : public Learner {
 public:
  SparseLearner(const SparseWorkload& workload, WorkerPlace place) : workload_(workload), place_(place) {}

  void list_rows(Clock clock, std::size_t /*table*/, std::vector<std::uint32_t>& rows) override {
    rows = workload_.touched(place_, clock);
  }

  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override {
    const bool by_row = workload_.tables()[0].by_row;
    std::fill(update[0].begin(), update[0].end(), 0.0F);
    const std::vector<std::uint32_t> rows = workload_.touched(place_, clock);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (std::size_t column = 0; column < SparseWorkload::kColumns; ++column) {
        const std::size_t entry = rows[i] * SparseWorkload::kColumns + column;
        const std::size_t at = by_row ? i * SparseWorkload::kColumns + column : entry;
        update[0][at] = workload_.update_of(place_, clock, entry, parameters[0][at]);
      }
    }
    for (std::size_t i = 0; i < update[1].size(); ++i)
      update[1][i] = workload_.update_of(place_, clock, 1000 + i, parameters[1][i]);
    return {SparseWorkload::kTouched, 1.0};
  }

  EvaluationSums evaluate(TablesView parameters) override {
    double sum = 0.0;
    for (const auto table : parameters) {
      for (const float value : table) sum += static_cast<double>(value);
    }
    return {sum, sum, parameters[0].size()};
  }

 private:
  const SparseWorkload& workload_;
  WorkerPlace place_;
};

inline std::unique_ptr<Learner> SparseWorkload::make_learner(WorkerPlace place) const {
  return std::make_unique<SparseLearner>(*this, place);
}

}  // namespace meridian::wan

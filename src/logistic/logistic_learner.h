// One worker's part of a sparse logistic regression. It has no state of its own but the memory it computes
// in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/data/batch_order.h"
#include "src/data/partition.h"
#include "src/data/sparse_samples.h"
#include "src/logistic/logistic_workload.h"
#include "src/workload/learner.h"
#include "src/workload/touched_rows.h"

namespace meridian {

class LogisticLearner : public Learner {
 public:
  /// Everything that is referred to must outlive this.
  LogisticLearner(const LogisticOptions& options, const SparseSamples& train, const SparseSamples& test,
                  const Partition& partition, WorkerPlace place);

  void list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) override;
  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override;
  EvaluationSums evaluate(TablesView parameters) override;

  /// Positions in the list of tables.
  static constexpr std::size_t kWeight = 0;
  static constexpr std::size_t kBias = 1;

 private:
  void gather_batch();

  const LogisticOptions& options_;
  const SparseSamples& train_;
  const SparseSamples& test_;
  WorkerPlace place_;
  BatchOrder order_;

  TouchedRows touched_;
  Clock listed_clock_ = 0;  // the batch below is of this clock; 0: there is none
  std::size_t listed_ = 0;  // rows that it touches
  std::vector<std::uint32_t> samples_;
  // The samples' entries one after the other, as in SparseSamples; they grow with the largest batch so far.
  std::vector<std::size_t> offsets_;
  std::vector<std::uint32_t> features_;
  std::vector<float> values_;
  std::vector<std::uint32_t> places_;  // of each entry's feature among the listed rows
};

}  // namespace meridian

// What Meridian trains. A workload names the shared tables, gives each worker its learner, and makes figures
// of what the learners measured. It knows nothing of servers, datacenters or time. docs/add-a-workload.md
// shows a whole one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/workload/learner.h"
#include "src/workload/tables.h"

namespace meridian {

/// Immutable once made: every function may be called from any thread at once. It outlives its learners.
class Workload {
 public:
  virtual ~Workload() = default;

  virtual const std::vector<TableSpec>& tables() const = 0;

  /// Fills `values` (tables()[table].size() floats) with the initial parameters. They depend on the seed and
  /// the table's name only, so every server of every datacenter starts from the same ones.
  virtual void fill_initial_values(std::size_t table, std::span<float> values) const = 0;

  /// Samples that one update of this worker covers (the batch): the same at every clock.
  virtual std::size_t samples_per_clock(WorkerPlace place) const = 0;

  /// How many bytes of training data are this worker's own, as the data set stores them; nothing where that
  /// is not known. What moving them to another place would carry.
  virtual std::optional<std::uint64_t> training_bytes(WorkerPlace /*place*/) const { return std::nullopt; }

  /// The part of one worker. Each place's is made once in a run, in the process of that worker (in a
  /// simulation all of them are in one).
  virtual std::unique_ptr<Learner> make_learner(WorkerPlace place) const = 0;

  /// Turns the sums over all of a datacenter's workers into the objective ("accuracy": metric_sum / samples).
  virtual double objective(const EvaluationSums& sums) const = 0;

  /// accuracy | rmse | log_likelihood_per_token | loss | auc.
  virtual const char* metric_name() const = 0;

  /// Whether a larger objective is a better one.
  virtual bool larger_is_better() const = 0;

  /// How many further sums (EvaluationSums::more) every evaluation has.
  virtual std::size_t further_sums() const { return 0; }

  /// Further figures of the same sums.
  virtual std::vector<NamedFigure> figures(const EvaluationSums& /*sums*/) const { return {}; }

  /// What it trains on, in one line for the user ("fashion-mnist: ...", "GENERATED data ..."), without paths,
  /// since summaries carry it; may be empty.
  virtual std::string note() const { return {}; }
};

}  // namespace meridian

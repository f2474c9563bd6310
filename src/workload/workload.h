// What Meridian trains: a workload names its tables, computes a worker's gradient for one clock, and measures
// a replica. It knows nothing of servers, datacenters or time, and holds no state that changes, so every
// function may be called from any thread at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "src/base/time.h"

namespace meridian {

/// A named tensor of parameters: rows x columns floats, row-major. Shards cut it between rows.
struct TableSpec {
  std::string name;
  std::size_t rows = 0;
  std::size_t columns = 1;

  std::size_t size() const { return rows * columns; }
  bool operator==(const TableSpec&) const = default;
};

/// All tables' values, in the order of Workload::tables(), each rows * columns floats.
using TablesView = std::span<const std::span<const float>>;
using TablesSpan = std::span<const std::span<float>>;

/// One worker's place among all workers of the run.
struct WorkerPlace {
  std::size_t datacenter = 0;  ///< position of its datacenter in the configuration
  std::size_t worker = 0;      ///< its index within the datacenter
};

/// What one gradient computation covered.
struct GradientReport {
  std::size_t samples = 0;  ///< the samples summed over
  double loss_sum = 0.0;    ///< the training loss summed over them
};

/// Sums over held-out samples; sums of parts add up to the sums of the whole.
struct EvaluationSums {
  double metric_sum = 0.0;  ///< e.g. the number of correct answers
  double loss_sum = 0.0;
  std::uint64_t samples = 0;

  EvaluationSums& operator+=(const EvaluationSums& other) {
    metric_sum += other.metric_sum;
    loss_sum += other.loss_sum;
    samples += other.samples;
    return *this;
  }
  bool operator==(const EvaluationSums&) const = default;
};

class Workload {
 public:
  virtual ~Workload() = default;

  virtual const std::vector<TableSpec>& tables() const = 0;

  /// Fills `values` (tables()[table].size() floats) with the initial parameters. They depend on the seed and
  /// the table's name only, so every server of every datacenter starts from the same ones.
  virtual void fill_initial_values(std::size_t table, std::span<float> values) const = 0;

  /// Samples that one gradient of this worker covers (the batch).
  virtual std::size_t samples_per_clock(WorkerPlace place) const = 0;

  /// The gradient of the loss *summed* over the batch that `place` sees at clock `clock` (from 1), written
  /// over `gradient`. The batch is a function of the seed, the place and the clock.
  virtual GradientReport compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                          TablesSpan gradient) const = 0;

  /// Measures part `part` of `parts` equal parts of the held-out samples.
  virtual EvaluationSums evaluate(std::size_t part, std::size_t parts, TablesView parameters) const = 0;

  /// Turns the sums over all parts into the objective ("accuracy": metric_sum / samples).
  virtual double objective(const EvaluationSums& sums) const = 0;

  /// accuracy | rmse | log_likelihood_per_token | loss | auc.
  virtual const char* metric_name() const = 0;

  /// Whether a larger objective is a better one.
  virtual bool larger_is_better() const = 0;

  /// What it trains on, in one line for the user ("fashion-mnist: ...", "GENERATED data ..."), without paths,
  /// since summaries carry it; may be empty.
  virtual std::string note() const { return {}; }
};

}  // namespace meridian

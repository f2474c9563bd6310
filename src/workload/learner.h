// One worker's part of what Meridian trains: its data, its place in them, and whatever state is its own alone
// (user factors, topic counts). It says which rows of the shared tables a batch touches, computes updates for
// them and measures the model. It knows nothing of servers, datacenters or time on the wall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/base/time.h"
#include "src/workload/tables.h"

namespace meridian {

/// What one update covered.
struct UpdateReport {
  std::size_t samples = 0;  ///< the samples summed over
  double loss_sum = 0.0;    ///< the training loss summed over them
};

/// Sums over held-out samples; sums of parts add up to the sums of the whole.
struct EvaluationSums {
  double metric_sum = 0.0;  ///< e.g. the number of correct answers, or of squared errors
  double loss_sum = 0.0;
  std::uint64_t samples = 0;
  std::vector<double> more = {};  ///< whatever else the workload's figures need, added entry by entry

  /// Requires that `more` has as many entries in both, or none in one of them.
  EvaluationSums& operator+=(const EvaluationSums& other);
  bool operator==(const EvaluationSums&) const = default;
};

/// A figure of an evaluation, by its name in outputs: "accuracy", "auc", "log_loss".
struct NamedFigure {
  std::string name;
  double value = 0.0;
  bool operator==(const NamedFigure&) const = default;
};

/// Not thread-safe, but not bound to a thread: one call at a time, whatever thread makes it. For each clock
/// from 1, in order: list_rows() once for each table that is read by row, then compute_update() once; between
/// two clocks, also after the next one's list_rows(), evaluate() any number of times. What it does is a
/// function of the workload's seed and its place and of the parameters that it was given.
class Learner {
 public:
  virtual ~Learner() = default;

  /// Appends to `rows` (which is empty) the rows of tables()[table] that the batch of `clock` touches,
  /// rising, each once. The servers are asked for these and no others, and for nothing else may there be an
  /// update. Called for tables with `by_row` only.
  virtual void list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows);

  /// The update of clock `clock`, written over `update`; what it is follows from the table's UpdateRule.
  /// `parameters` and `update` hold each table in the order of Workload::tables(): whole, or for a table that
  /// is read by row the listed rows, one after the other in the order of the list, each table.columns floats.
  virtual UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) = 0;

  /// Measures this worker's share of the held-out samples. `parameters` are all tables, whole.
  virtual EvaluationSums evaluate(TablesView parameters) = 0;

  /// The state that is this worker's own, for a checkpoint; a learner without any writes nothing. It never
  /// leaves the datacenter.
  virtual void save_state(std::ostream& out) const;
  /// Takes back what save_state() of a learner with the same workload and place wrote. An error says what is
  /// wrong with it; the state is then undefined.
  virtual Failure restore_state(std::istream& in);
};

}  // namespace meridian

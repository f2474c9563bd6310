// The seam between a server and whatever keeps its shards in step with the world outside its datacenter. The
// server knows nothing of that world; it says what happened and asks whether a read may proceed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/time.h"
#include "src/runtime/machine.h"

namespace meridian::datacenter {

enum class ReadDecision : std::uint8_t {
  serve,
  serve_and_stop,  ///< the last read of the training
  hold_selective_barrier,
  hold_mirror_clock,
};

/// What a server's replication has done so far.
struct ReplicationCounters {
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  std::vector<LinkBytes> links;
};

class Replication {
 public:
  virtual ~Replication() = default;

  /// What own steps are multiplied by before they are merged.
  virtual float step_scale() const = 0;

  /// Merges the optimizer's scaled step of one table's owned range into `values`, or keeps it until its turn.
  virtual void merge_own_step(Clock clock, std::size_t table, std::span<float> values,
                              std::span<const float> step) = 0;

  /// All tables of `clock` have been merged.
  virtual void clock_closed(Time now, Clock clock, Actions& actions) = 0;

  /// May reads at `clock` closed clocks be served now?
  virtual ReadDecision may_read(Clock clock) const = 0;

  /// The first read at `clock` closed clocks has been served.
  virtual void read_served(Time now, Clock clock, Actions& actions) = 0;

  /// First server of a datacenter only: its replica was measured at `clock`.
  virtual void evaluated(Time now, Clock clock, double objective, Actions& actions) = 0;

  /// First server of a datacenter only: somebody wishes the run to end.
  virtual void wish_to_stop(Time now, StopReason reason, Actions& actions) = 0;

  /// Training is over at `clock`: bring the replicas together. Done when drained().
  virtual void drain(Time now, Clock clock, Actions& actions) = 0;
  virtual bool drained() const = 0;

  virtual ReplicationCounters counters() const = 0;
  /// max over tables of max(|residual| + |unacknowledged|) / max|value|: by how much a peer may differ.
  virtual double difference_bound() const = 0;
  /// Known once drained.
  virtual StopReason stop_reason() const = 0;
};

}  // namespace meridian::datacenter

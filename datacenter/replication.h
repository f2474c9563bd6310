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

/// A read that waits to be served.
struct Read {
  Clock clock = 0;                       ///< clocks that its reader has finished
  std::span<const Segment> ranges = {};  ///< dense; none: all that the server owns
  std::uint64_t stamp = 0;               ///< read_asked() when it was asked
  Time asked{0};                         ///< when that was
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

  /// What own steps are multiplied by before they are merged, where an update is a mean (UpdateRule).
  virtual float step_scale() const = 0;

  /// Merges the optimizer's scaled step of entries [first, first + step.size()) of one table's owned range
  /// into `values`, theirs, or keeps it until its turn. `clock` is the one that is open: parts of its step
  /// come in rising order for each table, each entry at most once; of a table that is read whole, every
  /// entry.
  virtual void merge_own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                              std::span<const float> step) = 0;

  /// Whether values have their own step once merge_own_step() returns, and closing the clock changes nothing
  /// about them: then they may be read before.
  virtual bool own_steps_merge_at_once() const = 0;

  /// Whether entries move on without a step of their own, so that each has to be given one at every clock.
  virtual bool steps_every_entry() const = 0;

  /// All tables of `clock` have been merged.
  virtual void clock_closed(Time now, Clock clock, Actions& actions) = 0;

  /// A read is asked for: what the replication knows by now, as a stamp that the read keeps. It need not wait
  /// for what becomes known later.
  virtual std::uint64_t read_asked() = 0;

  /// May this read be served now? Its clock is closed here, or open with all own updates of its ranges
  /// merged.
  virtual ReadDecision may_read(const Read& read) const = 0;

  /// The first read at `clock` closed clocks has been served.
  virtual void read_served(Time now, Clock clock, Actions& actions) = 0;

  /// First server of a datacenter only: its replica was measured at `clock`.
  virtual void evaluated(Time now, Clock clock, double objective, Actions& actions) = 0;

  /// First server of a datacenter only: somebody wishes the run to end.
  virtual void wish_to_stop(Time now, StopReason reason, Actions& actions) = 0;

  /// Training is over at `clock`: bring the replicas together. Done when drained().
  virtual void drain(Time now, Clock clock, Actions& actions) = 0;
  virtual bool drained() const = 0;
  /// Once drained: nobody outside of the datacenter needs this server any more.
  virtual bool may_leave() const = 0;

  virtual ReplicationCounters counters() const = 0;
  /// max over tables of max(|residual| + |unacknowledged|) / max|value|: by how much a peer may differ.
  /// Passes over the model.
  virtual double measure_difference() = 0;
  /// Known once drained.
  virtual StopReason stop_reason() const = 0;
};

}  // namespace meridian::datacenter

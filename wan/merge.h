// MERGE: how own and arriving updates enter the replica, where own updates wait until they are sent (the
// residual), and what goes on to which neighbour; the fourth of the four choices that make a synchronisation
// method. One class for each answer, in a file of its own; mode.cc names them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "datacenter/parameter_store.h"
#include "src/base/result.h"
#include "src/optimizer/learning_rate.h"
#include "src/workload/tables.h"
#include "wan/relation.h"
#include "wan/update_chunk.h"
#include "wan/what.h"
#include "wan/when.h"

namespace meridian::wan {

/// The links, as a merge sees them.
class Outlets {
 public:
  virtual ~Outlets() = default;

  /// `selection` is all that this neighbour is owed for clocks up to `clock`, but for what is withheld from
  /// it on purpose.
  virtual void offer(std::size_t neighbour, Clock clock, const Selection& selection) = 0;
  /// The same, but it may not go before the next offer.
  virtual void withhold(std::size_t neighbour, Clock clock, const Selection& selection) = 0;
  /// The factor on the threshold of this neighbour's link: below 1 while the link has capacity to spare.
  virtual double threshold_scale(std::size_t neighbour) const = 0;
};

struct MergeNeighbour {
  std::string name;  ///< of its datacenter
  Relation relation = Relation::peer;
  std::size_t sources = 1;  ///< datacenters whose updates go out over the link to it, this one included
};

/// What a merge is made for. All that is pointed to must outlive it.
struct MergePlace {
  datacenter::ParameterStore* store = nullptr;
  std::string own_name;  ///< of its datacenter
  double weight = 1.0;   ///< its datacenter's samples per clock / all datacenters' samples per clock
  std::vector<MergeNeighbour> neighbours;
  std::vector<std::size_t> columns;  ///< of each table
  std::vector<std::string> table_names;
  std::vector<UpdateRule> rules = {};  ///< of each table; none: means all
  std::vector<bool> by_row = {};       ///< of each table: entries may have no step; none: all have one
  LearningRate learning_rate;
  bool thresholds_differ = false;  ///< between links: each has a residual of its own
};

/// How far a neighbour is, as its link says.
struct NeighbourProgress {
  Clock complete = 0;    ///< every update of clocks up to this one was given
  bool drained = false;  ///< and no more will follow
  bool left = false;     ///< it is not waited for
};

/// Owned by one mirror; not thread-safe. An error ends the run: it names table and clock.
class Merge {
 public:
  virtual ~Merge() = default;

  /// What own steps are multiplied by before own_step().
  virtual float step_scale() const = 0;
  /// The optimizer's step at `clock`, already scaled, of entries [first, first + step.size()) of one table's
  /// owned range, whose values in the replica are `values`. The parts of a table come in rising order; of one
  /// that is read whole, every entry does.
  virtual void own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                        std::span<const float> step) = 0;
  /// Whether own_step() adds the step to the values itself, and own_clock_closed() leaves them as they are.
  virtual bool own_steps_merge_at_once() const { return false; }
  /// The steps of all tables of `clock` have been given.
  virtual Failure own_clock_closed(Clock clock, Outlets& outlets) = 0;

  /// A checked chunk from a neighbour. An error says why it cannot be: the neighbour's fault, not ours.
  virtual Failure remote_chunk(std::size_t neighbour, UpdateChunk chunk) = 0;
  /// How far all neighbours are by now.
  virtual Failure progressed(std::span<const NeighbourProgress> neighbours, Outlets& outlets) = 0;
  /// The highest clock up to which this neighbour's updates, and those of all behind it, are in the replica.
  virtual Clock applied(std::size_t neighbour) const = 0;

  /// Own training is over at `clock`: all that is left goes out, whatever its size.
  virtual Failure drain(Clock clock, Outlets& outlets) = 0;
  /// All that this neighbour will ever be owed has been offered to its link.
  virtual bool drained_towards(std::size_t neighbour) const = 0;
  /// Nothing waits to enter the replica, nor will.
  virtual bool settled() const = 0;

  /// Whether others must be able to tell one clock's updates from the next one's.
  virtual bool clocks_apart() const { return false; }
  /// Whether the next clock at which an exchange is due may be closed now.
  virtual bool takes_next() const { return true; }
  /// The highest clock at which nothing more is owed once all of `clock` was offered.
  virtual Clock complete_through(Clock clock) const { return clock; }

  /// Adds what this neighbour is owed and has not been offered to `sums`, one buffer for each table over the
  /// owned range. With `magnitudes`: by how much the replica
  /// is apart from what this neighbour will have without it, in absolute values.
  virtual void add_residual_to(std::size_t neighbour, std::vector<FloatBuffer>& sums,
                               bool magnitudes) const = 0;
  /// Takes these entries (offsets in the owned range) of what the neighbour is owed out, whatever their size.
  virtual Selection take(std::size_t /*neighbour*/, const Selection& entries) {
    return Selection(entries.size());
  }
};

/// Adds a checked chunk's values to the replica.
void add_chunk(const UpdateChunk& chunk, datacenter::ParameterStore& store);

}  // namespace meridian::wan

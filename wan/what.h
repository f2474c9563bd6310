// WHAT goes out: the first of the four choices that make a synchronisation method (docs/architecture.md). One
// small class for each answer; mode.cc names them.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

#include "src/base/time.h"
#include "wan/selection.h"

namespace meridian::wan {

/// One pass of the filter over one table's owned range.
struct FilterPass {
  Clock clock = 1;          ///< from 1
  std::size_t table = 0;    ///< position in the workload's tables
  std::size_t columns = 1;  ///< of the table; a range begins and ends at rows
  double scale = 1.0;       ///< this link's factor on the threshold: below 1 sends more, above 1 less
  double learning_rate_ratio = 1.0;  ///< learning rate at this clock / the configured one
  std::size_t first =
      0;  ///< where in the owned range the spans begin; 0 but for parts that select by block or by row
};

/// Owned by one mirror; not thread-safe. Most parts are immutable; one with state changes it in own_step()
/// and went_out().
class What {
 public:
  virtual ~What() = default;

  /// The own step of a clock, weighted, before it enters replica and residual: of entries [first, first +
  /// step.size()) of the `entries` of one table's owned range. Returns what enters in its place: a part that
  /// owns the momentum makes its own step of it. Valid until the table's next step.
  virtual std::span<const float> own_step(std::size_t /*table*/, std::size_t /*first*/,
                                          std::size_t /*entries*/, std::span<const float> step) {
    return step;
  }
  /// Whether own_step() moves entries whose step is 0: then each has to be given one at every clock.
  virtual bool steps_every_entry() const { return false; }

  /// Takes out of `residual` what goes out in this pass and appends it to `out`: what is taken leaves the
  /// residual, so that the sum of both never changes. `values` are the replica's after the own update. Both
  /// spans cover the server's range of one table. An entry with residual 0 is never taken; one that is not
  /// finite always is, by methods that send, so that it is seen.
  virtual void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
                      TableSelection& out) const = 0;

  /// Whether it looks at each entry by itself. Then a table may be passed in blocks, each with the step that
  /// changes it, while the block is in the cache.
  virtual bool selects_by_block() const { return false; }

  /// Whether it looks at each row by itself, so that a table may be passed in parts of whole rows.
  virtual bool selects_by_row() const { return selects_by_block(); }

  /// A threshold from which on upwards select() takes nothing of whole rows that are as these are; infinite
  /// where there is none. Only where selects_by_row().
  virtual float quiet_from(const FilterPass& /*pass*/, std::span<const float> /*values*/,
                           std::span<const float> /*residual*/) const {
    return std::numeric_limits<float>::infinity();
  }

  /// Adds a step to values and residual of one block, and selects from it as select() does. Only where
  /// selects_by_block(). All three spans are entries [pass.first, pass.first + step.size()).
  virtual void add_and_select(const FilterPass& pass, std::span<const float> step, std::span<float> values,
                              std::span<float> residual, TableSelection& out) const;

  /// What was selected of one table, by this part or at the drain, has gone out.
  virtual void went_out(std::size_t /*table*/, const TableSelection& /*taken*/) {}

  /// Whether anything is ever owed to other datacenters; without it there is no residual and no drain.
  virtual bool sends() const { return true; }

  /// The threshold in force in this pass, for those who watch; 0 for methods without one.
  virtual double threshold(const FilterPass& /*pass*/) const { return 0.0; }
};

/// Everything: dense methods, and every method's drain.
class SendAll final : public What {
 public:
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;
  bool selects_by_block() const override { return true; }
};

/// Nothing: datacenters that train alone.
class SendNothing final : public What {
 public:
  void select(const FilterPass&, std::span<const float>, std::span<float>, TableSelection&) const override {}
  bool sends() const override { return false; }
};

}  // namespace meridian::wan

// MERGE: how own and arriving updates enter the replica; the fourth of the four choices that make a
// synchronisation method.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "datacenter/parameter_store.h"
#include "src/base/result.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// Owned by one mirror; not thread-safe.
class Merge {
 public:
  virtual ~Merge() = default;

  /// The optimizer's step of one table at `clock`, already scaled. `values` is the table's range of the
  /// replica.
  virtual void own_step(Clock clock, std::size_t table, std::span<float> values,
                        std::span<const float> step) = 0;
  /// The steps of all tables of `clock` have been given.
  virtual void own_clock_closed(Clock clock) = 0;

  /// A checked chunk from another datacenter. An error says why it cannot be.
  virtual Failure remote_chunk(std::size_t datacenter, UpdateChunk chunk) = 0;
  /// Every update of this datacenter's clocks up to `clock` has been given.
  virtual void remote_complete(std::size_t datacenter, Clock clock) = 0;

  /// The highest clock up to which this datacenter's updates are in the replica, all of which up to
  /// `complete` have been given.
  virtual Clock applied(Clock complete) const = 0;
  /// Nothing is waiting to enter the replica.
  virtual bool settled() const = 0;

  /// Whether others must be able to tell one clock's updates from the next one's: then no clock may begin
  /// before all of the last one's updates are in chunks of their own.
  virtual bool needs_whole_clocks() const { return false; }
};

/// Gaia's way: own updates enter at once, others' as they come (Hsieh et al., NSDI 2017).
class EagerSum final : public Merge {
 public:
  explicit EagerSum(datacenter::ParameterStore& store) : store_(store) {}

  void own_step(Clock clock, std::size_t table, std::span<float> values,
                std::span<const float> step) override;
  void own_clock_closed(Clock /*clock*/) override {}
  Failure remote_chunk(std::size_t datacenter, UpdateChunk chunk) override;
  void remote_complete(std::size_t /*datacenter*/, Clock /*clock*/) override {}
  Clock applied(Clock complete) const override { return complete; }
  bool settled() const override { return true; }

 private:
  datacenter::ParameterStore& store_;
};

/// The exact sum: all datacenters' updates of a clock enter in the order of datacenter names, own included,
/// once the own clock is closed, so that every replica adds the same numbers in the same order, bit for bit.
class OrderedSum final : public Merge {
 public:
  /// `order`: all datacenters' positions, own included, by name. `max_pending_bytes` bounds what one other
  /// datacenter may have waiting here.
  OrderedSum(datacenter::ParameterStore& store, std::size_t own, std::vector<std::size_t> order,
             std::size_t max_pending_bytes);

  void own_step(Clock clock, std::size_t table, std::span<float> values,
                std::span<const float> step) override;
  void own_clock_closed(Clock clock) override;
  Failure remote_chunk(std::size_t datacenter, UpdateChunk chunk) override;
  void remote_complete(std::size_t datacenter, Clock clock) override;
  Clock applied(Clock complete) const override { return std::min(complete, merged_); }
  bool settled() const override { return merged_ == own_closed_ && turn_ == 0; }
  bool needs_whole_clocks() const override { return true; }

 private:
  struct Remote {
    Clock complete = 0;
    std::map<Clock, std::vector<UpdateChunk>> pending;
    std::size_t pending_bytes = 0;
  };

  void merge_what_may_be();

  datacenter::ParameterStore& store_;
  std::size_t own_;
  std::vector<std::size_t> order_;
  std::size_t max_pending_bytes_;
  std::vector<Remote> remotes_;        // by datacenter; own unused
  std::vector<FloatBuffer> own_step_;  // of the clock that is being merged
  Clock own_closed_ = 0;
  Clock merged_ = 0;
  std::size_t turn_ = 0;  // position in order_ of who comes next at clock merged_ + 1
};

/// Adds a checked chunk's values to the replica.
void add_chunk(const UpdateChunk& chunk, datacenter::ParameterStore& store);

}  // namespace meridian::wan

// Merging by exchanges: at each due clock every datacenter contributes, contributions are summed over the
// overlay, and only the total, the same everywhere bit for bit, changes what datacenters have in common. What
// the total does to the replica is an OrderedMerge's to say: the exact sum, or the anchored one.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "wan/exchange.h"
#include "wan/merge.h"
#include "wan/ordered_merge.h"
#include "wan/total_selection.h"

namespace meridian::wan {

class ExchangeMerge final : public Merge {
 public:
  /// `what` and `when` must outlive it. `max_open`: exchanges that may be open at once, the same in every
  /// datacenter. `totals`: what goes out of totals that begin here; without it all of them.
  ExchangeMerge(MergePlace place, What& what, const When& when, std::unique_ptr<OrderedMerge> ordered,
                std::size_t max_open, std::unique_ptr<TotalSelection> totals = nullptr);

  float step_scale() const override { return ordered_->step_scale(place_.weight); }
  void own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                std::span<const float> step) override;
  Failure own_clock_closed(Clock clock, Outlets& outlets) override;
  Failure remote_chunk(std::size_t neighbour, UpdateChunk chunk) override;
  Failure progressed(std::span<const NeighbourProgress> neighbours, Outlets& outlets) override;
  Clock applied(std::size_t neighbour) const override;
  Failure drain(Clock clock, Outlets& outlets) override;
  bool drained_towards(std::size_t /*neighbour*/) const override { return settled(); }
  bool settled() const override { return draining_ && exchange_.settled() >= drain_clock_; }
  bool clocks_apart() const override { return true; }
  bool takes_next() const override { return exchange_.may_open(); }
  Clock complete_through(Clock clock) const override;
  void add_residual_to(std::size_t neighbour, std::vector<FloatBuffer>& sums, bool magnitudes) const override;

  const OrderedMerge& ordered() const { return *ordered_; }

 private:
  Failure contribute(Clock clock, const What& what);
  Failure contribute_drain();
  Failure turn(Outlets& outlets);
  Failure hand_out(const Exchange::Ready& ready, Outlets& outlets);
  Error not_finite(std::size_t table, Clock clock) const;

  MergePlace place_;
  What& what_;
  const When& when_;
  std::unique_ptr<OrderedMerge> ordered_;
  Exchange exchange_;
  std::unique_ptr<TotalSelection> totals_;  // none where totals come from a parent, or go whole
  Selection selection_;
  bool draining_ = false;
  bool drain_contributed_ = false;
  Clock drain_clock_ = 0;  // of the last exchange, which takes everything
};

}  // namespace meridian::wan

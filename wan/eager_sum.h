// Gaia's way to merge: own updates enter the replica at once and whole, others' as they come (Hsieh et al.,
// NSDI 2017). The residual is inside the replica: what is in it has been applied here and sent to nobody.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "wan/merge.h"
#include "wan/quiet_blocks.h"

namespace meridian::wan {

class EagerSum final : public Merge {
 public:
  /// `what` and `when` must outlive it.
  EagerSum(MergePlace place, What& what, const When& when);

  float step_scale() const override { return static_cast<float>(place_.weight); }
  void own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                std::span<const float> step) override;
  bool own_steps_merge_at_once() const override { return true; }
  Failure own_clock_closed(Clock clock, Outlets& outlets) override;
  Failure remote_chunk(std::size_t neighbour, UpdateChunk chunk) override;
  Failure progressed(std::span<const NeighbourProgress> neighbours, Outlets& outlets) override;
  Clock applied(std::size_t neighbour) const override { return progress_[neighbour].complete; }
  Failure drain(Clock clock, Outlets& outlets) override;
  bool drained_towards(std::size_t neighbour) const override { return drained_towards_[neighbour]; }
  bool settled() const override { return true; }
  void add_residual_to(std::size_t neighbour, std::vector<FloatBuffer>& sums, bool magnitudes) const override;
  Selection take(std::size_t neighbour, const Selection& entries) override;

 private:
  using Residual = std::vector<FloatBuffer>;  // one buffer for each table over the owned range

  Residual& residual_of(std::size_t neighbour) { return residuals_[shared_ ? 0 : neighbour]; }
  const Residual& residual_of(std::size_t neighbour) const { return residuals_[shared_ ? 0 : neighbour]; }
  /// The clock up to which all that goes to this neighbour is here.
  Clock gathered_for(std::size_t neighbour) const;
  bool due_since_last_pass(std::size_t neighbour, Clock clock) const;
  bool any_due(Clock clock) const;
  bool steps_by_row(std::size_t table) const;
  bool selects_with_steps(std::size_t table) const;
  FilterPass pass_of(Clock clock, std::size_t table, std::size_t first, double scale) const;
  bool all_sources_drained(std::size_t neighbour) const;
  Failure select(Clock clock, double scale, std::size_t residual);
  Failure check_finite(std::size_t table, Clock clock) const;
  Failure pass(Outlets& outlets);
  Failure pass_shared(Outlets& outlets);
  Failure pass_separate(std::size_t neighbour, Outlets& outlets);
  void look_again_at(const UpdateChunk& chunk);
  void forget_selection();
  Failure flush_where_possible(Outlets& outlets);
  Failure flush(const std::vector<std::size_t>& links, Outlets& outlets);

  MergePlace place_;
  What& what_;
  const When& when_;
  bool shared_;                      // all links are owed the same
  std::vector<Residual> residuals_;  // one for all links, or one for each; none where nothing is ever sent
  // For each residual and each table that is read by row, of which most entries do not change at a clock.
  std::vector<std::vector<std::optional<QuietBlocks>>> quiet_;
  Clock closed_ = 0;
  std::vector<NeighbourProgress> progress_;
  std::vector<Clock> passed_;  // the clock of each neighbour's last pass
  bool draining_ = false;
  std::vector<bool> drained_towards_;
  // What goes out. Between two passes: what was selected with the steps of the open clock that have come
  // already; else empty.
  Selection selection_;
};

}  // namespace meridian::wan

// Momentum that the sender of sparse updates owns: what gathers in the residual is the velocity, not the
// step, so that an entry which goes out late has moved as if it had gone each time; and what has gone out
// begins anew, so that a stale velocity does not push it further (Lin et al., "Deep gradient compression",
// ICLR 2018: momentum correction and momentum factor masking).
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "src/base/float_buffer.h"
#include "src/workload/workload.h"
#include "wan/what.h"

namespace meridian::wan {

/// What another part selects, of velocities in place of steps. It keeps one buffer of each table's owned
/// range.
class MomentumCorrection final : public What {
 public:
  /// `momentum`: of a velocity, what is left of it at the next clock; at least 0, below 1. With `masking` the
  /// velocity of an entry that has gone out is 0. `rules` of each table (none: all are means): increments
  /// have no velocity.
  MomentumCorrection(std::unique_ptr<What> inner, double momentum, bool masking,
                     std::vector<UpdateRule> rules = {});

  /// The velocity: momentum times what it was, plus the step.
  std::span<const float> own_step(std::size_t table, std::size_t first, std::size_t entries,
                                  std::span<const float> step) override;
  bool steps_every_entry() const override { return true; }
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override {
    inner_->select(pass, values, residual, out);
  }
  void went_out(std::size_t table, const TableSelection& taken) override;
  bool sends() const override { return inner_->sends(); }
  double threshold(const FilterPass& pass) const override { return inner_->threshold(pass); }

 private:
  std::unique_ptr<What> inner_;
  float momentum_;
  bool masking_;
  std::vector<UpdateRule> rules_;
  std::vector<FloatBuffer> velocities_;  // of each table that has one
};

}  // namespace meridian::wan

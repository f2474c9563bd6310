// The anchored merge: every datacenter holds the same *anchor* and trains from it by full local steps. An
// exchange moves the anchor by the weighted mean of what all datacenters contributed, through an outer
// optimizer, and everybody goes on from there. Plain averaging every H clocks is local SGD (Stich, ICLR 2019)
// and FedAvg (McMahan et al., AISTATS 2017); with Nesterov's momentum outside it is DiLoCo's outer loop
// (Douillard et al., 2023).
#pragma once

#include <deque>
#include <memory>

#include "src/optimizer/optimizer.h"
#include "wan/ordered_merge.h"

namespace meridian::wan {

/// The replica is the anchor plus the own steps whose exchange's total has not been applied. What was left
/// behind at an exchange stays out of the replica from then on, and is offered again at the next one.
///
/// Steps are weighted before anything is selected of them: float(weight * steps) is what a contribution takes
/// from and what the residual holds, so that what was rounded for the link goes out as it is. What the
/// product rounds off, half a unit in the last place at most, is not kept, as it is not when a step is scaled
/// before it is merged. Anchors are equal bit for bit after equally many totals.
class Anchored final : public OrderedMerge {
 public:
  /// `weight`: the datacenter's samples per clock / all datacenters' samples per clock. `outer`: how the
  /// anchor moves, its gradient being the mean contribution, downhill: sgd at rate 1 is plain averaging.
  /// `store` holds the initial parameters, the first anchor. `rules` of each table (none: all are means): a
  /// table whose updates are no means moves by the plain sum of the contributions, and where they are
  /// increments past the outer optimizer. Errors name the outer optimizer's key.
  static Result<std::unique_ptr<Anchored>> make(double weight, const OptimizerOptions& outer,
                                                const datacenter::ParameterStore& store,
                                                const std::vector<UpdateRule>& rules = {});

  /// Local steps are taken in full.
  float step_scale(double /*weight*/) const override { return 1.0F; }
  double residual_scale(std::size_t table) const override { return weights_[table]; }
  void own_step(std::size_t table, std::size_t first, std::span<float> values,
                std::span<const float> step) override;
  Failure contribute(Clock clock, const Select& select, const datacenter::ParameterStore& store,
                     Exchange& exchange) override;
  /// The last total is added to the anchor as it is, without outer rate and momentum.
  std::optional<std::size_t> apply(std::span<const FloatBuffer> total, bool last,
                                   datacenter::ParameterStore& store) override;
  void add_unsent_to(std::vector<FloatBuffer>& sums) const override;
  void add_apart_to(const datacenter::ParameterStore& store, std::vector<FloatBuffer>& sums) const override;

  std::span<const float> anchor(std::size_t table) const { return anchor_[table].span(); }
  /// The exchange number: how many totals have been applied.
  std::uint64_t exchanges() const { return exchanges_; }

 private:
  Anchored(std::vector<double> weights, std::vector<std::unique_ptr<Optimizer>> outer,
           const datacenter::ParameterStore& store);

  void contribute(const Select& select, std::size_t table, std::span<const float> values);
  bool apply(std::span<const float> total, bool last, std::size_t table, std::span<float> values);

  std::vector<double> weights_;                    // for each table
  std::vector<std::unique_ptr<Optimizer>> outer_;  // for each table; none: the total as it is
  std::vector<FloatBuffer> anchor_;
  std::vector<FloatBuffer> steps_;     // since the last contribution: in the replica
  std::vector<FloatBuffer> residual_;  // left behind at contributions, out of it; empty where there is none
  // For each contribution whose total has not been applied, the steps since the one before; none for the
  // first, which nobody needs any more: the next total takes its place.
  std::deque<std::vector<FloatBuffer>> contributed_;
  FloatBuffer move_;  // of the anchor, of one table
  Selection selection_;
  std::uint64_t exchanges_ = 0;
};

}  // namespace meridian::wan

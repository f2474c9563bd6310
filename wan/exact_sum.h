// The exact sum: the replica moves by the sum of all datacenters' weighted steps, the own one included, added
// in an order that every datacenter reproduces: replicas are equal bit for bit after each exchange.
#pragma once

#include "wan/ordered_merge.h"

namespace meridian::wan {

/// Bulk synchronous training over datacenters. For SGD, momentum and Nesterov it equals one datacenter with
/// all the workers, within rounding.
class ExactSum final : public OrderedMerge {
 public:
  explicit ExactSum(const std::vector<datacenter::TableRange>& owned);

  float step_scale(double weight) const override { return static_cast<float>(weight); }
  /// The step stays out of the replica until its exchange's total comes.
  void own_step(std::size_t table, std::size_t first, std::span<float> values,
                std::span<const float> step) override;
  /// Contributes everything, whatever `select` would take: a sum of parts would not be exact.
  Failure contribute(Clock clock, const Select& select, const datacenter::ParameterStore& store,
                     Exchange& exchange) override;
  std::optional<std::size_t> apply(std::span<const FloatBuffer> total, bool last,
                                   datacenter::ParameterStore& store) override;
  void add_unsent_to(std::vector<FloatBuffer>& sums) const override;
  /// Own steps are outside of the replica; others may have applied one total more.
  void add_apart_to(const datacenter::ParameterStore& store, std::vector<FloatBuffer>& sums) const override;

 private:
  std::vector<FloatBuffer> steps_;  // not contributed yet
};

}  // namespace meridian::wan

// MERGE, the ordered kind: own steps are contributed to exchanges (wan/exchange.h), and only an exchange's
// total, the same in every datacenter bit for bit, changes what datacenters have in common.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "datacenter/parameter_store.h"
#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "wan/exchange.h"
#include "wan/what.h"

namespace meridian::wan {

/// Owned by one mirror; not thread-safe. It serves one server's owned ranges.
class OrderedMerge {
 public:
  virtual ~OrderedMerge() = default;

  /// The factor by which the optimizer's step is multiplied before own_step(), for a datacenter of this
  /// weight: its samples per clock / all datacenters' samples per clock.
  virtual float step_scale(double weight) const = 0;

  /// The optimizer's step of entries of one table's owned range from `first` on, scaled. `values` are those
  /// of the replica.
  virtual void own_step(std::size_t table, std::size_t first, std::span<float> values,
                        std::span<const float> step) = 0;

  /// What the residual that `select` is given is in, as a factor on own updates.
  virtual double residual_scale(std::size_t /*table*/) const { return 1.0; }

  /// Takes what goes out of one table's residual, as What::select does.
  using Select = std::function<void(std::size_t table, std::span<const float> values,
                                    std::span<float> residual, TableSelection& out)>;

  /// Takes what `select` takes out of the own steps that were not contributed yet, and contributes it to the
  /// exchange that is due at `clock`. The drain is one last exchange of everything. The error is the
  /// exchange's.
  virtual Failure contribute(Clock clock, const Select& select, const datacenter::ParameterStore& store,
                             Exchange& exchange) = 0;

  /// Applies an exchange's total to the replica; exchanges come in order, each after the own contribution to
  /// it. `last`: it is the drain's. Returns the first table in which the replica is not finite now, if any.
  virtual std::optional<std::size_t> apply(std::span<const FloatBuffer> total, bool last,
                                           datacenter::ParameterStore& store) = 0;

  /// Adds to `sums`, one buffer for each table over the owned range, the own steps that were not contributed
  /// yet, as they would be: weighted.
  virtual void add_unsent_to(std::vector<FloatBuffer>& sums) const = 0;

  /// Adds to `sums` by how much the own replica is apart from what all datacenters have in common, entry by
  /// entry: absolute values.
  virtual void add_apart_to(const datacenter::ParameterStore& store,
                            std::vector<FloatBuffer>& sums) const = 0;
};

}  // namespace meridian::wan

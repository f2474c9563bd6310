// Deals samples, or groups of samples that stay together, to several takers in proportion to given weights:
// the steps that a partition is made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/random.h"

namespace meridian {

/// What is dealt as a whole: each sample by itself, or each group's samples. Units are numbered in the order
/// in which they first appear in the set.
class DealtUnits {
 public:
  /// Every sample by itself.
  explicit DealtUnits(std::size_t samples) : units_(samples), samples_(samples) {}
  /// Samples of equal entries in `groups` together; at most 2^32 - 1 samples.
  explicit DealtUnits(std::span<const std::uint32_t> groups);

  bool grouped() const { return !starts_.empty(); }
  std::size_t size() const { return units_; }
  std::size_t samples() const { return samples_; }
  std::size_t samples_in(std::uint32_t unit) const {
    return grouped() ? starts_[unit + 1] - starts_[unit] : 1;
  }
  /// Appends the positions of a unit's samples, rising.
  void append(std::uint32_t unit, std::vector<std::uint32_t>& positions) const;

  /// The label of each unit: that of most of its samples, the smallest of several. `labels` has one for each
  /// sample; those returned are numbered densely, in their order.
  std::vector<std::uint32_t> labels_of(std::span<const std::uint32_t> labels) const;

 private:
  std::size_t units_ = 0;
  std::size_t samples_ = 0;
  std::vector<std::uint32_t> starts_;  // of each group in order_, and the total; empty where none are grouped
  std::vector<std::uint32_t> order_;
};

/// Units' numbers; and such a list for each taker.
using UnitList = std::vector<std::uint32_t>;
using Hands = std::vector<UnitList>;

/// All functions below deal `list` on top of what `hands` (one for each weight, all above 0) hold already.

/// In runs of the list, one for each taker, in proportion to the weights.
void deal_runs(const DealtUnits& units, const UnitList& list, std::span<const double> weights, Hands& hands);

/// One by one, each to the taker that holds least for its weight.
void deal_by_need(const DealtUnits& units, const UnitList& list, std::span<const double> weights,
                  Hands& hands);

/// At random. Groups are dealt the largest first, by need, so that the numbers of samples come out even.
void deal_at_random(const DealtUnits& units, UnitList list, std::span<const double> weights, Random& random,
                    Hands& hands);

/// A share of the samples, drawn at random, in runs of the list sorted by label, and the rest at random.
void deal_by_label(const DealtUnits& units, UnitList list, std::span<const std::uint32_t> labels,
                   double share, std::span<const double> weights, Random& random, Hands& hands);

/// By a mix of labels of each taker's own, drawn from Dirichlet(concentration * p), p the shares of the
/// labels. The taker that holds least for its weight draws a label by its mix from those that are left, and
/// takes a unit of that label at random.
void deal_by_mix(const DealtUnits& units, UnitList list, std::span<const std::uint32_t> labels,
                 double concentration, std::span<const double> weights, Random& random, Hands& hands);

}  // namespace meridian

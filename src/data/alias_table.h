// Draws from a discrete distribution in constant time: the alias method (A. J. Walker, 1977), built as by
// M. D. Vose, A Linear Algorithm for Generating Random Numbers with a Given Distribution, IEEE TSE 1991.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/random.h"

namespace meridian {

/// Immutable once made; any thread may draw with a Random of its own.
class AliasTable {
 public:
  /// `weights`: at least one, each finite and at least 0, their sum above 0.
  explicit AliasTable(std::span<const double> weights);

  /// Draws i with probability weights[i] / sum of weights.
  std::uint32_t draw(Random& random) const {
    const Slot& slot = slots_[random.below(slots_.size())];
    return random.uniform() < slot.kept ? slot.own : slot.other;
  }

 private:
  struct Slot {
    double kept = 1.0;  // the probability of `own` in this slot
    std::uint32_t own = 0;
    std::uint32_t other = 0;
  };
  std::vector<Slot> slots_;
};

}  // namespace meridian

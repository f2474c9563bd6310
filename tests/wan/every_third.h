// The method of docs/add-a-method.md: every exchange sends a third of the entries, in turn.
#pragma once

#include <cmath>
#include <cstddef>
#include <span>

#include "wan/what.h"

namespace meridian::wan {

/// Exchange k sends entries k mod 3, k mod 3 + 3, and so on of each server's range, whole: what has gathered
/// in any entry waits for three exchanges at most.
class EveryThird final : public What {
 public:
  /// `h`: clocks from one exchange to the next, at least 1.
  explicit EveryThird(Clock h) : h_(h) {}

  void select(const FilterPass& pass, std::span<const float> /*values*/, std::span<float> residual,
              TableSelection& out) const override {
    const std::size_t turn = pass.clock / h_ % 3;
    for (std::size_t i = 0; i < residual.size(); ++i) {
      const bool goes = i % 3 == turn || !std::isfinite(residual[i]);
      if (!goes || residual[i] == 0.0F) continue;
      out.add(i, residual[i]);
      residual[i] = 0.0F;
    }
  }

 private:
  Clock h_;
};

}  // namespace meridian::wan

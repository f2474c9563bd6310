// WHAT goes out: the first of the four choices that make a synchronisation method (docs/architecture.md). One
// small class for each answer; mode.cc names them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "src/base/time.h"
#include "wan/selection.h"

namespace meridian::wan {

/// Immutable after construction.
class What {
 public:
  virtual ~What() = default;

  /// Takes out of `residual` what goes out at `clock` and appends it to `out`: what is taken leaves the
  /// residual, so that the sum of both never changes. `values` are the replica's after the own update. Both
  /// spans cover the server's range of one table. An entry with residual 0 is never taken.
  virtual void select(Clock clock, std::span<const float> values, std::span<float> residual,
                      TableSelection& out) const = 0;

  /// Whether anything is ever owed to other datacenters; without it there is no residual and no drain.
  virtual bool sends() const { return true; }
};

/// Everything: dense methods, and every method's drain.
class SendAll final : public What {
 public:
  void select(Clock clock, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;
};

/// Nothing: datacenters that train alone.
class SendNothing final : public What {
 public:
  void select(Clock, std::span<const float>, std::span<float>, TableSelection&) const override {}
  bool sends() const override { return false; }
};

/// How a threshold changes over the clocks.
enum class Schedule : std::uint8_t { inverse_sqrt, constant };

/// Gaia's significance filter (Hsieh et al., NSDI 2017): an entry goes out, whole, when |residual / value|
/// exceeds the threshold, which is v0 / sqrt(clock) or v0; with value 0 every residual is significant.
class SignificanceFilter final : public What {
 public:
  /// v0: relative, 0.01 is 1 %; at least 0.
  SignificanceFilter(double v0, Schedule schedule) : v0_(v0), schedule_(schedule) {}

  void select(Clock clock, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;

  double threshold(Clock clock) const;

 private:
  double v0_;
  Schedule schedule_;
};

}  // namespace meridian::wan

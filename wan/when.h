// WHEN updates go out, and to whom: the second of the four choices that make a synchronisation method.
#pragma once

#include <cstddef>

#include "src/base/time.h"

namespace meridian::wan {

/// Immutable after construction.
class When {
 public:
  virtual ~When() = default;

  /// Whether an exchange with this neighbour, one of the datacenters that the overlay makes neighbours, is
  /// due when `clock` closes. While it is not due, what others are sent merges into what this neighbour is
  /// owed.
  virtual bool due(Clock clock, std::size_t neighbour) const = 0;
  /// The first clock after `clock` at which one is due.
  virtual Clock next_due(Clock clock, std::size_t neighbour) const = 0;
};

/// Every h-th clock, with every neighbour.
class EveryClocks final : public When {
 public:
  /// Requires h >= 1.
  explicit EveryClocks(Clock h) : h_(h) {}

  bool due(Clock clock, std::size_t /*neighbour*/) const override { return clock % h_ == 0; }
  Clock next_due(Clock clock, std::size_t /*neighbour*/) const override { return (clock / h_ + 1) * h_; }

 private:
  Clock h_;
};

}  // namespace meridian::wan

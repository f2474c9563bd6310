// WAIT: who holds back which reads until what arrives; the third of the four choices that make a
// synchronisation method. The selective barrier, which holds reads of single entries, stands beside it
// (incoming_barrier.h).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>

#include "src/base/time.h"

namespace meridian::wan {

/// Further ahead than anyone gets: the clock of a datacenter that has finished.
inline constexpr Clock kClockDone = std::numeric_limits<Clock>::max();

/// How far another datacenter, and all behind it, are as seen here.
struct PeerClock {
  Clock reported = 0;  ///< the last report; it may have overtaken the updates that it speaks of
  Clock applied = 0;   ///< every update of clocks up to this one is applied here
};

/// Immutable after construction.
class Wait {
 public:
  virtual ~Wait() = default;

  /// Whether a shard that has closed `closed` clocks must hold back reads. `auto_ds` is the staleness that
  /// suits the links as measured.
  virtual bool holds(Clock closed, std::span<const PeerClock> peers, Clock auto_ds) const = 0;

  /// How many clocks ahead of the slowest reads may go.
  virtual Clock bound(Clock auto_ds) const = 0;
};

/// Nobody ever waits for another datacenter.
class NeverWait final : public Wait {
 public:
  bool holds(Clock /*closed*/, std::span<const PeerClock> /*peers*/, Clock /*auto_ds*/) const override {
    return false;
  }
  Clock bound(Clock /*auto_ds*/) const override { return kClockDone; }
};

/// The mirror clock: no shard serves reads more than `ds` clocks ahead of the slowest datacenter. On reported
/// clocks it is Gaia's (Hsieh et al., NSDI 2017); on applied ones it is BSP (ds 0) or stale-synchronous
/// parallel (Ho et al., NIPS 2013) between datacenters.
class MirrorClock final : public Wait {
 public:
  enum class Looks : std::uint8_t { at_reported, at_applied };

  /// Without `ds`: as the links demand.
  MirrorClock(std::optional<Clock> ds, Looks looks) : ds_(ds), looks_(looks) {}

  bool holds(Clock closed, std::span<const PeerClock> peers, Clock auto_ds) const override {
    const Clock ds = bound(auto_ds);
    for (const PeerClock& peer : peers) {
      const Clock clock = looks_ == Looks::at_reported ? peer.reported : peer.applied;
      if (closed > ds && clock < closed - ds) return true;
    }
    return false;
  }
  Clock bound(Clock auto_ds) const override { return ds_.value_or(auto_ds); }

 private:
  std::optional<Clock> ds_;
  Looks looks_;
};

}  // namespace meridian::wan

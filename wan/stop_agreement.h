// How all datacenters stop at one clock without a coordinator. The first servers tell each other every
// evaluation, so each finds out by itself when all met the target at the same evaluation clock. Whoever knows
// a reason to stop proposes the earliest clock at which it still can; the latest proposal is the clock at
// which all stop.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <vector>

#include "src/wire/message.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread.
class StopAgreement {
 public:
  struct Options {
    std::size_t datacenters = 1;
    std::size_t own = 0;
    std::optional<Clock> clocks;   ///< stop at this clock at the latest
    std::optional<double> target;  ///< of the objective
    bool larger_is_better = true;
  };

  explicit StopAgreement(const Options& options);

  /// A datacenter's objective at an evaluation clock, own or another's.
  void evaluated(std::size_t datacenter, Clock clock, double objective);
  /// Another datacenter's proposal.
  void proposed(std::size_t datacenter, const StopProposal& proposal);
  /// A datacenter that was left out is not asked, unless it takes part again.
  void left(std::size_t datacenter, bool is_left);
  bool has_left(std::size_t datacenter) const { return left_.at(datacenter); }

  /// All that was said and may still matter, by the datacenter that said it: for a peer that missed it.
  std::vector<Evaluation> evaluations_of(std::size_t datacenter) const;
  std::optional<StopProposal> proposal_of(std::size_t datacenter) const { return proposals_.at(datacenter); }
  /// A reason of this datacenter's own: its time is over, its user interrupts. Without effect once it has
  /// made its proposal.
  void wish(StopReason reason);

  /// The proposal to send now, if there is a reason to stop and none was made yet. `earliest` is the earliest
  /// clock at which this datacenter can still stop: the one its workers are computing, or the last closed one
  /// while reads of it are held.
  std::optional<StopProposal> propose(Clock earliest);

  /// Whether reads at `closed` clocks must wait for the other proposals.
  bool holds(Clock closed) const;
  /// Whether the training ends with `closed` clocks.
  bool ends_at(Clock closed) const;
  /// The reason that counts, so far.
  StopReason reason() const;

 private:
  /// Evaluations that not all datacenters have made yet stay here; more is more than staleness allows.
  static constexpr std::size_t kMaxOpenEvaluations = 4096;

  /// What one datacenter is known to have measured at a clock.
  struct Known {
    bool met = false;
    double objective = 0.0;
  };

  void settle_clock();
  void settle_targets();

  Options options_;
  std::map<Clock, std::vector<std::optional<Known>>> measured_;
  Clock settled_ = 0;  // the latest evaluation clock that is decided
  std::optional<std::pair<Clock, std::vector<std::optional<Known>>>> last_settled_;
  std::vector<bool> left_;
  bool target_met_ = false;
  StopReason wish_ = StopReason::none;
  std::vector<std::optional<StopProposal>> proposals_;
  std::optional<Clock> agreed_;  // once all who take part have proposed; it stands
};

}  // namespace meridian::wan

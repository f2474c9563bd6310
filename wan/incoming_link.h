// One direction of the session with one counterpart in another datacenter, the receiving end: which message
// comes next on either channel, how far the sender is, what has to be acknowledged, and what to ask for when
// something is missing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "src/wire/message.h"
#include "wan/wait.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread.
class IncomingLink {
 public:
  enum class Arrival : std::uint8_t {
    next,   ///< take it
    old,    ///< it came before, or belongs to an epoch that is over: drop it
    hole,   ///< something before it is missing: open a new epoch
    wrong,  ///< of an epoch that nobody asked for
  };

  /// A control message's place. `next` counts it as taken.
  Arrival classify_control(SessionPosition position) {
    if (const auto arrival = other_epoch(position.epoch)) return *arrival;
    if (position.sequence < next_control_) return Arrival::old;
    if (position.sequence > next_control_) return Arrival::hole;
    ++next_control_;
    awaiting_ = false;
    return Arrival::next;
  }

  /// A chunk's place. After `next`, apply it and call applied().
  Arrival classify(std::uint32_t epoch, const Update& update) {
    if (const auto arrival = other_epoch(epoch)) return *arrival;
    awaiting_ = false;
    if (update.number <= applied_) return Arrival::old;
    return update.number == applied_ + 1 ? Arrival::next : Arrival::hole;
  }

  /// What a probe on the data channel says was sent before it.
  Arrival classify(std::uint32_t epoch, const Probe& probe) {
    if (const auto arrival = other_epoch(epoch)) return *arrival;
    awaiting_ = false;
    return probe.number > applied_ ? Arrival::hole : Arrival::old;
  }

  void applied(const Update& update) {
    applied_ = update.number;
    ++unacknowledged_;
  }

  /// After a hole: nothing of the old epoch is trusted but what was applied. The message asks the sender to
  /// go on; it may get lost, so it is sent again while awaiting().
  Resume open_epoch() {
    ++epoch_;
    next_control_ = 1;
    awaiting_ = true;
    announced_.clear();
    last_number_.reset();
    ++breaks_;
    return resume();
  }
  Resume resume() const { return {epoch_, applied_}; }
  /// A new epoch was asked for, and nothing has come in it yet.
  bool awaiting() const { return awaiting_; }
  std::uint64_t breaks() const { return breaks_; }

  /// Reports may overtake the chunks that they speak of. Those that travel alone come in order among
  /// themselves, and so do those that travel with chunks, whose chunks are here.
  void reported(const ClockReport& report) {
    reported_ = std::max(reported_, report.clock);
    if (report.complete_number <= applied_) {
      complete_ = std::max(complete_, report.complete_clock);
      return;
    }
    const Announced next{report.complete_clock, report.complete_number};
    const bool is_later = announced_.empty() || next.number > announced_.back().number;
    // Many clocks may be announced before the first one's chunks are here, but no more than the window's
    // chunks: whoever announces more only sees its clocks count later.
    if (is_later && announced_.size() < kMaxAnnounced) {
      announced_.push_back(next);
    } else if (next.clock >= announced_.back().clock) {
      announced_.back() = next;
    }
  }

  void drain_done(const DrainDone& done) { last_number_ = done.number; }

  /// The highest clock all of whose updates were given to the merge.
  Clock complete_clock() {
    while (!announced_.empty() && announced_.front().number <= applied_) {
      complete_ = std::max(complete_, announced_.front().clock);
      announced_.pop_front();
    }
    return complete_;
  }
  Clock reported_clock() const { return reported_; }
  bool drained() const { return last_number_ && *last_number_ <= applied_; }
  bool drain_announced() const { return last_number_.has_value(); }

  std::uint32_t epoch() const { return epoch_; }
  std::uint64_t applied_number() const { return applied_; }

  bool owes_acknowledgement() const { return unacknowledged_ > 0; }
  /// Chunks applied since the last acknowledgement.
  std::uint64_t unacknowledged() const { return unacknowledged_; }
  void acknowledged() { unacknowledged_ = 0; }

 private:
  static constexpr std::size_t kMaxAnnounced = 1024;

  /// All updates of clocks up to `clock` are in chunks up to `number`.
  struct Announced {
    Clock clock = 0;
    std::uint64_t number = 0;
  };

  std::optional<Arrival> other_epoch(std::uint32_t epoch) const {
    if (epoch == epoch_) return std::nullopt;
    return epoch < epoch_ ? Arrival::old : Arrival::wrong;
  }

  std::uint32_t epoch_ = 1;
  std::uint32_t next_control_ = 1;
  bool awaiting_ = false;
  std::uint64_t breaks_ = 0;
  std::uint64_t applied_ = 0;
  std::uint64_t unacknowledged_ = 0;
  Clock reported_ = 0;
  std::deque<Announced> announced_;  // by rising number; their chunks are not all here
  Clock complete_ = 0;
  std::optional<std::uint64_t> last_number_;
};

}  // namespace meridian::wan

// One direction of the session with one counterpart in another datacenter, the receiving end: which chunk
// comes next, how far the sender is, what has to be acknowledged.
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
    next,       ///< apply it, then call applied()
    duplicate,  ///< it was applied before: drop it
    gap,        ///< something before it is missing: the session is broken
  };

  Arrival classify(const Update& update) const {
    if (epoch_ != 0 && update.epoch < epoch_) return Arrival::duplicate;
    if (epoch_ != 0 && update.epoch > epoch_) return Arrival::gap;
    if (update.number <= applied_) return Arrival::duplicate;
    return update.number == applied_ + 1 ? Arrival::next : Arrival::gap;
  }

  void applied(const Update& update) {
    epoch_ = update.epoch;
    applied_ = update.number;
    ++unacknowledged_;
  }

  /// Reports may overtake the chunks that they speak of; they come in order among themselves.
  void reported(const ClockReport& report) {
    reported_ = std::max(reported_, report.clock);
    const Announcement next{report.complete_clock, report.complete_number};
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
  struct Announcement {
    Clock clock = 0;
    std::uint64_t number = 0;
  };

  std::uint32_t epoch_ = 0;
  std::uint64_t applied_ = 0;
  std::uint64_t unacknowledged_ = 0;
  Clock reported_ = 0;
  std::deque<Announcement> announced_;  // by rising number; their chunks are not all here
  Clock complete_ = 0;
  std::optional<std::uint64_t> last_number_;
};

}  // namespace meridian::wan

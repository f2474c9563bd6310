// What a link can carry and how long it takes there and back, measured from the chunks sent over it and their
// cumulative acknowledgements. Chunk sizes, windows, the soft threshold and the automatic staleness follow
// it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "src/base/time.h"

namespace meridian::wan {

/// One direction of one session. Not thread-safe; every call's `now` is at least that of the call before.
///
/// The rate is the delivery rate of BBR (Cardwell et al., ACM Queue 2016): what was acknowledged over the
/// time it took, the largest of the last second or ten round trips. A sample during which the sender had
/// nothing to send can only raise it. A burst that fits into the window gives no such sample that counts in
/// full, so the pace of its acknowledgements is a sample too (a packet train: Dovrolis et al., INFOCOM 2001).
///
/// The receiver may hold an acknowledgement for up to 100 ms or two chunks, so samples between
/// acknowledgements of different kinds (of one chunk, of more) count as what can only raise the rate.
///
/// The round trip is the smallest of the last 10 s among chunks that found the link idle, so that a standing
/// queue of our own does not count. It includes what the chunk itself and what was held takes: it is too long
/// by at most the serialisation of two chunks or one chunk and 100 ms.
class LinkEstimate {
 public:
  /// The first guess: the configuration's. Requires bytes_per_s > 0 and round_trip >= 0.
  LinkEstimate(double bytes_per_s, Time round_trip);

  /// A chunk goes out. Numbers ascend until interrupted(). `more_waiting`: the link is the limit (the window
  /// is full now, or a backlog waits).
  void sent(Time now, std::uint64_t number, std::size_t bytes, bool more_waiting);
  /// Everything up to this number has arrived. What was acknowledged before changes nothing.
  void acknowledged(Time now, std::uint64_t number);
  /// The session broke: what was on the way says nothing any more. The estimates stay.
  void interrupted();

  /// Finite and above 0, infinite only if the first guess was.
  double bytes_per_s() const { return bytes_per_s_; }
  Time round_trip() const { return round_trip_; }
  /// What a chunk may measure: 50 ms at the rate, at least 4 KiB.
  std::size_t chunk_bytes() const;
  /// How much may be on the way so that the link is neither idle nor a long queue: two round trips, and at
  /// least one and three chunks. With less, held acknowledgements leave the link idle; the rate would be
  /// taken for lower than it is, the next window be smaller still, and so on.
  std::size_t window_bytes() const;

  /// Sent and not acknowledged.
  std::size_t on_the_way_bytes() const { return on_the_way_bytes_; }
  /// Bytes sent over the last second (in steps of a tenth) as a share of what the link carries in that time,
  /// from 0 to 1.
  double utilization(Time now) const;

 private:
  // The smallest of the samples of a recent span of time, or of at least a few.
  class RecentSmallest {
   public:
    void add(Time now, Time span, double sample);
    double smallest() const;
    std::size_t samples() const;
    /// Samples reach back over the whole span.
    bool covers(Time now, Time span) const;

   private:
    struct Slice {
      Time begin{0};
      Time end{0};
      double smallest = 0;
      std::size_t samples = 0;
    };
    std::deque<Slice> slices_;
  };

  // An acknowledgement, and how much had arrived by then. `single`: of one chunk only.
  struct Arrival {
    Time at{0};
    std::uint64_t bytes = 0;
    Time newest_sent{0};
    bool single = false;
  };

  struct Chunk {
    std::uint64_t number = 0;
    std::size_t bytes = 0;
    Time sent{0};
    std::size_t on_the_way_bytes = 0;  // when it went out, itself included
    Arrival before;                    // the last arrival then, or the moment at which the link was last idle
    bool more_waiting = false;
    bool limited_by_sender = false;
    bool found_link_idle = false;  // or at most one chunk on it
  };

  void measure_round_trip(Time now, const Chunk& newest, bool single);
  void measure_delivery(const Chunk& newest, const Arrival& arrival);
  void measure_train(const Chunk& first, const Arrival& arrival);
  /// How long a sample of the rate counts.
  Time rate_span() const;
  void take_rate(Time now, double bytes_per_s, bool only_raises);

  double bytes_per_s_;
  Time round_trip_;
  RecentSmallest seconds_per_byte_;
  RecentSmallest idle_round_trips_;
  RecentSmallest beyond_own_queue_;  // lower bounds of round trips while the link is never idle

  std::deque<Chunk> on_the_way_;
  std::size_t on_the_way_bytes_ = 0;
  std::uint64_t arrived_bytes_ = 0;
  Arrival last_arrival_;
  bool arrived_since_idle_ = false;
  bool more_waited_behind_last_arrival_ = false;
  std::optional<Arrival> train_;  // where the current one began
  // Up to this number, samples are limited by the sender.
  std::optional<std::uint64_t> limited_up_to_;

  struct SentSlice {
    std::int64_t index = -1;
    std::uint64_t bytes = 0;
  };
  static constexpr std::size_t kSentSlices = 10;
  std::array<SentSlice, kSentSlices> sent_slices_{};
};

}  // namespace meridian::wan

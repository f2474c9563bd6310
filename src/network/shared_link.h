// One direction between two places: a rate, a one-way delay, and the connections that share them in small
// turns. It is a pure state machine, so the emulator drives it with the clock on the wall and the simulator
// with virtual time, and both mean the same by "a shared link".
//
// What waits is served in turns of at most turn_bytes, round robin among the connections with bytes waiting.
// A connection that becomes busy, or whose turn ends with bytes left, joins the end of the round. A unit is
// delivered when the last of its bytes has been serialised, plus the delay.
//
// A link can be cut, change its rate and its delay, and lose what a connection has on it. Nothing that was
// serialised later ever comes out earlier, a shorter delay or not. While it is cut, time stands still
// on it: what waits, what is being serialised and what is propagating all go on afterwards, later by exactly
// the length of the cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/time.h"

namespace meridian {

/// Not thread-safe. Every call's `now` is at least that of the call before (checked).
///
/// Times follow from the arrivals (and cuts, changes of rate and drops) alone: however late or often
/// advance() and next_event() are called, each unit is delivered at the same nanosecond. Within a busy period
/// a time is its start plus all bytes served since, divided by the rate and rounded once, so rounding never
/// adds up; a change of rate and a drop that ends a turn start a new count. What arrives or changes at the
/// very nanosecond at which a turn ends comes after the choice of the next turn, and what is due at the very
/// nanosecond of a cut or a drop is delivered.
class SharedLink {
 public:
  /// Small numbers, best dense from 0: memory grows with the largest.
  using ConnectionId = std::uint32_t;

  static constexpr std::size_t kTurnBytes = std::size_t{16} * 1024;

  struct Options {
    double rate_bytes_per_s = 0;  ///< above 0; infinity for a link that serialises in no time
    Time delay{0};                ///< one way, at least 0
    std::size_t turn_bytes = kTurnBytes;
  };

  struct Delivery {
    std::uint64_t cookie = 0;
    ConnectionId connection = 0;
    std::size_t bytes = 0;
    Time at{0};
    Time through{0};  ///< serialised, before any cut that it met afterwards

    /// Whether the same comes out at the same time.
    bool operator==(const Delivery& other) const {
      return cookie == other.cookie && connection == other.connection && bytes == other.bytes &&
             at == other.at;
    }
  };

  /// Requires rate > 0, delay >= 0, turn_bytes > 0.
  explicit SharedLink(const Options& options);

  /// With the rate and the delay that were set last.
  const Options& options() const { return options_; }

  /// Puts a unit at the end of its connection's queue. A unit of 0 bytes is allowed: it keeps its place in
  /// the queue and takes no time.
  void enqueue(Time now, ConnectionId id, std::size_t bytes, std::uint64_t cookie);

  /// Nothing is serialised or delivered from `now` until resume(). Requires that the link is not paused.
  void pause(Time now);

  /// Ends a pause. Requires that the link is paused. Linear in the units in flight.
  void resume(Time now);

  bool paused() const { return paused_at_.has_value(); }

  /// What has not been serialised by `now` goes on at another rate: above 0, infinity allowed. What is
  /// propagating keeps its time. Linear in the units in flight.
  void set_rate(Time now, double rate_bytes_per_s);

  /// What has not been serialised by `now` takes another delay, at least 0. What is propagating keeps its
  /// time, and nothing overtakes it. Linear in the units in flight.
  void set_delay(Time now, Time delay);

  /// The last call's `now`; during a pause its start.
  Time present() const { return paused_at_.value_or(last_now_); }

  /// Whether nothing waits and nothing is being serialised after the last call's `now`.
  bool idle() const { return serving_ == kNone && round_.first == kNone && turn_end_ <= present(); }

  /// Takes off the link all that this connection has on it and that was not due by `now`, and appends its
  /// cookies to `dropped`, in the order in which they were enqueued. If its turn is on, the turn ends here.
  /// Later units of the connection travel as ever. Linear in the units in flight and the connections waiting.
  void drop(Time now, ConnectionId id, std::vector<std::uint64_t>& dropped);

  /// When advance() is worth calling again: never later than the next delivery, always after the last call's
  /// `now` unless a delivery is already due. nullopt when nothing is on the way, or the link is paused and
  /// nothing was due before. Linear in the connections
  /// with bytes waiting. While several share the link it may come early, a number of times logarithmic in the
  /// unit's size.
  std::optional<Time> next_event() const;

  /// Appends to `out` every delivery due at or before `now`, by time; equal times in the order of
  /// serialisation.
  void advance(Time now, std::vector<Delivery>& out);

  /// Bytes of this connection that had not got a turn yet at the last call.
  std::size_t waiting_bytes(ConnectionId id) const;

  /// Bytes of this connection that were enqueued and not yet handed out by advance().
  std::size_t bytes_on_the_way(ConnectionId id) const;

  /// Bytes handed out by advance() so far, over all connections.
  std::uint64_t carried_bytes() const { return carried_bytes_; }

  /// How long the link was serialising, from the start to the last call's `now`.
  Time busy_time() const;

 private:
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};

  // A unit is in its connection's queue until its last byte gets a turn (`bytes_left` counts down), then in
  // the list of those in flight (`through`, `at` and `end` are set). One pool and indexes instead of
  // containers keep an idle link small.
  struct Unit {
    std::uint64_t cookie = 0;
    std::size_t bytes = 0;
    std::size_t bytes_left = 0;
    Time through{0};        // serialised
    Time at{0};             // delivered
    std::uint64_t end = 0;  // of its last byte, counted as period_bytes_ is
    ConnectionId connection = 0;
    Index next = kNone;
  };

  struct List {
    Index first = kNone;
    Index last = kNone;
  };

  struct Connection {
    List waiting;
    Index next_in_round = kNone;
    std::size_t waiting_bytes = 0;
    std::size_t bytes_on_the_way = 0;
  };

  Time time_at(std::uint64_t bytes_in_period) const;
  std::uint64_t bytes_by(Time now) const;

  /// The last call's `now`; during a pause its start.
  /// What is served from now on is counted, in bytes and time, from now; `through` whole bytes are behind.
  void start_count_anew(std::uint64_t through);
  double bytes_through_by(Time now) const;
  bool first_in_flight_is_due() const;
  void drop_in_flight(ConnectionId id, std::vector<std::uint64_t>& dropped);
  void drop_waiting(ConnectionId id, std::vector<std::uint64_t>& dropped);
  void leave_round(ConnectionId id);

  /// Makes every choice of a turn that falls at or before `now`.
  void settle(Time now);
  std::size_t turn_or_turns(const Connection& connection, Time now) const;
  void serve(ConnectionId id, std::size_t bytes);
  /// Gives all units in flight that are not through yet their times anew.
  void retime();

  Index new_unit();
  void release_unit(Index index);
  void append(List& list, Index index);
  Index take_first(List& list);
  void join_round(ConnectionId id);

  Options options_;
  std::vector<Unit> units_;
  Index free_units_ = kNone;
  std::size_t used_units_ = 0;
  std::vector<Connection> connections_;
  List round_;      // connections with units waiting, but for the one being served
  List in_flight_;  // units whose time of delivery is certain, in its order
  Index serving_ = kNone;

  Time last_now_{Time::min()};
  std::optional<Time> paused_at_;
  std::size_t due_units_ = 0;       // while paused: units at the head of in_flight_ that were due before
  Time period_start_{0};            // of the busy period, the base of its times
  double period_offset_ = 0.0;      // bytes, below 1, that were through at period_start_
  std::uint64_t period_bytes_ = 0;  // served since then, to the end of the current turn
  Time turn_end_{Time::min()};      // == time_at(period_bytes_)
  Time earlier_busy_time_{0};       // of the periods before this one
  std::uint64_t carried_bytes_ = 0;
};

}  // namespace meridian

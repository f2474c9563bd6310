// One direction of a wide-area link as TCP feels it: a SharedLink whose rate follows a trace and whose delay
// varies, that loses segments, is cut, degraded and restored. A pure state machine: the emulator drives it
// with the clock on the wall, the simulator with virtual time.
//
// Loss: a lost segment is sent again, and what its connection sent after it is held up until it is there, a
// round trip later, or a retransmission timeout later where too little follows to show the loss. On a link
// that loses, each connection has a congestion window (CongestionWindow), so its throughput suffers as TCP's
// does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "src/network/congestion_window.h"
#include "src/network/delay_variation.h"
#include "src/network/shared_link.h"

namespace meridian {

/// A rate from a time on, counted from the trace's start.
struct RateStep {
  Time at{0};
  double rate_bytes_per_s = 0;

  bool operator==(const RateStep&) const = default;
};

/// A link's rate over time. Before the first step the link has its own rate.
struct RateTrace {
  std::vector<RateStep> steps = {};                  ///< times ascend
  std::optional<Time> repeats_after = std::nullopt;  ///< above the last step's time

  /// Nothing before the first step.
  std::optional<double> rate_at(Time elapsed) const;
  /// The first step after `elapsed`; nothing after the last one.
  std::optional<Time> next_after(Time elapsed) const;

  bool operator==(const RateTrace&) const = default;
};

/// New values for a link; what is not given stays.
struct LinkChange {
  std::optional<double> rate_bytes_per_s = std::nullopt;
  double rate_factor = 1.0;  ///< on the rate in force
  std::optional<Time> delay = std::nullopt;
  std::optional<double> loss = std::nullopt;
  std::optional<DelayVariation::Options> variation = std::nullopt;

  bool operator==(const LinkChange&) const = default;
};

/// Not thread-safe. Every call's `now` is at least that of the call before. What arrives when follows from
/// what is sent and changed when, not from how often advance() is called.
class WideAreaLink {
 public:
  using ConnectionId = SharedLink::ConnectionId;

  /// Copies that arrive after the original, as of a message that was resent. No TCP does that; it is for
  /// trials of protocols.
  struct Repeats {
    double probability = 0.0;
    Time within{0};  ///< after the first arrival, evenly from 0

    bool operator==(const Repeats&) const = default;
  };

  struct Options {
    SharedLink::Options link;
    DelayVariation::Options variation = {};
    double loss = 0.0;     ///< probability that a segment is lost
    Time return_delay{0};  ///< of the other direction: what acknowledgements take
    RateTrace trace = {};
    Repeats repeats = {};
  };

  struct Arrival {
    std::uint64_t cookie = 0;
    ConnectionId connection = 0;
    std::size_t bytes = 0;
    bool last = true;  ///< false: it will arrive, or be lost, once more

    bool operator==(const Arrival&) const = default;
  };

  /// Cookies must be below this.
  static constexpr std::uint64_t kLeastOwnCookie = std::uint64_t{1} << 63;

  /// What waits at most for a retransmission timer besides a round trip (Linux' least timeout; RFC 6298).
  static constexpr Time kLeastTimeout = std::chrono::milliseconds(200);

  /// `seed` draws variation, losses and repeats.
  WideAreaLink(const Options& options, std::uint64_t seed);

  /// Puts `bytes` at the end of what the connection has to send. They arrive together, when the last of them
  /// does. `may_repeat`: a copy may arrive too.
  void send(Time now, ConnectionId id, std::size_t bytes, std::uint64_t cookie, bool may_repeat = false);

  /// When advance() is worth calling again; nullopt when there is nothing to come until another call.
  std::optional<Time> next_event() const;

  /// Appends to `out` what arrives by `now`, in order.
  void advance(Time now, std::vector<Arrival>& out);

  /// The trace counts from `start`, at or before `now`.
  void start_trace(Time start, Time now);

  /// Cuts are told apart by a number of the caller's. They may overlap: the link goes on when the last one
  /// ends. Ending one that has ended does nothing.
  void begin_cut(Time now, std::uint64_t cut);
  void end_cut(Time now, std::uint64_t cut);

  /// Degradations too may overlap: of what several give the latest counts, and factors multiply.
  void begin_degradation(Time now, std::uint64_t degradation, const LinkChange& change);
  void end_degradation(Time now, std::uint64_t degradation);

  /// Ends all cuts and degradations.
  void restore(Time now);

  /// The link's own values from now on. A new rate ends the trace; a factor is on the link's own rate.
  void change(Time now, const LinkChange& change);

  /// Loses what the connection has on the way, copies included, and appends the cookies to `lost`, each once.
  /// Requires that advance(now) was called: what was due by then has arrived.
  void reset(Time now, ConnectionId id, std::vector<std::uint64_t>& lost);

  /// The number may be given to another connection: nothing of the old one is on the way any more.
  void forget(ConnectionId id);

  /// What is in force now.
  double rate_bytes_per_s() const { return link_.options().rate_bytes_per_s; }
  Time delay() const { return delay_; }
  double loss() const { return loss_; }
  /// What a byte may take between the end of its serialisation and its arrival: the longest delay and, where
  /// segments are lost, one retransmission.
  Time longest_way() const { return delay_ + variation_.most() + (loss_ > 0.0 ? round_trip() : Time{0}); }
  const DelayVariation::Options& variation() const { return variation_options_; }
  bool cut() const { return !cuts_.empty(); }
  bool degraded() const { return !degradations_.empty(); }

  /// Bytes that have arrived, copies not counted; bytes sent that have not yet; segments lost so far.
  std::uint64_t carried_bytes() const { return carried_bytes_; }
  std::uint64_t waiting_bytes() const { return waiting_bytes_; }
  std::uint64_t losses() const { return losses_; }
  /// How long it was serialising, up to the last call.
  Time busy_time() const { return link_.busy_time(); }

 private:
  /// A part of what was sent, on the shared link.
  struct Piece {
    ConnectionId connection = 0;
    std::size_t bytes = 0;
    std::optional<Arrival> ends = std::nullopt;     // what arrives with this piece, where it is the last one
    std::optional<Time> copy_after = std::nullopt;  // of what arrives with it
    bool in_window = false;                         // counts in its connection's window
    bool lost = false;                              // at first; then sent again
    unsigned lost_again = 0;                        // so many times
    std::uint64_t bytes_after = 0;                  // of this piece, behind what was lost
    std::uint64_t connection_end = 0;               // bytes of the connection up to here
  };

  /// Sent, and waiting for room in its connection's window.
  struct Waiting {
    Arrival arrival;
    std::size_t bytes_left = 0;
    bool may_repeat = false;
  };

  struct Connection {
    std::deque<Waiting> waiting;
    std::optional<CongestionWindow> window;  // while the link loses
    std::uint64_t begun_bytes = 0;           // put on the shared link so far
    std::uint64_t undelivered_bytes = 0;
    Time last_due{Time::min()};
  };

  /// Past the shared link and waiting for its time.
  struct Held {
    Time due{0};
    std::uint64_t order = 0;
    Arrival arrival;
    bool copy = false;
    bool operator<(const Held& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };

  /// The sender learns what became of bytes in its window.
  struct Acknowledgement {
    enum class Kind : std::uint8_t { arrived, lost, timed_out };
    Time at{0};
    std::uint64_t order = 0;
    ConnectionId connection = 0;
    std::size_t bytes = 0;
    Kind kind = Kind::arrived;
    bool operator<(const Acknowledgement& other) const {
      return at != other.at ? at < other.at : order < other.order;
    }
  };

  bool plain() const {
    return !variation_.varies() && loss_ == 0.0 && repeats_.probability == 0.0 && pieces_.empty();
  }
  bool has_windows() const { return loss_ > 0.0 || !acknowledgements_.empty(); }
  Connection& connection(ConnectionId id);
  Time round_trip() const { return delay_ + return_delay_; }

  /// Does all that happens by itself up to `now`. Straight to `out`, where one is given, goes what nothing
  /// holds up.
  void move_to(Time now, std::vector<Arrival>* out);
  void take_from_link(Time now, std::vector<Arrival>* out);
  void send_waiting(Time now, ConnectionId id);
  void send_piece(Time now, Piece piece);
  void draw_losses(Piece& piece);
  void on_piece_through(const Piece& piece, const SharedLink::Delivery& delivery);
  void on_acknowledgement(const Acknowledgement& acknowledgement);
  Time time_until_sent_again(const Piece& piece) const;
  void hold(Time due, const Arrival& arrival, std::optional<Time> copy_after);
  std::optional<Time> draw_copy(bool may_repeat);
  void hand_out(const Held& held, std::vector<Arrival>& out);
  void on_arrival(const Arrival& arrival);

  void resume(Time now);
  std::optional<Time> next_step() const;
  void apply_values(Time now);
  void apply_rate(Time now);
  void apply_loss(Time now, double loss);

  SharedLink link_;
  // The link's own values, and those in force under the degradations.
  LinkChange own_;
  RateTrace trace_;
  std::optional<Time> trace_start_;
  Time return_delay_;
  Repeats repeats_;
  std::uint64_t seed_;
  Random random_;
  std::optional<double> degraded_rate_;
  double rate_factor_ = 1.0;
  Time delay_{0};
  double loss_ = 0.0;
  DelayVariation::Options variation_options_;
  DelayVariation variation_;

  std::vector<Connection> connections_;
  std::unordered_map<std::uint64_t, Piece> pieces_;  // on the shared link, by its cookie
  std::uint64_t next_own_cookie_ = kLeastOwnCookie;
  std::set<Held> held_;
  std::set<Acknowledgement> acknowledgements_;
  std::uint64_t next_order_ = 0;
  std::vector<std::pair<std::uint64_t, LinkChange>> degradations_;  // in the order of their beginnings
  std::set<std::uint64_t> cuts_;
  Time cut_at_ = Time::max();  // while there is a cut: since then
  std::uint64_t waiting_bytes_ = 0;
  std::uint64_t carried_bytes_ = 0;
  std::uint64_t losses_ = 0;
  std::vector<SharedLink::Delivery> deliveries_;
};

}  // namespace meridian

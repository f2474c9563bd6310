// A link of the simulated runtime: a SharedLink with the noise and the faults of a wide-area network on top.
// What is sent is a number (a cookie) of the caller's; what arrives is that number again, once or, where the
// noise repeats it, twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "src/base/random.h"
#include "src/network/shared_link.h"
#include "src/runtime/simulated/faults.h"

namespace meridian {

/// Not thread-safe. Every call's `now` is at least that of the call before. Times and random numbers follow
/// from what is sent and when faults begin and end, not from how often advance() is called.
class SimulatedLink {
 public:
  using ConnectionId = SharedLink::ConnectionId;

  struct Arrival {
    std::uint64_t cookie = 0;
    bool last = true;  ///< false: it will arrive, or be lost, once more

    bool operator==(const Arrival&) const = default;
  };

  /// `random` draws the noise.
  SimulatedLink(const SharedLink::Options& options, const LinkNoise& noise, Random random);

  /// No two messages on the way have the same cookie.
  void send(Time now, ConnectionId connection, std::size_t bytes, std::uint64_t cookie, bool may_repeat);

  /// When advance() is worth calling again; nullopt when there is nothing to come until another call.
  std::optional<Time> next_event() const;

  /// Appends to `out` what arrives by `now`, in order.
  void advance(Time now, std::vector<Arrival>& out);

  /// Cuts may overlap: the link goes on when the last one ends.
  void begin_cut(Time now);
  void end_cut(Time now);

  /// `slowdown` is a number of the caller's by which it ends again.
  void begin_slowdown(Time now, std::size_t slowdown, double factor);
  void end_slowdown(Time now, std::size_t slowdown);

  /// Loses what the connection has on the way, copies included, and appends the cookies to `lost`, each once.
  /// Requires that advance(now) was called: what was due by then has arrived.
  void reset(Time now, ConnectionId connection, std::vector<std::uint64_t>& lost);

 private:
  /// What the noise does to a message, drawn when it is sent.
  struct Plan {
    Time extra{0};
    std::optional<Time> repeated_after;
  };

  /// Past the shared link and waiting for its time.
  struct Held {
    Time due{0};
    std::uint64_t order = 0;
    ConnectionId connection = 0;
    Arrival arrival;
    bool operator<(const Held& other) const {
      return due != other.due ? due < other.due : order < other.order;
    }
  };

  bool noisy() const { return noise_.jitter > Time{0} || noise_.repeat_probability > 0.0; }
  Time drawn(Time most) { return Time(random_.below(static_cast<std::uint64_t>(most.count()) + 1)); }
  /// Takes from the shared link what is through it by `now`, where noise holds it up.
  void hold_what_is_through(Time now);
  void hold(const SharedLink::Delivery& delivery);
  void set_rate(Time now);

  SharedLink link_;
  double rate_bytes_per_s_;  // without slowdowns
  LinkNoise noise_;
  Random random_;
  std::map<std::uint64_t, Plan> plans_;  // by cookie, of what is on the shared link
  std::set<Held> held_;
  std::uint64_t next_order_ = 0;
  std::map<ConnectionId, Time> last_due_;
  std::map<std::size_t, double> slowdowns_;  // factors
  std::size_t cuts_ = 0;
  Time cut_at_ = Time::max();  // while cuts_ > 0: since then
  std::vector<SharedLink::Delivery> deliveries_;
};

}  // namespace meridian

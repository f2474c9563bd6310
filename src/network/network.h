// All links of a run, or of an emulation, with one queue of events: links between datacenters, the caps that
// a datacenter's links share, and plain links. A pure state machine, driven like a single link.
//
// What goes over a link whose datacenters have caps passes the sender's cap, the link and the receiver's cap
// one after the other, in pieces of at most a turn, and connections share each of them in turns.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "src/base/time.h"
#include "src/network/shared_link.h"
#include "src/network/wide_area_link.h"

namespace meridian {

/// The seed of one direction between two datacenters, by position, in a run with this seed: the same in
/// simulator and emulator.
std::uint64_t link_seed(std::uint64_t run_seed, std::size_t from, std::size_t to);

/// Not thread-safe. Every call's `now` is at least that of the call before.
class Network {
 public:
  using LinkId = std::uint32_t;
  using CapId = std::uint32_t;
  using ConnectionId = WideAreaLink::ConnectionId;

  struct Arrival {
    LinkId link = 0;
    ConnectionId connection = 0;
    std::uint64_t cookie = 0;
    std::size_t bytes = 0;
    bool last = true;  ///< false: it will arrive, or be lost, once more

    bool operator==(const Arrival&) const = default;
  };

  /// Cookies must be below this.
  static constexpr std::uint64_t kLeastPieceCookie = std::uint64_t{1} << 62;

  /// A rate that several links share.
  CapId add_cap(double rate_bytes_per_s);

  /// `egress` is passed before the link and `ingress` after it. `seed` is the link's own.
  LinkId add_link(const WideAreaLink::Options& options, std::uint64_t seed,
                  std::optional<CapId> egress = std::nullopt, std::optional<CapId> ingress = std::nullopt);

  std::size_t links() const { return links_.size(); }
  const WideAreaLink& link(LinkId id) const { return links_[id].link; }

  /// As WideAreaLink::send; connections are numbered for each link, best dense from 0.
  void send(Time now, LinkId id, ConnectionId connection, std::size_t bytes, std::uint64_t cookie,
            bool may_repeat = false);

  std::optional<Time> next_event() const;

  /// Appends to `out` what arrives by `now`, in the order of time.
  void advance(Time now, std::vector<Arrival>& out);

  /// Bytes sent over the link that have not arrived yet, those at its caps included.
  std::uint64_t waiting_bytes(LinkId id) const;

  /// Traces of all links count from `now`; those of a link that is added later, from `start`, not after
  /// `now`.
  void start_traces(Time now);
  void start_trace(Time start, Time now, LinkId id);

  // See WideAreaLink.
  void begin_cut(Time now, LinkId id, std::uint64_t cut);
  void end_cut(Time now, LinkId id, std::uint64_t cut);
  void begin_degradation(Time now, LinkId id, std::uint64_t degradation, const LinkChange& change);
  void end_degradation(Time now, LinkId id, std::uint64_t degradation);
  void restore(Time now, LinkId id);
  void change(Time now, LinkId id, const LinkChange& change);
  /// Requires that advance(now) was called.
  void reset(Time now, LinkId id, ConnectionId connection, std::vector<std::uint64_t>& lost);
  /// The number may be given to another connection. Requires that nothing of it is on the way.
  void forget(LinkId link, ConnectionId connection);

 private:
  /// Of one connection over a link with caps: its numbers there.
  struct CappedConnection {
    SharedLink::ConnectionId egress = 0;
    SharedLink::ConnectionId ingress = 0;
  };

  struct Link {
    WideAreaLink link;
    std::optional<CapId> egress;
    std::optional<CapId> ingress;
    std::vector<CappedConnection> connections;
    std::uint64_t capped_bytes = 0;  // at the caps
  };

  struct Cap {
    SharedLink link;
    SharedLink::ConnectionId connections = 0;
  };

  /// A part of a message on its way past caps.
  struct Piece {
    LinkId link = 0;
    ConnectionId connection = 0;
    std::size_t bytes = 0;
    std::size_t message_bytes = 0;
    std::uint64_t message = 0;  // its cookie
    bool ends = false;
    bool may_repeat = false;
    bool past_link = false;
  };

  // Stages are the caps and the links in one numbering: caps are even, links odd.
  using StageId = std::uint32_t;
  static StageId stage_of_cap(CapId id) { return 2 * id; }
  static StageId stage_of_link(LinkId id) { return 2 * id + 1; }

  struct Wake {
    Time at{0};
    std::uint64_t order = 0;
    StageId stage = 0;
    bool operator>(const Wake& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  bool capped(const Link& link) const { return link.egress || link.ingress; }
  const CappedConnection& capped_connection(Link& link, ConnectionId id);
  /// Every call's time; never back.
  void at(Time now) { last_now_ = std::max(last_now_, now); }
  void wake(StageId stage);
  void carry(Time now, StageId stage, std::vector<Arrival>& out);
  void carry_cap(Time now, CapId id, std::vector<Arrival>& out);
  void carry_link(Time now, LinkId id, std::vector<Arrival>& out);
  void enter_link(Time now, std::uint64_t cookie, const Piece& piece);
  void arrive(const Piece& piece, bool last, std::vector<Arrival>& out);
  void drop_pieces(Time now, CapId cap, SharedLink::ConnectionId connection,
                   std::vector<std::uint64_t>& cookies);

  std::vector<Link> links_;
  std::vector<Cap> caps_;
  std::unordered_map<std::uint64_t, Piece> pieces_;
  std::uint64_t next_piece_ = kLeastPieceCookie;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  std::vector<std::optional<Time>> wake_at_;  // by stage: of the wake that counts
  std::uint64_t next_order_ = 0;
  Time last_now_{Time::min()};
};

}  // namespace meridian

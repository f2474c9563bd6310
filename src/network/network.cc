#include "src/network/network.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {

std::uint64_t link_seed(std::uint64_t run_seed, std::size_t from, std::size_t to) {
  return Random::for_parts(run_seed, {hash_text("link"), from, to}).next();
}

Network::CapId Network::add_cap(double rate_bytes_per_s) {
  const auto id = static_cast<CapId>(caps_.size());
  caps_.push_back({SharedLink({.rate_bytes_per_s = rate_bytes_per_s}), 0});
  wake_at_.resize(std::max<std::size_t>(wake_at_.size(), stage_of_cap(id) + 1));
  return id;
}

Network::LinkId Network::add_link(const WideAreaLink::Options& options, std::uint64_t seed,
                                  std::optional<CapId> egress, std::optional<CapId> ingress) {
  const auto id = static_cast<LinkId>(links_.size());
  links_.push_back({WideAreaLink(options, seed), egress, ingress, {}, 0});
  wake_at_.resize(std::max<std::size_t>(wake_at_.size(), stage_of_link(id) + 1));
  return id;
}

const Network::CappedConnection& Network::capped_connection(Link& link, ConnectionId id) {
  while (link.connections.size() <= id) {
    CappedConnection& connection = link.connections.emplace_back();
    if (link.egress) connection.egress = caps_[*link.egress].connections++;
    if (link.ingress) connection.ingress = caps_[*link.ingress].connections++;
  }
  return link.connections[id];
}

void Network::send(Time now, LinkId id, ConnectionId connection, std::size_t bytes, std::uint64_t cookie,
                   bool may_repeat) {
  MERIDIAN_CHECK(cookie < kLeastPieceCookie, "cookie {}", cookie);
  at(now);
  Link& link = links_[id];
  if (!capped(link)) {
    link.link.send(now, connection, bytes, cookie, may_repeat);
    wake(stage_of_link(id));
    return;
  }
  const CappedConnection& numbers = capped_connection(link, connection);
  std::size_t left = bytes;
  do {
    Piece piece{.link = id, .connection = connection, .message_bytes = bytes, .message = cookie};
    piece.bytes = std::min(left, SharedLink::kTurnBytes);
    left -= piece.bytes;
    piece.ends = left == 0;
    piece.may_repeat = may_repeat && piece.ends;
    const std::uint64_t number = next_piece_++;
    pieces_.emplace(number, piece);
    if (link.egress) {
      link.capped_bytes += piece.bytes;
      caps_[*link.egress].link.enqueue(now, numbers.egress, piece.bytes, number);
    } else {
      enter_link(now, number, piece);
    }
  } while (left > 0);
  if (link.egress) wake(stage_of_cap(*link.egress));
}

std::optional<Time> Network::next_event() const {
  if (wakes_.empty()) return std::nullopt;
  return wakes_.top().at;
}

void Network::advance(Time now, std::vector<Arrival>& out) {
  while (!wakes_.empty() && wakes_.top().at <= now) {
    const Wake next = wakes_.top();
    wakes_.pop();
    if (wake_at_[next.stage] != next.at) continue;  // another wake has taken its place
    wake_at_[next.stage].reset();
    // Something may have been sent after this was due.
    at(next.at);
    carry(last_now_, next.stage, out);
    wake(next.stage);
  }
}

void Network::wake(StageId stage) {
  const std::optional<Time> next =
      stage % 2 == 0 ? caps_[stage / 2].link.next_event() : links_[stage / 2].link.next_event();
  if (wake_at_[stage] == next) return;
  wake_at_[stage] = next;
  if (next) wakes_.push({*next, next_order_++, stage});
}

void Network::carry(Time now, StageId stage, std::vector<Arrival>& out) {
  if (stage % 2 == 0) {
    carry_cap(now, stage / 2, out);
  } else {
    carry_link(now, stage / 2, out);
  }
}

void Network::carry_cap(Time now, CapId id, std::vector<Arrival>& out) {
  std::vector<SharedLink::Delivery> through;
  caps_[id].link.advance(now, through);
  for (const SharedLink::Delivery& delivery : through) {
    const auto found = pieces_.find(delivery.cookie);
    links_[found->second.link].capped_bytes -= delivery.bytes;
    if (!found->second.past_link) {
      enter_link(now, delivery.cookie, found->second);
      continue;
    }
    const Piece piece = found->second;
    pieces_.erase(found);
    arrive(piece, true, out);
  }
}

void Network::enter_link(Time now, std::uint64_t cookie, const Piece& piece) {
  links_[piece.link].link.send(now, piece.connection, piece.bytes, cookie, piece.may_repeat);
  wake(stage_of_link(piece.link));
}

void Network::carry_link(Time now, LinkId id, std::vector<Arrival>& out) {
  std::vector<WideAreaLink::Arrival> arrivals;
  Link& link = links_[id];
  link.link.advance(now, arrivals);
  for (const WideAreaLink::Arrival& arrival : arrivals) {
    if (arrival.cookie < kLeastPieceCookie) {
      out.push_back({id, arrival.connection, arrival.cookie, arrival.bytes, arrival.last});
      continue;
    }
    const auto found = pieces_.find(arrival.cookie);
    // A copy comes past no cap: it was counted once.
    if (link.ingress && arrival.last) {
      found->second.past_link = true;
      link.capped_bytes += arrival.bytes;
      caps_[*link.ingress].link.enqueue(now, capped_connection(link, arrival.connection).ingress,
                                        arrival.bytes, arrival.cookie);
      wake(stage_of_cap(*link.ingress));
      continue;
    }
    const Piece piece = found->second;
    if (arrival.last) pieces_.erase(found);
    arrive(piece, arrival.last, out);
  }
}

void Network::arrive(const Piece& piece, bool last, std::vector<Arrival>& out) {
  if (piece.ends) out.push_back({piece.link, piece.connection, piece.message, piece.message_bytes, last});
}

std::uint64_t Network::waiting_bytes(LinkId id) const {
  return links_[id].link.waiting_bytes() + links_[id].capped_bytes;
}

void Network::start_traces(Time now) {
  for (LinkId id = 0; id < links_.size(); ++id) start_trace(now, now, id);
}

void Network::start_trace(Time start, Time now, LinkId id) {
  at(now);
  links_[id].link.start_trace(start, now);
  wake(stage_of_link(id));
}

void Network::begin_cut(Time now, LinkId id, std::uint64_t cut) {
  at(now);
  links_[id].link.begin_cut(now, cut);
  wake(stage_of_link(id));
}

void Network::end_cut(Time now, LinkId id, std::uint64_t cut) {
  at(now);
  links_[id].link.end_cut(now, cut);
  wake(stage_of_link(id));
}

void Network::begin_degradation(Time now, LinkId id, std::uint64_t degradation, const LinkChange& change) {
  at(now);
  links_[id].link.begin_degradation(now, degradation, change);
  wake(stage_of_link(id));
}

void Network::end_degradation(Time now, LinkId id, std::uint64_t degradation) {
  at(now);
  links_[id].link.end_degradation(now, degradation);
  wake(stage_of_link(id));
}

void Network::restore(Time now, LinkId id) {
  at(now);
  links_[id].link.restore(now);
  wake(stage_of_link(id));
}

void Network::change(Time now, LinkId id, const LinkChange& change) {
  at(now);
  links_[id].link.change(now, change);
  wake(stage_of_link(id));
}

void Network::reset(Time now, LinkId id, ConnectionId connection, std::vector<std::uint64_t>& lost) {
  at(now);
  Link& link = links_[id];
  std::vector<std::uint64_t> cookies;
  if (capped(link) && connection < link.connections.size()) {
    const CappedConnection numbers = link.connections[connection];
    if (link.ingress) drop_pieces(now, *link.ingress, numbers.ingress, cookies);
    link.link.reset(now, connection, cookies);
    if (link.egress) drop_pieces(now, *link.egress, numbers.egress, cookies);
  } else {
    link.link.reset(now, connection, cookies);
  }
  wake(stage_of_link(id));
  for (const std::uint64_t cookie : cookies) {
    if (cookie < kLeastPieceCookie) {
      lost.push_back(cookie);
      continue;
    }
    const auto found = pieces_.find(cookie);
    if (found->second.ends) lost.push_back(found->second.message);
    pieces_.erase(found);
  }
}

void Network::drop_pieces(Time now, CapId cap, SharedLink::ConnectionId connection,
                          std::vector<std::uint64_t>& cookies) {
  const std::size_t first = cookies.size();
  caps_[cap].link.drop(now, connection, cookies);
  for (std::size_t i = first; i < cookies.size(); ++i) {
    const Piece& piece = pieces_.at(cookies[i]);
    links_[piece.link].capped_bytes -= piece.bytes;
  }
  wake(stage_of_cap(cap));
}

void Network::forget(LinkId link, ConnectionId connection) { links_[link].link.forget(connection); }

}  // namespace meridian

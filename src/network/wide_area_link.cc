#include "src/network/wide_area_link.h"

#include <algorithm>
#include <cmath>

#include "src/base/check.h"

namespace meridian {

namespace {

// A connection sends at most so much at a time on a link that loses, as it would in segments.
constexpr std::size_t kLargestPiece = 16 * 1024;
// So many later segments must arrive for a sender to know a loss before its timer does (RFC 5681).
constexpr std::uint64_t kSegmentsThatShowALoss = 3;
// Retransmissions are lost too; so many times in a row, and the timer doubles each time (RFC 6298).
constexpr unsigned kMostLostAgain = 6;

std::uint64_t segments_of(std::size_t bytes) {
  return std::max<std::size_t>(
      1, (bytes + CongestionWindow::kSegmentBytes - 1) / CongestionWindow::kSegmentBytes);
}

}  // namespace

std::optional<double> RateTrace::rate_at(Time elapsed) const {
  if (steps.empty() || elapsed < steps.front().at) return std::nullopt;
  if (repeats_after) {
    const Time round = elapsed % *repeats_after;
    // Between two rounds the last step goes on until the first one.
    if (round < steps.front().at) return steps.back().rate_bytes_per_s;
    elapsed = round;
  }
  const auto next = std::upper_bound(steps.begin(), steps.end(), elapsed,
                                     [](Time at, const RateStep& step) { return at < step.at; });
  return std::prev(next)->rate_bytes_per_s;
}

std::optional<Time> RateTrace::next_after(Time elapsed) const {
  if (steps.empty()) return std::nullopt;
  const Time round = repeats_after && elapsed >= Time{0} ? elapsed - elapsed % *repeats_after : Time{0};
  const auto next = std::upper_bound(steps.begin(), steps.end(), elapsed - round,
                                     [](Time at, const RateStep& step) { return at < step.at; });
  if (next != steps.end()) return round + next->at;
  if (!repeats_after) return std::nullopt;
  return round + *repeats_after + steps.front().at;
}

WideAreaLink::WideAreaLink(const Options& options, std::uint64_t seed)
    : link_(options.link),
      own_{.rate_bytes_per_s = options.link.rate_bytes_per_s,
           .delay = options.link.delay,
           .loss = options.loss,
           .variation = options.variation},
      trace_(options.trace),
      return_delay_(options.return_delay),
      repeats_(options.repeats),
      seed_(seed),
      random_(Random::for_parts(seed, {hash_text("losses")})),
      delay_(options.link.delay) {
  MERIDIAN_CHECK(options.loss >= 0.0 && options.loss < 1.0, "loss {}", options.loss);
  MERIDIAN_CHECK(repeats_.within >= Time{0}, "repeated within {} ns", repeats_.within.count());
  apply_values(Time::min());
}

WideAreaLink::Connection& WideAreaLink::connection(ConnectionId id) {
  if (id >= connections_.size()) connections_.resize(std::size_t{id} + 1);
  return connections_[id];
}

void WideAreaLink::send(Time now, ConnectionId id, std::size_t bytes, std::uint64_t cookie, bool may_repeat) {
  MERIDIAN_CHECK(cookie < kLeastOwnCookie, "cookie {}", cookie);
  move_to(now, nullptr);
  waiting_bytes_ += bytes;
  Connection& sender = connection(id);
  sender.undelivered_bytes += bytes;
  const Arrival arrival{cookie, id, bytes, true};
  if (loss_ > 0.0) {
    sender.waiting.push_back({arrival, bytes, may_repeat});
    send_waiting(now, id);
  } else if (plain()) {
    sender.begun_bytes += bytes;
    link_.enqueue(now, id, bytes, cookie);
  } else {
    send_piece(now, {.connection = id, .bytes = bytes, .ends = arrival, .copy_after = draw_copy(may_repeat)});
  }
}

void WideAreaLink::send_waiting(Time now, ConnectionId id) {
  Connection& sender = connections_[id];
  if (loss_ > 0.0 && !sender.window) sender.window.emplace();
  while (!sender.waiting.empty()) {
    Waiting& first = sender.waiting.front();
    std::size_t part = first.bytes_left;
    if (loss_ > 0.0) {
      const std::size_t room = sender.window->room();
      if (room < std::min(first.bytes_left, CongestionWindow::kSegmentBytes)) return;
      part = std::min({part, room, kLargestPiece});
    }
    first.bytes_left -= part;
    Piece piece{.connection = id, .bytes = part};
    piece.in_window = loss_ > 0.0;
    const bool ends = first.bytes_left == 0;
    if (ends) {
      piece.ends = first.arrival;
      piece.copy_after = draw_copy(first.may_repeat);
      sender.waiting.pop_front();
    }
    send_piece(now, piece);
  }
}

void WideAreaLink::send_piece(Time now, Piece piece) {
  Connection& sender = connections_[piece.connection];
  sender.begun_bytes += piece.bytes;
  piece.connection_end = sender.begun_bytes;
  if (piece.in_window) {
    sender.window->on_sent(piece.bytes);
    draw_losses(piece);
  }
  const std::uint64_t cookie = next_own_cookie_++;
  link_.enqueue(now, piece.connection, piece.bytes, cookie);
  pieces_.emplace(cookie, piece);
}

void WideAreaLink::draw_losses(Piece& piece) {
  const std::uint64_t segments = segments_of(piece.bytes);
  piece.lost = random_.uniform() < 1.0 - std::pow(1.0 - loss_, static_cast<double>(segments));
  if (!piece.lost) return;
  ++losses_;
  piece.bytes_after = random_.below(segments) * CongestionWindow::kSegmentBytes;
  while (piece.lost_again < kMostLostAgain && random_.uniform() < loss_) ++piece.lost_again;
  losses_ += piece.lost_again;
}

std::optional<Time> WideAreaLink::next_event() const {
  std::optional<Time> next = link_.next_event();
  const auto consider = [&next](Time at) {
    if (!next || at < *next) next = at;
  };
  if (!held_.empty() && held_.begin()->due <= cut_at_) consider(held_.begin()->due);
  if (!acknowledgements_.empty()) consider(acknowledgements_.begin()->at);
  if (const auto step = next_step()) consider(*step);
  return next;
}

void WideAreaLink::advance(Time now, std::vector<Arrival>& out) {
  move_to(now, &out);
  take_from_link(now, &out);
  const Time until = std::min(now, cut_at_);
  while (!held_.empty() && held_.begin()->due <= until) {
    hand_out(*held_.begin(), out);
    held_.erase(held_.begin());
  }
}

void WideAreaLink::move_to(Time now, std::vector<Arrival>* out) {
  for (;;) {
    std::optional<Time> at = next_step();
    const auto consider = [&at](Time time) {
      if (!at || time < *at) at = time;
    };
    if (!acknowledgements_.empty()) consider(acknowledgements_.begin()->at);
    // What comes out of the link makes room in a window, and what that lets in belongs to that time.
    if (const auto event = has_windows() ? link_.next_event() : std::nullopt) consider(*event);
    if (!at || *at > now) break;
    take_from_link(*at, out);
    while (!acknowledgements_.empty() && acknowledgements_.begin()->at <= *at) {
      const Acknowledgement acknowledgement = *acknowledgements_.begin();
      acknowledgements_.erase(acknowledgements_.begin());
      on_acknowledgement(acknowledgement);
    }
    apply_rate(*at);
  }
  apply_rate(now);  // an idle link skips the steps of its trace
}

void WideAreaLink::take_from_link(Time now, std::vector<Arrival>* out) {
  deliveries_.clear();
  link_.advance(now, deliveries_);
  for (const SharedLink::Delivery& delivery : deliveries_) {
    if (delivery.cookie >= kLeastOwnCookie) {
      const auto found = pieces_.find(delivery.cookie);
      const Piece piece = found->second;
      pieces_.erase(found);
      on_piece_through(piece, delivery);
      continue;
    }
    const Arrival arrival{delivery.cookie, delivery.connection, delivery.bytes, true};
    if (out != nullptr && held_.empty()) {
      on_arrival(arrival);
      out->push_back(arrival);
    } else {
      Time& last_due = connections_[delivery.connection].last_due;
      last_due = std::max(last_due, delivery.at);
      hold(last_due, arrival, std::nullopt);
    }
  }
}

void WideAreaLink::on_piece_through(const Piece& piece, const SharedLink::Delivery& delivery) {
  const Time beyond = (delay_ - link_.options().delay) + variation_.at(delivery.through);
  const Time arrives = delivery.at + std::max(Time{0}, beyond);
  const Time again = time_until_sent_again(piece);
  Time& last_due = connections_[piece.connection].last_due;
  last_due = std::max(last_due, arrives + again);
  if (piece.ends) hold(last_due, *piece.ends, piece.copy_after);
  if (!piece.in_window) return;
  using Kind = Acknowledgement::Kind;
  const Kind kind = piece.lost_again > 0 ? Kind::timed_out : piece.lost ? Kind::lost : Kind::arrived;
  const Time known_after = kind == Kind::timed_out ? again : Time{0};
  acknowledgements_.insert(
      {arrives + known_after + return_delay_, next_order_++, piece.connection, piece.bytes, kind});
}

Time WideAreaLink::time_until_sent_again(const Piece& piece) const {
  if (!piece.lost) return Time{0};
  const std::uint64_t behind =
      connections_[piece.connection].begun_bytes - piece.connection_end + piece.bytes_after;
  const bool shows = behind >= kSegmentsThatShowALoss * CongestionWindow::kSegmentBytes;
  Time timer = round_trip() + kLeastTimeout;
  Time again = shows ? round_trip() : timer;
  for (unsigned i = 0; i < piece.lost_again; ++i) {
    again += timer;
    timer *= 2;
  }
  return again;
}

void WideAreaLink::on_acknowledgement(const Acknowledgement& acknowledgement) {
  Connection& sender = connections_[acknowledgement.connection];
  if (!sender.window) return;  // the link has stopped losing meanwhile
  sender.window->on_acknowledged(acknowledgement.bytes);
  if (acknowledgement.kind == Acknowledgement::Kind::lost) sender.window->on_loss();
  if (acknowledgement.kind == Acknowledgement::Kind::timed_out) sender.window->on_timeout();
  send_waiting(acknowledgement.at, acknowledgement.connection);
}

std::optional<Time> WideAreaLink::draw_copy(bool may_repeat) {
  if (!may_repeat || repeats_.probability == 0.0 || random_.uniform() >= repeats_.probability) return {};
  return Time(random_.below(static_cast<std::uint64_t>(repeats_.within.count()) + 1));
}

void WideAreaLink::hold(Time due, const Arrival& arrival, std::optional<Time> copy_after) {
  Arrival first = arrival;
  first.last = !copy_after;
  held_.insert({due, next_order_++, first, false});
  if (copy_after) held_.insert({due + *copy_after, next_order_++, arrival, true});
}

void WideAreaLink::hand_out(const Held& held, std::vector<Arrival>& out) {
  if (!held.copy) on_arrival(held.arrival);
  out.push_back(held.arrival);
}

void WideAreaLink::on_arrival(const Arrival& arrival) {
  carried_bytes_ += arrival.bytes;
  waiting_bytes_ -= arrival.bytes;
  connections_[arrival.connection].undelivered_bytes -= arrival.bytes;
}

void WideAreaLink::start_trace(Time start, Time now) {
  MERIDIAN_CHECK(start <= now, "a trace from {} ns on at {} ns", start.count(), now.count());
  move_to(now, nullptr);
  trace_start_ = start;
  apply_rate(now);
}

std::optional<Time> WideAreaLink::next_step() const {
  if (!trace_start_ || link_.idle() || cut()) return std::nullopt;
  const auto step = trace_.next_after(link_.present() - *trace_start_);
  if (!step) return std::nullopt;
  return *trace_start_ + *step;
}

void WideAreaLink::begin_cut(Time now, std::uint64_t cut) {
  move_to(now, nullptr);
  if (cuts_.empty()) {
    link_.pause(now);
    cut_at_ = now;
  }
  cuts_.insert(cut);
}

void WideAreaLink::end_cut(Time now, std::uint64_t cut) {
  move_to(now, nullptr);
  if (cuts_.erase(cut) == 1 && cuts_.empty()) resume(now);
}

void WideAreaLink::resume(Time now) {
  take_from_link(now, nullptr);
  link_.resume(now);
  const Time length = now - cut_at_;
  std::set<Held> held;
  for (Held one : held_) {
    if (one.due > cut_at_) one.due += length;
    held.insert(one);
  }
  held_.swap(held);
  for (Connection& one : connections_) {
    if (one.last_due > cut_at_) one.last_due += length;
  }
  cut_at_ = Time::max();
  apply_rate(now);
}

void WideAreaLink::begin_degradation(Time now, std::uint64_t degradation, const LinkChange& change) {
  move_to(now, nullptr);
  degradations_.emplace_back(degradation, change);
  apply_values(now);
}

void WideAreaLink::end_degradation(Time now, std::uint64_t degradation) {
  move_to(now, nullptr);
  std::erase_if(degradations_, [&](const auto& one) { return one.first == degradation; });
  apply_values(now);
}

void WideAreaLink::restore(Time now) {
  move_to(now, nullptr);
  if (cut()) {
    cuts_.clear();
    resume(now);
  }
  degradations_.clear();
  apply_values(now);
}

void WideAreaLink::change(Time now, const LinkChange& change) {
  move_to(now, nullptr);
  if (change.rate_bytes_per_s) {
    own_.rate_bytes_per_s = change.rate_bytes_per_s;
    trace_ = {};
  }
  own_.rate_factor *= change.rate_factor;
  if (change.delay) own_.delay = change.delay;
  if (change.loss) own_.loss = change.loss;
  if (change.variation) own_.variation = change.variation;
  apply_values(now);
}

void WideAreaLink::apply_values(Time now) {
  degraded_rate_.reset();
  rate_factor_ = own_.rate_factor;
  Time delay = *own_.delay;
  double loss = *own_.loss;
  DelayVariation::Options variation = *own_.variation;
  for (const auto& [number, change] : degradations_) {
    if (change.rate_bytes_per_s) degraded_rate_ = change.rate_bytes_per_s;
    rate_factor_ *= change.rate_factor;
    delay = change.delay.value_or(delay);
    loss = change.loss.value_or(loss);
    variation = change.variation.value_or(variation);
  }
  apply_rate(now);
  if (variation != variation_options_) {
    variation_options_ = std::move(variation);
    variation_ = DelayVariation(variation_options_, Random::for_parts(seed_, {hash_text("jitter")}).next());
  }
  delay_ = delay;
  // The shared link takes the least delay, and the rest is waited for behind it.
  const Time least = std::max(Time{0}, delay_ + variation_.least());
  if (least != link_.options().delay) link_.set_delay(now, least);
  if (loss != loss_) apply_loss(now, loss);
}

void WideAreaLink::apply_rate(Time now) {
  std::optional<double> rate = degraded_rate_;
  if (!rate && trace_start_) rate = trace_.rate_at(now - *trace_start_);
  const double in_force = rate.value_or(*own_.rate_bytes_per_s) * rate_factor_;
  if (in_force != link_.options().rate_bytes_per_s) link_.set_rate(now, in_force);
}

void WideAreaLink::apply_loss(Time now, double loss) {
  const bool lost = loss_ > 0.0;
  loss_ = loss;
  if (!lost || loss_ > 0.0) return;
  // Windows are forgotten: what waited for room goes at once.
  acknowledgements_.clear();
  for (std::size_t id = 0; id < connections_.size(); ++id) {
    send_waiting(now, static_cast<ConnectionId>(id));
    connections_[id].window.reset();
  }
  for (auto& [cookie, piece] : pieces_) piece.in_window = false;
}

void WideAreaLink::reset(Time now, ConnectionId id, std::vector<std::uint64_t>& lost) {
  move_to(now, nullptr);
  if (id >= connections_.size()) return;
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->arrival.connection != id) {
      ++held;
      continue;
    }
    // A message and its copy may both be here: the copy, which has the last word, is the one to count.
    if (held->arrival.last) lost.push_back(held->arrival.cookie);
    held = held_.erase(held);
  }
  std::vector<std::uint64_t> dropped;
  link_.drop(now, id, dropped);
  for (const std::uint64_t cookie : dropped) {
    if (cookie < kLeastOwnCookie) {
      lost.push_back(cookie);
      continue;
    }
    const auto found = pieces_.find(cookie);
    if (found->second.ends) lost.push_back(found->second.ends->cookie);
    pieces_.erase(found);
  }
  for (const Waiting& one : connections_[id].waiting) lost.push_back(one.arrival.cookie);
  std::erase_if(acknowledgements_, [id](const Acknowledgement& one) { return one.connection == id; });
  waiting_bytes_ -= connections_[id].undelivered_bytes;
  connections_[id] = {};
}

void WideAreaLink::forget(ConnectionId id) {
  if (id >= connections_.size()) return;
  MERIDIAN_CHECK(connections_[id].undelivered_bytes == 0, "connection {} has {} bytes on the way", id,
                 connections_[id].undelivered_bytes);
  std::erase_if(acknowledgements_, [id](const Acknowledgement& one) { return one.connection == id; });
  connections_[id] = {};
}

}  // namespace meridian

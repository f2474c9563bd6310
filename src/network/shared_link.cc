#include "src/network/shared_link.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/check.h"

namespace meridian {

namespace {

// An idle link gives back a pool that a burst has blown up beyond this.
constexpr std::size_t kKeptUnits = 256;

}  // namespace

SharedLink::SharedLink(const Options& options) : options_(options) {
  MERIDIAN_CHECK(options.rate_bytes_per_s > 0, "rate {} bytes/s", options.rate_bytes_per_s);
  MERIDIAN_CHECK(options.delay >= Time{0}, "delay {} ns", options.delay.count());
  MERIDIAN_CHECK(options.turn_bytes > 0, "turn of {} bytes", options.turn_bytes);
}

void SharedLink::enqueue(Time now, ConnectionId id, std::size_t bytes, std::uint64_t cookie) {
  settle(now);
  if (id >= connections_.size()) connections_.resize(std::size_t{id} + 1);
  // An arrival at the nanosecond of the last turn's end continues the busy period, so that a sender that
  // keeps the link exactly full does not make the rounding add up.
  const bool idle = serving_ == kNone && round_.first == kNone;
  if (idle && present() > turn_end_) start_count_anew(period_bytes_);

  const Index index = new_unit();
  Unit& unit = units_[index];
  unit.cookie = cookie;
  unit.bytes = bytes;
  unit.bytes_left = bytes;
  unit.connection = id;
  Connection& connection = connections_[id];
  const bool had_none_waiting = connection.waiting.first == kNone;
  append(connection.waiting, index);
  connection.waiting_bytes += bytes;
  connection.bytes_on_the_way += bytes;
  if (had_none_waiting && serving_ != id) join_round(id);
  settle(now);
}

void SharedLink::pause(Time now) {
  MERIDIAN_CHECK(!paused(), "paused at {} ns and again at {} ns", paused_at_->count(), now.count());
  settle(now);
  paused_at_ = now;
  due_units_ = 0;
  for (Index i = in_flight_.first; i != kNone && units_[i].at <= now; i = units_[i].next) ++due_units_;
}

void SharedLink::resume(Time now) {
  MERIDIAN_CHECK(paused(), "resumed at {} ns without a pause", now.count());
  settle(now);
  const Time length = now - *paused_at_;
  if (turn_end_ > *paused_at_) {
    period_start_ += length;
    turn_end_ += length;
  }
  paused_at_.reset();
  for (Index i = in_flight_.first; i != kNone; i = units_[i].next) {
    if (due_units_ > 0) {
      --due_units_;
      continue;
    }
    Unit& unit = units_[i];
    unit.at += length;
    if (unit.through > now - length) unit.through += length;
  }
}

void SharedLink::set_rate(Time now, double rate_bytes_per_s) {
  MERIDIAN_CHECK(rate_bytes_per_s > 0, "rate {} bytes/s", rate_bytes_per_s);
  settle(now);
  const Time time = present();
  if (turn_end_ >= time) {
    const auto all = static_cast<double>(period_bytes_);
    const double through = turn_end_ > time ? std::min(bytes_through_by(time), all) : all;
    const auto whole = static_cast<std::uint64_t>(through);
    start_count_anew(whole);
    period_offset_ = through - static_cast<double>(whole);
    options_.rate_bytes_per_s = rate_bytes_per_s;
    // What the turn has not got through yet was given its time at the old rate.
    for (Index i = in_flight_.first; i != kNone; i = units_[i].next) {
      Unit& unit = units_[i];
      if (unit.through > time) unit.end -= std::min(unit.end, whole);
    }
    retime();
    turn_end_ = time_at(period_bytes_);
    settle(now);
  }
  options_.rate_bytes_per_s = rate_bytes_per_s;
}

void SharedLink::set_delay(Time now, Time delay) {
  MERIDIAN_CHECK(delay >= Time{0}, "delay {} ns", delay.count());
  settle(now);
  options_.delay = delay;
  retime();
}

void SharedLink::retime() {
  const Time time = present();
  Time earliest = Time::min();
  for (Index i = in_flight_.first; i != kNone; i = units_[i].next) {
    Unit& unit = units_[i];
    if (unit.through > time) {
      unit.through = time_at(unit.end);
      unit.at = std::max(earliest, unit.through + options_.delay);
    }
    earliest = unit.at;
  }
}

void SharedLink::drop(Time now, ConnectionId id, std::vector<std::uint64_t>& dropped) {
  settle(now);
  if (id >= connections_.size()) return;
  drop_in_flight(id, dropped);
  drop_waiting(id, dropped);
  if (serving_ == id) {
    serving_ = kNone;
    start_count_anew(period_bytes_);
    settle(now);
  } else {
    leave_round(id);
  }
}

std::optional<Time> SharedLink::next_event() const {
  if (paused() && due_units_ == 0) return std::nullopt;
  if (in_flight_.first != kNone) return units_[in_flight_.first].at;
  // Nothing that waits can be through before the current turn and its own bytes are: a bound that moves on
  // with each call, and costs far fewer calls than one for each turn.
  std::size_t least = std::numeric_limits<std::size_t>::max();
  const auto consider = [&](ConnectionId id) {
    const Index first = connections_[id].waiting.first;
    if (first != kNone) least = std::min(least, units_[first].bytes_left);
  };
  if (serving_ != kNone) consider(serving_);
  for (Index id = round_.first; id != kNone; id = connections_[id].next_in_round) consider(id);
  if (least == std::numeric_limits<std::size_t>::max()) return std::nullopt;
  return time_at(period_bytes_ + least) + options_.delay;
}

void SharedLink::advance(Time now, std::vector<Delivery>& out) {
  settle(now);
  while (first_in_flight_is_due()) {
    const Index index = take_first(in_flight_);
    if (paused()) --due_units_;
    const Unit& unit = units_[index];
    connections_[unit.connection].bytes_on_the_way -= unit.bytes;
    carried_bytes_ += unit.bytes;
    out.push_back({unit.cookie, unit.connection, unit.bytes, unit.at, unit.through});
    release_unit(index);
  }
}

std::size_t SharedLink::waiting_bytes(ConnectionId id) const {
  return id < connections_.size() ? connections_[id].waiting_bytes : 0;
}

std::size_t SharedLink::bytes_on_the_way(ConnectionId id) const {
  return id < connections_.size() ? connections_[id].bytes_on_the_way : 0;
}

Time SharedLink::busy_time() const {
  return earlier_busy_time_ + std::max(Time{0}, std::min(turn_end_, present()) - period_start_);
}

void SharedLink::start_count_anew(std::uint64_t through) {
  earlier_busy_time_ = busy_time();
  period_start_ = present();
  period_bytes_ -= through;
  period_offset_ = 0.0;
  turn_end_ = present();
}

bool SharedLink::first_in_flight_is_due() const {
  if (in_flight_.first == kNone) return false;
  return paused() ? due_units_ > 0 : units_[in_flight_.first].at <= last_now_;
}

void SharedLink::drop_in_flight(ConnectionId id, std::vector<std::uint64_t>& dropped) {
  std::size_t due = due_units_;
  List kept;
  while (in_flight_.first != kNone) {
    const Index index = take_first(in_flight_);
    const Unit& unit = units_[index];
    const bool is_due = paused() ? due > 0 : unit.at <= last_now_;
    if (due > 0) --due;
    if (unit.connection != id || is_due) {
      append(kept, index);
      continue;
    }
    connections_[id].bytes_on_the_way -= unit.bytes;
    dropped.push_back(unit.cookie);
    release_unit(index);
  }
  in_flight_ = kept;
}

void SharedLink::drop_waiting(ConnectionId id, std::vector<std::uint64_t>& dropped) {
  Connection& connection = connections_[id];
  while (connection.waiting.first != kNone) {
    const Index index = take_first(connection.waiting);
    connection.bytes_on_the_way -= units_[index].bytes;
    dropped.push_back(units_[index].cookie);
    release_unit(index);
  }
  connection.waiting_bytes = 0;
}

void SharedLink::leave_round(ConnectionId id) {
  Index other = round_.first;
  round_ = {};
  while (other != kNone) {
    const Index next = connections_[other].next_in_round;
    if (other != id) join_round(other);
    other = next;
  }
}

Time SharedLink::time_at(std::uint64_t bytes_in_period) const {
  const double bytes = std::max(0.0, static_cast<double>(bytes_in_period) - period_offset_);
  const double ns = bytes * 1e9 / options_.rate_bytes_per_s;
  MERIDIAN_CHECK(ns < 4e18, "{} bytes at {} bytes/s end beyond the range of time", bytes_in_period,
                 options_.rate_bytes_per_s);
  return period_start_ + Time{std::llround(ns)};
}

double SharedLink::bytes_through_by(Time now) const {
  return static_cast<double>((now - period_start_).count()) * 1e-9 * options_.rate_bytes_per_s +
         period_offset_;
}

std::uint64_t SharedLink::bytes_by(Time now) const {
  const double bytes = bytes_through_by(now);
  return bytes < 9e18 ? static_cast<std::uint64_t>(bytes) : std::uint64_t{9'000'000'000'000'000'000};
}

void SharedLink::settle(Time now) {
  MERIDIAN_CHECK(now >= last_now_, "now {} ns after {} ns", now.count(), last_now_.count());
  last_now_ = now;
  const Time time = present();
  while (turn_end_ <= time) {
    if (serving_ != kNone) {
      const ConnectionId ended = serving_;
      serving_ = kNone;
      if (connections_[ended].waiting.first != kNone) join_round(ended);
    }
    if (round_.first == kNone) return;
    const ConnectionId id = round_.first;
    round_.first = connections_[id].next_in_round;
    if (round_.first == kNone) round_.last = kNone;
    serving_ = id;
    serve(id, turn_or_turns(connections_[id], time));
  }
}

// With no other connection in the round, turn follows turn of this one: those that are chosen by `now` are
// counted at once. The last of them is the turn that goes on after `now`; where it ends must be what single
// turns would give, because an arrival waits for that end.
std::size_t SharedLink::turn_or_turns(const Connection& connection, Time now) const {
  const std::size_t turn = options_.turn_bytes;
  const std::size_t waiting = connection.waiting_bytes;
  if (waiting <= turn || round_.first != kNone) return std::min(waiting, turn);
  const std::size_t last = (waiting - 1) / turn;  // whole turns before the last one
  const std::uint64_t passed = bytes_by(now);
  std::size_t whole =
      std::min<std::size_t>(last, passed > period_bytes_ ? (passed - period_bytes_) / turn : 0);
  // The division's estimate may be one off; the turns' own times decide.
  while (whole > 0 && time_at(period_bytes_ + whole * turn) > now) --whole;
  while (whole < last && time_at(period_bytes_ + (whole + 1) * turn) <= now) ++whole;
  return std::min(waiting, (whole + 1) * turn);
}

void SharedLink::serve(ConnectionId id, std::size_t bytes) {
  Connection& connection = connections_[id];
  connection.waiting_bytes -= bytes;
  while (connection.waiting.first != kNone) {
    Unit& unit = units_[connection.waiting.first];
    const std::size_t part = std::min(unit.bytes_left, bytes);
    unit.bytes_left -= part;
    bytes -= part;
    period_bytes_ += part;
    if (unit.bytes_left > 0) break;
    unit.end = period_bytes_;
    unit.through = time_at(period_bytes_);
    unit.at = unit.through + options_.delay;
    if (in_flight_.last != kNone) unit.at = std::max(unit.at, units_[in_flight_.last].at);
    append(in_flight_, take_first(connection.waiting));
  }
  turn_end_ = time_at(period_bytes_);
}

SharedLink::Index SharedLink::new_unit() {
  ++used_units_;
  if (free_units_ == kNone) {
    units_.emplace_back();
    return static_cast<Index>(units_.size() - 1);
  }
  const Index index = free_units_;
  free_units_ = units_[index].next;
  units_[index].next = kNone;
  return index;
}

void SharedLink::release_unit(Index index) {
  units_[index].next = free_units_;
  free_units_ = index;
  if (--used_units_ == 0 && units_.capacity() > kKeptUnits) {
    units_ = {};
    free_units_ = kNone;
  }
}

void SharedLink::append(List& list, Index index) {
  units_[index].next = kNone;
  if (list.first == kNone) {
    list.first = index;
  } else {
    units_[list.last].next = index;
  }
  list.last = index;
}

SharedLink::Index SharedLink::take_first(List& list) {
  const Index index = list.first;
  list.first = units_[index].next;
  if (list.first == kNone) list.last = kNone;
  return index;
}

void SharedLink::join_round(ConnectionId id) {
  connections_[id].next_in_round = kNone;
  if (round_.first == kNone) {
    round_.first = id;
  } else {
    connections_[round_.last].next_in_round = id;
  }
  round_.last = id;
}

}  // namespace meridian

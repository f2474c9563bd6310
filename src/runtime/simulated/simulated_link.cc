#include "src/runtime/simulated/simulated_link.h"

#include <algorithm>

#include "src/base/check.h"

namespace meridian {

SimulatedLink::SimulatedLink(const SharedLink::Options& options, const LinkNoise& noise, Random random)
    : link_(options), rate_bytes_per_s_(options.rate_bytes_per_s), noise_(noise), random_(random) {
  MERIDIAN_CHECK(noise.jitter >= Time{0} && noise.repeated_after >= Time{0}, "jitter {} ns, repeated {} ns",
                 noise.jitter.count(), noise.repeated_after.count());
}

void SimulatedLink::send(Time now, ConnectionId connection, std::size_t bytes, std::uint64_t cookie,
                         bool may_repeat) {
  link_.enqueue(now, connection, bytes, cookie);
  if (!noisy()) return;
  Plan& plan = plans_[cookie];
  plan.extra = drawn(noise_.jitter);
  if (random_.uniform() < noise_.repeat_probability && may_repeat) {
    plan.repeated_after = drawn(noise_.repeated_after);
  }
}

std::optional<Time> SimulatedLink::next_event() const {
  std::optional<Time> next = link_.next_event();
  if (!held_.empty() && held_.begin()->due <= cut_at_ && (!next || held_.begin()->due < *next)) {
    next = held_.begin()->due;
  }
  return next;
}

void SimulatedLink::advance(Time now, std::vector<Arrival>& out) {
  if (noisy()) {
    hold_what_is_through(now);
  } else {
    deliveries_.clear();
    link_.advance(now, deliveries_);
    for (const SharedLink::Delivery& delivery : deliveries_) out.push_back({delivery.cookie, true});
  }
  const Time until = std::min(now, cut_at_);
  while (!held_.empty() && held_.begin()->due <= until) {
    out.push_back(held_.begin()->arrival);
    held_.erase(held_.begin());
  }
}

void SimulatedLink::hold_what_is_through(Time now) {
  if (!noisy()) return;
  deliveries_.clear();
  link_.advance(now, deliveries_);
  for (const SharedLink::Delivery& delivery : deliveries_) hold(delivery);
}

void SimulatedLink::hold(const SharedLink::Delivery& delivery) {
  const auto found = plans_.find(delivery.cookie);
  const Plan plan = found->second;
  plans_.erase(found);
  Time& last_due = last_due_[delivery.connection];
  last_due = std::max(last_due, delivery.at + plan.extra);
  held_.insert({last_due, next_order_++, delivery.connection, {delivery.cookie, !plan.repeated_after}});
  if (plan.repeated_after) {
    held_.insert(
        {last_due + *plan.repeated_after, next_order_++, delivery.connection, {delivery.cookie, true}});
  }
}

void SimulatedLink::begin_cut(Time now) {
  if (cuts_++ > 0) return;
  link_.pause(now);
  cut_at_ = now;
}

void SimulatedLink::end_cut(Time now) {
  MERIDIAN_CHECK(cuts_ > 0, "the end of a cut at {} ns without its start", now.count());
  if (--cuts_ > 0) return;
  hold_what_is_through(now);
  link_.resume(now);
  const Time length = now - cut_at_;
  std::set<Held> held;
  for (Held one : held_) {
    if (one.due > cut_at_) one.due += length;
    held.insert(one);
  }
  held_.swap(held);
  for (auto& [connection, due] : last_due_) {
    if (due > cut_at_) due += length;
  }
  cut_at_ = Time::max();
}

void SimulatedLink::begin_slowdown(Time now, std::size_t slowdown, double factor) {
  MERIDIAN_CHECK(slowdowns_.emplace(slowdown, factor).second, "slowdown {} twice", slowdown);
  set_rate(now);
}

void SimulatedLink::end_slowdown(Time now, std::size_t slowdown) {
  MERIDIAN_CHECK(slowdowns_.erase(slowdown) == 1, "no slowdown {}", slowdown);
  set_rate(now);
}

void SimulatedLink::set_rate(Time now) {
  double rate = rate_bytes_per_s_;
  for (const auto& [slowdown, factor] : slowdowns_) rate *= factor;
  link_.set_rate(now, rate);
}

void SimulatedLink::reset(Time now, ConnectionId connection, std::vector<std::uint64_t>& lost) {
  for (auto held = held_.begin(); held != held_.end();) {
    if (held->connection != connection) {
      ++held;
      continue;
    }
    // A message and its copy may both be here: the copy, which has the last word, is the one to count.
    if (held->arrival.last) lost.push_back(held->arrival.cookie);
    held = held_.erase(held);
  }
  const std::size_t first = lost.size();
  link_.drop(now, connection, lost);
  for (std::size_t i = first; i < lost.size(); ++i) plans_.erase(lost[i]);
}

}  // namespace meridian

#include "wan/exchange_merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace meridian::wan {
namespace {

Exchange::Options options_of(const MergePlace& place, std::size_t max_open) {
  Exchange::Options options{
      .own_name = place.own_name, .members = {}, .owned = place.store->ranges(), .max_open = max_open};
  for (const MergeNeighbour& neighbour : place.neighbours) {
    options.members.push_back({neighbour.name, neighbour.relation});
  }
  return options;
}

}  // namespace

ExchangeMerge::ExchangeMerge(MergePlace place, What& what, const When& when,
                             std::unique_ptr<OrderedMerge> ordered, std::size_t max_open,
                             std::unique_ptr<TotalSelection> totals)
    : place_(std::move(place)),
      what_(what),
      when_(when),
      ordered_(std::move(ordered)),
      exchange_(options_of(place_, max_open)),
      totals_(std::move(totals)),
      selection_(place_.store->tables()) {
  const bool from_parent = std::any_of(place_.neighbours.begin(), place_.neighbours.end(),
                                       [](const auto& n) { return n.relation == Relation::parent; });
  if (from_parent) totals_.reset();
}

Error ExchangeMerge::not_finite(std::size_t table, Clock clock) const {
  return Error{
      fmt::format("a value that is not finite in table {} at clock {}", place_.table_names[table], clock)};
}

void ExchangeMerge::own_step(Clock /*clock*/, std::size_t table, std::size_t first, std::span<float> values,
                             std::span<const float> step) {
  ordered_->own_step(table, first, values, step);
}

Failure ExchangeMerge::own_clock_closed(Clock clock, Outlets& outlets) {
  if (when_.due(clock, 0)) {
    // Whoever pushes a clock whose read was held back has not kept to the protocol.
    if (!exchange_.may_open())
      return Error{fmt::format("a clock that closed before its turn, clock {},", clock)};
    if (Failure failure = contribute(clock, what_)) return failure;
  }
  return turn(outlets);
}

Failure ExchangeMerge::contribute(Clock clock, const What& what) {
  const auto select = [&](std::size_t table, std::span<const float> values, std::span<float> residual,
                          TableSelection& out) {
    const FilterPass pass{.clock = clock,
                          .table = table,
                          .columns = place_.columns[table],
                          // As if nothing had been weighted yet.
                          .scale = ordered_->residual_scale(table),
                          .learning_rate_ratio = place_.learning_rate.ratio(clock)};
    what.select(pass, values, residual, out);
    what_.went_out(table, out);
  };
  return ordered_->contribute(clock, select, *place_.store, exchange_);
}

Failure ExchangeMerge::remote_chunk(std::size_t neighbour, UpdateChunk chunk) {
  return exchange_.chunk(neighbour, std::move(chunk));
}

Failure ExchangeMerge::progressed(std::span<const NeighbourProgress> neighbours, Outlets& outlets) {
  for (std::size_t n = 0; n < neighbours.size(); ++n) exchange_.complete(n, neighbours[n].complete);
  return turn(outlets);
}

/// Between two exchanges nothing is owed: all clocks before the next one count as applied.
Clock ExchangeMerge::applied(std::size_t neighbour) const {
  return when_.next_due(exchange_.settled(), neighbour) - 1;
}

Clock ExchangeMerge::complete_through(Clock clock) const {
  return draining_ ? clock : when_.next_due(clock, 0) - 1;
}

Failure ExchangeMerge::drain(Clock clock, Outlets& outlets) {
  draining_ = true;
  // At a clock that nobody's reports have said to be complete.
  drain_clock_ = when_.next_due(clock, 0);
  return turn(outlets);
}

/// One last exchange of everything, once there is room for it.
Failure ExchangeMerge::contribute_drain() {
  if (!draining_ || drain_contributed_ || !exchange_.may_open()) return {};
  drain_contributed_ = true;
  return contribute(drain_clock_, SendAll{});
}

/// Sends and applies what is ready.
Failure ExchangeMerge::turn(Outlets& outlets) {
  while (true) {
    if (Failure failure = contribute_drain()) return failure;
    const auto ready = exchange_.next();
    if (!ready) return {};
    if (Failure failure = hand_out(*ready, outlets)) return failure;
  }
}

Failure ExchangeMerge::hand_out(const Exchange::Ready& ready, Outlets& outlets) {
  const bool total = ready.kind == Exchange::Ready::Kind::total;
  const bool last = draining_ && ready.clock == drain_clock_;
  std::span<const FloatBuffer> sums = ready.sums;
  if (total && totals_) sums = last ? totals_->take_all(sums) : totals_->take(ready.clock, sums);
  const bool goes_out = std::any_of(place_.neighbours.begin(), place_.neighbours.end(),
                                    [&](const auto& n) { return (n.relation == Relation::child) == total; });
  if (goes_out) {
    for (TableSelection& table : selection_) table.clear();
    if (const auto table = select_nonzeros(sums, selection_)) return not_finite(*table, ready.clock);
    for (std::size_t n = 0; n < place_.neighbours.size(); ++n) {
      if ((place_.neighbours[n].relation == Relation::child) != total) continue;
      outlets.offer(n, ready.clock, selection_);
    }
  }
  if (!total) return {};
  if (const auto table = ordered_->apply(sums, last, *place_.store)) return not_finite(*table, ready.clock);
  return {};
}

void ExchangeMerge::add_residual_to(std::size_t neighbour, std::vector<FloatBuffer>& sums,
                                    bool magnitudes) const {
  if (magnitudes) return ordered_->add_apart_to(*place_.store, sums);
  ordered_->add_unsent_to(sums);
  if (totals_ && place_.neighbours[neighbour].relation == Relation::child) totals_->add_left_to(sums);
}

}  // namespace meridian::wan

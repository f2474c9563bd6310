#include "wan/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace meridian::wan {

Exchange::Exchange(Options options) : options_(std::move(options)), sources_(options_.members.size()) {
  const auto count = [&](Relation relation) {
    return std::count_if(options_.members.begin(), options_.members.end(),
                         [&](const Member& member) { return member.relation == relation; });
  };
  const auto parents = count(Relation::parent);
  MERIDIAN_CHECK(parents == 0 || (parents == 1 && count(Relation::peer) == 0), "{} parents and {} peers",
                 parents, count(Relation::peer));
  MERIDIAN_CHECK(options_.max_open >= 1, "{} exchanges open", options_.max_open);
  for (const datacenter::TableRange& range : options_.owned) owned_entries_ += range.size();
  subtree_.order = by_name({Relation::child}, /*with_own=*/true);
  total_.order = by_name({Relation::peer, Relation::parent}, /*with_own=*/parents == 0);
  subtree_.sums = zeros();
  total_.sums = zeros();
}

std::vector<std::size_t> Exchange::by_name(std::initializer_list<Relation> relations, bool with_own) const {
  std::vector<std::size_t> order;
  for (std::size_t n = 0; n < options_.members.size(); ++n) {
    if (std::find(relations.begin(), relations.end(), options_.members[n].relation) != relations.end())
      order.push_back(n);
  }
  if (with_own) order.push_back(kOwn);
  const auto name = [&](std::size_t n) -> const std::string& {
    return n == kOwn ? options_.own_name : options_.members[n].name;
  };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return name(a) < name(b); });
  for (std::size_t i = 1; i < order.size(); ++i) {
    MERIDIAN_CHECK(name(order[i - 1]) != name(order[i]), "two datacenters {}", name(order[i]));
  }
  return order;
}

// ---- buffers

std::vector<FloatBuffer> Exchange::zeros() {
  if (!spare_.empty()) {
    std::vector<FloatBuffer> sums = std::move(spare_.back());
    spare_.pop_back();
    return sums;
  }
  std::vector<FloatBuffer> sums;
  for (const datacenter::TableRange& range : options_.owned) sums.emplace_back(range.size());
  return sums;
}

void Exchange::recycle(std::vector<FloatBuffer> sums) {
  if (sums.size() != options_.owned.size()) return;
  for (FloatBuffer& buffer : sums) std::fill_n(buffer.data(), buffer.size(), 0.0F);
  spare_.push_back(std::move(sums));
}

// ---- what comes in

Failure Exchange::own(Clock clock, const Selection& contribution) {
  std::vector<FloatBuffer> sums = zeros();
  for (std::size_t table = 0; table < contribution.size(); ++table) {
    const TableSelection& entries = contribution[table];
    for (std::size_t i = 0; i < entries.size(); ++i) sums[table][entries.offsets[i]] += entries.values[i];
  }
  return open(clock, std::move(sums));
}

Failure Exchange::own(Clock clock, std::vector<FloatBuffer>& contribution) {
  return open(clock, std::exchange(contribution, zeros()));
}

Failure Exchange::open(Clock clock, std::vector<FloatBuffer> sums) {
  MERIDIAN_CHECK(clock > opened_ && may_open(), "exchange {} after {}, with {} open", clock, opened_,
                 open_.size());
  for (std::size_t n = 0; n < sources_.size(); ++n) {
    const auto early = sources_[n].arrived.upper_bound(opened_);
    if (early != sources_[n].arrived.end() && early->first < clock) {
      return Error{fmt::format("{} sent updates of clock {}, at which no exchange is due",
                               options_.members[n].name, early->first)};
    }
  }
  opened_ = clock;
  open_.push_back({clock, std::move(sums)});
  advance();
  return {};
}

Failure Exchange::chunk(std::size_t neighbour, UpdateChunk chunk) {
  if (Failure wrong = refusal(neighbour, chunk)) return wrong;
  Arrived& arrived = sources_[neighbour].arrived[chunk.header.clock];
  for (const Segment& segment : chunk.header.segments) {
    arrived.entries += segment.values();
  }
  arrived.waiting.push_back(std::move(chunk));
  advance();
  return {};
}

Failure Exchange::refusal(std::size_t neighbour, const UpdateChunk& chunk) const {
  const Clock clock = chunk.header.clock;
  const Source& source = sources_.at(neighbour);
  if (clock <= settled_) return Error{fmt::format("updates of clock {}, whose exchange is over", clock)};
  if (clock <= source.complete) {
    return Error{
        fmt::format("updates of clock {} after all up to clock {} had come", clock, source.complete)};
  }
  if (!in_reach(neighbour, clock)) {
    return Error{
        fmt::format("updates of clock {}, which is no exchange that can be open: {} of up to {} are, "
                    "the last from clock {}",
                    clock, open_.size(), options_.max_open, opened_)};
  }
  if (chunk.payload.size() == 0) return Error{"an empty update"};
  const auto arrived = source.arrived.find(clock);
  std::size_t entries = arrived == source.arrived.end() ? 0 : arrived->second.entries;
  for (const Segment& segment : chunk.header.segments) {
    entries += segment.values();
  }
  if (entries > owned_entries_) {
    return Error{fmt::format("more updates of clock {} than the model's {} entries", clock, owned_entries_)};
  }
  return {};
}

/// Whether a neighbour in step can have reached the exchange `clock`, which is not over.
bool Exchange::in_reach(std::size_t neighbour, Clock clock) const {
  if (clock <= opened_) {
    return std::any_of(open_.begin(), open_.end(), [&](const Open& open) { return open.clock == clock; });
  }
  const Relation relation = options_.members[neighbour].relation;
  // No total is without our contribution. So a parent sends none beyond it, and a peer can only have settled
  // what we have contributed to, and have max_open exchanges open beyond that. A child's totals come through
  // us: it has at most max_open exchanges open beyond our last total.
  if (relation == Relation::parent) return false;
  const std::map<Clock, Arrived>& arrived = sources_[neighbour].arrived;
  auto beyond = static_cast<std::size_t>(std::distance(arrived.upper_bound(opened_), arrived.end()));
  if (arrived.count(clock) == 0) ++beyond;
  return beyond + (relation == Relation::child ? open_.size() : 0) <= options_.max_open;
}

void Exchange::complete(std::size_t neighbour, Clock clock) {
  Source& source = sources_.at(neighbour);
  if (clock <= source.complete) return;
  source.complete = clock;
  advance();
}

// ---- sums

void Exchange::advance() {
  while (summed_ < open_.size()) {
    Open& exchange = open_[summed_];
    advance(subtree_, exchange, /*own_is_there=*/true);
    if (!subtree_.done()) break;
    recycle(std::exchange(exchange.sums, std::exchange(subtree_.sums, zeros())));
    subtree_.turn = 0;
    ++summed_;
  }
  // What was not taken yet must stay as it is.
  if (!open_.empty()) advance(total_, open_.front(), /*own_is_there=*/told_ > 0);
}

/// Adds what is there, as long as it is its turn.
void Exchange::advance(Sum& sum, Open& exchange, bool own_is_there) {
  for (; !sum.done(); ++sum.turn) {
    const std::size_t next = sum.order[sum.turn];
    if (next == kOwn) {
      if (!own_is_there) return;
      add_own(exchange, sum);
      continue;
    }
    Source& source = sources_[next];
    const auto arrived = source.arrived.find(exchange.clock);
    if (arrived != source.arrived.end()) add_waiting(arrived->second, sum);
    if (source.complete < exchange.clock) return;
    source.arrived.erase(exchange.clock);
  }
}

void Exchange::add_waiting(Arrived& arrived, Sum& sum) {
  for (const UpdateChunk& chunk : arrived.waiting) {
    add_entries(chunk, [&](std::size_t table) {
      return OwnedSums{sum.sums[table].data(), options_.owned[table].begin};
    });
  }
  arrived.waiting.clear();
}

void Exchange::add_own(Open& exchange, Sum& sum) {
  if (sum.turn == 0) {
    std::swap(sum.sums, exchange.sums);
    return spare_.push_back(std::exchange(exchange.sums, {}));
  }
  for (std::size_t table = 0; table < sum.sums.size(); ++table) {
    float* const sums = sum.sums[table].data();
    const float* const own = exchange.sums[table].data();
    for (std::size_t i = 0; i < sum.sums[table].size(); ++i) sums[i] += own[i];
  }
}

std::optional<Exchange::Ready> Exchange::next() {
  recycle(std::exchange(taken_, {}));
  advance();
  if (told_ < summed_) {
    const Open& exchange = open_[told_++];
    return Ready{Ready::Kind::subtree, exchange.clock, exchange.sums};
  }
  if (open_.empty() || told_ == 0 || !total_.done()) return {};
  taken_ = std::exchange(total_.sums, zeros());
  total_.turn = 0;
  settled_ = open_.front().clock;
  recycle(std::move(open_.front().sums));
  open_.pop_front();
  --told_;
  --summed_;
  return Ready{Ready::Kind::total, settled_, taken_};
}

bool Exchange::idle() const {
  return open_.empty() && std::all_of(sources_.begin(), sources_.end(),
                                      [](const Source& source) { return source.arrived.empty(); });
}

std::size_t Exchange::waiting_bytes(std::size_t neighbour) const {
  std::size_t bytes = 0;
  for (const auto& [clock, arrived] : sources_.at(neighbour).arrived) {
    for (const UpdateChunk& chunk : arrived.waiting) bytes += chunk.payload.size();
  }
  return bytes;
}

}  // namespace meridian::wan

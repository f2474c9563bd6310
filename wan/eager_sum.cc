#include "wan/eager_sum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/optimizer/finite.h"
#include "wan/wait.h"

namespace meridian::wan {

void add_chunk(const UpdateChunk& chunk, datacenter::ParameterStore& store) {
  add_entries(chunk, [&](std::size_t table) {
    return OwnedSums{store.change(table).data(), store.ranges()[table].begin};
  });
}

EagerSum::EagerSum(MergePlace place, What& what, const When& when)
    : place_(std::move(place)),
      what_(what),
      when_(when),
      shared_(!place_.thresholds_differ &&
              std::all_of(place_.neighbours.begin(), place_.neighbours.end(),
                          [](const MergeNeighbour& neighbour) { return neighbour.sources == 1; })),
      progress_(place_.neighbours.size()),
      passed_(place_.neighbours.size(), 0),
      drained_towards_(place_.neighbours.size(), false),
      selection_(place_.store->tables()) {
  if (!what_.sends() || place_.neighbours.empty()) return;
  residuals_.resize(shared_ ? 1 : place_.neighbours.size());
  for (Residual& residual : residuals_) {
    for (const datacenter::TableRange& range : place_.store->ranges()) residual.emplace_back(range.size());
    std::vector<std::optional<QuietBlocks>>& quiet = quiet_.emplace_back(residual.size());
    for (std::size_t table = 0; table < residual.size() && what_.selects_by_row(); ++table) {
      if (steps_by_row(table)) quiet[table].emplace(residual[table].size(), place_.columns[table]);
    }
  }
}

void EagerSum::own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                        std::span<const float> step) {
  if (selects_with_steps(table) && any_due(clock)) {
    const std::span<float> residual = residuals_.front()[table].span().subspan(first, step.size());
    return what_.add_and_select(pass_of(clock, table, first, /*scale=*/1.0), step, values, residual,
                                selection_[table]);
  }
  for (std::size_t i = 0; i < values.size(); ++i) values[i] += step[i];
  for (auto& quiet : quiet_) {
    if (quiet[table]) quiet[table]->changed(first, step.size());
  }
  for (Residual& residual : residuals_) {
    const std::span<float> sums = residual[table].span().subspan(first, step.size());
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += step[i];
  }
}

/// Whether only some entries of a table have a step at a clock.
bool EagerSum::steps_by_row(std::size_t table) const {
  return !place_.by_row.empty() && place_.by_row[table];
}

/// Whether each entry of a table is passed once, with its own step, and not once more when the clock is
/// closed.
bool EagerSum::selects_with_steps(std::size_t table) const {
  return shared_ && !residuals_.empty() && !steps_by_row(table) && what_.selects_by_block();
}

/// Whether any link's updates go out at `clock`.
bool EagerSum::any_due(Clock clock) const {
  for (std::size_t n = 0; n < passed_.size(); ++n) {
    if (due_since_last_pass(n, clock)) return true;
  }
  return false;
}

FilterPass EagerSum::pass_of(Clock clock, std::size_t table, std::size_t first, double scale) const {
  return {.clock = clock,
          .table = table,
          .columns = place_.columns[table],
          .scale = scale,
          .learning_rate_ratio = place_.learning_rate.ratio(clock),
          .first = first};
}

Failure EagerSum::own_clock_closed(Clock clock, Outlets& outlets) {
  closed_ = clock;
  return pass(outlets);
}

Failure EagerSum::remote_chunk(std::size_t neighbour, UpdateChunk chunk) {
  add_chunk(chunk, *place_.store);
  look_again_at(chunk);
  const Relation from = place_.neighbours[neighbour].relation;
  for (std::size_t to = 0; to < place_.neighbours.size() && !residuals_.empty(); ++to) {
    if (to == neighbour || drained_towards_[to] || !relays(from, place_.neighbours[to].relation)) continue;
    add_chunk_to(chunk, place_.store->ranges(), residual_of(to), /*magnitudes=*/false);
  }
  return {};
}

/// Where others changed values or residuals, something may go out that did not before.
void EagerSum::look_again_at(const UpdateChunk& chunk) {
  for (auto& quiet : quiet_) {
    for_each_run(chunk, [&](std::size_t table, std::size_t flat, std::size_t count) {
      if (quiet[table]) quiet[table]->changed(flat - place_.store->ranges()[table].begin, count);
    });
  }
}

Failure EagerSum::progressed(std::span<const NeighbourProgress> neighbours, Outlets& outlets) {
  progress_.assign(neighbours.begin(), neighbours.end());
  // Without relays others' progress changes nothing here.
  if (shared_ && !draining_) return {};
  if (Failure failure = pass(outlets)) return failure;
  return flush_where_possible(outlets);
}

Clock EagerSum::gathered_for(std::size_t neighbour) const {
  Clock clock = draining_ ? kClockDone : closed_;
  for (std::size_t from = 0; from < progress_.size(); ++from) {
    if (from == neighbour || progress_[from].left || progress_[from].drained) continue;
    if (relays(place_.neighbours[from].relation, place_.neighbours[neighbour].relation)) {
      clock = std::min(clock, progress_[from].complete);
    }
  }
  return clock == kClockDone ? passed_[neighbour] : clock;
}

bool EagerSum::due_since_last_pass(std::size_t neighbour, Clock clock) const {
  return when_.next_due(passed_[neighbour], neighbour) <= clock;
}

/// Moves what goes out of the residual into selection_, where it was not moved with the clock's steps.
Failure EagerSum::select(Clock clock, double scale, std::size_t residual) {
  for (std::size_t table = 0; table < selection_.size(); ++table) {
    const FilterPass pass = pass_of(clock, table, 0, scale);
    const std::span<const float> values = place_.store->values(table);
    const std::span<float> owed = residuals_[residual][table].span();
    if (owed.size() != values.size()) continue;  // all of it has gone
    if (auto& quiet = quiet_[residual][table]) {
      quiet->select(what_, pass, values, owed, selection_[table]);
    } else if (!selects_with_steps(table)) {
      what_.select(pass, values, owed, selection_[table]);
    }
    what_.went_out(table, selection_[table]);
    if (Failure failure = check_finite(table, clock)) return failure;
  }
  return {};
}

/// Whether what was selected of a table may be sent.
Failure EagerSum::check_finite(std::size_t table, Clock clock) const {
  if (all_finite(selection_[table].values)) return {};
  return Error{
      fmt::format("a residual that is not finite in table {} at clock {}", place_.table_names[table], clock)};
}

Failure EagerSum::pass(Outlets& outlets) {
  if (residuals_.empty() || shared_) return pass_shared(outlets);
  for (std::size_t neighbour = 0; neighbour < place_.neighbours.size(); ++neighbour) {
    if (Failure failure = pass_separate(neighbour, outlets)) return failure;
  }
  return {};
}

/// One pass for all links, which are owed the same.
Failure EagerSum::pass_shared(Outlets& outlets) {
  if (any_due(closed_) && !residuals_.empty()) {
    if (Failure failure = select(closed_, 1.0, 0)) return failure;
  }
  for (std::size_t n = 0; n < passed_.size(); ++n) {
    if (passed_[n] >= closed_) continue;
    const bool due = due_since_last_pass(n, closed_);
    passed_[n] = closed_;
    due ? outlets.offer(n, closed_, selection_) : outlets.withhold(n, closed_, selection_);
  }
  forget_selection();
  return {};
}

/// One pass for one link: own steps and what others sent over this datacenter, once all of a clock is here.
Failure EagerSum::pass_separate(std::size_t neighbour, Outlets& outlets) {
  const Clock clock = gathered_for(neighbour);
  if (clock <= passed_[neighbour]) return {};
  const bool due = due_since_last_pass(neighbour, clock);
  passed_[neighbour] = clock;
  if (due) {
    const double scale = outlets.threshold_scale(neighbour);
    if (Failure failure = select(clock, scale, neighbour)) return failure;
  }
  due ? outlets.offer(neighbour, clock, selection_) : outlets.withhold(neighbour, clock, selection_);
  forget_selection();
  return {};
}

void EagerSum::forget_selection() {
  for (TableSelection& table : selection_) table.clear();
}

bool EagerSum::all_sources_drained(std::size_t neighbour) const {
  for (std::size_t from = 0; from < progress_.size(); ++from) {
    const bool source =
        from != neighbour && relays(place_.neighbours[from].relation, place_.neighbours[neighbour].relation);
    if (source && !progress_[from].drained && !progress_[from].left) return false;
  }
  return true;
}

Failure EagerSum::drain(Clock clock, Outlets& outlets) {
  draining_ = true;
  closed_ = clock;
  return flush_where_possible(outlets);
}

/// Empties the residual of every link over which nothing more will have to go.
Failure EagerSum::flush_where_possible(Outlets& outlets) {
  if (!draining_) return {};
  std::vector<std::size_t> now_drained;
  for (std::size_t n = 0; n < place_.neighbours.size(); ++n) {
    if (drained_towards_[n] || !all_sources_drained(n)) continue;
    drained_towards_[n] = true;
    now_drained.push_back(n);
    passed_[n] = std::max(passed_[n], closed_);
  }
  if (shared_) return flush(now_drained, outlets);
  for (const std::size_t n : now_drained) {
    if (Failure failure = flush({n}, outlets)) return failure;
  }
  return {};
}

/// Moves what is left in the one residual of these links to them, piece by piece: all of it at once, as a
/// list of entries, would take more memory than the model. The residual's memory is free piece by piece, as a
/// backlog fills.
Failure EagerSum::flush(const std::vector<std::size_t>& links, Outlets& outlets) {
  constexpr std::size_t kPiece = 1UL << 20;
  if (links.empty()) return {};
  for (const TableSelection& table : selection_)
    MERIDIAN_CHECK(table.size() == 0, "a drain in the middle of a clock's steps");
  for (std::size_t table = 0; table < selection_.size() && !residuals_.empty(); ++table) {
    FloatBuffer& residual = residual_of(links.front())[table];
    for (std::size_t first = 0; first < residual.size(); first += kPiece) {
      const std::size_t count = std::min(kPiece, residual.size() - first);
      append_nonzeros(residual.span().subspan(first, count), selection_[table], first);
      residual.forget(first, count);
      what_.went_out(table, selection_[table]);
      if (Failure failure = check_finite(table, closed_)) return failure;
      for (const std::size_t n : links) outlets.withhold(n, passed_[n], selection_);
      selection_[table].clear();
    }
    residual = FloatBuffer();
  }
  for (const std::size_t n : links) outlets.offer(n, passed_[n], selection_);
  return {};
}

void EagerSum::add_residual_to(std::size_t neighbour, std::vector<FloatBuffer>& sums, bool magnitudes) const {
  if (residuals_.empty()) return;
  const Residual& residual = residual_of(neighbour);
  for (std::size_t table = 0; table < residual.size(); ++table) {
    for (std::size_t i = 0; i < residual[table].size(); ++i) {
      sums[table][i] += magnitudes ? std::fabs(residual[table][i]) : residual[table][i];
    }
    const TableSelection& going = selection_[table];
    for (std::size_t i = 0; i < going.size(); ++i)
      sums[table][going.offsets[i]] += magnitudes ? std::fabs(going.values[i]) : going.values[i];
  }
}

Selection EagerSum::take(std::size_t neighbour, const Selection& entries) {
  Selection taken(entries.size());
  if (residuals_.empty()) return taken;
  Residual& residual = residual_of(neighbour);
  for (std::size_t table = 0; table < entries.size(); ++table) {
    if (residual[table].empty()) continue;  // all of it has gone
    for (const std::uint32_t offset : entries[table].offsets) {
      float& value = residual[table][offset];
      if (value != 0.0F) taken[table].add(offset, std::exchange(value, 0.0F));
    }
  }
  return taken;
}

}  // namespace meridian::wan

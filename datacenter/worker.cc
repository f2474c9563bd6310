#include "datacenter/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "datacenter/transfer.h"
#include "src/optimizer/clip_norm.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

Worker::Worker(WorkerOptions options, Identity identity, PeerWatch::Deadlines deadlines,
               const Workload& workload, const ShardMap& shards)
    : options_(std::move(options)),
      membership_(std::move(identity), deadlines),
      place_{membership_.identity().self.datacenter, membership_.identity().self.index},
      learner_(workload.make_learner(place_)),
      tables_(shards.tables()),
      by_row_(any_by_row(tables_)),
      offsets_(tables_.size()),
      sizes_(tables_.size()),
      rows_(tables_),
      next_rows_(tables_),
      model_(shards, options_.servers),
      update_buffers_(0) {
  for (std::size_t index = 0; index < options_.servers; ++index) {
    owned_.push_back(shards.server_ranges(index, options_.servers));
    membership_.expect(server(index), process_name(options_.datacenter_name, server(index)),
                       /*answer=*/false);
  }
  plan_push();
  list_rows(/*clock=*/1);
}

/// Cuts the push to each server into messages. Where rows are read one by one it follows from the rows.
void Worker::plan_push() {
  plans_.clear();
  for (const std::vector<TableRange>& owned : owned_)
    plans_.push_back(transfer_plan(rows_.selected(tables_, owned), options_.part_bytes));
}

/// Asks the learner for the next update's rows.
void Worker::list_rows(Clock clock) {
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    if (!tables_[table].by_row) continue;
    next_rows_.change(table).clear();
    learner_->list_rows(clock, table, next_rows_.change(table));
  }
}

/// Finds a place for each table's part of the update, and a buffer that holds all.
void Worker::place_update() {
  std::size_t floats = 0;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    sizes_[table] =
        tables_[table].by_row ? rows_.rows(table).size() * tables_[table].columns : tables_[table].size();
    offsets_[table] = floats;
    floats += round_up_to_line(sizes_[table]);
  }
  if (floats > update_floats_) {
    // Some more, so that it settles soon where batches differ.
    update_floats_ = by_row_ ? floats + floats / 4 : floats;
    update_buffers_ = BufferPool(update_floats_);
  }
  update_ = update_buffers_.take();
}

ProcessId Worker::server(std::size_t index) const {
  return ProcessId::server(membership_.identity().self.datacenter, static_cast<std::uint16_t>(index));
}

void Worker::start(Time now, Actions& actions) {
  for (std::size_t index = 0; index < options_.servers; ++index)
    membership_.greet(now, server(index), actions);
  actions.set_timer(TimerId::tick, now + membership_.tick());
}

void Worker::on_timer(Time now, TimerId id, Actions& actions) {
  if (id != TimerId::tick) return;
  membership_.on_tick(now, actions);
  actions.set_timer(TimerId::tick, now + membership_.tick());
}

void Worker::on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) {
  membership_.fail(now, FaultKind::failed,
                   fmt::format("{} sent a malformed message: {}", membership_.name_of(from), why), actions);
}

void Worker::on_fault(Time now, const std::string& reason, Actions& actions) {
  membership_.fail(now, FaultKind::failed, reason, actions);
}

void Worker::on_interrupt(Time now, Actions& actions) {
  if (state_ == State::joining) {
    return membership_.fail(now, FaultKind::failed, "interrupted before the training began", actions);
  }
  membership_.send(now, server(0), Channel::control, {StopProposal{clock_, StopReason::interrupted}, {}},
                   actions);
}

void Worker::on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) {
  if (membership_.on_message(now, from, channel, message.body, actions)) {
    if (state_ == State::joining && membership_.complete()) pull(now, /*final=*/false, actions);
    return;
  }
  if (!membership_.has_greeted(from, channel)) return;
  if (const auto* reply = std::get_if<PullReply>(&message.body)) {
    return on_pull_reply(now, from, *reply, message.payloads, actions);
  }
  on_malformed(now, from, fmt::format("a {} where none belongs", kind_name(message.body)), actions);
}

void Worker::pull(Time now, bool final, Actions& actions) {
  state_ = final ? State::pulling_final : State::pulling;
  since_ = now;
  const bool measures = clock_ > 0 && clock_ % options_.evaluate_every == 0;
  const bool whole = by_row_ && !final && measures;
  if (!final) {
    std::swap(rows_, next_rows_);
    if (const Failure wrong = rows_.check(tables_)) {
      return membership_.fail(now, FaultKind::failed, fmt::format("the workload asks for {}", wrong->message),
                              actions);
    }
  }
  if (final || whole) {
    model_.begin(clock_);
  } else {
    model_.begin(clock_, rows_);
  }
  for (std::size_t index = 0; index < options_.servers; ++index) {
    if (!final && pulled_along_) break;
    Pull pull{clock_, final};
    pull.whole = whole;
    std::vector<Payload> payloads;
    if (!final) rows_.write_to(pull, payloads, tables_, owned_[index]);
    membership_.send(now, server(index), Channel::control, {std::move(pull), std::move(payloads)}, actions);
  }
}

void Worker::on_pull_reply(Time now, ProcessId from, const PullReply& reply,
                           std::span<const Payload> payloads, Actions& actions) {
  if (state_ != State::pulling && state_ != State::pulling_final) {
    return on_malformed(now, from, "a pull reply that nobody asked for", actions);
  }
  if (const Failure wrong = model_.accept(from.index, reply, payloads)) {
    return on_malformed(now, from, wrong->message, actions);
  }
  stop_ = stop_ || reply.stop;
  if (!model_.complete()) return;
  if (state_ == State::pulling) {
    // The reply that came last is the one that was waited for.
    waits_ += reply.waits;
    // The first model is where time begins to count.
    if (clock_ > 0) work_.pull += std::max(Time{0}, now - since_ - total(reply.waits));
  }
  const bool measure =
      state_ == State::pulling_final || (clock_ > 0 && clock_ % options_.evaluate_every == 0);
  if (measure) return evaluate(now, actions);
  compute_or_finish(now, actions);
}

void Worker::evaluate(Time now, Actions& actions) {
  if (state_ == State::pulling) state_ = State::evaluating;
  since_ = now;
  actions.compute({ComputationKind::evaluation, options_.compute_time.evaluation(),
                   [this] { evaluation_ = learner_->evaluate(model_.tables()); }});
}

void Worker::compute_or_finish(Time now, Actions& actions) {
  const State state_before = state_;
  if (stop_) {
    for (std::size_t index = 0; index < options_.servers; ++index) {
      membership_.send(now, server(index), Channel::control, {Finished{clock_}, {}}, actions);
    }
    return pull(now, /*final=*/true, actions);
  }
  state_ = State::computing;
  if (state_before == State::evaluating) model_.select(rows_);
  place_update();
  since_ = now;
  const Clock computing = clock_ + 1;
  actions.compute({ComputationKind::gradient, options_.compute_time.gradient(place_, computing),
                   [this, computing] { compute(computing); }});
}

/// Runs beside everything else: on the computing thread.
void Worker::compute(Clock clock) {
  update_views_.clear();
  for (std::size_t table = 0; table < tables_.size(); ++table)
    update_views_.push_back(update_->span().subspan(offsets_[table], sizes_[table]));
  report_ = learner_->compute_update(clock, model_.tables(), update_views_);
  if (options_.clip_norm) clip(update_views_);
  list_rows(clock + 1);
}

/// Clips all that is a gradient, those that are averaged and those that are not apart from each other. What
/// is not finite stays: the server finds it and says where.
void Worker::clip(TablesSpan update) const {
  std::vector<std::span<float>> means;
  std::vector<std::span<float>> sums;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    if (tables_[table].rule == UpdateRule::mean_gradient) means.push_back(update[table]);
    if (tables_[table].rule == UpdateRule::summed_gradient) sums.push_back(update[table]);
  }
  static_cast<void>(clip_to_norm(means, report_.samples, *options_.clip_norm));
  static_cast<void>(clip_to_norm(sums, /*samples=*/1, *options_.clip_norm));
}

void Worker::on_computed(Time now, ComputationKind kind, Actions& actions) {
  if (kind == ComputationKind::gradient) {
    work_.compute += now - since_;
    push(now, actions);
    return pull(now, /*final=*/false, actions);
  }
  const bool final = state_ == State::pulling_final;
  if (!final) work_.evaluation += now - since_;
  membership_.send(now, server(0), Channel::control,
                   {EvaluationPart{clock_, evaluation_, final, waits_, since_evaluation_.loss_sum,
                                   since_evaluation_.samples, work_},
                    {}},
                   actions);
  since_evaluation_ = {};
  if (!final) return compute_or_finish(now, actions);
  state_ = State::done;
  membership_.say_goodbye(now, /*failed=*/false, "done", actions);
  actions.finish();
}

void Worker::push(Time now, Actions& actions) {
  ++clock_;
  since_evaluation_.loss_sum += report_.loss_sum;
  since_evaluation_.samples += report_.samples;
  samples_ += report_.samples;
  if (by_row_) plan_push();
  pulled_along_ = !by_row_;
  for (std::size_t index = 0; index < options_.servers; ++index) {
    // The first message asks for the next model, whose first part may come before the push has ended.
    bool pulls = pulled_along_;
    for (const std::vector<Segment>& segments : plans_[index]) {
      std::vector<Payload> payloads;
      for (const Segment& segment : segments) {
        const std::size_t offset = rows_.offset(segment.table, tables_, owned_[index][segment.table]);
        payloads.push_back(
            payload_of(update_, offsets_[segment.table] + offset + segment.first, segment.count));
      }
      membership_.send(now, server(index), Channel::data,
                       {Push{clock_, report_.samples, segments, pulls}, std::move(payloads)}, actions);
      pulls = false;
    }
  }
  update_.reset();
}

}  // namespace meridian::datacenter

#include "datacenter/worker.h"

#include <fmt/format.h>

#include <utility>

#include "datacenter/transfer.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

Worker::Worker(WorkerOptions options, Identity identity, PeerWatch::Deadlines deadlines,
               const Workload& workload, const ShardMap& shards)
    : options_(std::move(options)),
      membership_(std::move(identity), deadlines),
      workload_(workload),
      place_{membership_.identity().self.datacenter, membership_.identity().self.index},
      tables_(shards.tables()),
      model_(shards, options_.servers),
      gradient_buffers_([&] {
        std::size_t size = 0;
        for (const TableSpec& table : shards.tables()) size += round_up_to_line(table.size());
        return size;
      }()) {
  std::size_t offset = 0;
  for (const TableSpec& table : tables_) {
    offsets_.push_back(offset);
    offset += round_up_to_line(table.size());
  }
  for (std::size_t index = 0; index < options_.servers; ++index) {
    plans_.push_back(transfer_plan(shards.server_ranges(index, options_.servers)));
    membership_.expect(server(index), process_name(options_.datacenter_name, server(index)),
                       /*answer=*/false);
  }
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
  model_.begin(clock_);
  for (std::size_t index = 0; index < options_.servers; ++index) {
    membership_.send(now, server(index), Channel::control, {Pull{clock_, final}, {}}, actions);
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
  // The reply that came last is the one that was waited for.
  if (state_ == State::pulling) waits_ += reply.waits;
  const bool measure =
      state_ == State::pulling_final || (clock_ > 0 && clock_ % options_.evaluate_every == 0);
  if (measure) return evaluate(actions);
  compute_or_finish(now, actions);
}

void Worker::evaluate(Actions& actions) {
  if (state_ == State::pulling) state_ = State::evaluating;
  actions.compute({ComputationKind::evaluation, options_.compute_time.evaluation(), [this] {
                     evaluation_ = workload_.evaluate(place_.worker, options_.workers, model_.tables());
                   }});
}

void Worker::compute_or_finish(Time now, Actions& actions) {
  if (stop_) {
    for (std::size_t index = 0; index < options_.servers; ++index) {
      membership_.send(now, server(index), Channel::control, {Finished{clock_}, {}}, actions);
    }
    return pull(now, /*final=*/true, actions);
  }
  state_ = State::computing;
  gradient_ = gradient_buffers_.take();
  const Clock computing = clock_ + 1;
  actions.compute(
      {ComputationKind::gradient, options_.compute_time.gradient(place_, computing), [this, computing] {
         std::vector<std::span<float>> gradient;
         for (std::size_t table = 0; table < tables_.size(); ++table) {
           gradient.push_back(gradient_->span().subspan(offsets_[table], tables_[table].size()));
         }
         gradient_report_ = workload_.compute_gradient(place_, computing, model_.tables(), gradient);
       }});
}

void Worker::on_computed(Time now, ComputationKind kind, Actions& actions) {
  if (kind == ComputationKind::gradient) {
    push(now, actions);
    return pull(now, /*final=*/false, actions);
  }
  const bool final = state_ == State::pulling_final;
  membership_.send(now, server(0), Channel::control, {EvaluationPart{clock_, evaluation_, final, waits_}, {}},
                   actions);
  if (!final) return compute_or_finish(now, actions);
  state_ = State::done;
  membership_.say_goodbye(now, /*failed=*/false, "done", actions);
  actions.finish();
}

void Worker::push(Time now, Actions& actions) {
  ++clock_;
  for (std::size_t index = 0; index < options_.servers; ++index) {
    for (const std::vector<Segment>& segments : plans_[index]) {
      std::vector<Payload> payloads;
      for (const Segment& segment : segments) {
        payloads.push_back(payload_of(gradient_, offsets_[segment.table] + segment.first, segment.count));
      }
      membership_.send(now, server(index), Channel::data,
                       {Push{clock_, gradient_report_.samples, segments}, std::move(payloads)}, actions);
    }
  }
  gradient_.reset();
}

}  // namespace meridian::datacenter

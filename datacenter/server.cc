#include "datacenter/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/optimizer/finite.h"
#include "src/optimizer/increment.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

Server::Server(ServerOptions options, const Workload& workload, ShardMap shards, Membership& membership,
               ParameterStore& store, Replication& replication)
    : options_(std::move(options)),
      workload_(workload),
      shards_(std::move(shards)),
      membership_(membership),
      store_(store),
      replication_(replication),
      clock_(options_.workers),
      plan_(transfer_plan(store.ranges(), options_.part_bytes)),
      rows_(options_.workers, RowSelection(shards_.tables())),
      rows_listed_(options_.workers),
      worker_finished_(options_.workers, false),
      scoreboard_(options_.workers, options_.servers, workload.further_sums()) {
  const std::vector<TableSpec>& tables = shards_.tables();
  for (std::size_t table = 0; table < store_.tables(); ++table) {
    const TableRange range = store_.ranges()[table];
    if (tables[table].by_row) {
      sums_.emplace_back(std::in_place_type<RowSums>, range.size(), tables[table].columns);
    } else {
      sums_.emplace_back(std::in_place_type<DenseSums>, range.size(), options_.workers);
    }
    optimizers_.push_back(tables[table].rule == UpdateRule::increment
                              ? make_increment(range.size())
                              : make_optimizer(options_.optimizer, range.size()).value());
  }
  for (std::size_t worker = 0; worker < options_.workers; ++worker)
    samples_ += workload_.samples_per_clock({options_.self.datacenter, worker});
  // Until a worker has said which rows it updates, there are none.
  pushes_.assign(options_.workers, TransferCursor(RowSelection(tables).selected(tables, store_.ranges())));
}

void Server::open(Time now, Actions& actions) {
  opened_ = true;
  resume(now, actions);
}

void Server::violation(Time now, ProcessId from, const std::string& what, Actions& actions) {
  done_ = true;
  membership_.fail(now, FaultKind::failed, fmt::format("{} sent {}", membership_.name_of(from), what),
                   actions);
}

void Server::on_message(Time now, ProcessId from, const Message& message, Actions& actions) {
  if (done_) return;
  dispatch(now, from, message, actions);
  resume(now, actions);
}

void Server::dispatch(Time now, ProcessId from, const Message& message, Actions& actions) {
  if (const auto* push = std::get_if<Push>(&message.body))
    return on_push(now, from, *push, message.payloads, actions);
  if (const auto* pull = std::get_if<Pull>(&message.body))
    return on_pull(now, from, *pull, message.payloads, actions);
  if (const auto* finished = std::get_if<Finished>(&message.body))
    return on_finished(now, from, *finished, actions);
  if (const auto* reply = std::get_if<PullReply>(&message.body)) {
    return on_pull_reply(now, from, *reply, message.payloads, actions);
  }
  if (std::holds_alternative<StopProposal>(message.body) && leads()) {
    return replication_.wish_to_stop(now, StopReason::interrupted, actions);
  }
  Failure wrong = Error{fmt::format("a {} where none belongs", kind_name(message.body))};
  if (const auto* part = std::get_if<EvaluationPart>(&message.body); part != nullptr && leads()) {
    if (from.role == Role::worker) wrong = scoreboard_.add(from.index, *part);
  } else if (const auto* sample = std::get_if<ServerSample>(&message.body); sample != nullptr && leads()) {
    if (from.role == Role::server) wrong = scoreboard_.add(from.index, *sample);
  }
  if (wrong) return violation(now, from, wrong->message, actions);
  collect_measurements(now, actions);
}

void Server::on_push(Time now, ProcessId from, const Push& push, std::span<const Payload> payloads,
                     Actions& actions) {
  if (from.role != Role::worker || !clock_.accepts(from.index, push.clock) || worker_finished_[from.index]) {
    return violation(
        now, from, fmt::format("a push of clock {} while clock {} is open", push.clock, clock_.closed() + 1),
        actions);
  }
  const std::size_t samples = workload_.samples_per_clock({options_.self.datacenter, from.index});
  if (push.samples != samples) {
    return violation(now, from, fmt::format("a push over {} samples where {} belong", push.samples, samples),
                     actions);
  }
  TransferCursor& cursor = pushes_[from.index];
  if (!cursor.take(push.segments)) return violation(now, from, "a push that is not what comes next", actions);
  for (std::size_t i = 0; i < push.segments.size(); ++i) {
    sum_and_step(from.index, push.segments[i], payloads[i].bytes());
  }
  if (not_finite_) return stop_for_step(now, actions);
  if (push.pulls) {
    if (any_by_row(shards_.tables()))
      return violation(now, from, "a push that asks for a model of which it lists no rows", actions);
    on_pull(now, from, Pull{push.clock, /*final=*/false}, {}, actions);
    if (done_) return;
  }
  const bool complete = cursor.complete();
  if (complete) cursor.restart();
  if (complete && clock_.push_complete(from.index)) return close_clock(now, actions);
  serve_ahead(now, actions);
}

/// Adds a part of a push to the open clock's sums, and makes the step of what is summed with it.
void Server::sum_and_step(std::size_t worker, const Segment& segment, std::span<const std::byte> bytes) {
  const std::size_t begin = store_.ranges()[segment.table].begin;
  if (auto* const rows = std::get_if<RowSums>(&sums_[segment.table])) {
    const std::size_t columns = shards_.tables()[segment.table].columns;
    return rows->add(rows_[worker].rows(segment.table), begin / columns, segment.first, bytes);
  }
  const Clock clock = clock_.closed() + 1;
  std::get<DenseSums>(sums_[segment.table])
      .add(worker, segment.first - begin, bytes,
           [&](std::size_t first, std::span<float> sums) { step(clock, segment.table, first, sums); });
}

/// Turns what all workers' updates of entries from `first` add up to into their step. Returns their values.
std::span<float> Server::make_step(Clock clock, std::size_t table, std::size_t first, std::span<float> sums) {
  const bool mean = shards_.tables()[table].rule == UpdateRule::mean_gradient;
  const float gradient_scale = mean ? 1.0F / static_cast<float>(samples_) : 1.0F;
  const float step_scale = mean ? replication_.step_scale() : 1.0F;
  const std::span<float> values = store_.change(table, first, sums.size());
  if (!optimizers_[table]->step(clock, gradient_scale, step_scale, first, values, sums))
    not_finite_ = {clock, table};
  return values;
}

void Server::step(Clock clock, std::size_t table, std::size_t first, std::span<float> sums) {
  const std::span<float> values = make_step(clock, table, first, sums);
  if (not_finite_) return;
  replication_.merge_own_step(clock, table, first, values, sums);
  check_finite(clock, table, values);
}

/// Notes where values are not finite that may go out before the clock is closed. Just written, they are in
/// the nearest cache. Merges that change values later check them then.
void Server::check_finite(Clock clock, std::size_t table, std::span<const float> values) {
  if (replication_.own_steps_merge_at_once() && !all_finite(values)) not_finite_ = {clock, table};
}

/// The steps of a table that is read by row, once the clock's updates are all here: of the rows that one of
/// them touched.
void Server::step_rows(Clock clock, std::size_t table, RowSums& rows) {
  if (!replication_.steps_every_entry()) {
    rows.for_each_run([&](std::size_t first, std::span<float> sums) { step(clock, table, first, sums); });
    return rows.restart();
  }
  rows.for_each_run([&](std::size_t first, std::span<float> sums) { make_step(clock, table, first, sums); });
  if (!not_finite_) {
    const std::span<float> values = store_.change(table);
    replication_.merge_own_step(clock, table, 0, values, rows.all());
    check_finite(clock, table, values);
  }
  rows.restart();
}

void Server::stop_for_step(Time now, Actions& actions) {
  done_ = true;
  membership_.fail(
      now, FaultKind::not_finite,
      fmt::format("a value that is not finite in table {} at clock {} in datacenter {}; a smaller "
                  "learning rate may help",
                  shards_.tables()[not_finite_->table].name, not_finite_->clock, options_.datacenter_name),
      actions);
}

void Server::close_clock(Time now, Actions& actions) {
  const Clock clock = clock_.closed();
  for (std::size_t table = 0; table < sums_.size(); ++table) {
    if (auto* const rows = std::get_if<RowSums>(&sums_[table])) step_rows(clock, table, *rows);
    if (auto* const dense = std::get_if<DenseSums>(&sums_[table])) dense->restart();
  }
  if (not_finite_) return stop_for_step(now, actions);
  replication_.clock_closed(now, clock, actions);
}

/// Whether all workers' updates of these entries are in the open clock's step.
bool Server::is_summed(const Segment& segment) const {
  for (std::size_t worker = 0; worker < pushes_.size(); ++worker) {
    const bool all_is_here = !clock_.accepts(worker, clock_.closed() + 1);
    if (!all_is_here && !pushes_[worker].has_passed(segment)) return false;
  }
  return true;
}

Clock Server::stepped(std::size_t table, std::size_t entry) const {
  const bool steps_as_it_arrives = !shards_.tables()[table].by_row;
  const bool has_open_step =
      steps_as_it_arrives && is_summed({static_cast<std::uint16_t>(table), entry, 1, 0});
  return clock_.closed() + (has_open_step ? 1 : 0);
}

/// Sends those parts of the next model that no longer change with the open clock, while the rest of the
/// clock's updates is on its way. The last part waits for the clock's end: it alone says how long the read
/// waited and whether training stops.
void Server::serve_ahead(Time now, Actions& actions) {
  if (!options_.serves_ahead || !opened_ || plan_.size() < 2 || !replication_.own_steps_merge_at_once() ||
      any_by_row(shards_.tables()))
    return;
  for (HeldRead& read : held_) {
    if (read.final || read.clock != clock_.closed() + 1 || !read.ranges.empty()) continue;
    while (read.parts_sent + 1 < plan_.size()) {
      // A change by others while parts are on their way copies all values: after one such copy no more go
      // ahead.
      if (read.parts_sent == 0) read.copies = store_.copies();
      if (store_.copies() > read.copies) break;
      const std::vector<Segment>& part = plan_[read.parts_sent];
      if (!is_summed(part.back())) break;
      if (replication_.may_read({read.clock, part, read.stamp, read.asked}) != ReadDecision::serve) break;
      send_part(now, read, read.parts_sent++, actions);
    }
  }
}

void Server::send_part(Time now, const HeldRead& read, std::size_t part, Actions& actions) {
  membership_.send(
      now, read.reader, Channel::data,
      {PullReply{
           read.clock, static_cast<std::uint16_t>(part), /*last=*/false, /*stop=*/false, {}, plan_[part]},
       read_values(plan_[part])},
      actions);
}

void Server::on_pull(Time now, ProcessId from, const Pull& pull, std::span<const Payload> payloads,
                     Actions& actions) {
  const bool expected = from.role == Role::worker ? pull.final || pull.clock <= clock_.closed() + 1
                                                  : pull.final && from.index == 0;
  const bool twice =
      std::any_of(held_.begin(), held_.end(), [&](const HeldRead& read) { return read.reader == from; });
  if (!expected || twice)
    return violation(now, from, fmt::format("a pull of clock {} out of turn", pull.clock), actions);
  if (const Failure wrong = check_ranges(pull.segments, store_.ranges()))
    return violation(now, from, fmt::format("a pull of {}", wrong->message), actions);
  const std::vector<TableSpec>& tables = shards_.tables();
  const bool lists_rows = from.role == Role::worker && !pull.final && any_by_row(tables);
  const bool by_row = lists_rows && !pull.whole;
  std::vector<Segment> ranges = pull.segments;
  std::optional<RowSelection> rows;
  if (lists_rows) {
    // The rows of a push that has begun are not changed.
    std::optional<Clock>& last = rows_listed_[from.index];
    const bool is_too_late = pushes_[from.index].is_under_way() && pull.clock <= clock_.closed();
    if (is_too_late || (last && pull.clock <= *last)) {
      return violation(now, from,
                       fmt::format("a second pull of clock {}, or one in the middle of a push", pull.clock),
                       actions);
    }
    last = pull.clock;
    rows.emplace(tables);
    if (const Failure wrong = rows->read_from(pull, payloads, tables, store_.ranges()))
      return violation(now, from, fmt::format("a pull of {}", wrong->message), actions);
    if (by_row) ranges = rows->ranges(tables, store_.ranges());
    // No range stands for all; a read of nothing waits for nothing.
    if (by_row && ranges.empty()) ranges.push_back({});
  } else if (!pull.rows.empty()) {
    return violation(now, from, "a pull of rows where none are listed", actions);
  }
  held_.push_back({.reader = from,
                   .clock = pull.clock,
                   .final = pull.final,
                   .ranges = std::move(ranges),
                   .rows = std::move(rows),
                   .by_row = by_row,
                   .stamp = replication_.read_asked(),
                   .asked = now,
                   .since = now,
                   .waits = {}});
}

const char* Server::to_string(WaitingFor cause) {
  constexpr std::array<const char*, kWaitingFor> kNames = {
      "push", "local_barrier", "selective_barrier", "mirror_clock", "start", "drain"};
  return kNames.at(static_cast<std::size_t>(cause));
}

std::array<std::size_t, Server::kWaitingFor> Server::held_reads() const {
  std::array<std::size_t, kWaitingFor> counts{};
  for (const HeldRead& read : held_) ++counts.at(static_cast<std::size_t>(read.cause));
  return counts;
}

std::array<Time, Server::kWaitingFor> Server::held_time(Time now) const {
  std::array<Time, kWaitingFor> time = held_time_;
  for (const HeldRead& read : held_) time.at(static_cast<std::size_t>(read.cause)) += now - read.since;
  return time;
}

/// Whether `read` may be served now, and where not, what it waits for.
ReadDecision Server::decide(const HeldRead& read, WaitingFor& cause) const {
  cause = WaitingFor::drain;
  if (read.final)
    return draining_ && replication_.drained() ? ReadDecision::serve : ReadDecision::hold_mirror_clock;
  cause = WaitingFor::start;
  if (!opened_) return ReadDecision::hold_mirror_clock;
  const bool own_update_is_here = !clock_.accepts(read.reader.index, read.clock);
  cause = own_update_is_here ? WaitingFor::local_barrier : WaitingFor::push;
  if (clock_.closed() < read.clock) return ReadDecision::hold_mirror_clock;
  const ReadDecision decision = replication_.may_read({read.clock, read.ranges, read.stamp, read.asked});
  cause = decision == ReadDecision::hold_selective_barrier ? WaitingFor::selective_barrier
                                                           : WaitingFor::mirror_clock;
  return decision;
}

void Server::serve_held_reads(Time now, Actions& actions) {
  for (std::size_t i = 0; i < held_.size();) {
    HeldRead& read = held_[i];
    const Time waited = now - read.since;
    read.since = now;
    held_time_.at(static_cast<std::size_t>(read.cause)) += waited;
    switch (read.cause) {
      case WaitingFor::push:
        read.waits.push += waited;
        break;
      case WaitingFor::local_barrier:
        read.waits.local_barrier += waited;
        break;
      case WaitingFor::selective_barrier:
        read.waits.selective_barrier += waited;
        break;
      case WaitingFor::mirror_clock:
        read.waits.mirror_clock += waited;
        break;
      case WaitingFor::start:
      case WaitingFor::drain:
        break;
    }
    const ReadDecision decision = decide(read, read.cause);
    if (decision != ReadDecision::serve && decision != ReadDecision::serve_and_stop) {
      ++i;
      continue;
    }
    HeldRead served = std::move(read);
    held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(i));
    serve(now, std::move(served), decision == ReadDecision::serve_and_stop, actions);
  }
}

std::vector<Payload> Server::read_values(const std::vector<Segment>& segments) {
  std::vector<Payload> payloads;
  for (const Segment& segment : segments) {
    payloads.push_back(
        store_.read(segment.table, segment.first - store_.ranges()[segment.table].begin, segment.count));
  }
  return payloads;
}

/// The values of segments that count entries among the selected rows.
std::vector<Payload> Server::gather(const RowSelection& rows, const std::vector<Segment>& segments) {
  std::vector<Payload> payloads;
  for (const Segment& segment : segments) {
    const TableSpec& table = shards_.tables()[segment.table];
    const std::size_t begin = store_.ranges()[segment.table].begin;
    if (!table.by_row) {
      payloads.push_back(store_.read(segment.table, segment.first - begin, segment.count));
      continue;
    }
    const std::span<const float> values = store_.values(segment.table);
    const auto gathered = std::make_shared<FloatBuffer>(segment.count);
    const auto copy_piece = [&](std::size_t row, std::size_t column, std::size_t first, std::size_t count) {
      std::copy_n(values.data() + row * table.columns + column - begin, count, gathered->data() + first);
    };
    for_each_piece(rows.rows(segment.table), table.columns, segment.first, segment.count, copy_piece);
    payloads.push_back(payload_of(gathered, 0, segment.count));
  }
  return payloads;
}

/// The messages of the reply to a read of some rows or ranges.
std::vector<std::vector<Segment>> Server::plan_of(const HeldRead& read) const {
  return read.by_row
             ? transfer_plan(read.rows->selected(shards_.tables(), store_.ranges()), options_.part_bytes)
             : ranged_transfer_plan(read.ranges, options_.part_bytes);
}

void Server::serve(Time now, HeldRead read, bool stop, Actions& actions) {
  if (!read.final && !started_) {
    started_ = true;
    actions.report(TrainingStarted{});
    if (leads() && options_.stop_time) actions.set_timer(TimerId::stop_time, now + *options_.stop_time);
  }
  const bool whole = !read.by_row && read.ranges.empty();
  const std::vector<std::vector<Segment>> own_plan =
      whole ? std::vector<std::vector<Segment>>() : plan_of(read);
  const std::vector<std::vector<Segment>>& plan = whole ? plan_ : own_plan;
  for (std::size_t part = read.parts_sent; part < plan.size(); ++part) {
    PullReply reply{read.clock, static_cast<std::uint16_t>(part), part + 1 == plan.size(), stop, read.waits,
                    plan[part]};
    std::vector<Payload> payloads =
        read.by_row ? gather(*read.rows, reply.segments) : read_values(reply.segments);
    membership_.send(now, read.reader, Channel::data, {std::move(reply), std::move(payloads)}, actions);
  }
  if (read.final) {
    ++final_reads_served_;
    return;
  }
  if (read.rows) {
    // Its last push is complete, and the next one follows this reply.
    pushes_[read.reader.index] = TransferCursor(read.rows->selected(shards_.tables(), store_.ranges()));
    rows_[read.reader.index] = *std::move(read.rows);
  }
  if (read.clock > 0 && read.clock % options_.evaluate_every == 0 && (!sampled_ || *sampled_ < read.clock)) {
    sampled_ = read.clock;
    add_own_sample(now, read.clock, /*final=*/false, actions);
  }
  if (!served_ || *served_ < read.clock) {
    served_ = read.clock;
    replication_.read_served(now, read.clock, actions);
  }
}

void Server::add_own_sample(Time now, Clock clock, bool final, Actions& actions) {
  ReplicationCounters counters = replication_.counters();
  ServerSample sample{clock,
                      final,
                      counters.entries_considered,
                      counters.entries_sent,
                      replication_.measure_difference(),
                      std::move(counters.links)};
  if (!leads()) {
    membership_.send(now, ProcessId::server(options_.self.datacenter, 0), Channel::control,
                     {std::move(sample), {}}, actions);
    return;
  }
  if (const Failure wrong = scoreboard_.add(options_.self.index, sample))
    return violation(now, options_.self, wrong->message, actions);
  collect_measurements(now, actions);
}

void Server::collect_measurements(Time now, Actions& actions) {
  while (auto complete = scoreboard_.take_complete()) {
    const double objective = workload_.objective(complete->sums);
    if (!std::isfinite(objective)) {
      done_ = true;
      return membership_.fail(now, FaultKind::not_finite,
                              fmt::format("the {} at clock {} is not finite in datacenter {}",
                                          workload_.metric_name(), complete->clock, options_.datacenter_name),
                              actions);
    }
    std::uint64_t wan_bytes = 0;
    std::uint64_t payload_bytes = 0;
    for (const LinkBytes& link : complete->servers.links) {
      wan_bytes += link.data + link.control;
      payload_bytes += link.payload;
    }
    actions.report(Measured{.clock = complete->clock,
                            .objective = objective,
                            .loss = complete->sums.loss_sum /
                                    static_cast<double>(std::max<std::uint64_t>(1, complete->sums.samples)),
                            .figures = workload_.figures(complete->sums),
                            .train_loss = complete->train_samples == 0
                                              ? std::nullopt
                                              : std::optional(complete->train_loss_sum /
                                                              static_cast<double>(complete->train_samples)),
                            .final = complete->final,
                            .stop_reason = complete->final ? replication_.stop_reason() : StopReason::none,
                            .wan_bytes = wan_bytes,
                            .payload_bytes = payload_bytes,
                            .entries_considered = complete->servers.entries_considered,
                            .entries_sent = complete->servers.entries_sent,
                            .difference_bound = complete->servers.difference_bound,
                            .links = complete->servers.links,
                            .waits = complete->waits,
                            .work = complete->work});
    if (complete->final) {
      final_measured_ = true;
      return leave_if_possible(now, actions);
    }
    replication_.evaluated(now, complete->clock, objective, actions);
  }
}

void Server::on_finished(Time now, ProcessId from, const Finished& finished, Actions& actions) {
  const bool fits = from.role == Role::worker && !worker_finished_.at(from.index) &&
                    finished.clock == clock_.closed() && clock_.accepts(from.index, finished.clock + 1) &&
                    !pushes_[from.index].is_under_way() &&
                    (!finished_clock_ || *finished_clock_ == finished.clock);
  if (!fits) {
    return violation(now, from,
                     fmt::format("the end of training at clock {}, with {} clocks closed", finished.clock,
                                 clock_.closed()),
                     actions);
  }
  finished_clock_ = finished.clock;
  worker_finished_[from.index] = true;
}

void Server::drain_when_all_finished(Time now, Actions& actions) {
  const bool all =
      std::all_of(worker_finished_.begin(), worker_finished_.end(), [](bool finished) { return finished; });
  // The first server's last evaluation goes out before its drain, so that all datacenters know it by the end.
  if (draining_ || !all || (leads() && scoreboard_.open() > 0)) return;
  draining_ = true;
  if (leads()) actions.report(TrainingStopped{*finished_clock_});
  replication_.drain(now, *finished_clock_, actions);
}

void Server::resume(Time now, Actions& actions) {
  if (done_) return;
  drain_when_all_finished(now, actions);
  serve_held_reads(now, actions);
  finish_up(now, actions);
}

void Server::finish_up(Time now, Actions& actions) {
  if (done_ || !draining_ || !replication_.drained()) return;
  if (leads()) {
    if (final_measured_) return leave_if_possible(now, actions);
    if (!std::exchange(collecting_, true)) collect_final_model(now, actions);
    return;
  }
  if (final_reads_served_ < options_.workers + 1) return;
  if (!final_sample_sent_) {
    final_sample_sent_ = true;
    add_own_sample(now, *finished_clock_, /*final=*/true, actions);
  }
  // Whoever reads the final parameters says goodbye once it has them. Leaving earlier could cut a long reply
  // off.
  if (readers_departed()) leave_if_possible(now, actions);
}

void Server::collect_final_model(Time now, Actions& actions) {
  if (options_.servers == 1) {
    // All of it is in the store, and nothing changes it any more.
    for (std::size_t table = 0; table < store_.tables(); ++table)
      final_tables_.push_back(store_.values(table));
    return add_own_sample(now, *finished_clock_, /*final=*/true, actions);
  }
  final_model_.emplace(shards_, options_.servers);
  final_model_->begin(*finished_clock_);
  // Its own part takes the same way into the final model as the others'.
  for (std::size_t part = 0; part < plan_.size(); ++part) {
    const PullReply reply{
        *finished_clock_, static_cast<std::uint16_t>(part), part + 1 == plan_.size(), true, {}, plan_[part]};
    const Failure wrong = final_model_->accept(0, reply, read_values(reply.segments));
    MERIDIAN_CHECK(!wrong, "{}", wrong->message);
  }
  for (std::size_t server = 1; server < options_.servers; ++server) {
    membership_.send(now, ProcessId::server(options_.self.datacenter, static_cast<std::uint16_t>(server)),
                     Channel::control, {Pull{*finished_clock_, true}, {}}, actions);
  }
}

void Server::leave_if_possible(Time now, Actions& actions) {
  if (!replication_.may_leave()) return;
  done_ = true;
  membership_.say_goodbye(now, /*failed=*/false, "done", actions);
  actions.finish();
}

/// The datacenter's workers and its first server have left.
bool Server::readers_departed() const {
  if (!membership_.has_departed(ProcessId::server(options_.self.datacenter, 0))) return false;
  for (std::size_t worker = 0; worker < options_.workers; ++worker) {
    const auto index = static_cast<std::uint16_t>(worker);
    if (!membership_.has_departed(ProcessId::worker(options_.self.datacenter, index))) return false;
  }
  return true;
}

void Server::on_pull_reply(Time now, ProcessId from, const PullReply& reply,
                           std::span<const Payload> payloads, Actions& actions) {
  if (!leads() || !final_model_ || from.role != Role::server)
    return violation(now, from, "a pull reply that nobody asked for", actions);
  if (const Failure wrong = final_model_->accept(from.index, reply, payloads))
    return violation(now, from, wrong->message, actions);
  if (!final_model_->complete()) return;
  const TablesView tables = final_model_->tables();
  final_tables_.assign(tables.begin(), tables.end());
  add_own_sample(now, *finished_clock_, /*final=*/true, actions);
}

void Server::on_stop_time(Time now, Actions& actions) {
  replication_.wish_to_stop(now, StopReason::time, actions);
  resume(now, actions);
}

void Server::on_interrupt(Time now, Actions& actions) {
  if (!started_)
    return membership_.fail(now, FaultKind::failed, "interrupted before the training began", actions);
  if (leads()) {
    replication_.wish_to_stop(now, StopReason::interrupted, actions);
    return resume(now, actions);
  }
  membership_.send(now, ProcessId::server(options_.self.datacenter, 0), Channel::control,
                   {StopProposal{0, StopReason::interrupted}, {}}, actions);
}

}  // namespace meridian::datacenter

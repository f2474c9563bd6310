#include "wan/mirror.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/wire/codec.h"

namespace meridian::wan {
namespace {

using datacenter::ReadDecision;
using datacenter::TableRange;

/// An acknowledgement waits this long for another message to carry it, or until so many chunks have come.
constexpr Time kAcknowledgeAfter = std::chrono::milliseconds(100);
constexpr std::uint64_t kAcknowledgeChunks = 2;

}  // namespace

Mirror::Mirror(MirrorOptions options, Mode mode, const datacenter::ShardMap& shards, Membership& membership,
               datacenter::ParameterStore& store)
    : options_(std::move(options)),
      mode_(std::move(mode)),
      membership_(membership),
      store_(store),
      selection_(store.tables()),
      nothing_(store.tables()),
      peer_clocks_(options_.neighbours.size()),
      stop_(options_.stop) {
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    const Neighbour& neighbour = options_.neighbours[n];
    bytes_.push_back({static_cast<std::uint16_t>(neighbour.datacenter), 0, 0});
    for (std::size_t index = 0; index < neighbour.servers; ++index) {
      const std::vector<TableRange> theirs = shards.server_ranges(index, neighbour.servers);
      std::vector<TableRange> shared;
      for (std::size_t table = 0; table < theirs.size(); ++table) {
        shared.push_back(datacenter::intersection(store_.ranges()[table], theirs[table]));
      }
      // First servers also agree on when to stop, whether or not they share entries.
      const bool share =
          std::any_of(shared.begin(), shared.end(), [](const TableRange& r) { return !r.empty(); });
      if (!share && !(leads() && index == 0)) continue;
      const ProcessId id = ProcessId::server(static_cast<std::uint16_t>(neighbour.datacenter),
                                             static_cast<std::uint16_t>(index));
      OutgoingLink out(
          OutgoingLink::sized_for(store_.ranges(), shared, neighbour.bytes_per_s, neighbour.round_trip));
      sessions_.push_back({id, n, std::move(shared), std::move(out), IncomingLink{}});
      // Both sides open a control and a data connection; each costs its opener and its acceptor some bytes.
      bytes_[n].control += 2 * (kConnectBytes + kAcceptBytes);
    }
  }
  if (mode_.what->sends() && !sessions_.empty()) {
    for (const TableRange& range : store_.ranges()) residual_.emplace_back(range.size());
  }
}

std::vector<ProcessId> Mirror::counterparts() const {
  std::vector<ProcessId> ids;
  for (const Session& session : sessions_) ids.push_back(session.id);
  return ids;
}

const Mirror::Session* Mirror::find(ProcessId id) const {
  const auto found =
      std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& s) { return s.id == id; });
  return found == sessions_.end() ? nullptr : &*found;
}

Mirror::Session* Mirror::find(ProcessId id) { return const_cast<Session*>(std::as_const(*this).find(id)); }

void Mirror::broken(Time now, const Session& session, const std::string& what, Actions& actions) {
  membership_.fail(
      now, FaultKind::failed,
      fmt::format("the session with {} broke: {} (policy: stop)", membership_.name_of(session.id), what),
      actions);
}

// ---- own updates
// -------------------------------------------------------------------------------------------------

void Mirror::merge_own_step(Clock clock, std::size_t table, std::span<float> values,
                            std::span<const float> step) {
  mode_.merge->own_step(clock, table, values, step);
  if (residual_.empty()) return;
  const std::span<float> residual = residual_[table].span();
  for (std::size_t i = 0; i < residual.size(); ++i) residual[i] += step[i];
}

/// Moves what `what` takes out of the residual into selection_. False where that was not finite: the run is
/// over.
bool Mirror::select_into(Time now, const What& what, Clock clock, Actions& actions) {
  for (std::size_t table = 0; table < residual_.size(); ++table) {
    selection_[table].clear();
    what.select(clock, store_.values(table), residual_[table].span(), selection_[table]);
    const std::vector<float>& values = selection_[table].values;
    if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); })) {
      membership_.fail(now, FaultKind::failed,
                       fmt::format("a residual that is not finite in table {} at clock {} in datacenter {}",
                                   options_.table_names[table], clock, options_.datacenter_name),
                       actions);
      return false;
    }
  }
  return true;
}

void Mirror::clock_closed(Time now, Clock clock, Actions& actions) {
  closed_ = clock;
  mode_.merge->own_clock_closed(clock);
  refresh_peer_clocks();
  const bool any_due = std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return mode_.when->due(clock, session.neighbour);
  });
  if (any_due && !residual_.empty()) {
    if (!select_into(now, *mode_.what, clock, actions)) return;
    for (const Session& session : sessions_) {
      for (const TableRange& range : session.shared) entries_considered_ += range.size();
      entries_sent_ += entries_within(selection_, store_.ranges(), session.shared);
    }
  }
  for (Session& session : sessions_) {
    std::vector<UpdateChunk> chunks;
    const Selection& owed = any_due && !residual_.empty() ? selection_ : nothing_;
    if (mode_.when->due(clock, session.neighbour)) {
      session.out.offer(clock, owed, chunks);
    } else {
      session.out.withhold(clock, owed);
    }
    send_chunks(now, session, std::move(chunks), actions);
    if (mode_.what->sends()) send_report(now, session, actions);
  }
  report_progress(actions);
}

void Mirror::report_progress(Actions& actions) const {
  std::uint64_t wan_bytes = 0;
  for (const LinkBytes& bytes : bytes_) wan_bytes += bytes.data + bytes.control;
  const auto slowest =
      std::min_element(peer_clocks_.begin(), peer_clocks_.end(),
                       [](const PeerClock& a, const PeerClock& b) { return a.reported < b.reported; });
  const bool own_is_slowest = slowest == peer_clocks_.end() || slowest->reported >= closed_;
  const std::size_t name =
      own_is_slowest
          ? options_.self.datacenter
          : options_.neighbours[static_cast<std::size_t>(slowest - peer_clocks_.begin())].datacenter;
  actions.report(
      Progress{closed_, wan_bytes, entries_considered_, entries_sent_, static_cast<std::uint16_t>(name)});
}

void Mirror::send_chunks(Time now, Session& session, std::vector<UpdateChunk> chunks, Actions& actions) {
  for (UpdateChunk& chunk : chunks) {
    std::vector<Payload> payloads{std::move(chunk.payload)};
    membership_.send(now, session.id, Channel::data, {std::move(chunk.header), std::move(payloads)}, actions);
  }
}

void Mirror::send_report(Time now, Session& session, Actions& actions) {
  session.announced_complete = session.out.complete_clock();
  session.in.acknowledged();
  membership_.send(now, session.id, Channel::control,
                   {ClockReport{closed_, session.out.complete_clock(), session.out.last_number(),
                                session.out.epoch(), session.in.epoch(), session.in.applied_number()},
                    {}},
                   actions);
}

void Mirror::count_sent(ProcessId to, Channel channel, std::size_t bytes) {
  const Session* const session = find(to);
  if (session == nullptr) return;
  LinkBytes& link = bytes_[session->neighbour];
  (channel == Channel::data ? link.data : link.control) += bytes;
}

// ---- others' updates
// ---------------------------------------------------------------------------------------------

void Mirror::on_message(Time now, ProcessId from, Message message, Actions& actions) {
  Session* const session = find(from);
  if (session == nullptr) return;
  if (const auto* update = std::get_if<Update>(&message.body)) {
    on_update(now, *session, *update, std::move(message.payloads), actions);
  } else if (const auto* report = std::get_if<ClockReport>(&message.body)) {
    session->in.reported(*report);
    if (report->ack_epoch != 0)
      on_acknowledged(now, *session, report->ack_epoch, report->ack_number, actions);
    refresh_peer_clocks();
  } else if (const auto* ack = std::get_if<Acknowledgement>(&message.body)) {
    on_acknowledged(now, *session, ack->epoch, ack->number, actions);
  } else if (const auto* done = std::get_if<DrainDone>(&message.body)) {
    session->in.drain_done(*done);
    if (!session->drain_announced_at) session->drain_announced_at = now;
    refresh_peer_clocks();
  } else if (const auto* evaluation = std::get_if<Evaluation>(&message.body);
             evaluation != nullptr && leads()) {
    stop_.evaluated(from.datacenter, evaluation->clock, evaluation->objective);
  } else if (const auto* proposal = std::get_if<StopProposal>(&message.body);
             proposal != nullptr && leads()) {
    stop_.proposed(from.datacenter, *proposal);
  } else {
    return broken(now, *session, fmt::format("a {} where none belongs", kind_name(message.body)), actions);
  }
  propose_if_due(now, actions);
  finish_drain_where_possible(now, actions);
}

void Mirror::on_update(Time now, Session& session, const Update& update, std::vector<Payload> payloads,
                       Actions& actions) {
  switch (session.in.classify(update)) {
    case IncomingLink::Arrival::duplicate:
      return;
    case IncomingLink::Arrival::gap:
      return broken(
          now, session,
          fmt::format("chunk {} arrived after chunk {}", update.number, session.in.applied_number()),
          actions);
    case IncomingLink::Arrival::next:
      break;
  }
  UpdateChunk chunk{update, payloads.empty() ? Payload{} : std::move(payloads.front())};
  Failure wrong = check_chunk(chunk, session.shared);
  if (!wrong)
    wrong = mode_.merge->remote_chunk(options_.neighbours[session.neighbour].datacenter, std::move(chunk));
  if (wrong) return broken(now, session, wrong->message, actions);
  session.in.applied(update);
  refresh_peer_clocks();
  if (session.in.unacknowledged() >= kAcknowledgeChunks || draining_) {
    session.in.acknowledged();
    membership_.send(now, session.id, Channel::control,
                     {Acknowledgement{session.in.epoch(), session.in.applied_number()}, {}}, actions);
  } else if (!acknowledge_timer_set_) {
    acknowledge_timer_set_ = true;
    actions.set_timer(TimerId::acknowledge, now + kAcknowledgeAfter);
  }
}

void Mirror::on_acknowledge_timer(Time now, Actions& actions) {
  acknowledge_timer_set_ = false;
  for (Session& session : sessions_) {
    if (!session.in.owes_acknowledgement()) continue;
    session.in.acknowledged();
    membership_.send(now, session.id, Channel::control,
                     {Acknowledgement{session.in.epoch(), session.in.applied_number()}, {}}, actions);
  }
}

void Mirror::on_acknowledged(Time now, Session& session, std::uint32_t epoch, std::uint64_t number,
                             Actions& actions) {
  std::vector<UpdateChunk> chunks;
  if (!session.out.acknowledged(epoch, number, chunks)) {
    return broken(now, session, fmt::format("an acknowledgement of chunk {}, which was never sent", number),
                  actions);
  }
  send_chunks(now, session, std::move(chunks), actions);
  // What waited in the backlog has gone: only now can the clock be complete over there.
  if (session.out.complete_clock() > session.announced_complete) send_report(now, session, actions);
}

/// Tells the merge and the mirror clock how far the others are by now.
void Mirror::refresh_peer_clocks() {
  // A datacenter is as far as the slowest of its servers.
  std::vector<PeerClock> clocks(peer_clocks_.size(), {kClockDone, kClockDone});
  for (Session& session : sessions_) {
    PeerClock& clock = clocks[session.neighbour];
    const bool done = session.in.drained();
    clock.reported =
        std::min(clock.reported, session.in.drain_announced() ? kClockDone : session.in.reported_clock());
    clock.applied = std::min(clock.applied, done ? kClockDone : session.in.complete_clock());
  }
  for (std::size_t n = 0; n < clocks.size(); ++n) {
    mode_.merge->remote_complete(options_.neighbours[n].datacenter, clocks[n].applied);
  }
  for (PeerClock& clock : clocks) clock.applied = mode_.merge->applied(clock.applied);
  peer_clocks_ = std::move(clocks);
}

// ---- reads and the end of training
// -------------------------------------------------------------------------------

bool Mirror::any_backlog() const {
  return std::any_of(sessions_.begin(), sessions_.end(),
                     [](const Session& session) { return session.out.has_backlog(); });
}

ReadDecision Mirror::may_read(Clock clock) const {
  if (mode_.wait->holds(clock, peer_clocks_)) return ReadDecision::hold_mirror_clock;
  // Updates of two clocks that merge in a backlog cannot be told apart any more.
  if (mode_.merge->needs_whole_clocks() && any_backlog()) return ReadDecision::hold_mirror_clock;
  if (!leads()) return ReadDecision::serve;
  if (stop_.ends_at(clock)) return ReadDecision::serve_and_stop;
  return stop_.holds(clock) ? ReadDecision::hold_mirror_clock : ReadDecision::serve;
}

void Mirror::read_served(Time now, Clock clock, Actions& actions) {
  served_ = clock;
  propose_if_due(now, actions);
}

void Mirror::evaluated(Time now, Clock clock, double objective, Actions& actions) {
  stop_.evaluated(options_.self.datacenter, clock, objective);
  send_to_leads(now, Evaluation{clock, objective}, actions);
  propose_if_due(now, actions);
}

void Mirror::wish_to_stop(Time now, StopReason reason, Actions& actions) {
  // Training that is over is not ended any more.
  if (draining_) return;
  stop_.wish(reason);
  propose_if_due(now, actions);
}

void Mirror::propose_if_due(Time now, Actions& actions) {
  if (!leads()) return;
  // Reads at served_ clocks are out: the workers are computing the next one, and it will close.
  if (const auto proposal = stop_.propose(served_ ? *served_ + 1 : 0)) send_to_leads(now, *proposal, actions);
}

void Mirror::send_to_leads(Time now, const Body& body, Actions& actions) {
  for (const Session& session : sessions_) {
    if (session.id.index == 0) membership_.send(now, session.id, Channel::control, {body, {}}, actions);
  }
}

void Mirror::drain(Time now, Clock clock, Actions& actions) {
  draining_ = true;
  closed_ = clock;
  if (!residual_.empty() && !select_into(now, SendAll{}, clock, actions)) return;
  for (Session& session : sessions_) {
    std::vector<UpdateChunk> chunks;
    session.out.offer(clock, residual_.empty() ? nothing_ : selection_, chunks);
    send_chunks(now, session, std::move(chunks), actions);
    if (session.in.owes_acknowledgement()) send_report(now, session, actions);
  }
  actions.set_timer(TimerId::drain_deadline, now + options_.drain_deadline);
  finish_drain_where_possible(now, actions);
}

void Mirror::finish_drain_where_possible(Time now, Actions& actions) {
  if (!draining_) return;
  for (Session& session : sessions_) {
    if (session.drain_done_sent || session.out.has_backlog()) continue;
    session.drain_done_sent = true;
    membership_.send(now, session.id, Channel::control,
                     {DrainDone{session.out.epoch(), session.out.last_number()}, {}}, actions);
  }
  if (!drained()) return;
  actions.cancel_timer(TimerId::drain_deadline);
  for (const Session& session : sessions_) {
    membership_.say_goodbye_to(now, session.id, /*failed=*/false, "drained", actions);
  }
}

bool Mirror::drained() const {
  return draining_ && mode_.merge->settled() &&
         std::all_of(sessions_.begin(), sessions_.end(), [](const Session& session) {
           return session.drain_done_sent && session.out.all_acknowledged() && session.in.drained();
         });
}

void Mirror::on_drain_deadline(Time now, Actions& actions) {
  std::vector<std::string> missing;
  std::vector<std::string> still_training;
  for (const Session& session : sessions_) {
    const bool all_is_there = session.drain_done_sent && session.out.all_acknowledged();
    if (all_is_there && session.in.drained()) continue;
    // Who has everything from here may still be training, or its own drain has only begun. Its drain has a
    // deadline of its own, and so has its silence.
    const bool in_time =
        !session.drain_announced_at || now - *session.drain_announced_at < options_.drain_deadline;
    const bool may_train = all_is_there && in_time;
    (may_train ? still_training : missing).push_back(membership_.name_of(session.id));
  }
  if (missing.empty()) {
    actions.report(Notice{
        fmt::format("everything was sent; waiting for the end of {}", fmt::join(still_training, ", "))});
    actions.set_timer(TimerId::drain_deadline, now + options_.drain_deadline);
    return;
  }
  membership_.fail(
      now, FaultKind::drain_timeout,
      fmt::format("the drain was not over after {:.0f} s (wan.deadlines.drain_s): waiting for {}",
                  to_seconds(options_.drain_deadline), fmt::join(missing, ", ")),
      actions);
}

// ---- figures
// -----------------------------------------------------------------------------------------------------

datacenter::ReplicationCounters Mirror::counters() const {
  return {entries_considered_, entries_sent_, bytes_};
}

double Mirror::difference_bound() const {
  if (residual_.empty()) return 0.0;
  double bound = 0.0;
  std::vector<FloatBuffer> owed;
  for (const Session& session : sessions_) {
    owed.clear();
    for (const FloatBuffer& residual : residual_) {
      owed.push_back(residual.clone());
      for (float& value : owed.back().span()) value = std::fabs(value);
    }
    session.out.add_outstanding_to(owed, /*applied=*/0, /*magnitudes=*/true);
    for (std::size_t table = 0; table < owed.size(); ++table) {
      const auto largest = [](std::span<const float> values) {
        float most = 0.0F;
        for (const float value : values) most = std::max(most, std::fabs(value));
        return static_cast<double>(most);
      };
      const double scale = largest(store_.values(table));
      if (scale > 0.0) bound = std::max(bound, largest(owed[table].span()) / scale);
    }
  }
  return bound;
}

void Mirror::add_owed_to(ProcessId counterpart, std::uint64_t applied, std::vector<FloatBuffer>& sums) const {
  const Session* const session = find(counterpart);
  MERIDIAN_CHECK(session != nullptr, "no session with datacenter {}", counterpart.datacenter);
  for (std::size_t table = 0; table < residual_.size(); ++table) {
    for (std::size_t i = 0; i < residual_[table].size(); ++i) sums[table][i] += residual_[table][i];
  }
  session->out.add_outstanding_to(sums, applied, /*magnitudes=*/false);
}

std::uint64_t Mirror::applied_number(ProcessId counterpart) const {
  const Session* const session = find(counterpart);
  return session == nullptr ? 0 : session->in.applied_number();
}

}  // namespace meridian::wan

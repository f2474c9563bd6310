#include "wan/mirror.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "src/wire/codec.h"
#include "wan/compact_chunk.h"
#include "wan/mirror_links.h"

namespace meridian::wan {
namespace {

using datacenter::ReadDecision;
using datacenter::TableRange;

/// An acknowledgement waits this long for another message to carry it, or until so many chunks have come.
constexpr Time kAcknowledgeAfter = std::chrono::milliseconds(100);
constexpr std::uint64_t kAcknowledgeChunks = 2;
/// How fast smoothed figures of a clock follow.
constexpr double kSmoothing = 0.2;

/// A measured round trip contains what up to two chunks take by themselves. On a slow link that is most of
/// it: a window of that size would keep control messages behind it.
LinkLimits measured_limits(const Session& session) {
  constexpr double kSlowBytesPerS = 8 * 1024 / 0.050;
  constexpr Time kTwoChunks = std::chrono::milliseconds(100);
  const double rate = session.estimate.bytes_per_s();
  const Time measured = session.estimate.round_trip();
  const Time round_trip = rate < kSlowBytesPerS ? std::max(Time{0}, measured - kTwoChunks) : measured;
  return limits_for(rate, round_trip, session.shared_bytes);
}

std::size_t bytes_of(const std::vector<TableRange>& ranges) {
  std::size_t entries = 0;
  for (const TableRange& range : ranges) entries += range.size();
  return entries * sizeof(float);
}

}  // namespace

Mirror::Mirror(MirrorOptions options, Mode mode, const datacenter::ShardMap& shards, Membership& membership,
               datacenter::ParameterStore& store)
    : options_(std::move(options)),
      mode_(std::move(mode)),
      membership_(membership),
      store_(store),
      peer_clocks_(options_.neighbours.size()),
      stop_(options_.stop),
      absences_(options_.absence, options_.neighbours.size()),
      threshold_scales_(options_.neighbours.size(), 1.0),
      said_left_(options_.stop.datacenters, false),
      data_bytes_per_clock_(options_.neighbours.size(), 0.0),
      data_bytes_at_clock_(options_.neighbours.size(), 0),
      sent_messages_(options_.neighbours.size()),
      received_messages_(options_.neighbours.size()) {
  if (mode_.ds_most) staleness_.emplace(*mode_.ds_most);
  if (mode_.soft) {
    soft_thresholds_.assign(options_.neighbours.size(),
                            SoftThreshold(mode_.soft->ratio, mode_.soft->use_below));
  }
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    const Neighbour& neighbour = options_.neighbours[n];
    bytes_.push_back({static_cast<std::uint16_t>(neighbour.datacenter)});
    for (std::size_t index = 0; index < neighbour.servers; ++index) {
      const std::vector<TableRange> theirs = shards.server_ranges(index, neighbour.servers);
      std::vector<TableRange> shared;
      for (std::size_t table = 0; table < theirs.size(); ++table) {
        shared.push_back(datacenter::intersection(store_.ranges()[table], theirs[table]));
      }
      const std::size_t shared_bytes = bytes_of(shared);
      // First servers also agree on when to stop, whether or not they share entries.
      if (shared_bytes == 0 && !(leads() && index == 0)) continue;
      OutgoingLink out({.owned = store_.ranges(),
                        .shared = shared,
                        .limits = limits_for(neighbour.bytes_per_s, neighbour.round_trip, shared_bytes),
                        .encoding = mode_.encoding,
                        .clocks_apart = mode_.merge->clocks_apart()});
      sessions_.push_back({.id = ProcessId::server(static_cast<std::uint16_t>(neighbour.datacenter),
                                                   static_cast<std::uint16_t>(index)),
                           .neighbour = n,
                           .shared = std::move(shared),
                           .shared_bytes = shared_bytes,
                           .out = std::move(out),
                           .in = {},
                           .estimate = LinkEstimate(neighbour.bytes_per_s, neighbour.round_trip),
                           .barrier_out = OutgoingBarrier(store_.ranges()),
                           .barrier_in = IncomingBarrier(store_.ranges())});
      // Both sides open a control and a data connection; each costs its opener and its acceptor some bytes.
      bytes_[n].control += 2 * (kConnectBytes + kAcceptBytes);
    }
  }
}

std::vector<ProcessId> Mirror::counterparts() const {
  std::vector<ProcessId> ids;
  for (const Session& session : sessions_) ids.push_back(session.id);
  return ids;
}

const Session* Mirror::find(ProcessId id) const {
  const auto found =
      std::find_if(sessions_.begin(), sessions_.end(), [&](const Session& s) { return s.id == id; });
  return found == sessions_.end() ? nullptr : &*found;
}

Session* Mirror::find(ProcessId id) { return const_cast<Session*>(std::as_const(*this).find(id)); }

bool Mirror::takes_part(const Session& session) const { return !absences_.has_left(session.neighbour); }

bool Mirror::relays_to(std::size_t from, std::size_t to) const {
  return from != to && relays(options_.neighbours[from].relation, options_.neighbours[to].relation);
}

/// Ends the run where own values are not finite, which is all that a merge finds wrong with them. True where
/// it did.
bool Mirror::end_run_for(Time now, const Failure& failure, Actions& actions) {
  if (!failure) return false;
  membership_.fail(now, FaultKind::not_finite,
                   fmt::format("{} in datacenter {}", failure->message, options_.datacenter_name), actions);
  return true;
}

// ---- own updates
// ---------------------------------------------------------------------------------------------

void Mirror::merge_own_step(Clock clock, std::size_t table, std::size_t first, std::span<float> values,
                            std::span<const float> step) {
  const std::size_t entries = store_.ranges()[table].size();
  mode_.merge->own_step(clock, table, first, values, mode_.what->own_step(table, first, entries, step));
}

void Mirror::clock_closed(Time now, Clock clock, Actions& actions) {
  closed_ = clock;
  closed_at_ = now;
  if (served_at_) {
    if (staleness_) staleness_->clock_took(now - *served_at_);
    const double took = to_seconds(now - *served_at_);
    clock_seconds_ = clock_seconds_ == 0.0 ? took : clock_seconds_ + kSmoothing * (took - clock_seconds_);
    served_at_.reset();
  }
  update_measurements(now, actions);
  Links links(*this, now, actions);
  if (end_run_for(now, mode_.merge->own_clock_closed(clock, links), actions)) return;
  if (!others_progressed(now, actions)) return;
  report_news(now, actions);
  report_progress(actions);
}

/// Lets what was measured of the links change thresholds and the staleness that they need.
void Mirror::update_measurements(Time now, Actions& actions) {
  std::vector<AutoStaleness::Link> links;
  std::vector<double> use(options_.neighbours.size(), 0.0);
  std::vector<AutoStaleness::Link> slowest(options_.neighbours.size());
  for (const Session& session : sessions_) {
    use[session.neighbour] = std::max(use[session.neighbour], session.estimate.utilization(now));
    AutoStaleness::Link& link = slowest[session.neighbour];
    link.round_trip = std::max(link.round_trip, session.estimate.round_trip());
    const double rate = session.estimate.bytes_per_s();
    link.bytes_per_s = link.bytes_per_s == 0.0 ? rate : std::min(link.bytes_per_s, rate);
  }
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    if (!soft_thresholds_.empty()) threshold_scales_[n] = soft_thresholds_[n].update(use[n]);
    const auto sent =
        static_cast<double>(bytes_[n].data - std::exchange(data_bytes_at_clock_[n], bytes_[n].data));
    data_bytes_per_clock_[n] += kSmoothing * (sent - data_bytes_per_clock_[n]);
    if (absences_.has_left(n)) continue;
    slowest[n].bytes_per_clock = data_bytes_per_clock_[n];
    links.push_back(slowest[n]);
  }
  if (staleness_ && staleness_->update(links)) {
    actions.report(
        Notice{fmt::format("datacenter {} may be {} clocks ahead, the most that "
                           "wan.parameters.ds_most allows; its links would need more",
                           options_.datacenter_name, staleness_->ds())});
  }
}

/// What a neighbour is owed for clocks up to `clock` goes to its servers, or waits for the next exchange.
void Mirror::offer(Time now, std::size_t neighbour, Clock clock, const Selection& selection, bool due,
                   Actions& actions) {
  for (Session& session : sessions_) {
    if (session.neighbour != neighbour) continue;
    std::vector<UpdateChunk> chunks;
    if (due) {
      session.out.offer(clock, selection, chunks);
    } else {
      session.out.withhold(clock, selection);
    }
    if (due && !draining_) {
      for (const TableRange& range : session.shared) entries_considered_ += range.size();
      entries_sent_ += entries_within(selection, store_.ranges(), session.shared);
    }
    send_chunks(now, session, std::move(chunks), actions);
    announce_if_slow(now, session, actions);
  }
}

void Mirror::send(Time now, Session& session, Channel channel, Message message, Actions& actions) {
  membership_.send(now, session.id, channel, std::move(message), actions);
}

SessionPosition Mirror::next_position(ProcessId to, Channel channel, const Body& body) {
  Session* const session = find(to);
  // What asks for a new epoch stands outside of the old one.
  if (session == nullptr || std::holds_alternative<Resume>(body)) return {};
  return session->next_position(channel);
}

void Mirror::send_chunks(Time now, Session& session, std::vector<UpdateChunk> chunks, Actions& actions) {
  for (UpdateChunk& chunk : chunks) {
    const bool link_is_the_limit = session.out.has_backlog();
    session.estimate.sent(now, chunk.header.number, chunk.encoded.size(), link_is_the_limit);
    // Where clocks count as they are complete, the report need not overtake what it speaks of.
    const bool completes = chunk.header.number == session.out.complete_number() &&
                           session.out.complete_clock() > session.told_complete;
    if (mode_.merge->clocks_apart() && completes) chunk.header.report = tell_report(session);
    chunk.header.segments = header_segments(chunk, mode_.encoding);
    bytes_[session.neighbour].payload += chunk.encoded.size();
    std::vector<Payload> payloads;
    if (chunk.encoded.size() > 0) payloads.push_back(std::move(chunk.encoded));
    send(now, session, Channel::data, {std::move(chunk.header), std::move(payloads)}, actions);
  }
}

void Mirror::count_sent(ProcessId to, Channel channel, std::size_t bytes) {
  const Session* const session = find(to);
  if (session == nullptr) return;
  LinkBytes& link = bytes_[session->neighbour];
  (channel == Channel::data ? link.data : link.control) += bytes;
  ++sent_messages_[session->neighbour].at(static_cast<std::size_t>(channel));
}

// ---- reports
// -------------------------------------------------------------------------------------------------

/// How far this datacenter and all behind it are, as a neighbour is told.
Clock Mirror::reported_to(std::size_t neighbour) const {
  Clock clock = closed_;
  for (std::size_t from = 0; from < peer_clocks_.size(); ++from) {
    if (relays_to(from, neighbour)) clock = std::min(clock, peer_clocks_[from].reported);
  }
  return clock;
}

/// All that this counterpart is to know of how far this datacenter is; it counts as told.
ClockReport Mirror::tell_report(Session& session) {
  session.told_reported = std::max(session.told_reported, reported_to(session.neighbour));
  session.told_complete = session.out.complete_clock();
  session.in.acknowledged();
  return {session.told_reported, mode_.merge->complete_through(session.told_complete),
          session.out.complete_number(), session.in.epoch(), session.in.applied_number()};
}

void Mirror::send_report(Time now, Session& session, Actions& actions) {
  send(now, session, Channel::control, {tell_report(session), {}}, actions);
}

/// Tells every counterpart what it does not know yet of how far this datacenter is.
void Mirror::report_news(Time now, Actions& actions) {
  if (!mode_.what->sends()) return;
  for (Session& session : sessions_) {
    const bool complete = session.out.complete_clock() > session.told_complete;
    // Where clocks count as they are complete, a clock without an exchange is no news. Nobody is told of more
    // than what is closed here, which is asked first: this comes after every message, and relays have to be
    // looked through.
    const bool reported = !mode_.merge->clocks_apart() && closed_ > session.told_reported &&
                          reported_to(session.neighbour) > session.told_reported;
    if (complete || reported) send_report(now, session, actions);
  }
}

void Mirror::acknowledge(Time now, Session& session, Actions& actions) {
  session.in.acknowledged();
  send(now, session, Channel::control, {Acknowledgement{session.in.epoch(), session.in.applied_number()}, {}},
       actions);
}

void Mirror::report_progress(Actions& actions) const {
  std::uint64_t wan_bytes = 0;
  for (const LinkBytes& bytes : bytes_) wan_bytes += bytes.data + bytes.control;
  const auto clock_of = [](const PeerClock& peer) { return std::max(peer.reported, peer.applied); };
  const auto slowest =
      std::min_element(peer_clocks_.begin(), peer_clocks_.end(),
                       [&](const PeerClock& a, const PeerClock& b) { return clock_of(a) < clock_of(b); });
  const bool own_is_slowest = slowest == peer_clocks_.end() || clock_of(*slowest) >= closed_;
  const std::size_t name =
      own_is_slowest
          ? options_.self.datacenter
          : options_.neighbours[static_cast<std::size_t>(slowest - peer_clocks_.begin())].datacenter;
  actions.report(
      Progress{closed_, wan_bytes, entries_considered_, entries_sent_, static_cast<std::uint16_t>(name)});
}

// ---- what comes in
// -------------------------------------------------------------------------------------------

bool Mirror::admits(Time now, ProcessId from, Channel channel, const Message& message, Actions& actions) {
  Session* const session = find(from);
  if (session == nullptr || membership_.is_shut_out(from)) return false;
  ++received_messages_[session->neighbour].at(static_cast<std::size_t>(channel));
  // Who was left for good changes nothing here any more: others would not hear of it.
  const bool leaves = std::holds_alternative<Goodbye>(message.body);
  if (absences_.has_left_for_good(session->neighbour) && !leaves) {
    const auto* const resume = std::get_if<Resume>(&message.body);
    if (resume != nullptr) part_again(now, *session, *resume, actions);
    return false;
  }
  const bool is_data =
      std::holds_alternative<Update>(message.body) || std::holds_alternative<Probe>(message.body);
  if ((channel == Channel::data) != is_data) {
    broken(now, *session, fmt::format("a {} on the {} channel", kind_name(message.body), to_string(channel)),
           actions);
    return false;
  }
  // The data channel's messages are placed when they are handled; what asks for a new epoch has no place.
  if (channel == Channel::data || std::holds_alternative<Resume>(message.body)) return true;
  switch (session->in.classify_control(message.position)) {
    case IncomingLink::Arrival::next:
      return true;
    case IncomingLink::Arrival::old:
      membership_.heard_from(now, from);
      return false;
    case IncomingLink::Arrival::hole:
      membership_.heard_from(now, from);
      open_epoch(now, *session, actions);
      return false;
    case IncomingLink::Arrival::wrong:
      broken(now, *session, fmt::format("a message of epoch {}", message.position.epoch), actions);
      return false;
  }
  return false;
}

void Mirror::on_message(Time now, ProcessId from, Message message, Actions& actions) {
  Session* const session = find(from);
  if (session == nullptr) return;
  if (const auto* update = std::get_if<Update>(&message.body)) {
    on_update(now, *session, message.position.epoch, *update, message.payloads, actions);
  } else if (const auto* probe = std::get_if<Probe>(&message.body)) {
    on_probe(now, *session, message.position.epoch, *probe, actions);
  } else if (const auto* report = std::get_if<ClockReport>(&message.body)) {
    on_report(now, *session, *report, actions);
  } else if (const auto* ack = std::get_if<Acknowledgement>(&message.body)) {
    on_acknowledged(now, *session, ack->epoch, ack->number, actions);
  } else if (const auto* resume = std::get_if<Resume>(&message.body)) {
    on_resume(now, *session, *resume, actions);
  } else if (const auto* announcement = std::get_if<Announcement>(&message.body)) {
    on_announcement(now, *session, *announcement, message.payloads.front(), actions);
  } else if (const auto* done = std::get_if<DrainDone>(&message.body)) {
    session->in.drain_done(*done);
    if (!session->drain_announced_at) session->drain_announced_at = now;
  } else if (const auto* evaluation = std::get_if<Evaluation>(&message.body)) {
    on_evaluation(now, *session, *evaluation, actions);
  } else if (const auto* proposal = std::get_if<StopProposal>(&message.body)) {
    on_proposal(now, *session, *proposal, actions);
  } else if (const auto* departure = std::get_if<Departure>(&message.body)) {
    on_departure(now, *session, *departure, actions);
  } else {
    return broken(now, *session, fmt::format("a {} where none belongs", kind_name(message.body)), actions);
  }
  if (!others_progressed(now, actions)) return;
  report_news(now, actions);
  propose_if_due(now, actions);
  finish_drain_where_possible(now, actions);
}

void Mirror::on_update(Time now, Session& session, std::uint32_t epoch, const Update& update,
                       const std::vector<Payload>& payloads, Actions& actions) {
  switch (session.in.classify(epoch, update)) {
    case IncomingLink::Arrival::old:
      return;
    case IncomingLink::Arrival::hole:
      return open_epoch(now, session, actions);
    case IncomingLink::Arrival::wrong:
      return broken(now, session, fmt::format("a chunk of epoch {}", epoch), actions);
    case IncomingLink::Arrival::next:
      break;
  }
  Result<UpdateChunk> chunk =
      decode(update, payloads.empty() ? Payload{} : payloads.front(), mode_.encoding, session.shared);
  if (!chunk) return broken(now, session, chunk.error().message, actions);
  Failure wrong = check_chunk(chunk.value(), session.shared);
  if (!wrong) wrong = mode_.merge->remote_chunk(session.neighbour, std::move(chunk).value());
  if (wrong) return broken(now, session, wrong->message, actions);
  session.in.applied(update);
  session.applied_at = now;
  on_release(now, session, update.released, actions);
  if (update.report) on_report(now, session, *update.report, actions);
  if (session.in.unacknowledged() >= kAcknowledgeChunks || draining_) {
    acknowledge(now, session, actions);
  } else if (!acknowledge_timer_set_) {
    acknowledge_timer_set_ = true;
    actions.set_timer(TimerId::acknowledge, now + kAcknowledgeAfter);
  }
}

/// The sender has heard nothing of its chunks for a while: they are not here, or the acknowledgement got
/// lost.
void Mirror::on_probe(Time now, Session& session, std::uint32_t epoch, const Probe& probe, Actions& actions) {
  switch (session.in.classify(epoch, probe)) {
    case IncomingLink::Arrival::hole:
      return open_epoch(now, session, actions);
    case IncomingLink::Arrival::wrong:
      return broken(now, session, fmt::format("a probe of epoch {}", epoch), actions);
    case IncomingLink::Arrival::next:
    case IncomingLink::Arrival::old:
      if (epoch == session.in.epoch()) acknowledge(now, session, actions);
  }
}

void Mirror::on_acknowledge_timer(Time now, Actions& actions) {
  acknowledge_timer_set_ = false;
  for (Session& session : sessions_) {
    if (session.in.owes_acknowledgement()) acknowledge(now, session, actions);
  }
}

void Mirror::on_report(Time now, Session& session, const ClockReport& report, Actions& actions) {
  session.in.reported(report);
  on_acknowledged(now, session, report.ack_epoch, report.ack_number, actions);
}

void Mirror::on_acknowledged(Time now, Session& session, std::uint32_t epoch, std::uint64_t number,
                             Actions& actions) {
  std::vector<UpdateChunk> chunks;
  const OutgoingLink::Answer answer = session.out.acknowledged(epoch, number, chunks);
  if (answer == OutgoingLink::Answer::impossible) {
    return broken(now, session, fmt::format("an acknowledgement of chunk {}, which was never sent", number),
                  actions);
  }
  if (answer == OutgoingLink::Answer::taken) {
    session.estimate.acknowledged(now, number);
    session.out.set_limits(measured_limits(session));
    session.barrier_out.released(session.out.acknowledged_release());
  }
  send_chunks(now, session, std::move(chunks), actions);
}

/// Tells the merge and the mirror clock how far the others are by now. False where the run is over.
bool Mirror::others_progressed(Time now, Actions& actions) {
  // A datacenter is as far as the slowest of its servers.
  std::vector<NeighbourProgress> progress(options_.neighbours.size(), {kClockDone, true, false});
  std::vector<Clock> reported(options_.neighbours.size(), kClockDone);
  for (Session& session : sessions_) {
    NeighbourProgress& neighbour = progress[session.neighbour];
    neighbour.complete = std::min(neighbour.complete, session.in.complete_clock());
    neighbour.drained = neighbour.drained && session.in.drained();
    reported[session.neighbour] = std::min(
        reported[session.neighbour], session.in.drain_announced() ? kClockDone : session.in.reported_clock());
  }
  for (std::size_t n = 0; n < progress.size(); ++n) progress[n].left = absences_.has_left(n);
  Links links(*this, now, actions);
  if (end_run_for(now, mode_.merge->progressed(progress, links), actions)) return false;
  for (std::size_t n = 0; n < progress.size(); ++n) {
    const bool gone = progress[n].left;
    peer_clocks_[n].reported = gone ? kClockDone : reported[n];
    peer_clocks_[n].applied = gone || progress[n].drained ? kClockDone : mode_.merge->applied(n);
  }
  return true;
}

// ---- reads
// ---------------------------------------------------------------------------------------------------

ReadDecision Mirror::may_read(const datacenter::Read& read) const {
  if (mode_.wait->holds(read.clock, peer_clocks_, auto_ds())) return ReadDecision::hold_mirror_clock;
  // Whole clocks wait in line where they cannot go at once: one of them at most.
  const bool next_is_due = mode_.when->due(read.clock + 1, 0);
  const bool queued = std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return takes_part(session) && session.out.has_backlog();
  });
  if (mode_.merge->clocks_apart() && next_is_due && (queued || !mode_.merge->takes_next())) {
    return ReadDecision::hold_mirror_clock;
  }
  const bool announced = std::any_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return takes_part(session) && session.barrier_in.holds(read.ranges, read.stamp);
  });
  if (announced) return ReadDecision::hold_selective_barrier;
  if (!leads()) return ReadDecision::serve;
  if (stop_.ends_at(read.clock)) return ReadDecision::serve_and_stop;
  return stop_.holds(read.clock) ? ReadDecision::hold_mirror_clock : ReadDecision::serve;
}

void Mirror::read_served(Time now, Clock clock, Actions& actions) {
  served_ = clock;
  served_at_ = now;
  propose_if_due(now, actions);
}

// ---- figures
// -------------------------------------------------------------------------------------------------

datacenter::ReplicationCounters Mirror::counters() const {
  return {entries_considered_, entries_sent_, bytes_};
}

void Mirror::add_owed_to(ProcessId counterpart, std::uint64_t applied, std::vector<FloatBuffer>& sums) const {
  const Session* const session = find(counterpart);
  MERIDIAN_CHECK(session != nullptr, "no session with datacenter {}", counterpart.datacenter);
  mode_.merge->add_residual_to(session->neighbour, sums, /*magnitudes=*/false);
  session->out.add_outstanding_to(sums, applied, /*magnitudes=*/false);
}

std::uint64_t Mirror::applied_number(ProcessId counterpart) const {
  const Session* const session = find(counterpart);
  return session == nullptr ? 0 : session->in.applied_number();
}

const Session& Mirror::session_with(ProcessId counterpart) const {
  const Session* const session = find(counterpart);
  MERIDIAN_CHECK(session != nullptr, "no session with datacenter {}", counterpart.datacenter);
  return *session;
}

}  // namespace meridian::wan

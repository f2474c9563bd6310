// The mirror's sessions after a break, and when counterparts are missing.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "wan/mirror.h"

namespace meridian::wan {
namespace {

/// Between two breaks of one session that are told.
constexpr Time kTellBreaksEvery = std::chrono::seconds(10);

}  // namespace

// ---- after a break
// -------------------------------------------------------------------------------------------

/// Something that `session` sent is missing: nothing more of its epoch is taken.
void Mirror::open_epoch(Time now, Session& session, Actions& actions) {
  const Resume resume = session.in.open_epoch();
  if (!session.told_break_at || now - *session.told_break_at >= kTellBreaksEvery) {
    session.told_break_at = now;
    actions.report(
        Notice{fmt::format("the connection from {} lost something after chunk {}; it goes on in epoch {}",
                           membership_.name_of(session.id), resume.number, resume.epoch)});
  }
  send(now, session, Channel::control, {resume, {}}, actions);
}

void Mirror::on_resume(Time now, Session& session, const Resume& resume, Actions& actions) {
  std::vector<UpdateChunk> chunks;
  switch (session.out.resume(resume.epoch, resume.number, chunks)) {
    case OutgoingLink::Answer::stale:
      return;
    case OutgoingLink::Answer::impossible:
      return broken(now, session, fmt::format("a resumption after chunk {}, which cannot be", resume.number),
                    actions);
    case OutgoingLink::Answer::taken:
      break;
  }
  session.control_sequence = 0;
  session.estimate.interrupted();
  send_state(now, session, actions);
  send_chunks(now, session, std::move(chunks), actions);
}

/// All that control messages have said and that still matters, in a new epoch.
void Mirror::send_state(Time now, Session& session, Actions& actions) {
  session.drain_done_sent = false;
  for (const OutgoingBarrier::Open& open : session.barrier_out.open()) announce(now, session, open, actions);
  send_report(now, session, actions);
  if (!leads() || session.id.index != 0) return;
  for (std::size_t d = 0; d < options_.stop.datacenters; ++d) {
    const auto from = neighbour_before(d);
    const bool due = d == options_.stop.own || (from && relays_to(*from, session.neighbour));
    if (!due) continue;
    for (const Evaluation& evaluation : stop_.evaluations_of(d)) {
      send(now, session, Channel::control, {evaluation, {}}, actions);
    }
    if (const auto proposal = stop_.proposal_of(d))
      send(now, session, Channel::control, {*proposal, {}}, actions);
    if (d != options_.stop.own && options_.absence.policy == SilencePolicy::go_on) {
      send(now, session, Channel::control, {Departure{static_cast<std::uint16_t>(d), !stop_.has_left(d)}, {}},
           actions);
    }
  }
}

/// The neighbour over which a datacenter's updates come.
std::optional<std::size_t> Mirror::neighbour_before(std::size_t datacenter) const {
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    const auto& behind = options_.neighbours[n].behind;
    if (std::find(behind.begin(), behind.end(), datacenter) != behind.end()) return n;
  }
  return std::nullopt;
}

// ---- who is there
// --------------------------------------------------------------------------------------------

void Mirror::on_tick(Time now, Actions& actions) {
  for (Session& session : sessions_) {
    if (!takes_part(session) && absences_.has_left_for_good(session.neighbour)) continue;
    // What asks for a new epoch may have been lost, and so may the last chunks of all.
    if (session.in.awaiting()) send(now, session, Channel::control, {session.in.resume(), {}}, actions);
    const std::uint64_t acknowledged = session.out.acknowledged_number();
    const bool nothing_moved = session.acknowledged_at_tick == acknowledged;
    if (!session.out.all_acknowledged() && nothing_moved) {
      send(now, session, Channel::data, {Probe{session.out.last_number()}, {}}, actions);
    }
    session.acknowledged_at_tick = acknowledged;
  }
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) look_for_absence(now, n, actions);
  linger_over_ = linger_over_ || (lingering_ && nobody_is_heard(now));
  expire_barriers(now, actions);
  say_who_is_waited_for(now, actions);
}

/// A wait for a datacenter that lives but does not move on has a name too.
void Mirror::say_who_is_waited_for(Time now, Actions& actions) {
  const bool waits = !draining_ && closed_ > 0 && mode_.wait->holds(closed_, peer_clocks_, auto_ds());
  const Time since = std::max(closed_at_, said_waiting_at_);
  if (!waits || now - since < options_.absence.silence) return;
  said_waiting_at_ = now;
  std::vector<std::string> names;
  for (std::size_t n = 0; n < peer_clocks_.size(); ++n) {
    if (mode_.wait->holds(closed_, std::span(peer_clocks_).subspan(n, 1), auto_ds())) {
      names.push_back(options_.neighbours[n].name);
    }
  }
  actions.report(Notice{fmt::format("reads have waited {:.0f} s at clock {} for {}",
                                    to_seconds(now - closed_at_), closed_, fmt::join(names, ", "))});
}

/// Whether all who have not said goodbye have been silent for so long that the policy gives them up.
bool Mirror::nobody_is_heard(Time now) const {
  const bool waits = options_.absence.policy == SilencePolicy::wait;
  const Time longest = options_.absence.silence + (waits ? options_.absence.wait : Time{0});
  return std::all_of(sessions_.begin(), sessions_.end(), [&](const Session& session) {
    return !takes_part(session) || membership_.has_departed(session.id) ||
           membership_.quiet_for(now, session.id) >= longest;
  });
}

void Mirror::look_for_absence(Time now, std::size_t neighbour, Actions& actions) {
  Time silent_for{0};
  std::string who;
  for (const Session& session : sessions_) {
    if (session.neighbour != neighbour || membership_.silent_for(now, session.id) <= silent_for) continue;
    silent_for = membership_.silent_for(now, session.id);
    who = membership_.name_of(session.id);
  }
  const std::string silent =
      fmt::format("{} has been silent for {:.0f} s (wan.deadlines.silence_s; policy: {})", who,
                  to_seconds(silent_for), to_string(options_.absence.policy));
  switch (absences_.look(neighbour, silent_for)) {
    case Absences::Verdict::as_before:
      return;
    case Absences::Verdict::silent:
      return actions.report(Notice{silent});
    case Absences::Verdict::too_long:
      return membership_.fail(now, FaultKind::failed, silent, actions);
    case Absences::Verdict::left:
      actions.report(Notice{silent});
      return set_left(now, neighbour, true, actions);
    case Absences::Verdict::returned:
      actions.report(Notice{fmt::format("{} takes part again", options_.neighbours[neighbour].name)});
      return set_left(now, neighbour, false, actions);
  }
}

/// Goes on without a neighbour and all behind it, or with them again.
void Mirror::set_left(Time now, std::size_t neighbour, bool left, Actions& actions) {
  for (const std::size_t d : options_.neighbours[neighbour].behind) {
    // What it has said of those behind it holds on when it returns.
    const bool is_left = left || said_left_[d];
    stop_.left(d, is_left);
    if (leads()) send_to_leads(now, neighbour, Departure{static_cast<std::uint16_t>(d), !is_left}, actions);
  }
  for (Session& session : sessions_) {
    if (session.neighbour == neighbour && left) open_barrier(now, session, actions);
  }
  // Who misses the drain is not drained to later: it would differ from those that have finished.
  if (left && draining_) part_from(now, neighbour, actions);
  if (!others_progressed(now, actions)) return;
  report_news(now, actions);
  propose_if_due(now, actions);
  finish_drain_where_possible(now, actions);
}

void Mirror::on_departure(Time now, Session& session, const Departure& departure, Actions& actions) {
  if (!comes_over(session, departure.datacenter))
    return broken(now, session, "a departure of nobody's", actions);
  said_left_[departure.datacenter] = !departure.returned;
  stop_.left(departure.datacenter, !departure.returned);
  send_to_leads(now, session.neighbour, departure, actions);
}

void Mirror::on_goodbye(Time now, ProcessId peer, Actions& actions) {
  const Session* const session = find(peer);
  if (session == nullptr || lingering_) return;
  const bool all_is_there = session->drain_done_sent && session->out.all_acknowledged();
  if (all_is_there && session->in.drained()) return;
  broken(now, *session, "it left before everything was exchanged", actions);
}

void Mirror::on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) {
  const Session* const session = find(from);
  if (session == nullptr || membership_.is_shut_out(from)) return;
  broken(now, *session, fmt::format("it sent a malformed message: {}", why), actions);
}

bool Mirror::on_lost(Time now, ProcessId peer, const std::string& why, Actions& actions) {
  const Session* const session = find(peer);
  if (session == nullptr || options_.absence.policy != SilencePolicy::go_on) return false;
  lose_for_good(now, session->neighbour, why, actions);
  return true;
}

/// Goes on without a neighbour that is away at the drain, and says so: it may come back, and must not wait
/// for what will never come.
void Mirror::part_from(Time now, std::size_t neighbour, Actions& actions) {
  absences_.leave_for_good(neighbour);
  for (const Session& session : sessions_) {
    if (session.neighbour != neighbour) continue;
    membership_.say_goodbye_to(now, session.id, /*failed=*/true, parting_words(), actions);
  }
}

std::string Mirror::parting_words() const {
  return fmt::format("{} drains without it", options_.datacenter_name);
}

/// Somebody who was left asks for what is missing: that may be the goodbye.
void Mirror::part_again(Time now, Session& session, const Resume& resume, Actions& actions) {
  on_resume(now, session, resume, actions);
  send(now, session, Channel::control, {Goodbye{true, parting_words()}, {}}, actions);
}

/// The policy is to go on, but this neighbour cannot come back.
void Mirror::lose_for_good(Time now, std::size_t neighbour, const std::string& why, Actions& actions) {
  if (absences_.has_left_for_good(neighbour)) return;
  actions.report(Notice{fmt::format("{}; the others go on without {} (policy: continue)", why,
                                    options_.neighbours[neighbour].name)});
  absences_.leave_for_good(neighbour);
  for (const Session& session : sessions_) {
    if (session.neighbour == neighbour) membership_.shut_out(session.id);
  }
  set_left(now, neighbour, true, actions);
}

void Mirror::broken(Time now, const Session& session, const std::string& what, Actions& actions) {
  ++violations_;
  const std::string why = fmt::format("the session with {} broke: {}", membership_.name_of(session.id), what);
  if (options_.absence.policy == SilencePolicy::go_on) {
    membership_.say_goodbye_to(now, session.id, /*failed=*/true, why, actions);
    return lose_for_good(now, session.neighbour, why, actions);
  }
  membership_.fail(now, FaultKind::failed,
                   fmt::format("{} (policy: {})", why, to_string(options_.absence.policy)), actions);
}

}  // namespace meridian::wan

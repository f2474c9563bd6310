// The end of training: when all stop, and the drain.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "wan/mirror.h"
#include "wan/mirror_links.h"

namespace meridian::wan {

void Mirror::evaluated(Time now, Clock clock, double objective, Actions& actions) {
  const Evaluation evaluation{clock, objective, options_.self.datacenter};
  stop_.evaluated(options_.self.datacenter, clock, objective);
  send_to_leads(now, std::nullopt, evaluation, actions);
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
  if (const auto proposal = stop_.propose(served_ ? *served_ + 1 : 0)) {
    send_to_leads(now, std::nullopt, *proposal, actions);
  }
}

/// Sends what this datacenter has to say, or passes on what came over neighbour `from`.
void Mirror::send_to_leads(Time now, std::optional<std::size_t> from, const Body& body, Actions& actions) {
  for (Session& session : sessions_) {
    if (session.id.index != 0 || (from && !relays_to(*from, session.neighbour))) continue;
    send(now, session, Channel::control, {body, {}}, actions);
  }
}

bool Mirror::comes_over(const Session& session, std::size_t datacenter) const {
  const auto& behind = neighbour_of(session).behind;
  return leads() && std::find(behind.begin(), behind.end(), datacenter) != behind.end();
}

void Mirror::on_evaluation(Time now, Session& session, const Evaluation& evaluation, Actions& actions) {
  if (!comes_over(session, evaluation.datacenter))
    return broken(now, session, "an evaluation of nobody's", actions);
  stop_.evaluated(evaluation.datacenter, evaluation.clock, evaluation.objective);
  send_to_leads(now, session.neighbour, evaluation, actions);
}

void Mirror::on_proposal(Time now, Session& session, const StopProposal& proposal, Actions& actions) {
  if (!comes_over(session, proposal.datacenter))
    return broken(now, session, "a stop proposal of nobody's", actions);
  stop_.proposed(proposal.datacenter, proposal);
  send_to_leads(now, session.neighbour, proposal, actions);
}

void Mirror::drain(Time now, Clock clock, Actions& actions) {
  draining_ = true;
  // Who is away when the drain begins misses it: what comes later would not reach all others alike.
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    if (absences_.has_left(n)) part_from(now, n, actions);
  }
  closed_ = clock;
  Links links(*this, now, actions);
  if (end_run_for(now, mode_.merge->drain(clock, links), actions)) return;
  for (Session& session : sessions_) {
    if (session.in.owes_acknowledgement()) send_report(now, session, actions);
  }
  actions.set_timer(TimerId::drain_deadline, now + options_.drain_deadline);
  if (!others_progressed(now, actions)) return;
  report_news(now, actions);
  finish_drain_where_possible(now, actions);
}

void Mirror::finish_drain_where_possible(Time now, Actions& actions) {
  if (!draining_) return;
  for (Session& session : sessions_) {
    const bool all_offered = mode_.merge->drained_towards(session.neighbour);
    if (session.drain_done_sent || !all_offered || session.out.has_backlog()) continue;
    session.drain_done_sent = true;
    send(now, session, Channel::control, {DrainDone{session.out.last_number()}, {}}, actions);
    // Whoever asks again after the goodbye may have lost that too.
    if (lingering_) send(now, session, Channel::control, {Goodbye{false, "drained"}, {}}, actions);
  }
  if (!drained() || lingering_) return;
  lingering_ = true;
  // All is done without those who are missing, and after the goodbye their silence says nothing any more.
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) {
    if (absences_.has_left(n)) absences_.leave_for_good(n);
  }
  // Whoever has not said goodbye may lack the last acknowledgement, and asks for it once it is heard.
  actions.set_timer(TimerId::drain_deadline, now + options_.drain_deadline);
  for (const Session& session : sessions_) {
    membership_.say_goodbye_to(now, session.id, /*failed=*/false, "drained", actions);
  }
}

bool Mirror::drained() const {
  if (lingering_) return true;
  return draining_ && mode_.merge->settled() &&
         std::all_of(sessions_.begin(), sessions_.end(), [this](const Session& session) {
           return !takes_part(session) ||
                  (session.drain_done_sent && session.out.all_acknowledged() && session.in.drained());
         });
}

bool Mirror::may_leave() const {
  return linger_over_ || std::all_of(sessions_.begin(), sessions_.end(), [this](const Session& session) {
           return !takes_part(session) || membership_.has_departed(session.id);
         });
}

void Mirror::on_drain_deadline(Time now, Actions& actions) {
  if (lingering_) {
    linger_over_ = true;
    return;
  }
  std::vector<std::string> missing;
  std::vector<std::string> still_training;
  for (const Session& session : sessions_) {
    if (!takes_part(session)) continue;
    const bool all_is_there = session.drain_done_sent && session.out.all_acknowledged();
    if (all_is_there && session.in.drained()) continue;
    // Who has everything from here may still be training, or its own drain has only begun. Its drain has a
    // deadline of its own, and so has its silence.
    const bool in_time =
        !session.drain_announced_at || now - *session.drain_announced_at < options_.drain_deadline;
    const bool waits_for_others = !mode_.merge->drained_towards(session.neighbour);
    const bool is_waited_for = options_.absence.policy == SilencePolicy::wait &&
                               membership_.silent_for(now, session.id) > 3 * membership_.tick();
    const bool may_train = ((all_is_there || waits_for_others) && in_time) || is_waited_for;
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

}  // namespace meridian::wan

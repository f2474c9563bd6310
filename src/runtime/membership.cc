#include "src/runtime/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian {

void Membership::expect(ProcessId peer, const std::string& name, bool answer, WhenLost when_lost) {
  watch_.expect(peer, name, /*connections=*/2, when_lost == WhenLost::policy_decides);
  peers_.push_back({peer, name, answer, when_lost});
}

Membership::Peer* Membership::find(ProcessId peer) {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.id == peer; });
  return found == peers_.end() ? nullptr : &*found;
}

void Membership::shut_out(ProcessId peer) {
  if (Peer* const known = find(peer)) known->shut_out = true;
  watch_.departed(peer);
}

bool Membership::is_shut_out(ProcessId peer) const {
  const Peer* const known = const_cast<Membership*>(this)->find(peer);
  return known != nullptr && known->shut_out;
}

/// A peer is gone for good: its policy decides, or the run ends.
void Membership::lost(Time now, ProcessId peer, const std::string& why, Actions& actions) {
  const Peer* const known = find(peer);
  const bool asked = known != nullptr && known->when_lost == WhenLost::policy_decides && decide_loss_;
  if (asked && decide_loss_(now, peer, why, actions)) return;
  fail(now, FaultKind::failed, why, actions);
}

Message Membership::hello(Channel channel) const {
  return {Hello{kProtocolVersion, identity_.run_digest, identity_.self, identity_.incarnation, channel}, {}};
}

void Membership::greet(Time now, ProcessId peer, Actions& actions) {
  send(now, peer, Channel::control, hello(Channel::control), actions);
  send(now, peer, Channel::data, hello(Channel::data), actions);
}

std::size_t Membership::send(Time now, ProcessId to, Channel channel, Message message, Actions& actions) {
  const bool numbered = number_ && !std::holds_alternative<Hello>(message.body) &&
                        !std::holds_alternative<Refusal>(message.body);
  if (numbered) message.position = number_(to, channel, message.body);
  const std::size_t bytes = actions.send(to, channel, std::move(message));
  watch_.sent_to(now, to);
  if (counter_) counter_(to, channel, bytes);
  return bytes;
}

const std::string& Membership::name_of(ProcessId peer) const {
  static const std::string unknown = "an unknown process";
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.id == peer; });
  return found == peers_.end() ? unknown : found->name;
}

void Membership::on_hello(Time now, ProcessId from, Channel channel, const Hello& hello_in,
                          Actions& actions) {
  if (!watch_.knows(from)) {
    actions.report(
        Notice{fmt::format("refused a hello from a process that is not in this deployment "
                           "(datacenter {}, {} {})",
                           from.datacenter, to_string(from.role), from.index)});
    return;
  }
  if (hello_in.version != kProtocolVersion) {
    actions.report(Notice{fmt::format("refused {}: it speaks protocol version {}, this process version {}",
                                      name_of(from), hello_in.version, kProtocolVersion)});
    return;
  }
  if (hello_in.run_digest != identity_.run_digest) {
    // It greets on both channels, and is told once.
    if (channel != Channel::control) return;
    actions.report(Notice{fmt::format("refused {}: it runs another configuration", name_of(from))});
    send(now, from, Channel::control, {Refusal{identity_.configuration.substr(0, kMaxRefusalBytes)}, {}},
         actions);
    return;
  }
  // Addresses are no part of the digest, so a wrong one shows only here.
  if (hello_in.sender != from || hello_in.channel != channel) {
    fail(now, FaultKind::failed,
         fmt::format("at the address of {} ({} channel) answers datacenter {}, {} {} ({} channel); are hosts "
                     "or ports exchanged?",
                     name_of(from), to_string(channel), hello_in.sender.datacenter,
                     to_string(hello_in.sender.role), hello_in.sender.index, to_string(hello_in.channel)),
         actions);
    return;
  }
  if (is_shut_out(from)) return;
  if (!watch_.greeted(now, from, hello_in.incarnation, channel)) {
    lost(now, from, fmt::format("{} was restarted during the run", name_of(from)), actions);
    return;
  }
  const auto peer = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.id == from; });
  if (peer != peers_.end() && peer->answer) send(now, from, channel, hello(channel), actions);
}

bool Membership::on_message(Time now, ProcessId from, Channel channel, const Body& body, Actions& actions) {
  if (const auto* hello_in = std::get_if<Hello>(&body)) {
    on_hello(now, from, channel, *hello_in, actions);
    return true;
  }
  if (const auto* refusal = std::get_if<Refusal>(&body)) {
    if (watch_.knows(from) && !is_shut_out(from)) {
      lost(now, from,
           fmt::format("{} runs another configuration: {}", name_of(from),
                       identity_.explain_difference(refusal->identity_text)),
           actions);
    }
    return true;
  }
  if (is_shut_out(from)) return true;
  watch_.heard_from(now, from);
  if (const auto* goodbye = std::get_if<Goodbye>(&body)) {
    if (!watch_.has_greeted(from)) return true;
    watch_.departed(from);
    if (goodbye->failed) {
      // A peer's text is a peer's text: bounded, and never passed on as if it were ours.
      lost(now, from, fmt::format("{} stopped: {}", name_of(from), goodbye->reason.substr(0, 500)), actions);
    }
    return true;
  }
  return std::holds_alternative<Heartbeat>(body);
}

void Membership::on_tick(Time now, Actions& actions) {
  for (const ProcessId peer : watch_.owed_heartbeat(now)) {
    send(now, peer, Channel::control, {Heartbeat{}, {}}, actions);
  }
  if (const std::string notice = watch_.missing_notice(now); !notice.empty()) actions.report(Notice{notice});
  if (const std::string overdue = watch_.overdue(now); !overdue.empty())
    fail(now, FaultKind::failed, overdue, actions);
}

void Membership::say_goodbye(Time now, bool failed, const std::string& reason, Actions& actions) {
  has_left_ = true;
  for (const Peer& peer : peers_) {
    if (!watch_.has_departed(peer.id)) say_goodbye_to(now, peer.id, failed, reason, actions);
  }
}

void Membership::say_goodbye_to(Time now, ProcessId peer, bool failed, const std::string& reason,
                                Actions& actions) {
  Peer* const known = find(peer);
  if (known == nullptr || known->told_goodbye || !watch_.has_greeted(peer)) return;
  known->told_goodbye = true;
  if (!failed) watch_.released(peer);
  send(now, peer, Channel::control, {Goodbye{failed, reason}, {}}, actions);
}

void Membership::fail(Time now, FaultKind kind, const std::string& reason, Actions& actions) {
  say_goodbye(now, /*failed=*/true, reason, actions);
  actions.fail(kind, reason);
}

}  // namespace meridian

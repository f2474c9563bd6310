#include "wan/reads_first.h"

#include <algorithm>
#include <utility>

namespace meridian::wan {
namespace {

std::size_t payload_bytes(const Message& message) {
  std::size_t bytes = 0;
  for (const Payload& payload : message.payloads) bytes += payload.size();
  return bytes;
}

}  // namespace

/// Whether others' updates change values as they come, and some values are on their way, or others wait.
bool ReadsFirst::has_to_wait(ProcessId from, Channel channel) const {
  if (channel != Channel::data || from.datacenter == server_.mirror().datacenter()) return false;
  return !waiting_.empty() || (server_.mirror().own_steps_merge_at_once() && server_.store().is_on_its_way());
}

void ReadsFirst::on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) {
  if (!has_to_wait(from, channel)) {
    ForwardingMachine::on_message(now, from, channel, std::move(message), actions);
  } else {
    if (waiting_.empty()) actions.set_timer(TimerId::reads_first, now + kLookAgainAfter);
    bytes_ += payload_bytes(message);
    waiting_.push_back({now, from, std::move(message)});
  }
  pass_on(now, actions);
}

void ReadsFirst::on_timer(Time now, TimerId id, Actions& actions) {
  if (id != TimerId::reads_first) ForwardingMachine::on_timer(now, id, actions);
  pass_on(now, actions);
  if (id == TimerId::reads_first && !waiting_.empty() && !server_.has_left())
    actions.set_timer(TimerId::reads_first, now + kLookAgainAfter);
}

/// What no longer has to wait, and all where that took too long or is too much.
void ReadsFirst::pass_on(Time now, Actions& actions) {
  if (waiting_.empty()) return;
  const std::size_t most = std::max(kLeastBytes, server_.store().total_entries() * sizeof(float) / kShare);
  const bool all =
      bytes_ > most || waiting_.size() > kMostMessages || now - waiting_.front().since >= kLongest;
  while (!waiting_.empty() && !server_.has_left() && (all || !server_.store().is_on_its_way())) {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= payload_bytes(next.message);
    ForwardingMachine::on_message(now, next.from, Channel::data, std::move(next.message), actions);
  }
}

}  // namespace meridian::wan

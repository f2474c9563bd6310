#include "src/runtime/real/outage_log.h"

#include <fmt/format.h>

#include <utility>

namespace meridian {

bool OutageLog::may_tell(Time now, Peer& peer) {
  if (peer.departed || now < peer.quiet_until) return false;
  peer.quiet_until = now + kTellEvery;
  return true;
}

void OutageLog::tell_down(Time now, ProcessId id, Peer& peer) {
  if (!peer.down() || peer.told_down || !may_tell(now, peer)) return;
  peer.told_down = true;
  tell_(now, fmt::format("lost the connection to {}, reconnecting", name_of_(id)));
}

void OutageLog::connected(Time now, ProcessId id, Channel channel) {
  connection(id, channel).down = false;
  Peer& connected = peer(id);
  if (connected.down() || !std::exchange(connected.told_down, false) || connected.departed) return;
  tell_(now, fmt::format("connected again to {}", name_of_(id)));
}

void OutageLog::disconnected(Time now, ProcessId id, Channel channel) {
  connection(id, channel).down = true;
  tell_down(now, id, peer(id));
}

void OutageLog::dropped(Time now, ProcessId id, Channel channel, Drop drop) {
  Connection& line = connection(id, channel);
  ++line.dropped;
  if (drop == Drop::not_connected || line.told_dropped || !may_tell(now, peer(id))) return;
  line.told_dropped = true;
  tell_(now, fmt::format("the queue of {} messages to {} is full; what does not fit is dropped",
                         to_string(channel), name_of_(id)));
}

std::uint64_t OutageLog::accepted(Time now, ProcessId id, Channel channel) {
  Connection& line = connection(id, channel);
  const std::uint64_t dropped = std::exchange(line.dropped, 0);
  // Where the start was told, so is the end.
  if (dropped > 0 && (std::exchange(line.told_dropped, false) || may_tell(now, peer(id)))) {
    tell_(now, fmt::format("{} takes {} messages again; {} of them were dropped", name_of_(id),
                           to_string(channel), dropped));
  }
  return peer(id).departed ? 0 : dropped;
}

void OutageLog::departed(ProcessId id) { peer(id).departed = true; }

void OutageLog::joined(ProcessId id, Channel channel) {
  peer(id).departed = false;
  connection(id, channel) = {};
}

void OutageLog::tell_overdue(Time now) {
  for (auto& [id, peer] : peers_) tell_down(now, id, peer);
}

}  // namespace meridian

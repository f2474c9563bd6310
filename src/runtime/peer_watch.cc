#include "src/runtime/peer_watch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian {

void PeerWatch::expect(ProcessId peer, std::string name, int connections, bool excused) {
  MERIDIAN_CHECK(find(peer) == nullptr, "{} is expected twice", name);
  peers_.push_back({.id = peer, .name = std::move(name), .connections = connections, .excused = excused});
}

const PeerWatch::Peer* PeerWatch::find(ProcessId peer) const {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const Peer& p) { return p.id == peer; });
  return found == peers_.end() ? nullptr : &*found;
}

PeerWatch::Peer* PeerWatch::find(ProcessId peer) {
  return const_cast<Peer*>(static_cast<const PeerWatch*>(this)->find(peer));
}

bool PeerWatch::greeted(Time now, ProcessId peer, std::uint64_t incarnation, Channel channel) {
  Peer* const known = find(peer);
  if (known == nullptr) return false;
  if (known->greeted > 0 && known->incarnation != incarnation) return false;
  known->incarnation = incarnation;
  known->heard = now;
  bool& seen = channel == Channel::control ? known->on_control : known->on_data;
  if (!seen) ++known->greeted;
  seen = true;
  return true;
}

bool PeerWatch::complete() const {
  return std::all_of(peers_.begin(), peers_.end(), [](const Peer& p) { return p.greeted >= p.connections; });
}

bool PeerWatch::has_greeted(ProcessId peer) const {
  const Peer* const known = find(peer);
  return known != nullptr && known->greeted >= known->connections;
}

bool PeerWatch::has_greeted(ProcessId peer, Channel channel) const {
  const Peer* const known = find(peer);
  return known != nullptr && (channel == Channel::control ? known->on_control : known->on_data);
}

void PeerWatch::heard_from(Time now, ProcessId peer) {
  if (Peer* const known = find(peer)) known->heard = now;
}

void PeerWatch::sent_to(Time now, ProcessId peer) {
  if (Peer* const known = find(peer)) known->sent = now;
}

void PeerWatch::departed(ProcessId peer) {
  if (Peer* const known = find(peer)) known->departed = true;
}

void PeerWatch::released(ProcessId peer) {
  if (Peer* const known = find(peer)) known->released = true;
}

Time PeerWatch::silent_for(Time now, ProcessId peer) const {
  const Peer* const known = find(peer);
  const bool owes = known != nullptr && complete() && !known->departed && !known->released;
  return owes ? now - known->heard : Time{0};
}

Time PeerWatch::quiet_for(Time now, ProcessId peer) const {
  const Peer* const known = find(peer);
  return known == nullptr ? Time{0} : now - known->heard;
}

bool PeerWatch::has_departed(ProcessId peer) const {
  const Peer* const known = find(peer);
  return known != nullptr && known->departed;
}

std::string PeerWatch::missing_names() const {
  std::vector<std::string> names;
  for (const Peer& peer : peers_) {
    if (peer.greeted < peer.connections) names.push_back(peer.name);
  }
  if (names.size() <= 1) return names.empty() ? "" : names.front();
  const std::string last = names.back();
  names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

std::vector<ProcessId> PeerWatch::owed_heartbeat(Time now) const {
  std::vector<ProcessId> owed;
  for (const Peer& peer : peers_) {
    if (peer.greeted > 0 && !peer.departed && now - peer.sent >= tick()) owed.push_back(peer.id);
  }
  return owed;
}

std::string PeerWatch::overdue(Time now) const {
  if (!complete()) {
    if (now < deadlines_.start) return {};
    return fmt::format("{} did not join within {:.0f} s (wan.deadlines.start_s)", missing_names(),
                       to_seconds(deadlines_.start));
  }
  for (const Peer& peer : peers_) {
    if (!peer.departed && !peer.released && !peer.excused && now - peer.heard >= deadlines_.silence) {
      return fmt::format("{} has been silent for {:.0f} s (wan.deadlines.silence_s; policy: stop)", peer.name,
                         to_seconds(now - peer.heard));
    }
  }
  return {};
}

std::string PeerWatch::missing_notice(Time now) {
  if (complete() || now < next_notice_) return {};
  next_notice_ = now + kMissingNoticeEvery;
  return fmt::format("waiting for {} ({:.0f} s of {:.0f} s)", missing_names(), to_seconds(now),
                     to_seconds(deadlines_.start));
}

}  // namespace meridian

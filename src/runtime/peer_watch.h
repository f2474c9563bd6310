// Who is there and who has gone silent. A machine's processes greet each other with a hello on every
// connection; from then on any message is a sign of life, and a heartbeat is sent where there was nothing
// else to say. Every wait for a peer has a deadline here, and a name to blame after it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/wire/message.h"

namespace meridian {

/// Pure: no I/O, clock or thread. One machine owns it.
class PeerWatch {
 public:
  struct Deadlines {
    Time start{std::chrono::seconds(30)};    ///< for all peers to have said hello
    Time silence{std::chrono::seconds(30)};  ///< between two signs of life
  };

  /// Between two looks at the peers, at most.
  static constexpr Time kTick = std::chrono::seconds(1);
  static constexpr Time kShortestTick = std::chrono::milliseconds(10);
  static constexpr Time kMissingNoticeEvery = std::chrono::seconds(5);

  explicit PeerWatch(Deadlines deadlines) : deadlines_(deadlines) {}

  /// How often to look: so often that a heartbeat is never late for a short silence deadline.
  Time tick() const { return std::clamp(Time(deadlines_.silence / 4), kShortestTick, kTick); }

  /// Adds a peer that must say hello on `connections` connections. Whose silence is `excused` is not overdue
  /// once all have greeted: somebody else decides what it means.
  void expect(ProcessId peer, std::string name, int connections, bool excused = false);

  bool knows(ProcessId peer) const { return find(peer) != nullptr; }

  /// A hello arrived. Returns false where the peer is unknown or greeted with two incarnations.
  bool greeted(Time now, ProcessId peer, std::uint64_t incarnation, Channel channel);
  /// All expected peers have greeted on all their connections.
  bool complete() const;
  /// On all its connections, or on one.
  bool has_greeted(ProcessId peer) const;
  bool has_greeted(ProcessId peer, Channel channel) const;

  void heard_from(Time now, ProcessId peer);
  void sent_to(Time now, ProcessId peer);
  /// The peer left in good order: its silence means nothing any more.
  void departed(ProcessId peer);
  bool has_departed(ProcessId peer) const;
  /// We said goodbye to it in good order: it owes us nothing any more, not even a sign of life.
  void released(ProcessId peer);
  /// How long nothing has come from a peer that still owes a sign of life; 0 for any other.
  Time silent_for(Time now, ProcessId peer) const;
  /// How long nothing has come from any peer.
  Time quiet_for(Time now, ProcessId peer) const;

  /// Names of the peers that have not greeted, "a, b and c".
  std::string missing_names() const;
  /// Peers to which nothing was sent for a tick: they are owed a heartbeat.
  std::vector<ProcessId> owed_heartbeat(Time now) const;
  /// What is wrong by now, in words that name who is missing and for how long; empty where nothing is.
  std::string overdue(Time now) const;
  /// Every few seconds while peers are missing at the start: who they are. Empty otherwise.
  std::string missing_notice(Time now);

 private:
  struct Peer {
    ProcessId id;
    std::string name;
    int connections = 0;
    int greeted = 0;
    bool on_control = false;
    bool on_data = false;
    bool departed = false;
    bool released = false;
    bool excused = false;
    std::uint64_t incarnation = 0;
    Time heard{0};
    Time sent{0};
  };

  const Peer* find(ProcessId peer) const;
  Peer* find(ProcessId peer);

  Deadlines deadlines_;
  std::vector<Peer> peers_;
  Time next_notice_ = kMissingNoticeEvery;
};

}  // namespace meridian

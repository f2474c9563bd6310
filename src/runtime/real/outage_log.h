// What a person is told about connections that break and messages that could not be sent: once for each peer
// and outage, not once for each message, and never more often than every few seconds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/wire/message.h"

namespace meridian {

/// Not thread-safe. `now` never goes back.
class OutageLog {
 public:
  /// Between two outages of one peer that are told.
  static constexpr Time kTellEvery = std::chrono::seconds(10);

  /// `name_of` names a peer, `tell` gets the sentence.
  OutageLog(std::function<std::string(ProcessId)> name_of,
            std::function<void(Time now, const std::string& text)> tell)
      : name_of_(std::move(name_of)), tell_(std::move(tell)) {}

  /// A connection to `id` is up, for the first time or again.
  void connected(Time now, ProcessId id, Channel channel);
  /// A connection that was up has broken.
  void disconnected(Time now, ProcessId id, Channel channel);

  /// Why a message was dropped: the peer's queue had no room, or there was no connection to put it on. The
  /// latter is what happens to everything sent to a peer that has ended, so it is told only when the peer
  /// turns out to be there still.
  enum class Drop : std::uint8_t { queue_full, not_connected };
  void dropped(Time now, ProcessId id, Channel channel, Drop drop);
  /// A message to `id` was taken. Returns how many were dropped since the last one that was (0 where the
  /// peer has departed).
  std::uint64_t accepted(Time now, ProcessId id, Channel channel);

  /// Nothing about `id` is of interest any more: it leaves, or we do.
  void departed(ProcessId id);
  /// A new start of `id` has greeted: what was before does not concern it.
  void joined(ProcessId id, Channel channel);

  /// Tells what had to wait because something was told a moment ago. To be called now and then.
  void tell_overdue(Time now);

 private:
  struct Connection {
    bool down = false;
    std::uint64_t dropped = 0;
    bool told_dropped = false;
  };
  struct Peer {
    std::array<Connection, 2> connections;  // by channel
    bool told_down = false;
    bool departed = false;
    Time quiet_until{0};

    bool down() const { return connections[0].down || connections[1].down; }
  };

  Peer& peer(ProcessId id) { return peers_[id]; }
  Connection& connection(ProcessId id, Channel channel) {
    return peers_[id].connections.at(static_cast<std::size_t>(channel));
  }
  /// Whether a new outage may be told; if so, the next one has to wait.
  static bool may_tell(Time now, Peer& peer);
  void tell_down(Time now, ProcessId id, Peer& peer);

  std::function<std::string(ProcessId)> name_of_;
  std::function<void(Time, const std::string&)> tell_;
  std::map<ProcessId, Peer> peers_;
};

}  // namespace meridian

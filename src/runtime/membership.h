// The part of every machine that keeps company with its peers: it greets them, checks their greeting, sends
// heartbeats, and ends the run with a name when a peer is missing, silent, gone for a fault, or of another
// run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "src/runtime/machine.h"
#include "src/runtime/peer_watch.h"

namespace meridian {

/// Who a process is and which run it belongs to.
struct Identity {
  ProcessId self;
  std::string name;  ///< "tokyo-server-0"
  std::uint64_t run_digest = 0;
  std::uint64_t incarnation = 0;  ///< differs each time the process starts
  std::string configuration;      ///< the run's identity, key=value lines
  /// Names the first key in which a peer's configuration text differs from ours, with both values.
  std::function<std::string(const std::string& theirs)> explain_difference;
};

class Membership {
 public:
  /// A refusal carries no more of the configuration than this, so that its header is never too long to be
  /// read.
  static constexpr std::size_t kMaxRefusalBytes = 128UL * 1024;

  Membership(Identity identity, PeerWatch::Deadlines deadlines)
      : identity_(std::move(identity)), watch_(deadlines) {}

  const Identity& identity() const { return identity_; }

  /// Whose the decision is when a peer is lost (silent, restarted, gone for a fault): the run ends, or
  /// another part of the machine has a policy.
  enum class WhenLost : std::uint8_t { run_ends, policy_decides };

  /// A peer that must greet us on both channels. `answer`: its connections to us carry both directions, so
  /// its greeting is answered with ours.
  void expect(ProcessId peer, const std::string& name, bool answer, WhenLost when_lost = WhenLost::run_ends);

  /// Greets `peer` on both channels.
  void greet(Time now, ProcessId peer, Actions& actions);

  /// Handles what concerns membership (hello, refusal, goodbye, heartbeat) and returns true; anything else is
  /// left to the caller, who must drop it where !has_greeted(from, channel).
  bool on_message(Time now, ProcessId from, Channel channel, const Body& body, Actions& actions);

  /// To be called every tick(). Sends heartbeats; fails the run for what is overdue.
  void on_tick(Time now, Actions& actions);

  /// Sends and notes that the peer heard from us. Returns the bytes on the wire.
  std::size_t send(Time now, ProcessId to, Channel channel, Message message, Actions& actions);

  /// Tells every peer that this process leaves: done, or because of a fault. Each is told once.
  void say_goodbye(Time now, bool failed, const std::string& reason, Actions& actions);
  /// The same for one peer, with which all is done. It may have said goodbye itself, and stay for ours.
  void say_goodbye_to(Time now, ProcessId peer, bool failed, const std::string& reason, Actions& actions);

  /// Ends the run: tells every peer why, then fails.
  void fail(Time now, FaultKind kind, const std::string& reason, Actions& actions);

  /// Called when a peer whose loss a policy decides was restarted or stopped for a fault; returns false where
  /// the run is to end.
  void decide_losses_with(
      std::function<bool(Time now, ProcessId peer, const std::string& why, Actions&)> decide) {
    decide_loss_ = std::move(decide);
  }
  /// From now on nothing that this peer sends is heard, and nothing is expected of it.
  void shut_out(ProcessId peer);
  bool is_shut_out(ProcessId peer) const;

  /// A sign of life that the caller keeps from on_message().
  void heard_from(Time now, ProcessId peer) { watch_.heard_from(now, peer); }
  /// How long nothing has come from a peer that still owes a sign of life; 0 for any other.
  Time silent_for(Time now, ProcessId peer) const { return watch_.silent_for(now, peer); }
  /// The same for any peer, whether or not it owes one.
  Time quiet_for(Time now, ProcessId peer) const { return watch_.quiet_for(now, peer); }

  Time tick() const { return watch_.tick(); }
  bool complete() const { return watch_.complete(); }
  bool knows(ProcessId peer) const { return watch_.knows(peer); }
  bool has_greeted(ProcessId peer) const { return watch_.has_greeted(peer); }
  bool has_greeted(ProcessId peer, Channel channel) const { return watch_.has_greeted(peer, channel); }
  bool has_departed(ProcessId peer) const { return watch_.has_departed(peer); }
  const std::string& name_of(ProcessId peer) const;
  /// Whether this process has said goodbye to all: the run is over for it.
  bool has_left() const { return has_left_; }

  /// Asked for the place in its session of each message but hellos and refusals that goes out through send().
  void number_with(std::function<SessionPosition(ProcessId to, Channel channel, const Body& body)> number) {
    number_ = std::move(number);
  }

  /// Called with the bytes of each message that goes out through send(): for counting what crosses the WAN.
  void count_sent_with(std::function<void(ProcessId to, Channel channel, std::size_t bytes)> counter) {
    counter_ = std::move(counter);
  }

 private:
  struct Peer {
    ProcessId id;
    std::string name;
    bool answer = false;
    WhenLost when_lost = WhenLost::run_ends;
    bool told_goodbye = false;
    bool shut_out = false;
  };

  Message hello(Channel channel) const;
  Peer* find(ProcessId peer);
  void lost(Time now, ProcessId peer, const std::string& why, Actions& actions);
  void on_hello(Time now, ProcessId from, Channel channel, const Hello& hello, Actions& actions);

  Identity identity_;
  PeerWatch watch_;
  std::vector<Peer> peers_;
  bool has_left_ = false;
  std::function<void(ProcessId, Channel, std::size_t)> counter_;
  std::function<SessionPosition(ProcessId, Channel, const Body&)> number_;
  std::function<bool(Time, ProcessId, const std::string&, Actions&)> decide_loss_;
};

}  // namespace meridian

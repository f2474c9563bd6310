// The real runtime: one process hosts one machine over ZeroMQ. One thread owns the sockets and the machine;
// computations run on a thread beside it, so that no control message ever waits behind a gradient. Control
// and data travel on sockets of their own, and control is always read first.
//
// A connection that breaks is made anew by itself and goes on as the same one; what was on its way is lost,
// without a sign. So whoever sends to another datacenter numbers its messages and asks for what is missing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/result.h"
#include "src/network/shared_link.h"
#include "src/runtime/machine.h"

namespace zmq {
class message_t;
class socket_t;
}  // namespace zmq

namespace meridian {

class Computer;

/// Where one process listens and whom it calls, as ZeroMQ endpoints ("tcp://10.0.0.5:7000").
struct Addresses {
  struct Listener {
    Channel channel = Channel::control;
    std::string endpoint;
    /// Processes of other datacenters call here.
    bool wide_area = false;
  };
  struct Peer {
    std::string control;
    std::string data;
  };

  std::vector<Listener> listeners;
  std::map<ProcessId, Peer> peers;
};

/// What a runtime can tell of itself to those who watch.
struct RuntimeFigures {
  std::uint64_t unknown_callers = 0;    ///< messages of connections that did not say hello
  std::uint64_t other_run = 0;          ///< hellos of processes of another run
  std::uint64_t malformed = 0;          ///< messages of peers that could not be read
  std::uint64_t dropped = 0;            ///< own messages that no socket took
  std::uint64_t lan_waiting_bytes = 0;  ///< that the shaped LAN still carries; 0 where it is not shaped
};

/// Everything on one thread, but for the computations.
class RealRuntime {
 public:
  struct Options {
    ProcessId self;
    std::uint64_t run_digest = 0;
    /// Drawn anew each time the process starts; the one that its hellos carry.
    std::uint64_t incarnation = 0;
    Addresses addresses;
    /// The network inside the datacenter, where this machine's loopback stands for it: what this process
    /// sends to others of its datacenter shares one link of this kind before it goes to the sockets. Nothing:
    /// there is a network of that kind already.
    std::optional<SharedLink::Options> lan;
    /// Sees every report of the machine, and the runtime's own notices.
    std::function<void(Time now, const Report& report)> observe = [](Time, const Report&) {};
    /// How notices name a process.
    std::function<std::string(ProcessId)> name_of = describe;
  };

  /// Most messages that wait for one connection to another datacenter; further ones are dropped, and send()
  /// returns 0 for them. A connection that works never has so many: data is bounded by the protocol's
  /// window, which is a few dozen chunks, and control messages come a few for each clock, chunk and second.
  /// Inside a datacenter nothing is dropped while it waits.
  static constexpr int kMostWaitingMessages = 4096;

  /// Parts of a push or of a reply, of up to 1 MiB each, that one peer of the own datacenter has sent and
  /// that were not read yet. What it sends beyond stays with it.
  static constexpr int kMostUnreadParts = 16;

  /// "datacenter 0, server 1".
  static std::string describe(ProcessId id);

  struct Fault {
    FaultKind kind = FaultKind::failed;
    std::string reason;
  };

  /// Binds the listeners; an error names the endpoint. `machine` must outlive the runtime.
  static Result<std::unique_ptr<RealRuntime>> create(Options options, Machine& machine);

  /// Sockets are closed; what was sent last gets a few seconds to leave.
  ~RealRuntime();
  RealRuntime(const RealRuntime&) = delete;
  RealRuntime& operator=(const RealRuntime&) = delete;

  /// Calls `on_readable` in run()'s thread whenever `fd` is readable, until it returns false. Before run().
  void watch_fd(int fd, std::function<bool()> on_readable);

  /// Runs the machine until it finishes (nothing) or fails (why). Not twice. What a shaped LAN still carries
  /// then is sent: at its time after a good end, for a second at most, and at once otherwise.
  std::optional<Fault> run();

  // In run()'s thread, from a watch_fd callback:
  /// Asks the machine to end the run in good order.
  void interrupt();
  /// Ends run() at once with this reason.
  void abort(const std::string& reason);

  /// Time since the runtime was made.
  Time now() const;
  RuntimeFigures figures() const;

 private:
  struct Sockets;
  class MachineActions;

  explicit RealRuntime(Options options, Machine& machine);
  Failure open();
  Failure bind(zmq::socket_t& socket, const std::string& endpoint) const;
  void read_sockets();
  bool read_dialled(std::size_t index);
  bool read_listening(std::size_t index);
  void read_hello(std::size_t index, const std::string& caller, const zmq::message_t& header,
                  bool has_payloads);
  void read_events(std::size_t index);
  void deliver(ProcessId from, Channel channel, const zmq::message_t& header,
               std::vector<zmq::message_t>& frames);
  void fire_due();
  void loop();
  void send_what_is_left();
  void hang_doorbells();
  void look();

  Options options_;
  Machine& machine_;
  std::chrono::steady_clock::time_point started_;
  std::unique_ptr<Sockets> sockets_;
  std::unique_ptr<Computer> computer_;
  std::unique_ptr<MachineActions> actions_;
  RuntimeFigures figures_;  // but for what the LAN carries
  Time turn_began_{0};      // for what need not know the time to the microsecond
};

}  // namespace meridian

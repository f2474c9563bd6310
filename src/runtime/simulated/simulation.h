// The simulated runtime: the very machines of a real run, in virtual time. Messages take the time that their
// bytes need on shared links; computations are really done, on several threads, and take the time they are
// said to take. What happens is a function of the machines, the links and the scheduled faults: same input,
// same bytes, whatever the number of threads.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "src/network/network.h"
#include "src/runtime/machine.h"
#include "src/runtime/simulated/faults.h"
#include "src/runtime/thread_pool.h"

namespace meridian {

/// One thread owns it; only computations run elsewhere.
class Simulation {
 public:
  struct Options {
    /// The link between two datacenters, by position; all connections from one to the other share it.
    std::function<WideAreaLink::Options(std::uint16_t from, std::uint16_t to)> link;
    /// What all links from, and to, one datacenter carry together, in bytes a second; nullopt: no limit.
    std::function<std::optional<double>(std::uint16_t datacenter)> egress = [](std::uint16_t) {
      return std::nullopt;
    };
    std::function<std::optional<double>(std::uint16_t datacenter)> ingress = [](std::uint16_t) {
      return std::nullopt;
    };
    /// Inside a datacenter: what one process sends shares one link of this kind.
    SharedLink::Options lan;
    /// Round trips that two processes of different datacenters need to make their connections. What one sends
    /// to the other at first waits for that long, in order.
    double handshake_round_trips = 0.0;
    /// What goes wrong, and when; links of faults are between two different datacenters. A fault begins, and
    /// ends, before everything else of its nanosecond, but after what a link of it has due by then.
    std::vector<ScheduledFault> faults = {};
    /// Of what varies by chance on links.
    std::uint64_t link_seed = 0;
    /// Processes that are never started: what is sent to them is lost and takes no bytes.
    std::vector<ProcessId> absent = {};
    unsigned threads = 1;
    /// A run in which nothing is reported and no data arrives for this long is ended as a failure.
    Time stalled_after{std::chrono::hours(1)};
    /// Asked now and then; true once means that the user interrupts.
    std::function<bool()> interrupted = [] { return false; };
    /// Sees every report of every process at its virtual time.
    std::function<void(Time now, ProcessId from, const Report& report)> observe = [](Time, ProcessId,
                                                                                     const Report&) {};
  };

  struct Fault {
    ProcessId process;
    FaultKind kind = FaultKind::failed;
    std::string reason;
  };

  struct Outcome {
    Time ended{0};
    std::optional<Fault> fault;  ///< the first; the run ended with it
    std::uint64_t events = 0;
  };

  explicit Simulation(Options options);
  ~Simulation();

  /// Adds a process; the machine must outlive the simulation. Before run().
  void add(ProcessId id, Machine& machine);

  /// Something more that goes wrong, not before now. Before run() or while it observes a report.
  void inject(const ScheduledFault& fault);

  /// The links' traces count from now on. While run() observes a report; a second call does nothing.
  void start_traces();

  /// Events so far, virtual time so far.
  std::uint64_t events() const { return events_handled_; }
  Time now() const { return now_; }

  /// Runs until every machine has finished or was killed, or one has failed; a run that cannot go on is a
  /// fault too.
  Outcome run();

 private:
  struct Process;
  class ProcessActions;

  enum class EventKind : std::uint8_t {
    start,
    network,
    timer,
    computed,
    interrupt,
    connected,
    fault_begins,
    fault_ends
  };

  struct Event {
    Time at{0};
    std::uint64_t order = 0;
    EventKind kind = EventKind::start;
    std::size_t index = 0;  // of the process, the handshake or the fault
    TimerId timer = TimerId::tick;
    std::uint64_t generation = 0;  // of the timer's setting
    bool operator>(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  /// Between two processes, one way, on both channels.
  struct Connections {
    Network::ConnectionId first = 0;  // of control; the next number is of data
    bool made = true;
    std::vector<std::uint64_t> waiting;  // cookies of what was sent before they were made
  };

  struct Link {
    Network::LinkId id = 0;
    std::map<std::pair<std::size_t, std::size_t>, Connections> connections;  // by sender and receiver
  };

  /// Connections in the making.
  struct Handshake {
    std::size_t link = 0;
    std::pair<std::size_t, std::size_t> ends;
  };

  struct InFlight {
    std::size_t from = 0;
    std::size_t to = 0;
    Channel channel = Channel::control;
    std::vector<std::byte> header;
    std::vector<Payload> payloads;
    std::size_t bytes = 0;
    bool may_repeat = true;
  };

  class FaultInjector;

  void schedule_fault(std::size_t index);

  void schedule(Event event);
  std::size_t send(std::size_t from, ProcessId to, Channel channel, Message message);
  std::size_t link_between(std::size_t from, std::size_t to);
  std::size_t wan_link(std::uint16_t from, std::uint16_t to);
  Connections& connections(std::size_t link, std::size_t from, std::size_t to);
  void enter_link(std::size_t link, const Connections& connections, std::uint64_t cookie);
  void on_connected(const Handshake& handshake);
  std::optional<Network::CapId> cap_of(std::uint16_t datacenter,
                                       std::map<std::uint16_t, Network::CapId>& caps,
                                       const std::optional<double>& rate);
  void wake_network();
  void on_network();
  void carry();
  void deliver(InFlight message);
  void hand_over(InFlight message);
  void handle(const Event& event);
  void on_process_event(const Event& event);
  void hand_over(const Event& event);
  void resume(Process& process);
  void end(Process& process);
  void reset_connections(const ConnectionReset& reset);

  Options options_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<Process>> processes_;
  std::map<ProcessId, std::size_t> process_index_;
  Network network_;
  std::vector<Link> links_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> link_index_;
  std::vector<Handshake> handshakes_;
  std::map<std::uint16_t, Network::CapId> egress_;
  std::map<std::uint16_t, Network::CapId> ingress_;
  std::optional<Time> network_wake_;
  std::optional<Time> traces_started_;
  std::unordered_map<std::uint64_t, InFlight> in_flight_;
  std::uint64_t next_cookie_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t next_order_ = 0;
  Time now_{0};
  Time last_progress_{0};
  std::size_t running_ = 0;
  std::optional<Fault> fault_;
  std::uint64_t events_handled_ = 0;
  std::vector<Network::Arrival> arrivals_;
};

}  // namespace meridian

// The seam between protocol logic and the world. A machine is a state machine without I/O: an event comes in
// (a message, a timer, a finished computation), actions go out (send this, set that timer, compute this). It
// owns no socket, thread, clock or random source, so the real runtime and the simulated one run the very same
// object.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/wire/message.h"

namespace meridian {

/// Timers of one machine by purpose; setting one again moves it.
enum class TimerId : std::uint8_t {
  tick = 0,         ///< heartbeats and deadlines
  acknowledge = 1,  ///< an acknowledgement that no other message carried
  drain_deadline = 2,
  stop_time = 3,    ///< workload.stop.time_s
  reads_first = 4,  ///< another look whether what waits for a read may go on
};
inline constexpr std::size_t kTimerIds = 5;

enum class ComputationKind : std::uint8_t { gradient, evaluation };

/// Work to be done beside the machine, never inside an event. `work` may run on any thread; the machine
/// leaves alone what it touches until on_computed. The runtime reports it done no earlier than `at_least`
/// after now, and the simulated runtime exactly then.
struct Computation {
  ComputationKind kind = ComputationKind::gradient;
  Time at_least{0};
  std::function<void()> work;
};

// What a machine tells whoever watches the run. Nothing in the run depends on it.

/// The first read of clock 1 was served: time zero of the run.
struct TrainingStarted {};

/// A shard closed a clock. Frequent; watchers sample it.
struct Progress {
  Clock clock = 0;
  std::uint64_t wan_bytes = 0;
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  std::uint16_t slowest_datacenter = 0;
};

/// All of a datacenter's workers and servers have measured its replica at one clock.
struct Measured {
  Clock clock = 0;
  double objective = 0.0;
  double loss = 0.0;
  std::vector<NamedFigure> figures = {};      ///< of the same samples
  std::optional<double> train_loss = {};      ///< mean since the evaluation before
  bool final = false;                         ///< after the drain
  StopReason stop_reason = StopReason::none;  ///< with `final`
  std::uint64_t wan_bytes = 0;
  std::uint64_t payload_bytes = 0;  ///< of wan_bytes: updates without headers and framing
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  double difference_bound = 0.0;
  std::vector<LinkBytes> links;
  Waits waits;         ///< summed over workers, from the beginning
  WorkTime work = {};  ///< the same
};

/// All datacenters agreed to stop at `clock`, and this one has reached it. The drain follows.
struct TrainingStopped {
  Clock clock = 0;
};

/// Something a person should know, once: a missing peer, a rejected message.
struct Notice {
  std::string text;
};

using Report = std::variant<TrainingStarted, Progress, Measured, TrainingStopped, Notice>;

/// Why a machine ended the run.
enum class FaultKind : std::uint8_t {
  failed,
  drain_timeout,
  not_finite,  ///< a value that is not finite came up
};

/// What a machine asks of its runtime while it handles an event.
class Actions {
 public:
  virtual ~Actions() = default;

  /// Sends to a process that this one is connected to. Returns the bytes it takes on the wire.
  virtual std::size_t send(ProcessId to, Channel channel, Message message) = 0;
  /// Fires on_timer(id) once, at `at` (or at once where that has passed). Replaces an earlier setting of
  /// `id`.
  virtual void set_timer(TimerId id, Time at) = 0;
  virtual void cancel_timer(TimerId id) = 0;
  /// At most one computation at a time.
  virtual void compute(Computation computation) = 0;
  virtual void report(Report report) = 0;
  /// The machine is done; it gets no further events.
  virtual void finish() = 0;
  /// The run cannot go on, for the reason given. The machine gets no further events.
  virtual void fail(FaultKind kind, std::string reason) = 0;
};

class Machine {
 public:
  virtual ~Machine() = default;

  virtual void start(Time now, Actions& actions) = 0;
  /// `from` is who the sending connection's hello said it is; a hello itself arrives here too.
  virtual void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) = 0;
  virtual void on_timer(Time now, TimerId id, Actions& actions) = 0;
  virtual void on_computed(Time now, ComputationKind kind, Actions& actions) = 0;
  /// A message that greeted peer `from` sent was not well-formed; `why` says how.
  virtual void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) = 0;
  /// The process has to end because of a fault outside the machine, for this reason: tell the peers. The
  /// runtime ends the machine afterwards.
  virtual void on_fault(Time /*now*/, const std::string& /*reason*/, Actions& /*actions*/) {}
  /// The user asked to stop: end the run in good order.
  virtual void on_interrupt(Time now, Actions& actions) = 0;
};

}  // namespace meridian

// A server that lets its workers' reads go out before others' updates change what was read. An update that
// comes while values are on their way to a worker waits, as if it had come a little later; else all values
// would have to be copied for it. A read is on its way for as long as the network takes for it, and then its
// worker computes: there is time for what waited, and nobody waits for it.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "src/runtime/forwarding_machine.h"
#include "wan/mirrored_server.h"

namespace meridian::wan {

/// Passes all events on to a machine; of those from other datacenters on the data channel some only later, in
/// their order. Bounded in bytes, messages and time: beyond that the values are copied.
class ReadsFirst final : public ForwardingMachine {
 public:
  /// At least so many bytes of updates may wait, or a share of the values' own.
  static constexpr std::size_t kLeastBytes = std::size_t{4} << 20U;
  static constexpr std::size_t kShare = 16;
  static constexpr std::size_t kMostMessages = 4096;
  static constexpr Time kLongest = std::chrono::milliseconds(500);
  /// Whoever lets go of a read does not tell: it is looked after at every event, and after this time.
  static constexpr Time kLookAgainAfter = std::chrono::milliseconds(1);

  /// `machine` is `server`, or passes events on to it. Both must outlive it.
  ReadsFirst(Machine& machine, const MirroredServer& server) : ForwardingMachine(machine), server_(server) {}

  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override;
  void on_timer(Time now, TimerId id, Actions& actions) override;

  /// Bytes that wait.
  std::size_t waiting_bytes() const { return bytes_; }

 private:
  struct Waiting {
    Time since;
    ProcessId from;
    Message message;
  };

  bool has_to_wait(ProcessId from, Channel channel) const;
  void pass_on(Time now, Actions& actions);

  const MirroredServer& server_;
  std::deque<Waiting> waiting_;
  std::size_t bytes_ = 0;
};

}  // namespace meridian::wan

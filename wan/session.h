// The session with one counterpart: a server of a neighbouring datacenter that shares entries with this one.
// Both directions, each with its epoch and numbers, and what was measured of the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "wan/incoming_barrier.h"
#include "wan/incoming_link.h"
#include "wan/link_estimate.h"
#include "wan/outgoing_barrier.h"
#include "wan/outgoing_link.h"

namespace meridian::wan {

struct Session {
  ProcessId id;
  std::size_t neighbour = 0;
  std::vector<datacenter::TableRange> shared;
  std::size_t shared_bytes = 0;
  OutgoingLink out;
  IncomingLink in;
  LinkEstimate estimate;
  OutgoingBarrier barrier_out;
  IncomingBarrier barrier_in;

  std::uint32_t control_sequence = 0;  ///< of the last control message of out's epoch
  Clock told_reported = 0;             ///< in the last report
  Clock told_complete = 0;
  bool drain_done_sent = false;
  std::optional<Time> drain_announced_at = {};
  std::uint64_t acknowledged_at_tick = 0;  ///< for noticing that nothing moves
  Time applied_at{0};                      ///< when its last chunk was applied
  std::optional<Time> told_break_at = {};  ///< when its last break was reported

  /// The place of the next message to it.
  SessionPosition next_position(Channel channel) {
    return {out.epoch(), channel == Channel::control ? ++control_sequence : 0};
  }
};

}  // namespace meridian::wan

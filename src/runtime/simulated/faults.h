// What can go wrong in a simulated run, as plain data with virtual times: links that are cut, slowed down or
// lose their connections, processes that stand still or die, and the unevenness of a wide-area link. The same
// schedule and seed give the same run.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "src/base/process_id.h"
#include "src/base/time.h"

namespace meridian {

/// Nothing moves from one datacenter to the other while it lasts; nothing is lost. What waits or is on the
/// way goes on afterwards, later by the part of the cut that it met. Both directions are two cuts.
struct LinkCut {
  std::uint16_t from = 0;  ///< datacenter, by position
  std::uint16_t to = 0;    ///< another one
  Time at{0};
  Time lasts{0};
};

/// The rate of one direction is multiplied by `factor` (above 0) while it lasts. Factors of slowdowns that
/// overlap multiply.
struct LinkSlowdown {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  Time at{0};
  Time lasts{0};
  double factor = 1.0;
};

/// Connections of one direction break and are opened anew at once. What waited or was on the way on them is
/// lost, and neither side is told; what is sent later travels as ever.
struct ConnectionReset {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  Time at{0};
  bool control = true;
  bool data = true;
  std::optional<ProcessId> sender;    ///< only connections from this process
  std::optional<ProcessId> receiver;  ///< only connections to this process
};

/// All processes of a datacenter, or those of one role, or one of them.
struct ProcessGroup {
  std::uint16_t datacenter = 0;
  std::optional<Role> role;            ///< nullopt: both
  std::optional<std::uint16_t> index;  ///< nullopt: all

  static ProcessGroup only(ProcessId id) { return {id.datacenter, id.role, id.index}; }

  bool contains(ProcessId id) const {
    return id.datacenter == datacenter && id.role == role.value_or(id.role) &&
           id.index == index.value_or(id.index);
  }
};

/// Processes get no events while it lasts, as if they were stopped (SIGSTOP). Messages, timers and finished
/// computations wait and come afterwards, in order, all at its end. What a process sent before goes on.
struct ProcessPause {
  ProcessGroup processes;
  Time at{0};
  Time lasts{0};
};

/// Processes end without a word. They get no further events, and what is sent to them is lost; what they sent
/// before goes on. The run does not wait for them.
struct ProcessKill {
  ProcessGroup processes;
  Time at{0};
};

using ScheduledFault = std::variant<LinkCut, LinkSlowdown, ConnectionReset, ProcessPause, ProcessKill>;

/// The unevenness of one direction between two datacenters.
struct LinkNoise {
  /// Each message takes an additional time, uniform in [0, jitter], but none overtakes another one of its
  /// connection.
  Time jitter{0};
  /// How probable it is that a message, unless it is a Hello, arrives a second time: as one that was resent,
  /// so later messages of its connection may come before the copy.
  double repeat_probability = 0.0;
  /// A copy arrives at a time after the first, uniform in [0, repeated_after].
  Time repeated_after{0};
};

}  // namespace meridian

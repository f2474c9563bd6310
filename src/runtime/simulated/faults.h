// What can go wrong in a simulated run, as plain data with virtual times: links that are cut, slowed down or
// lose their connections, and processes that stand still or die. The same schedule and seed give the same
// run.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "src/base/process_id.h"
#include "src/base/time.h"
#include "src/network/wide_area_link.h"

namespace meridian {

/// Nothing moves from one datacenter to the other while it lasts; nothing is lost. What waits or is on the
/// way goes on afterwards, later by the part of the cut that it met. Both directions are two cuts.
struct LinkCut {
  std::uint16_t from = 0;  ///< datacenter, by position
  std::uint16_t to = 0;    ///< another one
  Time at{0};
  Time lasts{0};
};

/// One direction has these values while it lasts. Of degradations that overlap the latest counts; their
/// factors on the rate multiply.
struct LinkDegradation {
  std::uint16_t from = 0;
  std::uint16_t to = 0;
  Time at{0};
  Time lasts{0};
  LinkChange values = {};
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

using ScheduledFault = std::variant<LinkCut, LinkDegradation, ConnectionReset, ProcessPause, ProcessKill>;

}  // namespace meridian

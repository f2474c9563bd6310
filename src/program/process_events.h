// What a process tells the launcher that started it, one JSON line for each event, and what the launcher may
// tell it: the words that both ends of their line use.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "src/base/time.h"
#include "src/runtime/machine.h"

namespace meridian::program {

/// Commands of the launcher.
inline constexpr std::string_view kInterruptCommand = "interrupt";  ///< end the run in good order
inline constexpr std::string_view kBeginCommand = "begin";  ///< training has begun: events count from now
inline constexpr std::string_view kStopCommand = "stop";    ///< end now, writing what there is

struct ProcessEvent {
  enum class Kind : std::uint8_t {
    started,
    progress,
    measured,
    stopped,
    notice,
    fault,
    watched  ///< its metrics are served at the address in `text`
  };

  Kind kind = Kind::notice;
  Clock clock = 0;
  double objective = 0.0;
  bool final = false;
  std::uint64_t wan_bytes = 0;
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  std::uint16_t slowest_datacenter = 0;
  FaultKind fault_kind = FaultKind::failed;
  std::string text = {};
};

/// "failed", "drain_timeout", "not_finite".
const char* to_string(FaultKind kind);

std::string to_line(const ProcessEvent& event);
/// Nothing where the line is not an event.
std::optional<ProcessEvent> event_from_line(std::string_view line);

/// What the launcher should know of a machine's report.
ProcessEvent event_of(const Report& report);

}  // namespace meridian::program

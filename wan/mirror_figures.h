// What a mirror can tell of itself to those who watch: plain numbers, a copy of what holds at one moment.
// Nothing in a run depends on them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "src/base/time.h"
#include "src/wire/message.h"

namespace meridian::wan {

/// By channel: control, data.
using MessageCounts = std::array<std::uint64_t, 2>;

/// What goes on between a mirror and all of its counterparts in one neighbouring datacenter. Where these are
/// several servers, counts are sums and measurements the largest.
struct PeerFigures {
  std::string name;
  Clock reported = 0;   ///< its last report; the own clock once it has finished or left
  Clock applied = 0;    ///< all of its updates up to here are in the replica; the own clock, the same
  Clock lag = 0;        ///< clocks that it is behind the own one
  bool present = true;  ///< false while the others go on without it
  Time silence{0};      ///< since anything came from it, while it owes a sign of life
  LinkBytes sent;
  MessageCounts sent_messages{};
  MessageCounts received_messages{};
  double rate_bytes_per_s = 0.0;             ///< as measured
  double configured_rate_bytes_per_s = 0.0;  ///< of the whole link
  Time round_trip{0};                        ///< as measured
  double utilization = 0.0;                  ///< share of the measured rate that was in use of late
  std::uint64_t backlog_entries = 0;         ///< that wait for room on the link, at most
  std::uint64_t unacknowledged_bytes = 0;
  std::uint64_t window_bytes = 0;
  std::uint64_t breaks = 0;            ///< times that something from it was missing
  std::uint64_t resumes = 0;           ///< times that it asked to go on after something was missing there
  std::uint64_t announcements_in = 0;  ///< that hold reads here until what they announce is here
  std::uint64_t announcements_out = 0;
  double threshold_scale = 1.0;  ///< on the filter's threshold for this link
};

struct MirrorFigures {
  std::uint64_t entries_considered = 0;
  std::uint64_t entries_sent = 0;
  std::optional<Clock> bound;             ///< clocks ahead of the slowest that reads may go; nothing: any
  std::vector<double> thresholds;         ///< of each table, in force now; 0 where the method has none
  std::vector<double> residual_norms;     ///< of each table, at the last evaluation: Euclidean, the largest
                                          ///< link's; none before, or where nothing is sent
  double difference_bound = 0.0;          ///< at the last evaluation: Mirror::difference_bound()
  std::uint64_t protocol_violations = 0;  ///< messages that no counterpart sends who keeps to the protocol
  std::vector<PeerFigures> peers;         ///< none where the method sends nothing
};

}  // namespace meridian::wan

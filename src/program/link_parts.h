// From the configuration's words for links to the network's: values, events, the emulator's description and
// the simulator's faults.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/config/emulation_config.h"
#include "src/network/wide_area_link.h"
#include "src/runtime/simulated/faults.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

/// Bytes per second of a bandwidth in Mb/s.
inline double bytes_per_second(double mbps) { return mbps * 1e6 / 8.0; }
std::optional<double> bytes_per_second(const std::optional<double>& mbps);

SharedLink::Options shared_link_options(const LinkConfig& link);

/// The direction `there`, when `back` leads the other way.
WideAreaLink::Options wide_area_link_options(const LinkConfig& there, const LinkConfig& back);

/// A link's own values that a request changes.
LinkChange link_change(const LinkChangeConfig& change);

/// What happens in a simulation of this configuration, times counted from the start of training. An event
/// that a `restore` ends, lasts until then; one that nothing ends, for ever.
std::vector<ScheduledFault> scheduled_faults(const Config& config);

/// What one event is to the emulator: one event for each link that is there, by `link_index`. A pause makes
/// all links of its place stand still.
std::vector<wan::emulator::LinkEvent> emulator_events(
    const LinkEventConfig& event, std::size_t places,
    const std::vector<std::vector<std::optional<std::size_t>>>& link_index);

/// The emulator's links, caps and events, without relays, and where each link stands among them. In a run
/// processes are paused, so its pauses are none of the emulator's.
struct EmulatedLinks {
  wan::emulator::Description description;
  std::vector<std::vector<std::optional<std::size_t>>> index;  ///< [from][to]
  std::vector<std::string> places;
};
EmulatedLinks emulated_links(const Config& config);
EmulatedLinks emulated_links(const EmulationConfig& emulation);

}  // namespace meridian::program

// The links between datacenters as a table for people, as `meridian check` prints it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "src/config/config.h"

namespace meridian {

/// One row for each place as the sender, one column for each as the receiver, "BANDWIDTH Mb/s, RTT ms" in the
/// cells (the RTT is the delay there plus the delay back), in aligned columns; then a line for each cap and
/// each event.
std::string describe_links(const std::vector<std::string>& names,
                           const std::vector<std::vector<std::optional<LinkConfig>>>& links,
                           const std::vector<DatacenterCaps>& caps,
                           const std::vector<LinkEventConfig>& events);

/// A line with the day, the source and the currency, and one for each place: what a GB (10^9 bytes) sent to
/// another region and an hour of a machine cost. Empty without prices.
std::string describe_prices(const std::vector<std::string>& names, const std::optional<PricesConfig>& prices);

/// Links and prices of a run, and a line for the LAN.
std::string describe_links_table(const Config& config);

}  // namespace meridian

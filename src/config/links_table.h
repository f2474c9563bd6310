// The links between datacenters as a table for people, as `meridian check` prints it.
#pragma once

#include <string>

#include "src/config/config.h"

namespace meridian {

/// One row for each datacenter as the sender, one column for each as the receiver, "BANDWIDTH Mb/s, RTT ms"
/// in the cells (the RTT is the delay there plus the delay back), in aligned columns; and a line for the LAN.
std::string describe_links_table(const Config& config);

}  // namespace meridian

// What a configuration's synchronisation method comes to, in words: the four choices with their parameters
// and where each comes from, who exchanges with whom, the policies, and the datacenters' weights.
#pragma once

#include <string>
#include <vector>

#include "src/config/config.h"

namespace meridian {

/// Several aligned tables, each under a heading; ends with a newline. Requires a configuration without
/// contradictions, as config_reader.h gives.
std::string explain_mode(const Config& config);

/// Who exchanges with whom where groups have hubs: one line for each group, in the order given, indented.
std::string describe_groups(const Config& config, const std::vector<HubGroup>& groups);

/// w_i: each datacenter's share of all samples of a clock, by position. Every worker takes equally many.
std::vector<double> datacenter_weights(const Config& config);

}  // namespace meridian

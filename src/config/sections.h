// The parts of a configuration, each read from the root's fields into its struct. Order matters where one
// part names another: datacenters come first.
#pragma once

#include "src/config/config.h"
#include "src/config/fields.h"

namespace meridian {

/// The names the other sections may use; positions are those of config.datacenters.
void read_datacenters(Fields& root, Config& config);

void read_workload(Fields& root, Config& config);

void read_wan(Fields& root, Config& config);

/// The names of config.datacenters, valid as long as it is.
std::vector<std::string_view> datacenter_names(const Config& config);

}  // namespace meridian

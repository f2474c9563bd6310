// From a configuration's prices to what a run costs.
#pragma once

#include <optional>

#include "src/config/config.h"
#include "src/output/cost.h"

namespace meridian::sweep {

/// The configuration's prices by datacenter; nothing where it has none.
std::optional<output::PriceList> price_list(const Config& config);

/// Fills in what a whole run of this configuration cost, where it has prices.
void add_cost(const Config& config, output::Summary& run);

}  // namespace meridian::sweep

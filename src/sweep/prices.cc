#include "src/sweep/prices.h"

namespace meridian::sweep {

std::optional<output::PriceList> price_list(const Config& config) {
  if (!config.wan.prices) return std::nullopt;
  const PricesConfig& given = *config.wan.prices;
  output::PriceList prices{given.dated, given.source, given.currency, {}};
  for (std::size_t d = 0; d < given.regions.size(); ++d) {
    prices.regions[config.datacenters[d].name] = {given.regions[d].egress_per_gb,
                                                  given.regions[d].machine_per_hour};
  }
  return prices;
}

void add_cost(const Config& config, output::Summary& run) {
  if (const std::optional<output::PriceList> prices = price_list(config)) {
    run.cost = output::cost_of(run, *prices);
  }
}

}  // namespace meridian::sweep

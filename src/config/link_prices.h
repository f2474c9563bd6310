// What a description of links says of prices: a list that somebody published on one day, in one currency.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "src/config/config.h"
#include "src/config/fields.h"

namespace meridian {

/// The position of a datacenter by the name at a place, or nothing. It notes the problem where the name is
/// none.
using FindRegion = std::function<std::optional<std::size_t>(Place, const std::string&, const std::string&)>;

/// Reads `prices` for `regions` datacenters. Nothing where the day, the source or the currency is missing or
/// refused; problems are noted.
std::optional<PricesConfig> read_prices(Fields& fields, std::size_t regions, const FindRegion& find_region);

}  // namespace meridian

// What a run costs: the machines of every datacenter for as long as training takes, and what each region
// charges for the bytes that it sends to others.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "src/output/summary.h"

namespace meridian::output {

/// What one region charges. A price that is not known is not there.
struct RegionPrice {
  std::optional<double> egress_per_gb;     ///< for 10^9 bytes sent to another region
  std::optional<double> machine_per_hour;  ///< for one machine
};

struct PriceList {
  std::string dated;
  std::string source;
  std::string currency;
  std::map<std::string, RegionPrice> regions;  ///< by datacenter
};

/// The sum over datacenters of machines * hours * price, and of bytes / 10^9 * the sender's price. In all:
/// the run's time_s, which is without the drain, and all bytes, the drain's included. To target: the time and
/// each datacenter's bytes until the target was reached, empty where it was not. A sum is empty where it
/// needs a price that is not known; of a datacenter that sent nothing no price is needed.
CostSummary cost_of(const Summary& run, const PriceList& prices);

/// An amount as tables show it, the currency after it: with the digits that tell small amounts apart.
std::string amount_text(double amount, const std::string& currency);

}  // namespace meridian::output

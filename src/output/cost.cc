#include "src/output/cost.h"

#include <fmt/format.h>

#include <cmath>

namespace meridian::output {

namespace {

constexpr double kSecondsPerHour = 3600.0;
constexpr double kBytesPerGb = 1e9;

RegionPrice price_in(const PriceList& prices, const std::string& region) {
  const auto found = prices.regions.find(region);
  return found == prices.regions.end() ? RegionPrice{} : found->second;
}

/// All machines for `time_s`.
std::optional<double> machines_cost(const Summary& run, const PriceList& prices, double time_s) {
  double sum = 0.0;
  for (const DatacenterSummary& datacenter : run.datacenters) {
    const std::optional<double> price = price_in(prices, datacenter.name).machine_per_hour;
    if (!price) return std::nullopt;
    sum += static_cast<double>(datacenter.machines) * *price * time_s / kSecondsPerHour;
  }
  return sum;
}

std::optional<double> transfer_cost(const std::map<std::string, std::uint64_t>& sent,
                                    const PriceList& prices) {
  double sum = 0.0;
  for (const auto& [region, bytes] : sent) {
    if (bytes == 0) continue;
    const std::optional<double> price = price_in(prices, region).egress_per_gb;
    if (!price) return std::nullopt;
    sum += static_cast<double>(bytes) / kBytesPerGb * *price;
  }
  return sum;
}

void add_up(CostAmounts& amounts) {
  if (amounts.machines && amounts.transfer) amounts.total = *amounts.machines + *amounts.transfer;
}

}  // namespace

CostSummary cost_of(const Summary& run, const PriceList& prices) {
  CostSummary cost{prices.currency, prices.dated, prices.source, {}, {}};
  std::map<std::string, std::uint64_t> sent;
  for (const LinkSummary& link : run.wan.links) sent[link.from] += link.bytes;
  cost.in_all = {machines_cost(run, prices, run.time_s), transfer_cost(sent, prices), std::nullopt};
  add_up(cost.in_all);
  if (!run.objective.time_to_target_s) return cost;
  sent.clear();
  for (const DatacenterSummary& datacenter : run.datacenters) {
    if (!datacenter.bytes_to_target) return cost;
    sent[datacenter.name] = *datacenter.bytes_to_target;
  }
  cost.to_target = {machines_cost(run, prices, *run.objective.time_to_target_s), transfer_cost(sent, prices),
                    std::nullopt};
  add_up(cost.to_target);
  return cost;
}

std::string amount_text(double amount, const std::string& currency) {
  const int digits = std::fabs(amount) < 1.0 ? 4 : 2;
  return fmt::format("{:.{}f}{}{}", amount, digits, currency.empty() ? "" : " ", currency);
}

}  // namespace meridian::output

// Goal: the cost of a run is what its machines, hours, bytes and prices come to, and what cannot be known is
// left out instead of counted as nothing. Reached with a hand-made run whose costs are worked out by hand.
#include "src/output/cost.h"

#include <gtest/gtest.h>

namespace meridian::output {
namespace {

/// Half an hour, a quarter of it to the target. East has 4 machines, west 2; they sent 3 and 2 GB, of which 1
/// and 0.5 GB until the target.
Summary half_an_hour() {
  Summary run;
  run.time_s = 1800.0;
  run.objective.target = 0.8;
  run.objective.time_to_target_s = 900.0;
  run.datacenters = {{"east", 10, 4, 1, {}, 4, {}, 1'000'000'000},
                     {"west", 10, 3, 1, {}, 2, {}, 500'000'000}};
  run.wan.links = {{"east", "west", 2'000'000'000, {}},
                   {"east", "north", 1'000'000'000, {}},
                   {"west", "east", 2'000'000'000, {}}};
  return run;
}

PriceList two_regions() {
  return {"2023-08-06", "a list", "USD", {{"east", {0.02, 0.8}}, {"west", {0.09, 1.0}}}};
}

TEST(Cost, IsMachineHoursAndBytesAtEachRegionsPrice) {
  const CostSummary cost = cost_of(half_an_hour(), two_regions());
  EXPECT_EQ(cost.currency, "USD");
  EXPECT_EQ(cost.prices_dated, "2023-08-06");
  EXPECT_EQ(cost.prices_source, "a list");
  EXPECT_DOUBLE_EQ(cost.in_all.machines.value(), 4 * 0.5 * 0.8 + 2 * 0.5 * 1.0);
  EXPECT_DOUBLE_EQ(cost.in_all.transfer.value(), 3 * 0.02 + 2 * 0.09);
  EXPECT_DOUBLE_EQ(cost.in_all.total.value(), 2.6 + 0.24);
  EXPECT_DOUBLE_EQ(cost.to_target.machines.value(), 1.3);
  EXPECT_DOUBLE_EQ(cost.to_target.transfer.value(), 1 * 0.02 + 0.5 * 0.09);
  EXPECT_DOUBLE_EQ(cost.to_target.total.value(), 1.365);
}

TEST(Cost, ToTargetIsUnknownWhereItWasNotReached) {
  Summary run = half_an_hour();
  run.objective.time_to_target_s.reset();
  const CostSummary cost = cost_of(run, two_regions());
  EXPECT_EQ(cost.to_target, CostAmounts{});
  EXPECT_TRUE(cost.in_all.total);
}

TEST(Cost, LeavesOutWhatNeedsAPriceThatIsNotKnown) {
  PriceList prices = two_regions();
  prices.regions["west"].machine_per_hour.reset();
  CostSummary cost = cost_of(half_an_hour(), prices);
  EXPECT_EQ(cost.in_all.machines, std::nullopt);
  EXPECT_EQ(cost.in_all.total, std::nullopt);
  EXPECT_DOUBLE_EQ(cost.in_all.transfer.value(), 0.24);
  prices = two_regions();
  prices.regions.erase("east");
  cost = cost_of(half_an_hour(), prices);
  EXPECT_EQ(cost.in_all, CostAmounts{});
  EXPECT_EQ(cost.to_target, CostAmounts{});
}

TEST(Cost, OfBytesThatNobodySentNeedsNoPrice) {
  PriceList prices = two_regions();
  prices.regions["east"].egress_per_gb.reset();
  Summary run = half_an_hour();
  EXPECT_EQ(cost_of(run, prices).in_all.transfer, std::nullopt);
  run.wan.links = {{"west", "east", 2'000'000'000, {}}};
  EXPECT_DOUBLE_EQ(cost_of(run, prices).in_all.transfer.value(), 0.18);
}

TEST(Cost, AmountsKeepTheDigitsThatTellThemApart) {
  EXPECT_EQ(amount_text(0.01234, "USD"), "0.0123 USD");
  EXPECT_EQ(amount_text(0.0, "USD"), "0.0000 USD");
  EXPECT_EQ(amount_text(12345.678, "EUR"), "12345.68 EUR");
  EXPECT_EQ(amount_text(2.0, ""), "2.00");
}

}  // namespace
}  // namespace meridian::output

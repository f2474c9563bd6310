// Goal: the exact sum keeps own steps out of the replica until their total comes, contributes all of them,
// and tells a replica that is not finite. Reached by one datacenter alone, whose every number is known; that
// totals agree everywhere is the exchange's (exchange_test.cc).
#include "wan/exact_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/wan/exchange_network.h"

namespace meridian::wan {
namespace {

using datacenter::ParameterStore;
using datacenter::TableRange;
using testing::Each;

const std::vector<TableRange> kRanges = {{10, 16}, {0, 3}};

class ExactSumAlone : public testing::Test {
 protected:
  void step(float size) {
    for (std::size_t table = 0; table < kRanges.size(); ++table) {
      const std::vector<float> step(kRanges[table].size(), size);
      merge_.own_step(table, 0, store_.change(table), step);
    }
  }
  void expect_replica(float value) const {
    for (std::size_t table = 0; table < kRanges.size(); ++table) {
      EXPECT_THAT(store_.values(table), Each(value));
    }
  }
  float unsent() const {
    std::vector<FloatBuffer> sums;
    for (const TableRange& range : kRanges) sums.emplace_back(range.size());
    merge_.add_unsent_to(sums);
    for (const FloatBuffer& sum : sums) EXPECT_THAT(sum.span(), Each(sums[0][0]));
    return sums[0][0];
  }

  ParameterStore store_{kRanges};
  ExactSum merge_{kRanges};
  Exchange exchange_{{"mike", {}, kRanges, 1}};
};

TEST_F(ExactSumAlone, StepsEnterTheReplicaWithTheirTotal) {
  EXPECT_EQ(merge_.step_scale(0.25), 0.25F);
  for (Clock clock = 1; clock <= 2; ++clock) {
    step(1.0F);
    step(2.0F);
    EXPECT_EQ(unsent(), 3.0F);
    // A filter that would take nothing of it changes nothing.
    ASSERT_FALSE(merge_.contribute(clock, select_with(SendNothing{}), store_, exchange_));
    EXPECT_EQ(unsent(), 0.0F);
    expect_replica(3.0F * static_cast<float>(clock - 1));
    EXPECT_EQ(exchange_.next()->kind, Exchange::Ready::Kind::subtree);
    const auto total = exchange_.next();
    ASSERT_TRUE(total);
    EXPECT_FALSE(merge_.apply(total->sums, /*last=*/false, store_));
    expect_replica(3.0F * static_cast<float>(clock));
  }
}

TEST_F(ExactSumAlone, NamesTheTableThatIsNotFinite) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  store_.change(1)[0] = kLargest;
  std::vector<FloatBuffer> total;
  for (const TableRange& range : kRanges) total.emplace_back(range.size());
  EXPECT_FALSE(merge_.apply(total, /*last=*/false, store_));
  total[1][0] = kLargest;
  EXPECT_EQ(merge_.apply(total, /*last=*/false, store_), 1U);
}

}  // namespace
}  // namespace meridian::wan

// Goal: all datacenters end every exchange with the same total, bit for bit, in the order that the definition
// says, over any overlay and whatever the order of arrival; and no neighbour can make an exchange hold more
// than its model or count what is over. Reached by drawn overlays and arrivals against a sum written out from
// the definition, and by chunks that no neighbour in step can send.
#include "wan/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>

#include "tests/wan/exchange_network.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<TableRange> kRanges = {{10, 16}, {0, 3}};
constexpr std::size_t kEntries = 9;

/// A value for each entry, the tables one behind the other.
using Values = std::vector<float>;

Values drawn_values(Random& random) {
  Values values;
  const double zeros = random.uniform();
  for (std::size_t i = 0; i < kEntries; ++i) {
    // Very different sizes, so that float sums depend on their order.
    const double value = random.normal() * std::pow(10.0, random.uniform() * 6.0);
    values.push_back(random.uniform() < zeros ? 0.0F : static_cast<float>(value));
  }
  return values;
}

Selection selection_of(const Values& values) {
  Selection selection(kRanges.size());
  std::size_t next = 0;
  for (std::size_t table = 0; table < kRanges.size(); ++table) {
    for (std::size_t i = 0; i < kRanges[table].size(); ++i, ++next) {
      if (values[next] != 0.0F) selection[table].add(i, values[next]);
    }
  }
  return selection;
}

std::vector<FloatBuffer> buffers_of(const Values& values) {
  std::vector<FloatBuffer> buffers;
  const float* next = values.data();
  for (const TableRange& range : kRanges) {
    buffers.emplace_back(range.size());
    std::copy_n(next, range.size(), buffers.back().data());
    next += range.size();
  }
  return buffers;
}

Values values_of(std::span<const FloatBuffer> sums) {
  Values values;
  for (const FloatBuffer& sum : sums) values.insert(values.end(), sum.span().begin(), sum.span().end());
  return values;
}

UpdateChunk chunk_of(Clock clock, const Values& values) {
  const Selection selection = selection_of(values);
  ChunkCutter cutter(selection, kRanges, kRanges);
  UpdateChunk chunk = cutter.next(4096);
  chunk.header.clock = clock;
  return chunk;
}

bool same_bits(const Values& a, const Values& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// ---- whole networks

/// The definition, written out: sums in the order of names, up the trees and over the roots.
class DefinedTotal {
 public:
  DefinedTotal(const ExchangeNetwork& network, const std::vector<Values>& contributions)
      : network_(network), contributions_(contributions) {}

  Values total() const { return sum_below(ExchangeNetwork::kNone, {}); }

 private:
  /// The sum over those with this parent, and `own` under its name.
  Values sum_below(std::size_t parent, const std::map<std::string, Values>& own) const {
    std::map<std::string, Values> parts = own;
    for (std::size_t d = 0; d < contributions_.size(); ++d) {
      if (network_.parent(d) == parent) {
        parts[network_.name(d)] = sum_below(d, {{network_.name(d), contributions_[d]}});
      }
    }
    Values sum(kEntries, 0.0F);
    for (const auto& [name, part] : parts) {
      for (std::size_t i = 0; i < kEntries; ++i) sum[i] += part[i];
    }
    return sum;
  }

  const ExchangeNetwork& network_;
  const std::vector<Values>& contributions_;
};

TEST(Exchange, TotalsAreTheSameEverywhereBitForBitWhateverTheOrderOfArrival) {
  const std::vector<Clock> due = {1, 2, 5, 9, 10, 14};
  for (std::uint64_t seed = 1; seed <= 600 && !HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::size_t datacenters = 1 + random.below(7);
    ExchangeNetwork network({kRanges, due, 1 + random.below(3), datacenters}, seed);
    std::map<Clock, std::vector<Values>> contributions;
    for (const Clock clock : due) {
      for (std::size_t d = 0; d < datacenters; ++d) contributions[clock].push_back(drawn_values(random));
    }
    std::size_t totals = 0;
    network.run(
        [&](std::size_t d, Clock clock, Exchange& exchange) {
          const Values& values = contributions[clock][d];
          if (d % 2 == 0) return exchange.own(clock, selection_of(values));
          std::vector<FloatBuffer> buffers = buffers_of(values);
          Failure wrong = exchange.own(clock, buffers);
          EXPECT_THAT(values_of(buffers), Each(0.0F));
          return wrong;
        },
        [&](std::size_t d, const Exchange::Ready& ready) {
          const Values expected = DefinedTotal(network, contributions[ready.clock]).total();
          ASSERT_TRUE(same_bits(values_of(ready.sums), expected)) << "clock " << ready.clock << " in " << d;
          ++totals;
        });
    EXPECT_EQ(totals, due.size() * datacenters);
  }
}

// ---- one datacenter among neighbours

class ExchangeOfOne : public testing::Test {
 protected:
  static constexpr std::size_t kAlpha = 0;  // before the own name, mike
  static constexpr std::size_t kZulu = 1;   // behind it

  static Exchange with(Relation alpha, Relation zulu, std::size_t max_open = 1) {
    return Exchange({"mike", {{"alpha", alpha}, {"zulu", zulu}}, kRanges, max_open});
  }
  static void give_own(Exchange& exchange, Clock clock, float value) {
    ASSERT_FALSE(exchange.own(clock, selection_of(Values(kEntries, value))));
  }
  static std::string refusal(Exchange& exchange, std::size_t neighbour, Clock clock, float value = 1.0F) {
    const Failure wrong = exchange.chunk(neighbour, chunk_of(clock, Values(kEntries, value)));
    return wrong ? wrong->message : "";
  }
  static void expect_next(Exchange& exchange, Exchange::Ready::Kind kind, Clock clock, float value) {
    const auto ready = exchange.next();
    ASSERT_TRUE(ready);
    EXPECT_EQ(ready->kind, kind);
    EXPECT_EQ(ready->clock, clock);
    EXPECT_THAT(values_of(ready->sums), Each(value));
  }

  static constexpr auto kSubtree = Exchange::Ready::Kind::subtree;
  static constexpr auto kTotal = Exchange::Ready::Kind::total;
};

TEST_F(ExchangeOfOne, AloneTheTotalIsTheOwnContribution) {
  Exchange exchange({"mike", {}, kRanges, 1});
  give_own(exchange, 4, 2.0F);
  expect_next(exchange, kSubtree, 4, 2.0F);
  EXPECT_FALSE(exchange.may_open());
  expect_next(exchange, kTotal, 4, 2.0F);
  EXPECT_FALSE(exchange.next());
  EXPECT_TRUE(exchange.may_open());
  EXPECT_TRUE(exchange.idle());
}

TEST_F(ExchangeOfOne, ATotalTakesEveryPeerToBeComplete) {
  Exchange exchange = with(Relation::peer, Relation::peer);
  EXPECT_EQ(refusal(exchange, kZulu, 1, 4.0F), "");
  EXPECT_FALSE(exchange.idle());
  exchange.complete(kZulu, 1);
  EXPECT_FALSE(exchange.next());
  give_own(exchange, 1, 2.0F);
  expect_next(exchange, kSubtree, 1, 2.0F);
  EXPECT_FALSE(exchange.next());
  exchange.complete(kAlpha, 1);  // with nothing to give
  expect_next(exchange, kTotal, 1, 6.0F);
  EXPECT_EQ(exchange.settled(), 1U);
  EXPECT_TRUE(exchange.idle());
}

TEST_F(ExchangeOfOne, ASubtreeSumTakesTheChildrenAndTheTotalIsTheParents) {
  Exchange exchange = with(Relation::child, Relation::parent);
  give_own(exchange, 1, 2.0F);
  EXPECT_FALSE(exchange.next());
  EXPECT_EQ(refusal(exchange, kAlpha, 1, 1.0F), "");
  exchange.complete(kAlpha, 1);
  expect_next(exchange, kSubtree, 1, 3.0F);
  EXPECT_EQ(refusal(exchange, kZulu, 1, 40.0F), "");
  EXPECT_FALSE(exchange.next());
  exchange.complete(kZulu, 1);
  expect_next(exchange, kTotal, 1, 40.0F);
}

TEST_F(ExchangeOfOne, SubtreeSumsDoNotWaitForEarlierTotals) {
  Exchange exchange = with(Relation::peer, Relation::peer, /*max_open=*/2);
  give_own(exchange, 1, 1.0F);
  expect_next(exchange, kSubtree, 1, 1.0F);
  give_own(exchange, 2, 2.0F);
  expect_next(exchange, kSubtree, 2, 2.0F);
  EXPECT_FALSE(exchange.may_open());
  exchange.complete(kAlpha, 2);
  exchange.complete(kZulu, 2);
  expect_next(exchange, kTotal, 1, 1.0F);
  expect_next(exchange, kTotal, 2, 2.0F);
}

TEST_F(ExchangeOfOne, AParentThatSaysTooMuchTooEarlyDoesNotOvertakeTheSubtreeSum) {
  Exchange exchange = with(Relation::child, Relation::parent);
  exchange.complete(kZulu, 100);
  give_own(exchange, 1, 2.0F);
  EXPECT_FALSE(exchange.next());
  exchange.complete(kAlpha, 1);
  expect_next(exchange, kSubtree, 1, 2.0F);
  expect_next(exchange, kTotal, 1, 0.0F);
}

TEST_F(ExchangeOfOne, RefusesWhatIsOver) {
  Exchange exchange = with(Relation::peer, Relation::peer);
  give_own(exchange, 3, 1.0F);
  exchange.complete(kAlpha, 3);
  EXPECT_THAT(refusal(exchange, kAlpha, 3), HasSubstr("updates of clock 3 after all up to clock 3 had come"));
  EXPECT_EQ(refusal(exchange, kZulu, 3), "");
  exchange.complete(kZulu, 3);
  while (exchange.next()) {
  }
  EXPECT_THAT(refusal(exchange, kZulu, 3), HasSubstr("updates of clock 3, whose exchange is over"));
  EXPECT_THAT(refusal(exchange, kZulu, 0), HasSubstr("updates of clock 0, whose exchange is over"));
}

TEST_F(ExchangeOfOne, RefusesWhatIsFurtherThanANeighbourInStepCanBe) {
  Exchange exchange = with(Relation::peer, Relation::child, /*max_open=*/2);
  EXPECT_EQ(refusal(exchange, kAlpha, 10), "");
  EXPECT_EQ(refusal(exchange, kAlpha, 20), "");
  EXPECT_THAT(refusal(exchange, kAlpha, 30), HasSubstr("updates of clock 30, which is no exchange"));
  give_own(exchange, 10, 1.0F);  // now the peer may have settled it
  EXPECT_EQ(refusal(exchange, kAlpha, 30), "");
  EXPECT_EQ(refusal(exchange, kZulu, 20), "");
  // But the child cannot, for its total comes from here.
  EXPECT_THAT(refusal(exchange, kZulu, 30), HasSubstr("updates of clock 30, which is no exchange"));
}

TEST_F(ExchangeOfOne, RefusesATotalBeforeTheOwnContribution) {
  Exchange exchange = with(Relation::child, Relation::parent, /*max_open=*/2);
  EXPECT_THAT(refusal(exchange, kZulu, 1), HasSubstr("updates of clock 1, which is no exchange"));
}

TEST_F(ExchangeOfOne, NamesANeighbourThatExchangesAtAClockThatIsNotDue) {
  Exchange exchange = with(Relation::peer, Relation::peer, /*max_open=*/2);
  EXPECT_EQ(refusal(exchange, kZulu, 5), "");
  const Failure wrong = exchange.own(8, selection_of(Values(kEntries, 1.0F)));
  ASSERT_TRUE(wrong);
  EXPECT_THAT(wrong->message, HasSubstr("zulu sent updates of clock 5, at which no exchange is due"));

  Exchange later = with(Relation::peer, Relation::peer, /*max_open=*/2);
  give_own(later, 8, 1.0F);
  EXPECT_THAT(refusal(later, kZulu, 5), HasSubstr("updates of clock 5, which is no exchange"));
}

TEST_F(ExchangeOfOne, RefusesMoreThanTheModelHasAndEmptyUpdates) {
  Exchange exchange = with(Relation::peer, Relation::peer);
  EXPECT_EQ(refusal(exchange, kZulu, 1), "");
  EXPECT_THAT(refusal(exchange, kZulu, 1), HasSubstr("more updates of clock 1 than the model's 9 entries"));
  EXPECT_EQ(exchange.waiting_bytes(kZulu), 4 * kEntries);
  // What has been summed still counts.
  Exchange summing = with(Relation::peer, Relation::peer);
  give_own(summing, 1, 1.0F);
  EXPECT_EQ(refusal(summing, kAlpha, 1), "");
  EXPECT_EQ(summing.waiting_bytes(kAlpha), 0U);
  EXPECT_THAT(refusal(summing, kAlpha, 1), HasSubstr("more updates"));

  UpdateChunk empty;
  empty.header.clock = 1;
  const Failure wrong = summing.chunk(kZulu, empty);
  ASSERT_TRUE(wrong);
  EXPECT_THAT(wrong->message, HasSubstr("an empty update"));
}

TEST(SelectNonzeros, LeavesZerosOutAndTellsWhatIsNotFinite) {
  Values values(kEntries, 0.0F);
  values[1] = 2.0F;
  values[8] = -1.0F;
  values[2] = -0.0F;
  Selection selection(1);
  EXPECT_FALSE(select_nonzeros(buffers_of(values), selection));
  EXPECT_THAT(selection[0].offsets, ElementsAre(1));
  EXPECT_THAT(selection[1].offsets, ElementsAre(2));
  EXPECT_THAT(selection[1].values, ElementsAre(-1.0F));
  values[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(select_nonzeros(buffers_of(values), selection), 1U);
}

}  // namespace
}  // namespace meridian::wan

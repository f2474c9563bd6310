// Goal: anchors are equal bit for bit after equally many exchanges, nothing that was stepped is lost or
// counted twice, and anchored training is what is published: averaged local steps, with momentum outside or
// not. Reached by drawn networks with steps that are small multiples of a power of two, by closed forms, and
// by one datacenter alone, whose every number is known.
#include "wan/anchored.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>

#include "src/base/random.h"
#include "tests/wan/exchange_network.h"
#include "wan/exact_sum.h"
#include "wan/significance_filter.h"

namespace meridian::wan {
namespace {

using datacenter::ParameterStore;
using datacenter::TableRange;
using testing::Each;
using testing::HasSubstr;

const std::vector<TableRange> kRanges = {{10, 16}, {0, 3}};
constexpr std::size_t kEntries = 9;
using Values = std::vector<float>;

const OptimizerOptions kAveraging{"sgd", 1.0, 0.0};

Values values_of(const ParameterStore& store) {
  Values values;
  for (std::size_t table = 0; table < store.tables(); ++table) {
    values.insert(values.end(), store.values(table).begin(), store.values(table).end());
  }
  return values;
}

Values anchor_of(const Anchored& merge) {
  Values values;
  for (std::size_t table = 0; table < kRanges.size(); ++table) {
    values.insert(values.end(), merge.anchor(table).begin(), merge.anchor(table).end());
  }
  return values;
}

Values unsent_of(const OrderedMerge& merge) {
  std::vector<FloatBuffer> sums;
  for (const TableRange& range : kRanges) sums.emplace_back(range.size());
  merge.add_unsent_to(sums);
  Values values;
  for (const FloatBuffer& sum : sums) values.insert(values.end(), sum.span().begin(), sum.span().end());
  return values;
}

void fill(ParameterStore& store, float value) {
  for (std::size_t table = 0; table < store.tables(); ++table) {
    for (float& entry : store.change(table)) entry = value;
  }
}

void give_step(OrderedMerge& merge, ParameterStore& store, const Values& step) {
  std::size_t next = 0;
  for (std::size_t table = 0; table < kRanges.size(); ++table) {
    merge.own_step(table, 0, store.change(table), std::span(step).subspan(next, kRanges[table].size()));
    next += kRanges[table].size();
  }
}

/// A datacenter's replica and how it merges.
struct Site {
  ParameterStore store{kRanges};
  std::unique_ptr<OrderedMerge> merge;
};

std::unique_ptr<Anchored> make_anchored(double weight, const OptimizerOptions& outer,
                                        const ParameterStore& store) {
  auto made = Anchored::make(weight, outer, store);
  EXPECT_TRUE(made.ok());
  return std::move(made).value();
}

// ---- drawn networks

const std::vector<Clock> kDue = {2, 4, 6, 8, 10, 11};  // the last is the drain's

/// Multiples of 2^-8 that are small enough for every sum here to be exact.
Values drawn_step(Random& random) {
  Values step;
  for (std::size_t i = 0; i < kEntries; ++i) {
    step.push_back((static_cast<float>(random.below(65)) - 32.0F) / 256.0F);
  }
  return step;
}

/// One network of anchored datacenters that train by drawn steps to the end.
class DrawnTraining {
 public:
  explicit DrawnTraining(std::uint64_t seed) : random_(seed) {
    const std::vector<OptimizerOptions> outers = {
        kAveraging, {"sgd", 0.7, 0.0}, {"momentum", 0.7, 0.9}, {"nesterov", 0.7, 0.9}};
    const std::size_t outer = random_.below(outers.size());
    averages_ = outer == 0;
    sites_.resize(1 + random_.below(7));
    for (Site& site : sites_) {
      fill(site.store, 0.25F);
      site.merge = make_anchored(kWeight, outers[outer], site.store);
    }
    if (random_.below(2) == 0) {
      what_ = std::make_unique<SignificanceFilter>(0.3, Schedule::constant);
    } else {
      what_ = std::make_unique<SendAll>();
    }
    anchors_.resize(sites_.size());
    max_open_ = 1 + random_.below(3);
  }

  void run(std::uint64_t seed) {
    ExchangeNetwork network({kRanges, kDue, max_open_, sites_.size()}, seed);
    network.run(
        [&](std::size_t d, Clock clock, Exchange& exchange) {
          Site& site = sites_[d];
          for (std::uint64_t steps = random_.below(3); steps > 0; --steps) step(site);
          const SendAll all;
          const What* const what = clock == kDue.back() ? &all : what_.get();
          return site.merge->contribute(clock, select_with(*what, clock), site.store, exchange);
        },
        [&](std::size_t d, const Exchange::Ready& ready) {
          Site& site = sites_[d];
          EXPECT_FALSE(site.merge->apply(ready.sums, ready.clock == kDue.back(), site.store));
          anchors_[d].push_back(anchor_of(static_cast<const Anchored&>(*site.merge)));
          if (d == 0) add(totals_, ready.sums);
        });
  }

  void expect_agreement() const {
    for (const std::vector<Values>& anchors : anchors_) {
      ASSERT_EQ(anchors.size(), kDue.size());
      // Values compare equal only where their bits do, but for the sign of a zero.
      EXPECT_EQ(anchors, anchors_.front());
    }
    for (const Site& site : sites_) {
      EXPECT_EQ(values_of(site.store), anchors_.front().back());
      EXPECT_THAT(unsent_of(*site.merge), Each(0.0F));
    }
  }

  /// Every step has been counted, once, at its weight.
  void expect_conservation() const {
    EXPECT_EQ(totals_, due_);
    if (!averages_) return;
    Values expected = due_;
    for (float& value : expected) value += 0.25F;
    EXPECT_EQ(anchors_.front().back(), expected);
  }

 private:
  static constexpr double kWeight = 0.125;

  static void add(Values& sums, std::span<const FloatBuffer> more) {
    std::size_t next = 0;
    for (const FloatBuffer& buffer : more) {
      for (const float value : buffer.span()) sums[next++] += value;
    }
  }

  void step(Site& site) {
    const Values values = drawn_step(random_);
    for (std::size_t i = 0; i < kEntries; ++i) due_[i] += static_cast<float>(kWeight) * values[i];
    give_step(*site.merge, site.store, values);
  }

  Random random_;
  std::vector<Site> sites_;
  std::unique_ptr<What> what_;
  std::size_t max_open_ = 1;
  bool averages_ = false;
  std::vector<std::vector<Values>> anchors_;  // after each exchange
  Values totals_ = Values(kEntries, 0.0F);
  Values due_ = Values(kEntries, 0.0F);
};

TEST(Anchored, AnchorsAgreeBitForBitAndNoStepIsLostOverAnyOverlay) {
  for (std::uint64_t seed = 1; seed <= 400 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    DrawnTraining training(seed);
    training.run(seed);
    training.expect_agreement();
    training.expect_conservation();
  }
}

// ---- training with a known outcome

/// Datacenter d minimises curvature / 2 (x - minimum)^2 in every entry by gradient descent.
struct Quadratic {
  float curvature = 0.0F;
  float minimum = 0.0F;
  double weight = 0.0;
};
const std::vector<Quadratic> kQuadratics = {{1.0F, 3.0F, 0.5}, {0.25F, -2.0F, 0.3}, {2.0F, 0.5F, 0.2}};
constexpr float kRate = 0.1F;

/// The parameters after `exchanges` exchanges every `h` clocks, the same in all datacenters.
template <typename MakeMerge>
Values trained(Clock exchanges, Clock h, MakeMerge make_merge) {
  std::vector<Site> sites(kQuadratics.size());
  for (std::size_t d = 0; d < sites.size(); ++d) {
    fill(sites[d].store, 1.0F);
    sites[d].merge = make_merge(kQuadratics[d].weight, sites[d].store);
  }
  std::vector<Clock> due;
  for (Clock k = 1; k <= exchanges; ++k) due.push_back(k * h);
  ExchangeNetwork network({kRanges, due, /*max_open=*/1, sites.size()}, /*seed=*/1);
  network.run(
      [&](std::size_t d, Clock clock, Exchange& exchange) {
        const Quadratic& function = kQuadratics[d];
        const float scale = sites[d].merge->step_scale(function.weight);
        for (Clock i = 0; i < h; ++i) {
          Values step = values_of(sites[d].store);
          for (float& x : step) x = -kRate * scale * function.curvature * (x - function.minimum);
          give_step(*sites[d].merge, sites[d].store, step);
        }
        return sites[d].merge->contribute(clock, select_with(SendAll{}), sites[d].store, exchange);
      },
      [&](std::size_t d, const Exchange::Ready& ready) {
        EXPECT_FALSE(sites[d].merge->apply(ready.sums, /*last=*/false, sites[d].store));
      });
  for (const Site& site : sites) EXPECT_EQ(values_of(site.store), values_of(sites.front().store));
  return values_of(sites.front().store);
}

Values trained_anchored(Clock exchanges, Clock h) {
  return trained(exchanges, h, [](double weight, const ParameterStore& store) {
    return make_anchored(weight, kAveraging, store);
  });
}

TEST(Anchored, AveragingEveryClockIsTheExactSum) {
  const Values exact = trained(
      50, 1, [](double, const ParameterStore& store) { return std::make_unique<ExactSum>(store.ranges()); });
  const Values anchored = trained_anchored(50, 1);
  for (std::size_t i = 0; i < kEntries; ++i) EXPECT_NEAR(anchored[i], exact[i], 1e-5);
  EXPECT_GT(std::fabs(exact[0] - 1.0F), 0.1F);
}

TEST(Anchored, AveragingLocalStepsIsFederatedAveraging) {
  constexpr Clock kExchanges = 6;
  constexpr Clock kSteps = 5;
  double x = 1.0;
  for (Clock k = 0; k < kExchanges; ++k) {
    double mean = 0.0;
    for (const Quadratic& f : kQuadratics) {
      const double shrinks = std::pow(1.0 - double{kRate} * double{f.curvature}, kSteps);
      mean += f.weight * (f.minimum + shrinks * (x - f.minimum));
    }
    x = mean;
  }
  EXPECT_THAT(trained_anchored(kExchanges, kSteps), Each(testing::FloatNear(static_cast<float>(x), 1e-5F)));
}

// ---- one datacenter alone

/// Totals are its own contributions, weighted by a half.
class AnchoredAlone : public testing::Test {
 protected:
  void start(const OptimizerOptions& outer, std::size_t max_open = 1) {
    fill(store_, 8.0F);
    merge_ = make_anchored(0.5, outer, store_);
    exchange_ = std::make_unique<Exchange>(Exchange::Options{"mike", {}, kRanges, max_open});
  }
  void step(float size) { give_step(*merge_, store_, Values(kEntries, size)); }
  void contribute(const What& what = SendAll{}) {
    ++clock_;
    ASSERT_FALSE(
        merge_->contribute(clock_, select_with(what, clock_, merge_->residual_scale(0)), store_, *exchange_));
  }
  void apply(bool last = false) {
    auto ready = exchange_->next();
    while (ready && ready->kind != Exchange::Ready::Kind::total) ready = exchange_->next();
    ASSERT_TRUE(ready);
    ASSERT_FALSE(merge_->apply(ready->sums, last, store_));
  }
  void expect(float anchor, float replica) const {
    EXPECT_THAT(anchor_of(*merge_), Each(anchor));
    EXPECT_THAT(values_of(store_), Each(replica));
  }

  ParameterStore store_{kRanges};
  std::unique_ptr<Anchored> merge_;
  std::unique_ptr<Exchange> exchange_;
  Clock clock_ = 0;
};

TEST_F(AnchoredAlone, LocalStepsAreTakenInFullAndContributedByWeight) {
  start(kAveraging);
  EXPECT_EQ(merge_->step_scale(0.5), 1.0F);
  step(1.0F);
  step(3.0F);
  expect(8.0F, 12.0F);
  EXPECT_THAT(unsent_of(*merge_), Each(2.0F));
  contribute();
  expect(8.0F, 12.0F);  // until the total comes
  EXPECT_THAT(unsent_of(*merge_), Each(0.0F));
  apply();
  expect(10.0F, 10.0F);
  EXPECT_EQ(merge_->exchanges(), 1U);
}

TEST_F(AnchoredAlone, TheOuterRateScalesTheMean) {
  start({"sgd", 0.25, 0.0});
  step(4.0F);
  contribute();
  apply();
  expect(8.5F, 8.5F);
}

TEST_F(AnchoredAlone, OuterMomentumIsTheHeavyBalls) {
  start({"momentum", 0.5, 0.5});
  step(4.0F);  // mean 2: velocity 2, move 1
  contribute();
  apply();
  expect(9.0F, 9.0F);
  step(2.0F);  // mean 1: velocity 1 + 1 = 2, move 1
  contribute();
  apply();
  expect(10.0F, 10.0F);
  contribute();  // mean 0: velocity 1, move 0.5
  apply();
  expect(10.5F, 10.5F);
}

TEST_F(AnchoredAlone, OuterNesterovLooksAhead) {
  start({"nesterov", 0.5, 0.5});
  step(4.0F);  // mean 2: velocity 2, move (2 + 1) / 2
  contribute();
  apply();
  expect(9.5F, 9.5F);
  step(2.0F);  // mean 1: velocity 2, move (1 + 1) / 2
  contribute();
  apply();
  expect(10.5F, 10.5F);
}

TEST_F(AnchoredAlone, TheLastExchangeIsAPlainMean) {
  start({"momentum", 0.5, 0.5});
  step(4.0F);
  contribute();
  apply();
  step(4.0F);  // mean 2; with the momentum it would be 1.5
  contribute();
  apply(/*last=*/true);
  expect(11.0F, 11.0F);
}

TEST_F(AnchoredAlone, StepsMadeMeanwhileStayInTheReplica) {
  start(kAveraging, /*max_open=*/3);
  step(2.0F);
  contribute();
  step(4.0F);
  contribute();
  step(8.0F);
  contribute();
  step(16.0F);
  expect(8.0F, 38.0F);
  apply();
  expect(9.0F, 9.0F + 4.0F + 8.0F + 16.0F);
  step(32.0F);
  apply();
  expect(11.0F, 11.0F + 8.0F + 16.0F + 32.0F);
  apply();
  expect(15.0F, 15.0F + 16.0F + 32.0F);
  contribute();
  apply();
  expect(39.0F, 39.0F);
}

TEST_F(AnchoredAlone, WhatIsLeftBehindStaysOutOfTheReplicaAndIsOfferedAgain) {
  const SignificanceFilter filter(0.5, Schedule::constant);
  start(kAveraging);
  step(4.0F);  // 4 of 12 is not significant
  contribute(filter);
  EXPECT_THAT(unsent_of(*merge_), Each(2.0F));
  apply();
  expect(8.0F, 8.0F);
  step(2.0F);
  EXPECT_THAT(unsent_of(*merge_), Each(3.0F));
  contribute(filter);  // 6 of 10 is
  EXPECT_THAT(unsent_of(*merge_), Each(0.0F));
  apply();
  expect(11.0F, 11.0F);
}

TEST_F(AnchoredAlone, NamesTheTableThatIsNotFinite) {
  start(kAveraging);
  std::vector<FloatBuffer> total;
  for (const TableRange& range : kRanges) total.emplace_back(range.size());
  contribute();
  EXPECT_FALSE(merge_->apply(total, false, store_));
  total[1][2] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(exchange_->next());
  EXPECT_TRUE(exchange_->next());
  contribute();
  EXPECT_EQ(merge_->apply(total, false, store_), 1U);
}

TEST(AnchoredMake, SaysWhatIsWrongWithTheOuterOptimizer) {
  const ParameterStore store(kRanges);
  const auto made = Anchored::make(1.0, {"sgd", 1.0, 0.9}, store);
  ASSERT_FALSE(made.ok());
  EXPECT_THAT(made.error().message, HasSubstr("momentum is 0.9"));
}

}  // namespace
}  // namespace meridian::wan

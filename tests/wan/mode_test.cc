// Goal: each part's name gives the choice that it stands for, made with the mode's parameters, and a name
// that is unknown is answered with those that are known. Reached by asking the choices what they do.
#include "wan/mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wan/anchored.h"
#include "wan/eager_sum.h"
#include "wan/exact_sum.h"
#include "wan/exchange_merge.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;

class ModeRegistry : public testing::Test {
 protected:
  /// Four exact entries and one neighbour.
  MergePlace place() {
    return {.store = &store_,
            .own_name = "tokyo",
            .weight = 0.25,
            .neighbours = {{"paris", Relation::peer, 1}},
            .columns = {1},
            .table_names = {"weights"},
            .learning_rate = {},
            .thresholds_differ = false};
  }
  Mode made(const ModeParts& parts, const ModeParameters& parameters = {}) {
    return make_mode(Registry::built_in(), parts, parameters, place()).value();
  }

  static ModeParameters with(std::optional<Clock> ds, Clock h = 1, Clock ds_most = 32) {
    ModeParameters parameters;
    parameters.ds = ds;
    parameters.h = h;
    parameters.ds_most = ds_most;
    return parameters;
  }

  /// The most clocks that a shard may have closed while a peer is at `peer`, up to 20.
  static Clock lead(const Mode& mode, PeerClock peer, Clock auto_ds = 0) {
    Clock closed = 0;
    while (closed < 20 && !mode.wait->holds(closed + 1, std::vector<PeerClock>{peer}, auto_ds)) ++closed;
    return closed;
  }

  /// How many of four residuals, each half of its value, go out.
  static std::size_t taken(const Mode& mode) {
    const std::vector<float> values(4, 1.0F);
    std::vector<float> residual(4, 0.5F);
    TableSelection out;
    mode.what->select({.clock = 1, .table = 0}, values, residual, out);
    return out.size();
  }

  datacenter::ParameterStore store_{{{0, 4}}};
};

template <typename Makers>
std::vector<std::string> names_of(const Makers& makers) {
  std::vector<std::string> names;
  for (const auto& [name, maker] : makers) names.push_back(name);
  return names;
}

TEST_F(ModeRegistry, NamesItsParts) {
  const Registry registry = Registry::built_in();
  EXPECT_THAT(names_of(registry.what), ElementsAre("all", "nothing", "significance_filter", "top_k"));
  EXPECT_THAT(names_of(registry.when), ElementsAre("every_clock", "every_h_clocks"));
  EXPECT_THAT(names_of(registry.wait), ElementsAre("applied_clock", "mirror_clock", "never"));
  EXPECT_THAT(names_of(registry.merge), ElementsAre("anchored", "eager", "ordered"));
}

TEST_F(ModeRegistry, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  const Registry registry = Registry::built_in();
  const auto refusal = [&](const ModeParts& parts) {
    const Result<Mode> mode = make_mode(registry, parts, {}, place());
    return mode ? std::string() : mode.error().message;
  };
  EXPECT_EQ(refusal({.what = "gossip"}),
            "wan.what: unknown 'gossip'; expected one of all, nothing, significance_filter, top_k");
  EXPECT_EQ(refusal({.when = "gossip"}),
            "wan.when: unknown 'gossip'; expected one of every_clock, every_h_clocks");
  EXPECT_EQ(refusal({.wait = "gossip"}),
            "wan.wait: unknown 'gossip'; expected one of applied_clock, mirror_clock, never");
  EXPECT_EQ(refusal({.merge = "gossip"}),
            "wan.merge: unknown 'gossip'; expected one of anchored, eager, ordered");
}

TEST_F(ModeRegistry, APartOfOnesOwnIsFoundByItsName) {
  Registry registry = Registry::built_in();
  registry.when["every_tenth"] = [](const ModeParameters&) { return std::make_unique<EveryClocks>(10); };
  const Mode mode = make_mode(registry, {.when = "every_tenth"}, {}, place()).value();
  EXPECT_EQ(mode.when->next_due(0, 0), 10U);
}

TEST_F(ModeRegistry, WhatGoesOut) {
  EXPECT_EQ(taken(made({.what = "all"})), 4U);
  EXPECT_EQ(taken(made({.what = "nothing"})), 0U);
  EXPECT_FALSE(made({.what = "nothing"}).what->sends());
  ModeParameters parameters;
  parameters.filter.defaults.v0 = 0.4;
  EXPECT_EQ(taken(made({.what = "significance_filter"}, parameters)), 4U);
  parameters.filter.defaults.v0 = 0.6;
  EXPECT_EQ(taken(made({.what = "significance_filter"}, parameters)), 0U);
}

TEST_F(ModeRegistry, WhenItGoes) {
  EXPECT_EQ(made({.when = "every_clock"}, with(0, 3)).when->next_due(0, 0), 1U);
  EXPECT_EQ(made({.when = "every_h_clocks"}, with(0, 3)).when->next_due(0, 0), 3U);
}

TEST_F(ModeRegistry, WhoWaits) {
  EXPECT_EQ(lead(made({.wait = "never"}), {0, 0}), 20U);
  EXPECT_EQ(lead(made({.wait = "mirror_clock"}, with(3)), {.reported = 4, .applied = 0}), 7U);
  EXPECT_EQ(lead(made({.wait = "applied_clock"}, with(3)), {.reported = 9, .applied = 4}), 7U);
}

TEST_F(ModeRegistry, WithoutDsTheLinksDecideUpToALimit) {
  const Mode mode = made({.wait = "mirror_clock"}, with({}, 1, 9));
  EXPECT_EQ(mode.ds_most, 9U);
  EXPECT_EQ(lead(mode, {.reported = 4, .applied = 0}, /*auto_ds=*/5), 9U);
  EXPECT_FALSE(made({}, with(3)).ds_most);
}

TEST_F(ModeRegistry, HowUpdatesMerge) {
  EXPECT_NE(dynamic_cast<const EagerSum*>(made({.merge = "eager"}).merge.get()), nullptr);
  const Mode ordered = made({.merge = "ordered"});
  const auto& sum = dynamic_cast<const ExchangeMerge&>(*ordered.merge);
  EXPECT_NE(dynamic_cast<const ExactSum*>(&sum.ordered()), nullptr);
  EXPECT_EQ(sum.step_scale(), 0.25F);
  const Mode anchored = made({.merge = "anchored"});
  const auto& mean = dynamic_cast<const ExchangeMerge&>(*anchored.merge);
  EXPECT_NE(dynamic_cast<const Anchored*>(&mean.ordered()), nullptr);
  EXPECT_EQ(mean.step_scale(), 1.0F);
}

/// Links that take everything.
class NoOutlets final : public Outlets {
 public:
  void offer(std::size_t, Clock, const Selection&) override {}
  void withhold(std::size_t, Clock, const Selection&) override {}
  double threshold_scale(std::size_t) const override { return 1.0; }
};

// Reads may go ds clocks ahead, so as many exchanges as fall due in these, and one more, are open at once.
TEST_F(ModeRegistry, AsManyExchangesMayBeOpenAsReadsGoAhead) {
  const auto open_at_most = [&](const ModeParameters& parameters) {
    const Mode mode = made({.what = "all", .merge = "ordered"}, parameters);
    NoOutlets outlets;
    std::size_t open = 0;
    for (Clock clock = parameters.h; mode.merge->takes_next() && open < 100; clock += parameters.h, ++open) {
      EXPECT_FALSE(mode.merge->own_clock_closed(clock, outlets));
    }
    return open;
  };
  EXPECT_EQ(open_at_most(with(0)), 1U);
  EXPECT_EQ(open_at_most(with(3)), 4U);
  EXPECT_EQ(open_at_most(with(6, 3)), 3U);
  EXPECT_EQ(open_at_most(with({}, 1, 7)), 8U);
}

TEST_F(ModeRegistry, ASoftThresholdIsForThoseWhoAskForOne) {
  EXPECT_FALSE(made({}).soft);
  ModeParameters parameters;
  parameters.soft_ratio = 0.25;
  parameters.soft_below = 0.75;
  const Mode mode = made({}, parameters);
  ASSERT_TRUE(mode.soft);
  EXPECT_EQ(mode.soft->ratio, 0.25);
  EXPECT_EQ(mode.soft->use_below, 0.75);
}

TEST_F(ModeRegistry, TheSelectiveBarrierIsAPart) {
  EXPECT_TRUE(made({}).selective_barrier);
  EXPECT_FALSE(made({.selective_barrier = false}).selective_barrier);
}

}  // namespace
}  // namespace meridian::wan

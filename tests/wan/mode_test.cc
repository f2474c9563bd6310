// Goal: a mode's name gives the four choices that it stands for, and a name that is unknown is answered with
// those that are known. Reached by asking the choices what they do.
#include "wan/mode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::wan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ModeRegistry : public testing::Test {
 protected:
  Mode made(const std::string& name, const ModeParameters& parameters) {
    return make_mode(name, parameters, {&store_, 0, {0, 1}}).value();
  }

  /// The most clocks that a shard may have closed while a peer is at `peer`, up to 20.
  static Clock lead(const Mode& mode, PeerClock peer) {
    Clock closed = 0;
    while (closed < 20 && !mode.wait->holds(closed + 1, std::vector<PeerClock>{peer})) ++closed;
    return closed;
  }

  datacenter::ParameterStore store_{{{0, 4}}};
};

TEST_F(ModeRegistry, NamesTheKnownModes) {
  EXPECT_THAT(mode_names(), ElementsAre("gaia", "bsp", "ssp", "async", "isolated"));
  for (const std::string& name : mode_names()) {
    const Mode mode = made(name, {});
    EXPECT_TRUE(mode.what && mode.when && mode.wait && mode.merge) << name;
  }
}

TEST_F(ModeRegistry, AnUnknownNameIsAnsweredWithTheKnownOnes) {
  const Result<Mode> mode = make_mode("gossip", {}, {&store_, 0, {0}});
  ASSERT_FALSE(mode);
  EXPECT_THAT(mode.error().message, HasSubstr("wan.mode"));
  EXPECT_THAT(mode.error().message, HasSubstr("'gossip'"));
  for (const std::string& name : mode_names()) EXPECT_THAT(mode.error().message, HasSubstr(name));
}

TEST_F(ModeRegistry, GaiaFiltersAndLooksAtReportedClocks) {
  const Mode mode = made("gaia", {.v0 = 0.5, .schedule = "inverse_sqrt", .ds = 3, .h = 2});
  const auto* filter = dynamic_cast<const SignificanceFilter*>(mode.what.get());
  ASSERT_NE(filter, nullptr);
  EXPECT_DOUBLE_EQ(filter->threshold(4), 0.25);
  EXPECT_FALSE(mode.when->due(1, 0));
  EXPECT_TRUE(mode.when->due(2, 0));
  EXPECT_EQ(lead(mode, {.reported = 4, .applied = 0}), 7U);
  EXPECT_FALSE(mode.merge->needs_whole_clocks());
  const Mode constant = made("gaia", {.v0 = 0.5, .schedule = "constant"});
  EXPECT_DOUBLE_EQ(dynamic_cast<const SignificanceFilter&>(*constant.what).threshold(4), 0.5);
}

TEST_F(ModeRegistry, BspSendsAllEveryClockAndWaitsForAll) {
  const Mode mode = made("bsp", {.ds = 3, .h = 2});
  EXPECT_NE(dynamic_cast<const SendAll*>(mode.what.get()), nullptr);
  EXPECT_TRUE(mode.when->due(1, 0));
  EXPECT_EQ(lead(mode, {.reported = 9, .applied = 4}), 4U);
  EXPECT_NE(dynamic_cast<const OrderedSum*>(mode.merge.get()), nullptr);
  EXPECT_TRUE(mode.merge->needs_whole_clocks());
}

TEST_F(ModeRegistry, SspSendsAllEveryClockAndLooksAtAppliedOnes) {
  const Mode mode = made("ssp", {.ds = 3, .h = 2});
  EXPECT_NE(dynamic_cast<const SendAll*>(mode.what.get()), nullptr);
  EXPECT_TRUE(mode.when->due(1, 0));
  EXPECT_EQ(lead(mode, {.reported = 9, .applied = 4}), 7U);
}

TEST_F(ModeRegistry, AsyncAndIsolatedNeverWait) {
  EXPECT_EQ(lead(made("async", {}), {0, 0}), 20U);
  EXPECT_EQ(lead(made("isolated", {}), {0, 0}), 20U);
  EXPECT_TRUE(made("async", {}).what->sends());
  EXPECT_FALSE(made("isolated", {}).what->sends());
}

}  // namespace
}  // namespace meridian::wan

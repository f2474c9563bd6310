// Goal: a mode is what its name stands for, the file's own words go over it and are told apart from it, and
// what makes no sense together is refused with the reason. How: every mode's choice spelled out; overrides on
// the sample; one contradiction at a time, each in the smallest change that makes it.
#include "src/config/mode_presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "src/config/choices.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;
using testing::HasSubstr;

ResolvedMode resolved(const std::vector<std::string>& overrides) {
  return resolve_mode(config_of(kYaml, overrides).wan).value();
}

Origin origin(const std::vector<std::string>& overrides, std::string_view key) {
  return resolved(overrides).origins.find(key)->second;
}

TEST(ModePresets, AreTheModesThatAFileMayName) {
  const auto& presets = mode_presets();
  EXPECT_TRUE(
      std::equal(presets.begin(), presets.end(), kModes.begin(), kModes.end(),
                 [](const ModePreset& preset, std::string_view word) { return preset.name == word; }));
  EXPECT_EQ(find_mode_preset("gossip"), nullptr);
  // Defaults that stand in two places agree.
  const WanConfig defaults;
  EXPECT_EQ(find_mode_preset(defaults.mode)->choice, defaults.choice);
  EXPECT_EQ(find_mode_preset(defaults.mode)->default_h, defaults.parameters.h);
}

TEST(ModePresets, StandForTheirChoices) {
  const auto choice = [](const char* mode) { return resolved({std::string("wan.mode=") + mode}).choice; };
  EXPECT_EQ(choice("gaia"),
            (ModeChoice{"significance_filter", "every_h_clocks", "mirror_clock", true, "eager"}));
  EXPECT_EQ(choice("bsp"), (ModeChoice{"all", "every_clock", "applied_clock", false, "ordered"}));
  EXPECT_EQ(choice("ssp"), (ModeChoice{"all", "every_clock", "applied_clock", false, "eager"}));
  EXPECT_EQ(choice("async"), (ModeChoice{"all", "every_h_clocks", "never", false, "eager"}));
  EXPECT_EQ(choice("isolated"), (ModeChoice{"nothing", "every_clock", "never", false, "eager"}));
  EXPECT_EQ(choice("dgc"), (ModeChoice{"top_k", "every_clock", "applied_clock", false, "anchored"}));
  EXPECT_EQ(choice("local_sgd"), (ModeChoice{"all", "every_h_clocks", "applied_clock", false, "anchored"}));
}

TEST(ModePresets, HaveNoContradiction) {
  for (const ModePreset& preset : mode_presets()) {
    WanConfig wan;
    wan.mode = preset.name;
    wan.choice = preset.choice;
    EXPECT_TRUE(resolve_mode(wan).ok()) << preset.name;
  }
}

TEST(ModePresets, GiveTheirWordsToTheFilesWords) {
  const ResolvedMode mode =
      resolved({"wan.mode=ssp", "wan.what=significance_filter", "wan.when=every_h_clocks"});
  EXPECT_EQ(mode.mode, "ssp");
  EXPECT_EQ(mode.choice,
            (ModeChoice{"significance_filter", "every_h_clocks", "applied_clock", false, "eager"}));
  EXPECT_EQ(mode.origins.find("what")->second, Origin::file);
  EXPECT_EQ(mode.origins.find("wait")->second, Origin::preset);
}

TEST(ModePresets, BspFixesDsAsLongAsTheWaitIsItsOwn) {
  EXPECT_EQ(resolved({"wan.mode=bsp"}).parameters.ds, 0U);
  EXPECT_EQ(origin({"wan.mode=bsp"}, "parameters.ds"), Origin::preset);
  EXPECT_FALSE(resolved({"wan.mode=bsp", "wan.parameters.ds=auto"}).parameters.ds_auto);
  const std::vector<std::string> other = {"wan.mode=bsp", "wan.merge=eager", "wan.wait=mirror_clock"};
  EXPECT_EQ(resolved(other).parameters.ds, 6U);
  EXPECT_EQ(origin(other, "parameters.ds"), Origin::file);
  EXPECT_EQ(resolved({"wan.mode=ssp"}).parameters.ds, 6U);
}

TEST(ModePresets, EveryClockMeansH1) {
  for (const char* mode : {"wan.mode=bsp", "wan.mode=ssp", "wan.mode=isolated"}) {
    EXPECT_EQ(resolved({mode}).parameters.h, 1U) << mode;
    EXPECT_EQ(origin({mode}, "parameters.h"), Origin::preset) << mode;
  }
  EXPECT_EQ(resolved({"wan.mode=gaia"}).parameters.h, 2U);
  EXPECT_EQ(resolved({"wan.mode=ssp", "wan.when=every_h_clocks"}).parameters.h, 2U);
}

TEST(ModePresets, LocalSgdExchangesEveryTenClocksUnlessTold) {
  const std::vector<std::string> silent = {"wan.mode=local_sgd", "wan.parameters.h=null"};
  EXPECT_EQ(resolved(silent).parameters.h, 10U);
  EXPECT_EQ(origin(silent, "parameters.h"), Origin::preset);
  EXPECT_EQ(resolved({"wan.mode=local_sgd"}).parameters.h, 2U);
  EXPECT_EQ(origin({"wan.mode=local_sgd"}, "parameters.h"), Origin::file);
  EXPECT_EQ(origin({"wan.parameters.h=null"}, "parameters.h"), Origin::default_value);
}

TEST(ModePresets, DgcSendsAThousandthAndOwnsTheMomentumUnlessTold) {
  EXPECT_EQ(resolved({"wan.mode=dgc"}).parameters.share, 0.001);
  const std::string plain = "workload.optimizer={name: sgd, learning_rate: 0.1}";
  EXPECT_EQ(resolved({"wan.mode=dgc", plain}).parameters.momentum, 0.9);
  EXPECT_EQ(origin({"wan.mode=dgc", plain}, "parameters.momentum"), Origin::preset);
  EXPECT_EQ(resolved({"wan.mode=dgc", plain, "wan.parameters.momentum=0.5"}).parameters.momentum, 0.5);
  EXPECT_EQ(resolved({"wan.mode=gaia", plain}).parameters.momentum, 0.0);
  const std::string adam = "workload.optimizer={name: adam, learning_rate: 0.1}";
  EXPECT_EQ(resolved({"wan.mode=dgc", adam}).parameters.momentum, 0.0);
  // The optimizer of the sample has a momentum of its own.
  EXPECT_EQ(resolved({"wan.mode=dgc"}).parameters.momentum, 0.0);
}

TEST(ModePresets, EveryPartAndParameterHasAnOrigin) {
  const ResolvedMode mode =
      resolved({"wan.parameters.outer={learning_rate: 2}", "wan.parameters.soft_below=1"});
  for (const char* given : {"v0", "schedule", "ds", "h", "tables", "soft_below", "outer.learning_rate"}) {
    EXPECT_EQ(mode.origins.find(std::string("parameters.") + given)->second, Origin::file) << given;
  }
  for (const char* absent :
       {"v_end", "ramp_clocks", "floor", "soft_ratio", "by", "ds_most", "outer.name", "outer.momentum"}) {
    EXPECT_EQ(mode.origins.find(std::string("parameters.") + absent)->second, Origin::default_value)
        << absent;
  }
  for (const char* part : {"what", "when", "wait", "selective_barrier", "merge"})
    EXPECT_EQ(mode.origins.find(part)->second, Origin::preset) << part;
}

TEST(ModePresets, UnknownModesAreAnsweredWithTheKnownOnes) {
  WanConfig wan;
  wan.mode = "gossip";
  const Result<ResolvedMode> mode = resolve_mode(wan);
  ASSERT_FALSE(mode);
  EXPECT_EQ(mode.error().message,
            "wan.mode is 'gossip'; expected gaia, bsp, ssp, async, isolated, local_sgd, dgc or sparse_loco");
}

struct Nonsense {
  std::vector<std::string> overrides;
  const char* says;
};

TEST(ModePresets, WhatMakesNoSenseIsRefusedWithTheReason) {
  const std::vector<Nonsense> all = {
      {{"wan.mode=bsp", "wan.what=significance_filter"}, "expected what: all"},
      {{"wan.mode=bsp", "wan.when=every_h_clocks"}, "expected when: every_clock"},
      {{"wan.mode=bsp", "wan.wait=never", "wan.parameters.ds=0"}, "expected wait: applied_clock"},
      {{"wan.mode=bsp", "wan.wait=mirror_clock", "wan.parameters.ds=0"}, "expected wait: applied_clock"},
      {{"wan.mode=ssp", "wan.merge=ordered"}, "with wan.parameters.ds '6'; expected ds: 0"},
      {{"wan.mode=ssp", "wan.merge=ordered", "wan.parameters.ds=auto"},
       "with wan.parameters.ds 'auto'; expected ds: 0"},
      {{"wan.mode=bsp", "wan.selective_barrier=true"}, "expected selective_barrier: false, or merge: eager"},
      {{"wan.mode=local_sgd", "wan.selective_barrier=true"}, "expected selective_barrier: false, or merge"},
      {{"wan.mode=local_sgd", "wan.wait=never"}, "an exchange needs every contribution"},
      {{"wan.mode=local_sgd", "wan.wait=mirror_clock"}, "an exchange needs every contribution"},
      {{"wan.mode=local_sgd", "wan.on_silence=continue"}, "an exchange needs every contribution"},
      {{"wan.mode=local_sgd", "wan.what=significance_filter", "wan.parameters.soft_ratio=0.5"},
       "every peer gets the same contribution"},
      {{"wan.mode=ssp", "wan.parameters.soft_ratio=0.5"}, "nothing else has a threshold"},
      {{"wan.what=nothing", "wan.wait=never"}, "no update is ever announced"},
      {{"wan.what=nothing", "wan.selective_barrier=false"}, "report no clocks"},
      {{"wan.mode=local_sgd", "wan.parameters.h=1", "wan.parameters.ds=33"}, "at most 32 exchanges ahead"},
      {{"wan.parameters.total_share=0.5"}, "nothing else makes a total"},
      {{"wan.mode=local_sgd", "wan.parameters.total_share=0.5"},
       "equally many servers in all datacenters in which totals begin"},
      {{"wan.mode=local_sgd", "wan.topology=mesh", "wan.parameters.total_share=0.5"},
       "no total crosses a link of a mesh"},
      {{"workload.optimizer={name: sgd, learning_rate: 0.1}", "wan.parameters.momentum=0.5"},
       "'eager' over relays; expected merge: anchored, or a mesh"},
      {{"workload.optimizer={name: sgd, learning_rate: 0.1}", "wan.topology=mesh",
        "wan.parameters.momentum=0.5", "wan.parameters.soft_ratio=0.5"},
       "and a soft threshold; expected merge: anchored, or a mesh"},
      {{"wan.mode=bsp", "workload.optimizer={name: sgd, learning_rate: 0.1}", "wan.parameters.momentum=0.5"},
       "nothing else keeps updates back"},
      {{"wan.mode=dgc", "wan.parameters={momentum: 0.5}"}, "expected the optimizer sgd"},
  };
  for (const Nonsense& nonsense : all) {
    const std::string problems = sample::problems_of(kYaml, nonsense.overrides);
    EXPECT_THAT(problems, HasSubstr(nonsense.says)) << testing::PrintToString(nonsense.overrides);
    EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 0) << problems;
  }
}

TEST(ModePresets, WhatMakesSenseIsNotRefused) {
  for (const std::vector<std::string>& overrides : std::vector<std::vector<std::string>>{
           {"wan.wait=never"},
           {"wan.what=all"},
           {"wan.parameters.soft_ratio=0.5"},
           {"wan.on_silence=continue"},
           {"wan.what=nothing", "wan.selective_barrier=false", "wan.wait=never"},
           {"wan.mode=bsp", "wan.parameters.ds=auto"},
           {"wan.mode=ssp", "wan.merge=ordered", "wan.parameters.ds=0"},
           {"wan.mode=ssp", "wan.selective_barrier=true"},
           {"wan.mode=local_sgd", "wan.what=significance_filter"},
           {"wan.mode=dgc"},
           {"wan.mode=dgc", "wan.parameters={values: 2bit, total_share: 0.01, masking: false}",
            "wan.topology={tree: {ireland: tokyo, virginia: tokyo}}"},
           {"wan.parameters={momentum: 0.5}", "workload.optimizer={name: sgd, learning_rate: 0.1}",
            "wan.topology=mesh"},
           {"wan.mode=dgc", "wan.what=all", "workload.optimizer={name: sgd, learning_rate: 0.1}"},
           {"wan.mode=local_sgd", "wan.parameters.outer={name: nesterov, learning_rate: 0.7, momentum: 0.9}"},
       }) {
    const Result<Config> config = sample::read(kYaml, overrides);
    EXPECT_TRUE(config.ok()) << config.error().message;
  }
}

TEST(ModePresets, EveryContradictionIsNamedAtOnce) {
  const std::string problems = sample::problems_of(kYaml, {"wan.merge=ordered"});
  EXPECT_THAT(problems, HasSubstr("expected what: all"));
  EXPECT_THAT(problems, HasSubstr("expected when: every_clock"));
  EXPECT_THAT(problems, HasSubstr("expected wait: applied_clock"));
  EXPECT_THAT(problems, HasSubstr("expected selective_barrier: false"));
  // The ds stands in the file, the merge came from the command line.
  EXPECT_THAT(problems, HasSubstr("dir/test.yaml:34:49: wan.merge 'ordered' with wan.parameters.ds '6'"));
}

TEST(ModePresets, AWordThatIsRefusedBringsNoContradiction) {
  EXPECT_EQ(sample::problems_of(kYaml, {"wan.mode=bps", "wan.merge=ordered"}),
            "--set wan.mode=bps: wan.mode is 'bps', perhaps 'bsp'; expected gaia, bsp, ssp, async, isolated, "
            "local_sgd, dgc or sparse_loco");
}

}  // namespace
}  // namespace meridian

// Goal: --set replaces any value before anything is checked, and what it brings in is blamed on it.
// How: the sample configuration with overrides, compared with the same change made in the text.
#include "src/config/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;
using sample::problems_of;
using sample::with;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Overrides, EqualTheSameChangeInTheFile) {
  EXPECT_EQ(config_of(kYaml, {"wan.mode=bsp"}), config_of(with("mode: gaia", "mode: bsp")));
  EXPECT_EQ(config_of(kYaml, {"workload.stop={clocks: 10}"}),
            config_of(with("{target: 0.86, clocks: 3000, time_s: 300}", "{clocks: 10}")));
  EXPECT_EQ(config_of(kYaml, {"workload.model.hidden=[1, 2]"}), config_of(with("[128, 64]", "[1, 2]")));
  EXPECT_EQ(config_of(kYaml, {"workload.compute.factor.ireland=2"}),
            config_of(with("{tokyo: 1.5}", "{tokyo: 1.5, ireland: 2}")));
  EXPECT_EQ(config_of(kYaml, {"wan.links.pairs.0.rtt_ms=9"}), config_of(with("rtt_ms: 81", "rtt_ms: 9")));
}

TEST(Overrides, ReachListElementsByNameAndByPosition) {
  const Config expected = config_of(with("workers: 3", "workers: 4"));
  EXPECT_EQ(config_of(kYaml, {"datacenters.ireland.workers=4"}), expected);
  EXPECT_EQ(config_of(kYaml, {"datacenters.1.workers=4"}), expected);
}

TEST(Overrides, ApplyInTheirOrder) {
  EXPECT_EQ(config_of(kYaml, {"seed=1", "seed=2"}).seed, 2U);
  EXPECT_EQ(config_of(kYaml, {"workload.stop={clocks: 10}", "workload.stop.target=0.5"}).workload.stop,
            (StopConfig{10, 0.5, std::nullopt}));
}

TEST(Overrides, MakeTheMapsOnTheWay) {
  const std::string without = with("output: {dir: ../runs/sample}\n", "");
  EXPECT_EQ(config_of(without, {"output.dir=../runs/sample"}), config_of(kYaml));
}

TEST(Overrides, NullTakesAKeyOrAnElementOut) {
  EXPECT_EQ(config_of(kYaml, {"workload.stop.target=null"}).workload.stop,
            (StopConfig{3000, std::nullopt, 300}));
  EXPECT_EQ(config_of(kYaml, {"output.dir=~"}).output_dir, std::nullopt);
  EXPECT_EQ(config_of(kYaml, {"output="}).output_dir, std::nullopt);
  EXPECT_EQ(config_of(kYaml, {"workload.stop={clocks: 5, target: ~}"}).workload.stop.clocks, 5U);
  EXPECT_EQ(
      config_of(kYaml, {"datacenters.tokyo=null", "workload.compute.factor=null", "wan.links.pairs.1=null"})
          .datacenters.size(),
      2U);
  EXPECT_EQ(problems_of(kYaml, {"name=null"}),
            "dir/test.yaml:1:1: name is missing; expected the key 'name' in the configuration");
  EXPECT_EQ(
      problems_of(kYaml, {"workload.stop.clocks=~", "workload.stop.target=~", "workload.stop.time_s=~"}),
      "dir/test.yaml:18:9: nothing in workload.stop would end the run; expected at least one of clocks, "
      "target "
      "and time_s");
}

TEST(Overrides, AreBlamedForWhatTheyBringIn) {
  EXPECT_EQ(problems_of(kYaml, {"wan.modee=bsp"}),
            "--set wan.modee=bsp: unknown key 'wan.modee', perhaps 'wan.mode'; expected mode, what, when, "
            "wait, selective_barrier, merge, parameters, on_silence, on_barrier, deadlines, lan, links or "
            "topology");
  EXPECT_THAT(problems_of(kYaml, {"wan.modee=null"}),
              StartsWith("--set wan.modee=null: unknown key 'wan.modee'"));
  EXPECT_EQ(problems_of(kYaml, {"workload.stop={clocks: 0}"}),
            "--set workload.stop={clocks: 0}: workload.stop.clocks is '0'; expected a whole number from 1 to "
            "1000000000");
  EXPECT_EQ(
      problems_of(kYaml, {"workload.data={}"}),
      "--set workload.data={}: workload.data.format is missing; expected the key 'format' in workload.data\n"
      "--set workload.data={}: workload.data.path is missing; expected the key 'path' in workload.data");
  EXPECT_EQ(problems_of(kYaml, {"workload.stop={clocks: 1, clocks: 2}"}),
            "--set workload.stop={clocks: 1, clocks: 2}: the key 'clocks' stands twice in the same map; "
            "expected each "
            "key once");
}

TEST(Overrides, AreRefusedWhereTheyLeadNowhere) {
  EXPECT_EQ(
      problems_of(kYaml, {"datacenters.paris.workers=2"}),
      "--set datacenters.paris.workers=2: there is no 'paris' in datacenters; expected virginia, ireland or "
      "tokyo, or a position from 0 to 2");
  EXPECT_EQ(problems_of(kYaml, {"datacenters.3.workers=2"}),
            "--set datacenters.3.workers=2: there is no '3' in datacenters; expected virginia, ireland or "
            "tokyo, or a "
            "position from 0 to 2");
  EXPECT_EQ(problems_of(kYaml, {"seed.x=1"}),
            "--set seed.x=1: seed is '7', so it has no 'x'; expected a whole map, as in seed={x: ...}");
}

TEST(Overrides, AreRefusedWhenTheyAreNone) {
  const std::string expected =
      ": not a key and a value; expected KEY=VALUE with the keys joined by dots, such as wan.mode=bsp";
  EXPECT_EQ(problems_of(kYaml, {"wan.mode"}), "--set wan.mode" + expected);
  EXPECT_EQ(problems_of(kYaml, {"=bsp"}), "--set =bsp" + expected);
  EXPECT_EQ(problems_of(kYaml, {""}), "--set " + expected);
  EXPECT_EQ(problems_of(kYaml, {"wan..mode=bsp"}),
            "--set wan..mode=bsp: an empty key in 'wan..mode'; expected keys joined by single dots");
  EXPECT_THAT(problems_of(kYaml, {"wan.links={a: [}"}),
              StartsWith("--set wan.links={a: [}: not valid YAML ("));
  EXPECT_THAT(problems_of(kYaml, {"seed=1\n---\n2"}),
              HasSubstr("--set seed=1\\x0a---\\x0a2: a second document"));
}

}  // namespace
}  // namespace meridian

// Goal: processes of one run agree on its id wherever they run, any change that matters changes it, and the
// first difference is named, whatever a peer sends as its text. How: overrides of each kind on the sample,
// hand-written texts, and seeded noise as the peer's text.
#include "src/config/run_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "src/base/random.h"
#include "src/config/resolved_yaml.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;

TEST(RunIdentity, IgnoresWhatMayDifferBetweenMachines) {
  const std::string id = run_id(config_of(kYaml));
  EXPECT_THAT(id, testing::MatchesRegex("sample-[0-9a-f]{16}"));
  for (const char* change :
       {"output.dir=/elsewhere", "output=null", "workload.data.path=/mnt/data",
        "datacenters.virginia.hosts=null", "datacenters.virginia.machines=9",
        "wan.links.prices={dated: 2023-08-06, source: a list, currency: USD, default: {egress_per_gb: 0.02}}",
        R"(datacenters.virginia.hosts=["h:1", "h:5"])"}) {
    EXPECT_EQ(run_id(config_of(kYaml, {change})), id) << change;
  }
  EXPECT_EQ(
      run_id(
          read_config_text(resolved_yaml(config_of(kYaml)), "/other.yaml", {}, sample::no_variables).value()),
      id);
}

TEST(RunIdentity, TakesMinusZeroForZero) {
  EXPECT_EQ(run_id(config_of(kYaml, {"wan.parameters.v0=-0.0"})),
            run_id(config_of(kYaml, {"wan.parameters.v0=0"})));
}

TEST(RunIdentity, SeesWhatMatters) {
  const Config config = config_of(kYaml);
  for (const char* change : {"name=other",
                             "seed=8",
                             "workload.model.hidden=[128]",
                             "workload.model={kind: cnn, layers: [relu]}",
                             "workload.data.partition=random",
                             "workload.data.if_missing=error",
                             "workload.data.generated_train=100",
                             "workload.optimizer.name=nesterov",
                             "workload.optimizer.learning_rate=0.10000000000000002",
                             "workload.optimizer.weight_decay=1e-4",
                             "workload.optimizer.clip_value=1",
                             "workload.optimizer.clip_norm=1",
                             "workload.optimizer.schedule=inverse_sqrt",
                             "workload.optimizer.schedule.warm_up=2",
                             "workload.batch=33",
                             "workload.evaluate_every=51",
                             "workload.compute=measured",
                             "workload.compute.spread=0",
                             "workload.compute.factor.ireland=2",
                             "workload.stop.clocks=1",
                             "workload.stop.target=null",
                             "datacenters.tokyo.workers=2",
                             "datacenters.tokyo.servers=2",
                             "wan.mode=bsp",
                             "wan.lan.bandwidth_mbps=1",
                             "wan.links.pairs.1.delay_ms=91",
                             "wan.parameters.v0=1",
                             "wan.parameters.schedule=inverse_sqrt",
                             "wan.parameters.ds=1",
                             "wan.parameters.h=1",
                             "wan.parameters.floor=1",
                             "wan.parameters.soft_ratio=0.5",
                             "wan.parameters.soft_below=0.6",
                             "wan.parameters.by=row",
                             "wan.parameters.share=0.02",
                             "wan.parameters.masking=false",
                             "wan.parameters.values=8bit",
                             "wan.parameters.rounding=stochastic",
                             "wan.parameters.encoding=plain",
                             "wan.parameters.tables=null",
                             "wan.parameters.tables={layer0.weight: {floor: 1e-3}}",
                             "wan.parameters.ds=auto",
                             "wan.parameters.ds_most=33",
                             "wan.parameters.outer={learning_rate: 2}",
                             "wan.what=all",
                             "wan.when=every_clock",
                             "wan.wait=never",
                             "wan.selective_barrier=false",
                             "wan.topology=mesh",
                             "wan.topology={tree: {ireland: tokyo, virginia: tokyo}}",
                             "wan.topology={hubs: [{hub: tokyo, members: [virginia, ireland]}]}",
                             "wan.on_silence=stop",
                             "wan.on_barrier=open",
                             "wan.deadlines.drain_s=1",
                             "wan.deadlines.wait_s=1",
                             "wan.deadlines.barrier_s=1",
                             "shards=9"}) {
    EXPECT_NE(run_id(config_of(kYaml, {change})), run_id(config)) << change;
  }
  const std::vector<std::string> tree = {"wan.mode=sparse_loco",
                                         "wan.topology={tree: {ireland: tokyo, virginia: tokyo}}"};
  EXPECT_NE(run_id(config_of(kYaml, {tree[0], tree[1], "wan.parameters.total_share=0.02"})),
            run_id(config_of(kYaml, tree)));
  const std::string plain = "workload.optimizer={name: sgd, learning_rate: 0.1}";
  const std::string mesh = "wan.topology=mesh";
  EXPECT_NE(run_id(config_of(kYaml, {plain, mesh, "wan.parameters.momentum=0.5"})),
            run_id(config_of(kYaml, {plain, mesh})));
  for (const auto& [schedule, change] :
       std::vector<std::pair<std::string, std::string>>{{"{name: step, every: 9}", "every=8"},
                                                        {"{name: step, every: 9}", "factor=0.2"},
                                                        {"{name: cosine, clocks: 9}", "clocks=8"},
                                                        {"{name: cosine, clocks: 9}", "final=0.1"}}) {
    const std::string given = "workload.optimizer.schedule=" + schedule;
    EXPECT_NE(run_id(config_of(kYaml, {given, "workload.optimizer.schedule." + change})),
              run_id(config_of(kYaml, {given})))
        << change;
  }
  for (const auto& [optimizer, change] :
       std::vector<std::pair<std::string, std::string>>{{"adam", "beta1=0.8"},
                                                        {"adam", "beta2=0.8"},
                                                        {"adagrad", "epsilon=0.1"},
                                                        {"rmsprop", "decay=0.8"}}) {
    const std::string given = "workload.optimizer={learning_rate: 1, name: " + optimizer + "}";
    EXPECT_NE(run_id(config_of(kYaml, {given, "workload.optimizer." + change})),
              run_id(config_of(kYaml, {given})))
        << change;
  }
  Config swapped = config;
  std::swap(swapped.datacenters[1], swapped.datacenters[2]);
  EXPECT_NE(run_id(swapped), run_id(config));
}

TEST(RunIdentity, DoesNotSeeWhichDefaultsAreWrittenOut) {
  for (const char* change : {"wan.what=significance_filter", "wan.merge=eager", "wan.parameters.soft_ratio=1",
                             "workload.optimizer.weight_decay=0"}) {
    EXPECT_EQ(run_id(config_of(kYaml, {change})), run_id(config_of(kYaml))) << change;
  }
}

TEST(RunIdentity, SeesTheWholeOfWhatHasSeveralKeys) {
  const auto id = [](const char* change) { return run_id(config_of(kYaml, {change})); };
  const std::string linear = id("wan.parameters={schedule: linear, v_end: 1, ramp_clocks: 5}");
  EXPECT_NE(id("wan.parameters={schedule: linear, v_end: 2, ramp_clocks: 5}"), linear);
  EXPECT_NE(id("wan.parameters={schedule: linear, v_end: 1, ramp_clocks: 6}"), linear);
  const std::string hubs = id("wan.topology={hubs: [{hub: tokyo, members: [virginia, ireland]}]}");
  EXPECT_EQ(id("wan.topology={hubs: [{hub: tokyo, members: [ireland, virginia]}]}"), hubs);
  EXPECT_NE(id("wan.topology={hubs: [{hub: tokyo, members: [virginia]}, {hub: ireland}]}"), hubs);
  EXPECT_NE(id("wan.topology={hubs: [{hub: ireland, members: [virginia, tokyo]}]}"), hubs);
  EXPECT_NE(id("wan.topology={tree: {virginia: tokyo, ireland: tokyo}}"),
            id("wan.topology={tree: {virginia: tokyo, ireland: virginia}}"));
}

TEST(RunIdentity, KeysAreSortedAndUnique) {
  const auto keys = identity_keys(config_of(kYaml));
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end(), [](auto& a, auto& b) { return a.first == b.first; }),
            keys.end());
  EXPECT_THAT(keys, testing::Contains(testing::Pair("wan.links.tokyo.virginia.delay_ms", "90")));
  EXPECT_THAT(keys, testing::Contains(testing::Pair("datacenters", "virginia,ireland,tokyo")));
}

TEST(RunIdentity, NamesTheFirstDifference) {
  const auto between = [](const std::vector<std::string>& change) {
    return first_difference(identity_text(config_of(kYaml)), identity_text(config_of(kYaml, change)));
  };
  EXPECT_EQ(between({}), std::nullopt);
  EXPECT_EQ(between({"seed=8"}), "seed is '7' here and '8' there");
  EXPECT_EQ(between({"wan.merge=anchored", "wan.wait=applied_clock", "wan.selective_barrier=false"}),
            "wan.merge is 'anchored' there and not given here");
  EXPECT_EQ(between({"wan.mode=bsp", "workload.batch=1"}), "wan.mode is 'gaia' here and 'bsp' there");
  EXPECT_EQ(between({"workload.stop.target=null"}),
            "workload.stop.target is '0.86' here and not given there");
  EXPECT_EQ(between({"workload.compute.factor.ireland=2"}),
            "workload.compute.factor.ireland is '2' there and not given here");
}

TEST(RunIdentity, SeesWhichDataWereRead) {
  const Config config = config_of(kYaml);
  EXPECT_EQ(identity_text(config, ""), identity_text(config));
  EXPECT_EQ(first_difference(identity_text(config, "0123"), identity_text(config, "4567")),
            "workload.data.contents is '0123' here and '4567' there");
  EXPECT_EQ(first_difference(identity_text(config, "0123"), identity_text(config)),
            "workload.data.contents is '0123' here and not given there");
}

TEST(RunIdentity, StandsAnythingAsThePeersText) {
  const std::string ours = identity_text(config_of(kYaml));
  EXPECT_EQ(first_difference("", ""), std::nullopt);
  EXPECT_EQ(first_difference(ours, ""), "datacenters is 'virginia,ireland,tokyo' here and not given there");
  EXPECT_EQ(first_difference("a=1\n", "a=1\n\x1b[2J\n"), "\\x1b[2J is '' there and not given here");
  EXPECT_EQ(first_difference("a=1\n", "a=" + std::string(1 << 20, 'x')),
            "a is '1' here and '" + std::string(80, 'x') + "...' there");
  Random random(3);
  for (int trial = 0; trial < 2000; ++trial) {
    std::string theirs = ours;
    for (int change = 0; change < 3; ++change) {
      theirs[static_cast<std::size_t>(random.below(theirs.size()))] = static_cast<char>(random.below(256));
    }
    theirs.resize(static_cast<std::size_t>(random.below(theirs.size() + 1)));
    const auto difference = first_difference(ours, theirs);
    ASSERT_TRUE(difference.has_value());
    EXPECT_LT(difference->size(), 1000U);
    EXPECT_TRUE(
        std::all_of(difference->begin(), difference->end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
  }
}

}  // namespace
}  // namespace meridian

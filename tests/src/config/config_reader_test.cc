// Goal: a valid file becomes exactly the Config it describes; an invalid one is refused with one line for
// each problem, each at the line and column where the user has to look. How: the sample configuration is
// changed in one place at a time. In a replacement, '@' marks the place where the problem must be reported;
// it is taken out before reading, so expected places need no counting. A few tests spell lines and columns
// out.
#include "src/config/config_reader.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "src/config/choices.h"
#include "src/config/emulation_config.h"
#include "src/config/yaml_tree.h"
#include "src/optimizer/optimizer.h"
#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;
using sample::problems_of;
using sample::with;
using testing::HasSubstr;

std::filesystem::path in_dir(const std::string& path) {
  return (std::filesystem::absolute("dir") / path).lexically_normal();
}

TEST(ConfigReader, ReadsEveryKey) {
  const Config config = config_of(kYaml);
  EXPECT_EQ(config.file, in_dir("test.yaml"));
  EXPECT_EQ(config.name, "sample");
  EXPECT_EQ(config.seed, 7U);
  const WorkloadConfig& workload = config.workload;
  EXPECT_EQ(workload.model, (ModelConfig{"mlp", {128, 64}}));
  DataConfig data;
  data.path = in_dir("data/fashion");
  data.if_missing = "generated";
  data.partition.workers = "contiguous";
  EXPECT_EQ(workload.data, data);
  EXPECT_EQ(workload.optimizer, (OptimizerConfig{"momentum", 0.1, 0.9}));
  EXPECT_EQ(workload.batch, 32U);
  EXPECT_EQ(workload.evaluate_every, 50U);
  EXPECT_EQ(workload.compute, (ComputeConfig{false, 0.05, 0.1, {}, 0.02, {{"tokyo", 1.5}}}));
  EXPECT_EQ(workload.stop, (StopConfig{3000, 0.86, 300}));
  ASSERT_EQ(config.datacenters.size(), 3U);
  const std::vector<HostConfig> hosts = {{"10.0.0.5", "10.0.0.5", 7000}, {"10.0.0.6", "203.0.113.7", 7000}};
  EXPECT_EQ(config.datacenters[0], (DatacenterConfig{"virginia", 2, 2, hosts}));
  EXPECT_EQ(config.datacenters[1], (DatacenterConfig{"ireland", 3, 1, {}}));
  EXPECT_EQ(config.datacenters[2], (DatacenterConfig{"tokyo", 1, 1, {}}));
  EXPECT_EQ(config.wan.mode, "gaia");
  EXPECT_EQ(config.wan.lan, (LinkConfig{1000, 0.25}));
  WanParameters parameters{.v0 = 0.5, .schedule = "constant", .ds = 6, .h = 2};
  parameters.tables["layer0.weight"] = {0.5, 1e-3, "row"};
  EXPECT_EQ(config.wan.parameters, parameters);
  EXPECT_EQ(config.wan.choice, ModeChoice{});
  EXPECT_EQ(config.wan.topology, (TopologyConfig{TopologyConfig::Kind::hubs_auto, {}, {}}));
  EXPECT_EQ(config.wan.on_silence, "wait");
  EXPECT_EQ(config.wan.on_barrier, "stop");
  EXPECT_EQ(config.wan.deadlines, (DeadlinesConfig{10, 20, 30, 600, 30}));
  EXPECT_EQ(config.shards, 8U);
  EXPECT_EQ(config.output_dir, in_dir("../runs/sample"));
  EXPECT_EQ(config.find_datacenter("tokyo"), 2U);
  EXPECT_EQ(config.find_datacenter("paris"), std::nullopt);
}

TEST(ConfigReader, LinksComeFromTheDefaultThenPairsThenDirections) {
  const auto links = config_of(kYaml).wan.links;
  ASSERT_EQ(links.size(), 3U);
  EXPECT_EQ(links[0][1], (LinkConfig{58, 40.5}));
  EXPECT_EQ(links[1][0], (LinkConfig{58, 40.5}));
  EXPECT_EQ(links[2][0], (LinkConfig{20, 90}));
  EXPECT_EQ(links[0][2], (LinkConfig{100, 50}));
  EXPECT_EQ(links[1][2], (LinkConfig{100, 50}));
  // A direction overrides its pair wherever the two stand.
  const auto override_first =
      config_of(with("      - {between: [virginia, ireland], bandwidth_mbps: 58, rtt_ms: 81}\n",
                     "      - {from: ireland, to: virginia, bandwidth_mbps: 5, delay_ms: 7}\n"
                     "      - {between: [ireland, virginia], bandwidth_mbps: 58, rtt_ms: 81}\n"))
          .wan.links;
  EXPECT_EQ(override_first[1][0], (LinkConfig{5, 7}));
  EXPECT_EQ(override_first[0][1], (LinkConfig{58, 40.5}));
}

TEST(ConfigReader, GroupsAndTheirMembersAreInTheOrderOfDatacenters) {
  using Kind = TopologyConfig::Kind;
  const auto topology = [](const char* text) {
    return config_of(kYaml, {std::string("wan.topology=") + text}).wan.topology;
  };
  EXPECT_EQ(topology("{hubs: [{hub: tokyo, members: [ireland, virginia]}]}"),
            (TopologyConfig{Kind::hubs, {{2, {0, 1}}}, {}}));
  EXPECT_EQ(topology("{hubs: [{hub: tokyo}, {hub: virginia, members: [ireland]}]}"),
            (TopologyConfig{Kind::hubs, {{0, {1}}, {2, {}}}, {}}));
  EXPECT_EQ(topology("{tree: {virginia: tokyo, ireland: virginia}}"),
            (TopologyConfig{Kind::tree, {}, {2, 0, std::nullopt}}));
  EXPECT_EQ(topology("mesh"), TopologyConfig{});
}

TEST(ConfigReader, TablesTakeWhatTheyDoNotSayFromAll) {
  const WanParameters parameters =
      config_of(kYaml,
                {"wan.parameters={v0: 3, floor: 0.5, by: row, tables: {a: {}, b: {v0: 0, by: entry}}}"})
          .wan.parameters;
  EXPECT_EQ(parameters.tables.at("a"), (TableParameters{3, 0.5, "row"}));
  EXPECT_EQ(parameters.tables.at("b"), (TableParameters{0, 0.5, "entry"}));
}

TEST(ConfigReader, LinksLanMakesEveryLinkALanLink) {
  const auto links = config_of(kYaml, {"wan.links=lan"}).wan.links;
  for (std::size_t from = 0; from < 3; ++from) {
    for (std::size_t to = 0; to < 3; ++to) {
      if (from == to) continue;
      EXPECT_EQ(links[from][to], (LinkConfig{1000, 0.25}));
    }
  }
}

constexpr std::string_view kSmallest = R"(name: small
workload:
  model: softmax
  data: {format: generated}
  optimizer: {learning_rate: 0.5}
  stop: {clocks: 1}
datacenters: [{name: here}]
)";

TEST(ConfigReader, SaysHowTheRunIsWatched) {
  const Config plain = config_of(kSmallest);
  EXPECT_EQ(plain.metrics.address, (HostPort{"127.0.0.1", 0})) << "on this machine only, at a free port";
  EXPECT_EQ(plain.metrics.targets, std::nullopt);
  EXPECT_EQ(plain.log, (LogConfig{"text", "info"}));
  EXPECT_EQ(config_of(kSmallest, {"metrics.address=none"}).metrics.address, std::nullopt);
  EXPECT_EQ(config_of(kSmallest, {"metrics.address='[::]:9400'"}).metrics.address, (HostPort{"::", 9400}));
  EXPECT_EQ(config_of(kSmallest, {"metrics.targets=../t.json"}).metrics.targets->filename(), "t.json");
  EXPECT_EQ(config_of(kSmallest, {"log={format: json, level: error}"}).log, (LogConfig{"json", "error"}));
}

TEST(ConfigReader, FillsDefaults) {
  const Config config = config_of(kSmallest);
  EXPECT_EQ(config.seed, 1U);
  EXPECT_EQ(config.workload.model, (ModelConfig{"softmax", {}}));
  EXPECT_EQ(config.workload.optimizer, (OptimizerConfig{"sgd", 0.5, 0}));
  EXPECT_EQ(config.workload.batch, 64U);
  EXPECT_EQ(config.workload.evaluate_every, 25U);
  EXPECT_TRUE(config.workload.compute.measured);
  EXPECT_EQ(config.workload.stop, (StopConfig{1, std::nullopt, std::nullopt}));
  EXPECT_EQ(config.datacenters[0], (DatacenterConfig{"here", 1, 1, {}}));
  EXPECT_EQ(config.wan.mode, "gaia");
  EXPECT_EQ(config.wan.deadlines, DeadlinesConfig{});
  EXPECT_EQ(config.shards, 16U);
  EXPECT_EQ(config.output_dir, std::nullopt);
  EXPECT_EQ(output_folder(config), "runs/small-gaia-1");
  EXPECT_EQ(config_of(kSmallest, {"datacenters.here.servers=40"}).shards, 40U);
  EXPECT_EQ(config_of(kSmallest, {"workload.compute=measured"}), config);
}

TEST(ConfigReader, OptimizersTakeTheirOwnKeysAndDefaults) {
  const auto optimizer_of = [](const std::string& yaml) {
    return config_of(kSmallest, {"workload.optimizer={learning_rate: 0.5, " + yaml + "}"}).workload.optimizer;
  };
  const auto named = [](const std::string& name) {
    return OptimizerConfig{.name = name, .learning_rate = 0.5};
  };
  OptimizerConfig adam = named("adam");
  adam.beta1 = 0.9;
  adam.beta2 = 0.999;
  adam.epsilon = 1e-8;
  EXPECT_EQ(optimizer_of("name: adam"), adam);
  OptimizerConfig adamw = adam;
  adamw.name = "adamw";
  adamw.weight_decay = 0.01;
  EXPECT_EQ(optimizer_of("name: adamw"), adamw);
  adamw.weight_decay = 0;
  EXPECT_EQ(optimizer_of("name: adamw, weight_decay: 0"), adamw);
  OptimizerConfig rmsprop = named("rmsprop");
  rmsprop.epsilon = 1e-8;
  rmsprop.decay = 0.99;
  EXPECT_EQ(optimizer_of("name: rmsprop"), rmsprop);
  OptimizerConfig adagrad = named("adagrad");
  adagrad.epsilon = 1e-10;
  EXPECT_EQ(optimizer_of("name: adagrad"), adagrad);
  // Every optimizer decays and clips.
  OptimizerConfig sgd = named("sgd");
  sgd.weight_decay = 0.25;
  sgd.clip_value = 2.0;
  sgd.clip_norm = 1e9;
  EXPECT_EQ(optimizer_of("weight_decay: 0.25, clip_value: 2, clip_norm: 1e9, momentum: 0"), sgd);
  adam.beta1 = 0.0;
  adam.beta2 = 0.5;
  adam.epsilon = 1.0;
  EXPECT_EQ(optimizer_of("name: adam, beta1: 0, beta2: 0.5, epsilon: 1"), adam);
  rmsprop.decay = 0.5;
  EXPECT_EQ(optimizer_of("name: rmsprop, decay: 0.5"), rmsprop);
  // Sums of gradients ask for other rates than means.
  EXPECT_EQ(
      config_of(kSmallest, {"workload.optimizer={learning_rate: 1e-6}"}).workload.optimizer.learning_rate,
      1e-6);
}

// The server refuses what makes no sense to it; nothing that the reader accepts may be among that.
TEST(ConfigReader, AcceptsWhatOptimizersTakeAndTakesTheSameDefaults) {
  const auto names = optimizer_names();
  EXPECT_TRUE(std::equal(names.begin(), names.end(), kOptimizers.begin(), kOptimizers.end()));
  for (const std::string_view name : kOptimizers) {
    const auto yaml = [&](std::string_view more) {
      return fmt::format("workload.optimizer={{name: {}, learning_rate: 0.5{}{}}}", name,
                         uses_momentum(name) ? ", momentum: 0.5" : "", more);
    };
    OptimizerOptions options{.name = std::string(name), .learning_rate = 0.5};
    if (uses_momentum(name)) options.momentum = 0.5;
    const OptimizerConfig config = config_of(kSmallest, {yaml("")}).workload.optimizer;
    const OptimizerOptions filled = with_defaults(options).value();
    EXPECT_EQ(config.weight_decay, filled.weight_decay) << name;
    EXPECT_EQ(config.clip_value, filled.clip_value) << name;
    EXPECT_EQ(config.beta1, filled.beta1) << name;
    EXPECT_EQ(config.beta2, filled.beta2) << name;
    EXPECT_EQ(config.epsilon, filled.epsilon) << name;
    EXPECT_EQ(config.decay, filled.decay) << name;
    struct Key {
      std::string_view name;
      std::optional<double> OptimizerOptions::*option;
    };
    for (const Key& key :
         {Key{"weight_decay", &OptimizerOptions::weight_decay},
          Key{"clip_value", &OptimizerOptions::clip_value}, Key{"beta1", &OptimizerOptions::beta1},
          Key{"beta2", &OptimizerOptions::beta2}, Key{"epsilon", &OptimizerOptions::epsilon},
          Key{"decay", &OptimizerOptions::decay}}) {
      for (const double value :
           {-1.0, 0.0, 1e-31, 1e-30, 0.5, 0.999999, 1.0, 1.1, 1000.0, 1001.0, 1e9, 2e9}) {
        OptimizerOptions with = options;
        with.*key.option = value;
        EXPECT_EQ(sample::read(kSmallest, {yaml(fmt::format(", {}: {}", key.name, value))}).ok(),
                  with_defaults(with).ok())
            << name << " with " << key.name << " " << value;
      }
    }
  }
}

TEST(ConfigReader, SchedulesTakeTheirOwnKeysAndDefaults) {
  using Schedule = LearningRateScheduleConfig;
  const auto schedule_of = [](const std::string& yaml) {
    return config_of(kSmallest, {"workload.optimizer.schedule=" + yaml}).workload.optimizer.schedule;
  };
  EXPECT_EQ(schedule_of("constant"), Schedule{});
  EXPECT_EQ(schedule_of("{}"), Schedule{});
  EXPECT_EQ(schedule_of("inverse_sqrt"), Schedule{.name = "inverse_sqrt"});
  EXPECT_EQ(schedule_of("{warm_up: 5}"), Schedule{.warm_up = 5});
  EXPECT_EQ(schedule_of("{name: step, every: 100}"), (Schedule{.name = "step", .every = 100, .factor = 0.1}));
  EXPECT_EQ(schedule_of("{name: step, every: 100, factor: 1, warm_up: 5}"),
            (Schedule{.name = "step", .warm_up = 5, .every = 100, .factor = 1.0}));
  EXPECT_EQ(schedule_of("{name: cosine, clocks: 100}"),
            (Schedule{.name = "cosine", .clocks = 100, .final_ratio = 0.0}));
  EXPECT_EQ(schedule_of("{name: cosine, clocks: 100, final: 0.01, warm_up: 99}"),
            (Schedule{.name = "cosine", .warm_up = 99, .clocks = 100, .final_ratio = 0.01}));
}

TEST(ConfigReader, OutputFolderIsTheOneNamed) {
  EXPECT_EQ(output_folder(config_of(kYaml)), in_dir("../runs/sample"));
  EXPECT_EQ(output_folder(config_of(kYaml, {"output.dir=/srv/x/../y"})), "/srv/y");
}

TEST(ConfigReader, TakesAddressesOfEveryKind) {
  const Config config =
      config_of(with(R"(["10.0.0.5:7000", {lan: 10.0.0.6, wan: 203.0.113.7, port: 7000}])",
                     R"(["[fd00::5]:7000", {lan: "fd00::6", wan: gate.example.org, port: 65532}])"));
  const std::vector<HostConfig> hosts = {{"[fd00::5]", "[fd00::5]", 7000},
                                         {"[fd00::6]", "gate.example.org", 65532}};
  EXPECT_EQ(config.datacenters[0].hosts, hosts);
}

// ---- Refusals ----

struct Refusal {
  const char* name;
  const char* from;
  const char* to;  ///< '@' stands where the problem must be reported
  const char* says;
};

class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, AtItsPlaceWithWhatWasExpected) {
  std::string text = with(GetParam().from, GetParam().to);
  const std::size_t mark = text.find('@');
  ASSERT_NE(mark, std::string::npos) << "the replacement marks no place";
  text.erase(mark, 1);
  const std::string before = text.substr(0, mark);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0: the first line
  EXPECT_EQ(problems_of(text),
            fmt::format("dir/test.yaml:{}:{}: {}", line, mark - line_start + 1, GetParam().says));
}

std::string name_of_refusal(const testing::TestParamInfo<Refusal>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(
    Keys, Refused,
    testing::Values(
        Refusal{"UnknownAtTheTop", "shards: 8", "@shrads: 8",
                "unknown key 'shrads', perhaps 'shards'; expected name, seed, datacenters, workload, wan, "
                "shards, output, metrics or log"},
        Refusal{
            "MetricsNowhere", "shards: 8", "shards: 8\nmetrics: {address: @localhost}",
            "metrics.address is 'localhost'; expected an address and a port, such as \"127.0.0.1:5001\" or "
            "\"[::1]:5001\""},
        Refusal{"MetricsBeyondTheLastPort", "shards: 8", "shards: 8\nmetrics: {address: @'0.0.0.0:65535'}",
                "metrics.address begins at port 65535, and 10 processes take one each; expected a port of at "
                "most "
                "65526"},
        Refusal{"LogOfAnotherFormat", "shards: 8", "shards: 8\nlog: {format: @xml}",
                "log.format is 'xml'; expected text or json"},
        Refusal{"UnknownBelow", "  mode: gaia", "  mode: gaia\n  @lnks: lan",
                "unknown key 'wan.lnks', perhaps 'wan.links'; expected mode, what, when, wait, "
                "selective_barrier, merge, parameters, on_silence, on_barrier, deadlines, lan, links or "
                "topology"},
        Refusal{
            "UnknownUnlikeAll", "{v0: 0.5,", "{v0: 0.5, @threshold: 1,",
            "unknown key 'wan.parameters.threshold'; expected v0, schedule, v_end, ramp_clocks, floor, "
            "soft_ratio, soft_below, by, share, total_share, momentum, masking, values, rounding, encoding, "
            "tables, ds, ds_most, h or outer"},
        Refusal{
            "UnknownOfADatacenter", "{name: tokyo}", "{name: tokyo, @worker: 2}",
            "unknown key 'datacenters[2].worker', perhaps 'datacenters[2].workers'; expected name, workers, "
            "servers, machines or hosts"},
        Refusal{
            "UnknownOfALink", "to: virginia, ", "to: virginia, @colour: 1, ",
            "unknown key 'wan.links.pairs[1].colour'; expected between, from, to, bandwidth_mbps, delay_ms, "
            "rtt_ms, jitter, loss or trace"},
        Refusal{"UnknownOfAHost", "port: 7000}", "port: 7000, @ports: 1}",
                "unknown key 'datacenters[0].hosts[1].ports', perhaps 'datacenters[0].hosts[1].port'; "
                "expected lan, "
                "wan or port"},
        Refusal{"MissingAtTheTop", "name: sample\n", "@",
                "name is missing; expected the key 'name' in the configuration"},
        Refusal{"MissingBelow", "{name: momentum, learning_rate: 0.1, ", "@{name: momentum, ",
                "workload.optimizer.learning_rate is missing; expected the key 'learning_rate' in "
                "workload.optimizer"},
        Refusal{"MissingOfADatacenter", "{name: tokyo}", "{name: tokyo}\n  - @workers: 1",
                "datacenters[3].name is missing; expected the key 'name' in datacenters[3]"},
        Refusal{"Twice", "seed: 7", "seed: 7\n@seed: 8",
                "the key 'seed' stands twice in the same map, first at 2:1; expected each key once"},
        Refusal{"WithoutValue", "seed: 7",
                "@seed:", "seed has no value; expected a value, or no such key for the default"},
        Refusal{"RequiredWithoutValue", "format: idx", "@format: ~",
                "workload.data.format has no value; expected a value"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Types, Refused,
    testing::Values(
        Refusal{"AListForAMap", "lan: {bandwidth_mbps: 1000, rtt_ms: 0.5}", "lan: @[1000, 0.5]",
                "wan.lan is a list; expected a map of keys and values"},
        Refusal{"AMapForANumber", "seed: 7", "seed: @{value: 7}",
                "seed is a map; expected a whole number from 0 to 18446744073709551615"},
        Refusal{"AWordForANumber", "batch: 32", "batch: @many",
                "workload.batch is 'many'; expected a whole number from 1 to 1000000"},
        Refusal{"AQuotedNumber", "batch: 32", "batch: @\"32\"",
                "workload.batch is the quoted text '32'; expected a whole number from 1 to 1000000"},
        Refusal{"AFractionForAWholeNumber", "shards: 8", "shards: @2.5",
                "shards is '2.5'; expected a whole number from 1 to 4096"},
        Refusal{"AnExponentForAWholeNumber", "shards: 8", "shards: @1e3x",
                "shards is '1e3x'; expected a whole number from 1 to 4096"},
        Refusal{"ALeadingZero", "shards: 8", "shards: @010",
                "shards is '010'; expected a whole number from 1 to 4096"},
        Refusal{"AnOverflow", "seed: 7", "seed: @18446744073709551616",
                "seed is '18446744073709551616'; expected a whole number from 0 to 18446744073709551615"},
        Refusal{"ANegativeSeed", "seed: 7", "seed: @-1",
                "seed is '-1'; expected a whole number from 0 to 18446744073709551615"},
        Refusal{"NotANumber", "v0: 0.5", "v0: @nan",
                "wan.parameters.v0 is 'nan'; expected a number from 0 to 1000000"},
        Refusal{"Infinite", "v0: 0.5", "v0: @inf",
                "wan.parameters.v0 is 'inf'; expected a number from 0 to 1000000"},
        Refusal{"TooLargeForADouble", "v0: 0.5", "v0: @1e999",
                "wan.parameters.v0 is '1e999'; expected a number from 0 to 1000000"},
        Refusal{"ANumberWithAUnit", "time_s: 300", "time_s: @300s",
                "workload.stop.time_s is '300s'; expected a number above 0, at most 10000000"},
        Refusal{"AListForText", "path: data/fashion", "path: @[data]",
                "workload.data.path is a list; expected a folder"},
        Refusal{"AListForAChoice", "partition: contiguous", "partition: @[]",
                "workload.data.partition is a list; expected a map with workers and datacenters, or one of "
                "random, "
                "contiguous, round_robin or overlap"},
        Refusal{"ANumberForAList", "hidden: [128, 64]", "hidden: @128",
                "workload.model.hidden is '128'; expected a list of 1 to 64 layer widths, such as [128]"},
        Refusal{"ATag", "seed: 7", "seed: @!!int 7",
                "the tag 'tag:yaml.org,2002:int'; expected values without tags"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Workload, Refused,
    testing::Values(
        Refusal{
            "Name", "name: sample", "name: @no/slash",
            "name is 'no/slash'; expected at most 64 of letters, digits, '.', '_' and '-', a letter or digit "
            "first"},
        Refusal{"Model", "kind: mlp", "kind: @mpl",
                "workload.model.kind is 'mpl', perhaps 'mlp'; expected softmax, mlp, cnn, "
                "matrix_factorisation, topics or sparse_logistic"},
        Refusal{"HiddenOfSoftmax", "{kind: mlp, hidden: [128, 64]}", "{kind: softmax, hidden: @[128, 64]}",
                "workload.model.hidden with a softmax model; expected no hidden layers, or kind: mlp"},
        Refusal{"NoHidden", "{kind: mlp, hidden: [128, 64]}", "@mlp",
                "workload.model.hidden is missing; expected a map such as {kind: mlp, hidden: [128]}"},
        Refusal{
            "EmptyHidden", "hidden: [128, 64]", "hidden: @[]",
            "workload.model.hidden is a list of 0; expected a list of 1 to 64 layer widths, such as [128]"},
        Refusal{"HiddenWidth", "[128, 64]", "[128, @0]",
                "workload.model.hidden[1] is '0'; expected a whole number from 1 to 65536"},
        Refusal{"Format", "format: idx", "format: @csv",
                "workload.data.format is 'csv'; expected idx or generated"},
        Refusal{"NoPath", "data:\n    format: idx\n    path: data/fashion\n", "data:\n    @format: idx\n",
                "workload.data.path is missing; expected the key 'path' in workload.data"},
        Refusal{
            "Optimizer", "name: momentum", "name: @nestorov",
            "workload.optimizer.name is 'nestorov', perhaps 'nesterov'; expected sgd, momentum, nesterov, "
            "adagrad, rmsprop, adam or adamw"},
        // "increment" is for tables that no optimizer serves.
        Refusal{"OptimizerOfTables", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "{name: @increment, learning_rate: 0.1, beta1: 0.5, decay: 0.5}",
                "workload.optimizer.name is 'increment'; expected sgd, momentum, nesterov, adagrad, rmsprop, "
                "adam or adamw"},
        Refusal{"MomentumOfAdam", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "{name: adam, learning_rate: 0.1, momentum: @0.9}",
                "workload.optimizer.momentum is 0.9, which the optimizer adam does not use; expected 0, or "
                "name: momentum or nesterov"},
        Refusal{"NoMomentum", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "@{name: nesterov, learning_rate: 0.1}",
                "workload.optimizer.momentum is missing; expected the key 'momentum' in workload.optimizer"},
        Refusal{
            "Beta1OfMomentum", "momentum: 0.9}", "momentum: 0.9, beta1: @0.9}",
            "workload.optimizer.beta1 is given, which the optimizer momentum does not use; expected no such "
            "key, or name: adam or adamw"},
        Refusal{
            "Beta2OfMomentum", "momentum: 0.9}", "momentum: 0.9, beta2: @0.9}",
            "workload.optimizer.beta2 is given, which the optimizer momentum does not use; expected no such "
            "key, or name: adam or adamw"},
        Refusal{"EpsilonOfMomentum", "momentum: 0.9}", "momentum: 0.9, epsilon: @0.9}",
                "workload.optimizer.epsilon is given, which the optimizer momentum does not use; expected no "
                "such key, or name: adagrad, rmsprop, adam or adamw"},
        Refusal{
            "DecayOfMomentum", "momentum: 0.9}", "momentum: 0.9, decay: @0.9}",
            "workload.optimizer.decay is given, which the optimizer momentum does not use; expected no such "
            "key, or name: rmsprop"},
        Refusal{"DecayOfAdam", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "{name: adam, learning_rate: 0.1, decay: @0.9}",
                "workload.optimizer.decay is given, which the optimizer adam does not use; expected no such "
                "key, or name: rmsprop"},
        Refusal{"Beta1", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "{name: adam, learning_rate: 0.1, beta1: @1}",
                "workload.optimizer.beta1 is '1'; expected a number from 0, below 1"},
        Refusal{"Epsilon", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
                "{name: adam, learning_rate: 0.1, epsilon: @0}",
                "workload.optimizer.epsilon is '0'; expected a number from 1e-30 to 1"},
        Refusal{"WeightDecay", "momentum: 0.9}", "momentum: 0.9, weight_decay: @-1e-4}",
                "workload.optimizer.weight_decay is '-1e-4'; expected a number from 0 to 1000"},
        Refusal{"ClipValue", "momentum: 0.9}", "momentum: 0.9, clip_value: @0}",
                "workload.optimizer.clip_value is '0'; expected a number from 1e-30 to 1000000000"},
        Refusal{"ClipNorm", "momentum: 0.9}", "momentum: 0.9, clip_norm: @none}",
                "workload.optimizer.clip_norm is 'none'; expected a number from 1e-30 to 1000000000"},
        Refusal{"LearningRate", "learning_rate: 0.1", "learning_rate: @0",
                "workload.optimizer.learning_rate is '0'; expected a number above 0, at most 1000"},
        Refusal{"Momentum", "momentum: 0.9", "momentum: @1",
                "workload.optimizer.momentum is '1'; expected a number from 0, below 1"},
        Refusal{
            "MomentumWithoutIt", "{name: momentum, learning_rate: 0.1, momentum: 0.9}",
            "{learning_rate: 0.1, momentum: @0.9}",
            "workload.optimizer.momentum is 0.9, which the optimizer sgd does not use; expected 0, or name: "
            "momentum or nesterov"},
        Refusal{"Schedule", "momentum: 0.9}", "momentum: 0.9, schedule: @cosin}",
                "workload.optimizer.schedule is 'cosin', perhaps 'cosine'; expected constant, step, "
                "inverse_sqrt or cosine"},
        Refusal{"ScheduleByName", "momentum: 0.9}", "momentum: 0.9, schedule: {name: @cosin, every: 7}}",
                "workload.optimizer.schedule.name is 'cosin', perhaps 'cosine'; expected constant, step, "
                "inverse_sqrt or cosine"},
        Refusal{"StepAlone", "momentum: 0.9}", "momentum: 0.9, schedule: @step}",
                "workload.optimizer.schedule.every is missing; expected a map such as {name: step, every: "
                "1000}"},
        Refusal{
            "CosineAlone", "momentum: 0.9}", "momentum: 0.9, schedule: @cosine}",
            "workload.optimizer.schedule.clocks is missing; expected a map such as {name: cosine, clocks: "
            "3000}"},
        Refusal{"StepWithoutItsClocks", "momentum: 0.9}", "momentum: 0.9, schedule: @{name: step}}",
                "workload.optimizer.schedule.every is missing; expected the key 'every' in "
                "workload.optimizer.schedule"},
        Refusal{"CosineWithoutItsClocks", "momentum: 0.9}", "momentum: 0.9, schedule: @{name: cosine}}",
                "workload.optimizer.schedule.clocks is missing; expected the key 'clocks' in "
                "workload.optimizer.schedule"},
        Refusal{"AnotherSchedulesKey", "momentum: 0.9}",
                "momentum: 0.9, schedule: {name: cosine, clocks: 9, factor: @0.5}}",
                "workload.optimizer.schedule.factor is given, which the schedule cosine does not use; "
                "expected no such key, or name: step"},
        Refusal{"AKeyOfNoConstantSchedule", "momentum: 0.9}", "momentum: 0.9, schedule: {clocks: @9}}",
                "workload.optimizer.schedule.clocks is given, which the schedule constant does not use; "
                "expected no such key, or name: cosine"},
        Refusal{"EndsWhileWarmingUp", "momentum: 0.9}",
                "momentum: 0.9, schedule: {name: cosine, warm_up: 9, clocks: @9}}",
                "workload.optimizer.schedule.clocks is 9, and the warm-up alone takes 9; expected more than "
                "workload.optimizer.schedule.warm_up"},
        Refusal{"GrowingStep", "momentum: 0.9}",
                "momentum: 0.9, schedule: {name: step, every: 9, factor: @2}}",
                "workload.optimizer.schedule.factor is '2'; expected a number above 0, at most 1"},
        Refusal{"Compute",
                "compute:\n    seconds_per_clock: 0.05\n    spread: 0.1\n    seconds_per_evaluation: "
                "0.02\n    factor: {tokyo: 1.5}",
                "compute: @fast",
                "workload.compute is 'fast'; expected measured, or a map with seconds_per_clock"},
        Refusal{"Spread", "spread: 0.1", "spread: @1",
                "workload.compute.spread is '1'; expected a number from 0, below 1"},
        Refusal{"FactorOfNoDatacenter", "{tokyo: 1.5}", "{@tokio: 1.5}",
                "workload.compute.factor names 'tokio', which is no datacenter, perhaps 'tokyo'; expected "
                "virginia, "
                "ireland or tokyo"},
        Refusal{
            "NothingEndsTheRun", "{target: 0.86, clocks: 3000, time_s: 300}", "@{}",
            "nothing in workload.stop would end the run; expected at least one of clocks, target and time_s"},
        Refusal{"TargetInPercent", "target: 0.86", "target: @86",
                "workload.stop.target is '86'; expected a number from 0 to 1"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Datacenters, Refused,
    testing::Values(
        Refusal{"Uppercase", "{name: tokyo}", "{name: @Tokyo}\n  - {name: tokyo}",
                "datacenters[2].name is 'Tokyo'; expected at most 32 of a-z, 0-9 and -, a letter first and "
                "no - last, "
                "such as us-east-1"},
        Refusal{"TooLong", "{name: tokyo}", "{name: tokyo}\n  - {name: @a23456789012345678901234567890123}",
                "datacenters[3].name is 'a23456789012345678901234567890123'; expected at most 32 of a-z, 0-9 "
                "and -, a "
                "letter first and no - last, such as us-east-1"},
        Refusal{"SameName", "{name: tokyo}", "{name: tokyo}\n  - {name: @tokyo}",
                "two datacenters are named 'tokyo'; expected a name of its own for each"},
        Refusal{"NoWorkers", "workers: 3", "workers: @0",
                "datacenters[1].workers is '0'; expected a whole number from 1 to 1024"},
        Refusal{"TooFewHosts", R"(["10.0.0.5:7000", {lan: 10.0.0.6, wan: 203.0.113.7, port: 7000}])",
                R"(@["10.0.0.5:7000"])",
                "datacenters[0].hosts names 1 for 2 servers; expected one for each server"},
        Refusal{"HostWithoutPort", R"("10.0.0.5:7000")", R"(@"10.0.0.5")",
                "datacenters[0].hosts[0] is '10.0.0.5'; expected an address and a port, such as "
                "\"10.0.0.5:7000\" or "
                "\"[fd00::5]:7000\", the port from 1 to 65532"},
        Refusal{"HostOfVersion6WithoutPort", R"("10.0.0.5:7000")", R"(@"fd00::5")",
                "datacenters[0].hosts[0] is 'fd00::5'; expected an address and a port, such as "
                "\"10.0.0.5:7000\" or "
                "\"[fd00::5]:7000\", the port from 1 to 65532"},
        Refusal{"LastPort", "port: 7000", "port: @65533",
                "datacenters[0].hosts[1].port is '65533'; expected a whole number from 1 to 65532"},
        Refusal{"NoAddress", "lan: 10.0.0.6", "lan: @10.0.0.6;rm",
                "datacenters[0].hosts[1].lan is '10.0.0.6;rm'; expected a host name or an IP address"},
        Refusal{"PortsOverlap", "{lan: 10.0.0.6, wan: 203.0.113.7, port: 7000}", "@\"10.0.0.5:7003\"",
                "datacenters[0].hosts[1] has ports of a server before it; expected 4 ports of its own from "
                "7003 on"},
        Refusal{"TooFewShards", "shards: 8", "shards: @1",
                "shards is 1, so that some of 2 servers would own none; expected at least 2, the largest "
                "number of "
                "servers in a datacenter"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Wan, Refused,
    testing::Values(
        Refusal{
            "Mode", "mode: gaia", "mode: @gala",
            "wan.mode is 'gala', perhaps 'gaia'; expected gaia, bsp, ssp, async, isolated, local_sgd, dgc "
            "or sparse_loco"},
        Refusal{"Schedule", "schedule: constant", "schedule: @cosine",
                "wan.parameters.schedule is 'cosine'; expected inverse_sqrt, constant, linear or "
                "learning_rate"},
        Refusal{"RampOfAnotherSchedule", "v0: 0.5,", "v0: 0.5, v_end: @0.1,",
                "wan.parameters.v_end with the schedule constant; expected no such key, or schedule: linear"},
        Refusal{"LinearWithoutItsEnd", "{v0: 0.5, schedule: constant,", "@{ramp_clocks: 9, schedule: linear,",
                "wan.parameters.v_end is missing; expected the key 'v_end' in wan.parameters"},
        Refusal{"LinearWithoutItsRamp", "{v0: 0.5, schedule: constant,", "@{v_end: 9, schedule: linear,",
                "wan.parameters.ramp_clocks is missing; expected the key 'ramp_clocks' in wan.parameters"},
        Refusal{"Floor", "v0: 0.5,", "v0: 0.5, floor: @-1,",
                "wan.parameters.floor is '-1'; expected a number from 0 to 1000000"},
        Refusal{"SoftRatio", "v0: 0.5,", "v0: 0.5, soft_ratio: @0,",
                "wan.parameters.soft_ratio is '0'; expected a number above 0, at most 1"},
        Refusal{"SoftBelow", "v0: 0.5,", "v0: 0.5, soft_below: @50,",
                "wan.parameters.soft_below is '50'; expected a number from 0 to 1"},
        Refusal{"By", "v0: 0.5,", "v0: 0.5, by: @column,",
                "wan.parameters.by is 'column'; expected entry or row"},
        Refusal{"TableName", "layer0.weight:", "@\"layer 0\":",
                "wan.parameters.tables names 'layer 0'; expected a table's name, at most 128 of letters, "
                "digits, '.', '_', '-' and '/'"},
        Refusal{"TableKey", "{floor: 1e-3,", "{@flor: 1e-3,",
                "unknown key 'wan.parameters.tables.layer0.weight.flor', perhaps "
                "'wan.parameters.tables.layer0.weight.floor'; expected v0, floor or by"},
        Refusal{"Ds", "ds: 6", "ds: @automatic",
                "wan.parameters.ds is 'automatic'; expected a whole number from 0 to 1000000, or auto"},
        Refusal{"DsMost", "ds: 6", "ds: auto, ds_most: @0",
                "wan.parameters.ds_most is '0'; expected a whole number from 1 to 1000000"},
        Refusal{"OuterOptimizer", "ds: 6", "ds: 6, outer: {name: @adam}",
                "wan.parameters.outer.name is 'adam'; expected sgd, momentum or nesterov"},
        Refusal{"OuterWithoutMomentum", "ds: 6", "ds: 6, outer: @{name: nesterov}",
                "wan.parameters.outer.momentum is missing; expected the key 'momentum' in "
                "wan.parameters.outer"},
        Refusal{"OuterMomentumOfSgd", "ds: 6", "ds: 6, outer: {momentum: @0.5}",
                "wan.parameters.outer.momentum is 0.5, which the optimizer sgd does not use; expected 0, or "
                "name: momentum or nesterov"},
        Refusal{"Barrier", "on_silence: wait", "selective_barrier: @yes",
                "wan.selective_barrier is 'yes'; expected true or false"},
        Refusal{"OnSilence", "on_silence: wait", "on_silence: @proceed",
                "wan.on_silence is 'proceed'; expected stop, wait or continue"},
        Refusal{"OnBarrier", "on_silence: wait", "on_barrier: @wait",
                "wan.on_barrier is 'wait'; expected open or stop"},
        Refusal{"WaitDeadline", "drain_s: 30", "drain_s: 30, wait_s: @0",
                "wan.deadlines.wait_s is '0'; expected a number above 0, at most 86400"},
        Refusal{"Threshold", "v0: 0.5", "v0: @-0.5",
                "wan.parameters.v0 is '-0.5'; expected a number from 0 to 1000000"},
        Refusal{"NoBandwidth", "bandwidth_mbps: 58", "bandwidth_mbps: @0",
                "wan.links.pairs[0].bandwidth_mbps is '0'; expected a number above 0, at most 1000000"},
        Refusal{"NoDelay", "{bandwidth_mbps: 1000, rtt_ms: 0.5}", "@{bandwidth_mbps: 1000}",
                "wan.lan.rtt_ms says no delay; expected rtt_ms (there and back) or delay_ms (one way)"},
        Refusal{
            "TwoDelays", "{bandwidth_mbps: 1000, rtt_ms: 0.5}",
            "{bandwidth_mbps: 1000, delay_ms: 1, rtt_ms: @0.5}",
            "wan.lan says the delay twice, as delay_ms and as rtt_ms; expected delay_ms (one way) or rtt_ms "
            "(there and back)"},
        Refusal{
            "NoSuchDatacenter", "[virginia, ireland]", "[virginia, @irland]",
            "wan.links.pairs[0].between names 'irland', which is no datacenter, perhaps 'ireland'; expected "
            "virginia, ireland or tokyo"},
        Refusal{"NoSuchSender", "from: tokyo", "from: @paris",
                "wan.links.pairs[1].from names 'paris', which is no datacenter; expected virginia, ireland "
                "or tokyo"},
        Refusal{"ToItself", "- {from: tokyo, to: virginia", "- @{from: tokyo, to: tokyo",
                "wan.links.pairs[1] links 'tokyo' to itself; expected two different datacenters"},
        Refusal{
            "ThreeEnds", "[virginia, ireland]", "@[virginia, ireland, tokyo]",
            "wan.links.pairs[0].between is a list of 3; expected two datacenters, such as [virginia, tokyo]"},
        Refusal{"NoEnds", "{from: tokyo, to: virginia, ", "@{",
                "wan.links.pairs[1] does not say which link it is; expected between: [A, B] (both "
                "directions), or "
                "from: A and to: B (one)"},
        Refusal{"BothForms", "{from: tokyo, ", "@{between: [tokyo, virginia], ",
                "wan.links.pairs[1] has between and also from or to; expected between (both directions), or "
                "from and "
                "to (one)"},
        Refusal{"PairTwice", "      - {from: tokyo",
                "      - @{between: [ireland, virginia], bandwidth_mbps: 1, rtt_ms: 1}\n      - {from: tokyo",
                "the link ireland - virginia is given twice, first at dir/test.yaml:32:9; expected each pair "
                "once"},
        Refusal{"DirectionTwice", "  parameters: {v0",
                "      - @{from: tokyo, to: virginia, bandwidth_mbps: 1, rtt_ms: 1}\n  parameters: {v0",
                "the link tokyo -> virginia is given twice, first at dir/test.yaml:33:9; expected each "
                "direction once"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Topology, Refused,
    testing::Values(
        Refusal{"NoSuchWord", "topology: hubs", "topology: @star",
                "wan.topology is 'star'; expected mesh, hubs, or a map with hubs or tree"},
        Refusal{"AList", "topology: hubs", "topology: @[mesh]",
                "wan.topology is a list; expected mesh, hubs, or a map with hubs or tree"},
        Refusal{"Empty", "topology: hubs", "topology: @{}",
                "wan.topology says neither hubs nor tree; expected one of the two"},
        Refusal{"Both", "topology: hubs", "topology: @{hubs: [], tree: {}}",
                "wan.topology has hubs and also tree; expected one of the two"},
        Refusal{"UnknownKey", "topology: hubs",
                "topology: {tree: {tokyo: virginia, ireland: virginia}, @root: virginia}",
                "unknown key 'wan.topology.root'; expected hubs or tree"},
        Refusal{"HubsAsAMap", "topology: hubs", "topology: {hubs: @{virginia: [tokyo, ireland]}}",
                "wan.topology.hubs is a map; expected a list of groups such as {hub: A, members: [B, C]}"},
        Refusal{"NoHub", "topology: hubs", "topology: {hubs: [@{members: [virginia, tokyo, ireland]}]}",
                "wan.topology.hubs[0].hub is missing; expected the key 'hub' in wan.topology.hubs[0]"},
        Refusal{"NoSuchHub", "topology: hubs",
                "topology: {hubs: [{hub: @virgina, members: [tokyo, ireland]}]}",
                "wan.topology.hubs[0].hub names 'virgina', which is no datacenter, perhaps 'virginia'; "
                "expected virginia, ireland or tokyo"},
        Refusal{"NoSuchMember", "topology: hubs",
                "topology: {hubs: [{hub: virginia, members: [tokyo, @paris]}]}",
                "wan.topology.hubs[0].members[1] names 'paris', which is no datacenter; expected virginia, "
                "ireland or tokyo"},
        Refusal{"MemberAsAMap", "topology: hubs",
                "topology: {hubs: [{hub: virginia, members: [tokyo, @{name: ireland}]}]}",
                "wan.topology.hubs[0].members[1] is a map; expected a datacenter's name"},
        Refusal{"InTwoGroups", "topology: hubs",
                "topology: {hubs: [{hub: virginia, members: [tokyo, ireland]}, {hub: @tokyo}]}",
                "wan.topology.hubs[1].hub names 'tokyo' again, first at dir/test.yaml:36:47; expected every "
                "datacenter in one group"},
        Refusal{"InNoGroup", "topology: hubs", "topology: {hubs: @[{hub: virginia, members: [tokyo]}]}",
                "wan.topology.hubs leaves out 'ireland'; expected every datacenter in one group"},
        Refusal{"NoSuchChild", "topology: hubs", "topology: {tree: {@paris: tokyo}}",
                "wan.topology.tree names 'paris', which is no datacenter; expected virginia, ireland or "
                "tokyo"},
        Refusal{
            "NoSuchParent", "topology: hubs", "topology: {tree: {tokyo: @paris}}",
            "wan.topology.tree.tokyo names 'paris', which is no datacenter; expected virginia, ireland or "
            "tokyo"},
        Refusal{"TwoRoots", "topology: hubs", "topology: {tree: @{tokyo: ireland}}",
                "wan.topology.tree gives no parent to 'virginia', 'ireland'; expected a parent for every "
                "datacenter but one, the root"},
        Refusal{"ACircle", "topology: hubs", "topology: {tree: @{tokyo: ireland, ireland: tokyo}}",
                "wan.topology.tree goes in a circle: ireland -> tokyo -> ireland; expected parents that lead "
                "to one root"},
        Refusal{"ItsOwnParent", "topology: hubs", "topology: {tree: @{tokyo: tokyo, ireland: virginia}}",
                "wan.topology.tree goes in a circle: tokyo -> tokyo; expected parents that lead to one "
                "root"}),
    name_of_refusal);

INSTANTIATE_TEST_SUITE_P(
    Contradictions, Refused,
    testing::Values(
        Refusal{"OrderedNeedsAll", "  mode: gaia", "  mode: bsp\n  what: @significance_filter",
                "wan.merge 'ordered' with wan.what 'significance_filter'; expected what: all, since every "
                "replica adds the same updates of a clock in the same order"},
        Refusal{"OrderedNeedsEveryClock", "  mode: gaia", "  mode: bsp\n  when: @every_h_clocks",
                "wan.merge 'ordered' with wan.when 'every_h_clocks'; expected when: every_clock, since every "
                "replica adds the same updates of a clock in the same order"},
        Refusal{
            "TheFirstGivenKeyIsToBlame", "mode: gaia\n", "mode: local_sgd\n  selective_barrier: @true\n",
            "wan.selective_barrier 'true' with wan.merge 'anchored'; expected selective_barrier: false, or "
            "merge: eager, since anchored updates enter the replica together"}),
    name_of_refusal);

TEST(ConfigReader, SpellsOutLinesAndColumnsFromOne) {
  EXPECT_EQ(problems_of(with("seed: 7", "seed: x")),
            "dir/test.yaml:2:7: seed is 'x'; expected a whole number from 0 to 18446744073709551615");
  EXPECT_EQ(problems_of(with("mode: gaia", "mode: gala")),
            "dir/test.yaml:27:9: wan.mode is 'gala', perhaps 'gaia'; expected gaia, bsp, ssp, async, "
            "isolated, local_sgd, dgc or sparse_loco");
}

TEST(ConfigReader, NamesEveryProblemInTheOrderOfTheFile) {
  const std::string text =
      with("seed: 7", "seed: x", with("mode: gaia", "mode: gala", with("shards: 8", "shard: 8")));
  EXPECT_EQ(problems_of(text, {"workload.batch=0"}),
            "dir/test.yaml:2:7: seed is 'x'; expected a whole number from 0 to 18446744073709551615\n"
            "dir/test.yaml:27:9: wan.mode is 'gala', perhaps 'gaia'; expected gaia, bsp, ssp, async, "
            "isolated, local_sgd, dgc or sparse_loco\n"
            "dir/test.yaml:38:1: unknown key 'shard', perhaps 'shards'; expected name, seed, datacenters, "
            "workload, "
            "wan, shards, output, metrics or log\n"
            "--set workload.batch=0: workload.batch is '0'; expected a whole number from 1 to 1000000");
}

TEST(ConfigReader, NamesEveryPairWithoutALink) {
  const std::string text = with("    default: {bandwidth_mbps: 100, rtt_ms: 100}\n", "");
  EXPECT_EQ(
      problems_of(text),
      "dir/test.yaml:30:5: wan.links has no link virginia -> tokyo; expected an entry in pairs, or a "
      "default\n"
      "dir/test.yaml:30:5: wan.links has no link ireland - tokyo; expected an entry in pairs, or a default");
}

TEST(ConfigReader, MissingSectionsAreNamedOnceEach) {
  EXPECT_EQ(problems_of("name: x\ndatacenters: [{name: a}, {name: b}]\n"),
            "dir/test.yaml:1:1: workload is missing; expected the key 'workload' in the configuration\n"
            "dir/test.yaml:1:1: wan is missing; expected the key 'wan' in the configuration");
}

TEST(ConfigReader, RefusesBadListsOfDatacenters) {
  EXPECT_EQ(problems_of(kSmallest, {"datacenters=[]"}),
            "--set datacenters=[]: datacenters is an empty list; expected a list of 1 to 256 datacenters");
  EXPECT_EQ(problems_of(kSmallest, {"datacenters=here"}),
            "--set datacenters=here: datacenters is 'here'; expected a list of 1 to 256 datacenters");
  EXPECT_THAT(problems_of(kSmallest, {"datacenters=[here]"}),
              HasSubstr("datacenters[0] is 'here'; expected a map of keys and values"));
}

TEST(ConfigReader, RefusesWhatIsNoConfigurationAtAll) {
  for (const char* empty : {"", "\n\n", "# only a comment\n", "---\n", "~"}) {
    EXPECT_EQ(problems_of(empty),
              "dir/test.yaml:1:1: the file holds no configuration; expected at least name, workload and "
              "datacenters");
  }
  EXPECT_EQ(problems_of("- a\n"),
            "dir/test.yaml:1:1: the configuration is a list; expected a map of keys and values");
}

TEST(ConfigReader, ShowsHarmlessTextOnly) {
  const std::string written = fmt::format(R"(seed: "\e[2J\n\xff{:y<300}")", "");
  EXPECT_EQ(problems_of(with("seed: 7", written)),
            fmt::format(
                "dir/test.yaml:2:7: seed is the quoted text '\\x1b[2J\\x0a\\xc3\\xbf{:y<73}...'; expected a "
                "whole number from 0 to 18446744073709551615",
                ""));
}

TEST(ConfigReader, StopsListingAtSomePoint) {
  std::string text(kSmallest);
  for (int i = 0; i < 60; ++i) text += fmt::format("unknown{}: 1\n", i);
  const std::string problems = problems_of(text);
  EXPECT_EQ(std::count(problems.begin(), problems.end(), '\n'), 50);
  EXPECT_THAT(problems, testing::EndsWith("\nand 10 more problems"));
}

// ---- Files ----

class ConfigFile : public testing::Test {
 public:
  ~ConfigFile() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

 protected:
  ConfigFile()
      : folder_(std::filesystem::path(testing::TempDir()) / fmt::format("meridian-config-{}", getpid())) {
    std::filesystem::create_directories(folder_);
  }
  std::filesystem::path write(const std::string& name, std::string_view text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }

  std::filesystem::path folder_;
};

TEST_F(ConfigFile, IsReadWithPathsFromItsFolder) {
  const auto config = read_config(write("a.yaml", kYaml), {}, sample::no_variables);
  ASSERT_TRUE(config.ok()) << config.error().message;
  EXPECT_EQ(config.value().workload.data.path, folder_ / "data/fashion");
}

TEST_F(ConfigFile, ThatCannotBeReadIsNamedWithTheReason) {
  const auto message = [](const std::filesystem::path& file) {
    return read_config(file, {}, sample::no_variables).error().message;
  };
  EXPECT_EQ(
      message(folder_ / "none.yaml"),
      (folder_ / "none.yaml").string() + ": cannot be read: No such file or directory; expected a YAML file");
  EXPECT_EQ(message(folder_), folder_.string() + ": is a folder; expected a YAML file");
  const auto large = write("large.yaml", std::string(kLargestYamlBytes + 1, '#'));
  EXPECT_EQ(message(large),
            large.string() + ":1:1: the configuration is too large; expected at most 8388608 bytes");
}

TEST(ShippedConfigs, AreValidAsTheyAre) {
  const char* const root = std::getenv("MERIDIAN_SOURCE_DIR");
  ASSERT_NE(root, nullptr) << "MERIDIAN_SOURCE_DIR says where the checkout is; ctest sets it";
  int read = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(root) / "configs")) {
    if (entry.path().extension() != ".yaml") continue;
    const auto expect_read = [&](const auto& config) {
      EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
    };
    switch (kind_of_config(entry.path())) {
      case ConfigKind::run:
        expect_read(read_config(entry.path(), {}, sample::no_variables));
        break;
      case ConfigKind::emulation:
        expect_read(read_emulation(entry.path(), {}, sample::no_variables));
        break;
      case ConfigKind::links:
        expect_read(read_links_file(entry.path()));
        break;
    }
    EXPECT_EQ(entry.path().parent_path().filename() == "links",
              kind_of_config(entry.path()) == ConfigKind::links)
        << entry.path();
    ++read;
  }
  EXPECT_GE(read, 11);
}

TEST_F(ConfigFile, EndsLinesAsOtherSystemsDo) {
  std::string text;
  for (const char c : kYaml) text.append(c == '\n' ? "\r" : "").push_back(c);
  const Config expected = config_of(kYaml);
  EXPECT_EQ(config_of(text), expected);
  EXPECT_EQ(config_of(fmt::format("\xef\xbb\xbf{}", kYaml)), expected);
}

}  // namespace
}  // namespace meridian

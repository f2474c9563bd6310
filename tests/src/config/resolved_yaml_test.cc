// Goal: the resolved text is complete and reads back to an equal configuration, whatever stands in it.
// How: round trips of the sample, of each form a key may have, and of values that are awkward in YAML.
#include "src/config/resolved_yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

using sample::config_of;
using sample::kYaml;

/// Reads the resolved text back from another folder and another name.
Config round_trip(const Config& config) {
  const std::string text = resolved_yaml(config);
  Result<Config> again = read_config_text(text, "elsewhere/config.yaml", {}, sample::no_variables);
  EXPECT_TRUE(again.ok()) << (again.ok() ? "" : again.error().message) << "\n" << text;
  if (!again.ok()) return {};
  EXPECT_EQ(resolved_yaml(again.value()), text);
  Config read = again.value();
  read.file = config.file;  // the one thing that must differ
  return read;
}

TEST(ResolvedYaml, ReadsBackEqual) {
  for (const std::vector<std::string>& overrides : std::vector<std::vector<std::string>>{
           {},
           {"wan.links=lan"},
           {"workload.compute=measured"},
           {"workload.model=softmax"},
           {"workload.model={kind: cnn, layers: [{conv: {channels: 6, kernel: 5, padding: 2}}, relu, "
            "{max_pool: 2},"
            " {average_pool: {kernel: 3, stride: 1}}, {group_norm: 3}, {dropout: 0.25}, {dense: 120}]}"},
           {"workload.data={format: generated, generated_train: 500}"},
           {"workload.stop={time_s: 1e-3}"},
           {"workload.compute.factor=null"},
           {"workload.optimizer={learning_rate: 1e-6}"},
           {"workload.optimizer={name: nesterov, learning_rate: 1, momentum: 0}"},
           {"workload.optimizer={name: adagrad, learning_rate: 1, weight_decay: 1e-4}"},
           {"workload.optimizer={name: rmsprop, learning_rate: 1, decay: 0.9, clip_value: 5}"},
           {"workload.optimizer={name: adam, learning_rate: 1, beta1: 0, clip_norm: 0.25}"},
           {"workload.optimizer={name: adamw, learning_rate: 1, beta2: 0.99, epsilon: 1e-6}"},
           {"workload.optimizer={name: adamw, learning_rate: 1, weight_decay: 0}"},
           {"workload.optimizer.schedule=inverse_sqrt"},
           {"workload.optimizer.schedule={warm_up: 7}"},
           {"workload.optimizer.schedule={name: step, every: 100}"},
           {"workload.optimizer.schedule={name: step, every: 100, factor: 0.3, warm_up: 5}"},
           {"workload.optimizer.schedule={name: cosine, clocks: 3000}"},
           {"workload.optimizer.schedule={name: cosine, clocks: 3000, final: 0.01, warm_up: 5}"},
           {"output=null"},
           {"metrics.address=none", "log={format: json, level: error}"},
           {"metrics={address: '[::1]:9400', targets: some/where.json}"},
           {"seed=18446744073709551615"},
           {"wan.parameters.v0=0"},
           {"wan.parameters={schedule: linear, v0: 1, v_end: 0.25, ramp_clocks: 90, soft_ratio: 0.1}"},
           {"wan.parameters={ds: auto, ds_most: 7, by: row, floor: 1e-9}"},
           {R"(wan.parameters.tables={a/b-c_d.0: {}, "1": {v0: 3}, "null": {by: row}})"},
           {"wan.parameters.outer={name: nesterov, learning_rate: 0.7, momentum: 0.9}", "wan.mode=local_sgd"},
           {"wan.mode=local_sgd", "wan.parameters=null"},
           {"wan.mode=bsp"},
           {"wan.mode=bsp", "wan.merge=eager", "wan.what=significance_filter", "wan.wait=never"},
           {"wan.topology=mesh"},
           {"wan.topology={tree: {virginia: tokyo, ireland: tokyo}}"},
           {"wan.topology={hubs: [{hub: tokyo, members: []}, {hub: ireland, members: [virginia]}]}"},
           {"datacenters.virginia.machines=5"},
           {"wan.links.prices={dated: 2024-02-29, source: 'a: \"b\" $$X', currency: EUR, default: "
            "{egress_per_gb: "
            "0.1}, regions: {tokyo: {machine_per_hour: 2, egress_per_gb: 0}, ireland: {}}}"},
           {"wan.links.prices={dated: 2024-02-29, source: a, currency: EUR}"},
           {"datacenters=[{name: alone}]", "workload.compute.factor=~",
            "wan={links: {default: {bandwidth_mbps: 1, "
            "rtt_ms: 1}, prices: {dated: 2024-02-29, source: a, currency: EUR, default: {machine_per_hour: "
            "1}}}}"},
           {"wan.on_silence=continue", "wan.on_barrier=open", "wan.deadlines.barrier_s=0.5"},
           {"wan.parameters.v0=-0.0"},
           {"datacenters=[{name: alone, workers: 9}]", "workload.compute.factor=~", "wan=~"},
       }) {
    const Config config = config_of(kYaml, overrides);
    EXPECT_EQ(round_trip(config), config) << testing::PrintToString(overrides);
  }
}

TEST(ResolvedYaml, KeepsEveryBitOfANumberInItsShortestForm) {
  for (const double number : {0.1, 1.0 / 3, 1e-300, 5e-324, 123456.789, 1e6, 0.30000000000000004}) {
    Config config = config_of(kYaml);
    config.wan.parameters.v0 = number;
    EXPECT_EQ(round_trip(config).wan.parameters.v0, number);
  }
  EXPECT_THAT(resolved_yaml(config_of(kYaml)), testing::HasSubstr("learning_rate: 0.1\n"));
}

TEST(ResolvedYaml, KeepsAwkwardText) {
  for (const char* path : {"/with space", "/a: b", "/#no-comment", "/$HOME/${X}", "/quote\"'\\",
                           "/tab\tand\nline", "/\xc3\xbc\xe6\x9d\xb1", "/{a}", "/-", "/\x7f\x01"}) {
    Config config = config_of(kYaml);
    config.workload.data.path = path;
    config.output_dir = path;
    EXPECT_EQ(round_trip(config), config) << path;
  }
  // Words that plain YAML would take for something else.
  for (const char* word : {"null", "true", "123", "0x10", "1e5", "nan"}) {
    Config config = config_of(kYaml);
    config.name = word;
    EXPECT_EQ(round_trip(config).name, word);
  }
}

TEST(ResolvedYaml, WritesWhatTheOptimizerUses) {
  const auto with = [](const char* optimizer) { return resolved_yaml(config_of(kYaml, {optimizer})); };
  EXPECT_THAT(with("workload.optimizer={learning_rate: 1, momentum: 0}"), testing::HasSubstr(R"(  optimizer:
    name: sgd
    learning_rate: 1
    weight_decay: 0
    schedule:
)"));
  EXPECT_THAT(with("workload.optimizer={name: adamw, learning_rate: 1e-6, clip_value: 2, clip_norm: 3}"),
              testing::HasSubstr(R"(  optimizer:
    name: adamw
    learning_rate: 1e-06
    weight_decay: 0.01
    clip_value: 2
    clip_norm: 3
    beta1: 0.9
    beta2: 0.999
    epsilon: 1e-08
    schedule:
)"));
  EXPECT_THAT(with("workload.optimizer={name: rmsprop, learning_rate: 1}"), testing::HasSubstr(R"(
    weight_decay: 0
    epsilon: 1e-08
    decay: 0.99
    schedule:
)"));
}

TEST(ResolvedYaml, SaysEveryKeyOnce) {
  EXPECT_THAT(resolved_yaml(config_of(kYaml)), testing::HasSubstr(R"(wan:
  mode: gaia
  lan: {bandwidth_mbps: 1000, delay_ms: 0.25}
  links:
    pairs:
      - {between: ["virginia", "ireland"], bandwidth_mbps: 58, delay_ms: 40.5}
      - {from: "virginia", to: "tokyo", bandwidth_mbps: 100, delay_ms: 50}
      - {from: "tokyo", to: "virginia", bandwidth_mbps: 20, delay_ms: 90}
      - {between: ["ireland", "tokyo"], bandwidth_mbps: 100, delay_ms: 50}
  topology: hubs
  parameters:
    v0: 0.5
    schedule: constant
    floor: 0
    soft_ratio: 1
    soft_below: 0.5
    by: entry
    share: 0.01
    total_share: 1
    momentum: 0
    masking: true
    values: fp32
    rounding: nearest
    encoding: compact
    tables:
      "layer0.weight": {v0: 0.5, floor: 0.001, by: row}
    ds: 6
    ds_most: 32
    h: 2
    outer: {name: sgd, learning_rate: 1, momentum: 0}
  on_silence: wait
  on_barrier: stop
  deadlines:
    start_s: 10
    silence_s: 20
    drain_s: 30
    wait_s: 600
    barrier_s: 30
shards: 8
)"));
}

}  // namespace
}  // namespace meridian

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
           {"workload.data={format: generated, generated_train: 500}"},
           {"workload.stop={time_s: 1e-3}"},
           {"workload.compute.factor=null"},
           {"output=null"},
           {"seed=18446744073709551615"},
           {"wan.parameters.v0=0"},
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
  parameters:
    v0: 0.5
    schedule: constant
    ds: 6
    h: 2
  deadlines:
    start_s: 10
    silence_s: 20
    drain_s: 30
shards: 8
)"));
}

}  // namespace
}  // namespace meridian

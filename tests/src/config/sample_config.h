// A complete, valid configuration that the tests of this folder change one thing at a time in.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/config/config_reader.h"

namespace meridian::sample {

inline constexpr std::string_view kYaml = R"(name: sample
seed: 7
workload:
  model: {kind: mlp, hidden: [128, 64]}
  data:
    format: idx
    path: data/fashion
    if_missing: generated
    partition: contiguous
  optimizer: {name: momentum, learning_rate: 0.1, momentum: 0.9}
  batch: 32
  evaluate_every: 50
  compute:
    seconds_per_clock: 0.05
    spread: 0.1
    seconds_per_evaluation: 0.02
    factor: {tokyo: 1.5}
  stop: {target: 0.86, clocks: 3000, time_s: 300}
datacenters:
  - name: virginia
    workers: 2
    servers: 2
    hosts: ["10.0.0.5:7000", {lan: 10.0.0.6, wan: 203.0.113.7, port: 7000}]
  - {name: ireland, workers: 3}
  - {name: tokyo}
wan:
  mode: gaia
  lan: {bandwidth_mbps: 1000, rtt_ms: 0.5}
  links:
    default: {bandwidth_mbps: 100, rtt_ms: 100}
    pairs:
      - {between: [virginia, ireland], bandwidth_mbps: 58, rtt_ms: 81}
      - {from: tokyo, to: virginia, bandwidth_mbps: 20, delay_ms: 90}
  parameters: {v0: 0.5, schedule: constant, ds: 6, h: 2, tables: {layer0.weight: {floor: 1e-3, by: row}}}
  deadlines: {start_s: 10, silence_s: 20, drain_s: 30}
  topology: hubs
  on_silence: wait
shards: 8
output: {dir: ../runs/sample}
)";

/// An environment in which nothing is set.
inline std::optional<std::string> no_variables(const std::string& /*name*/) { return std::nullopt; }

/// `text` with its only occurrence of `from` replaced. A sample that lost the words fails the test.
inline std::string with(std::string_view from, std::string_view to, std::string_view text = kYaml) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string_view::npos) << from;
  EXPECT_EQ(text.find(from, at + 1), std::string_view::npos) << from << " stands there more than once";
  if (at == std::string_view::npos) return std::string(text);
  return std::string(text.substr(0, at)).append(to).append(text.substr(at + from.size()));
}

/// Reads `text` as the file dir/test.yaml.
inline Result<Config> read(std::string_view text, const std::vector<std::string>& overrides = {},
                           const Environment& environment = no_variables) {
  return read_config_text(text, "dir/test.yaml", overrides, environment);
}

/// The configuration of `text`; what stands against it fails the test.
inline Config config_of(std::string_view text, const std::vector<std::string>& overrides = {},
                        const Environment& environment = no_variables) {
  Result<Config> config = read(text, overrides, environment);
  EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message);
  return config.ok() ? config.value() : Config{};
}

/// All that is wrong with `text`, or "" (which fails the test) if nothing is.
inline std::string problems_of(std::string_view text, const std::vector<std::string>& overrides = {},
                               const Environment& environment = no_variables) {
  const Result<Config> config = read(text, overrides, environment);
  EXPECT_FALSE(config.ok());
  return config.ok() ? "" : config.error().message;
}

}  // namespace meridian::sample

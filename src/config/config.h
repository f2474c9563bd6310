// A run's configuration as an immutable value: what config_reader.h makes of a YAML file, and all that the
// rest of the program ever sees of it. Names follow the YAML keys; units stand in the names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "src/base/time.h"

namespace meridian {

struct ModelConfig {
  std::string kind = "mlp";         ///< softmax | mlp
  std::vector<std::size_t> hidden;  ///< widths of the hidden layers; empty for softmax

  bool operator==(const ModelConfig&) const = default;
};

struct DataConfig {
  std::string format = "idx";        ///< idx | generated
  std::filesystem::path path;        ///< folder of the IDX files (resolved against the YAML's folder)
  std::string if_missing = "error";  ///< error | generated: what to do when `path` has no data
  std::string partition = "random";  ///< random | contiguous | round_robin, between datacenters and workers
  std::size_t generated_train = 60000;  ///< samples of a generated training set
  std::size_t generated_test = 10000;   ///< samples of a generated held-out set

  bool operator==(const DataConfig&) const = default;
};

struct OptimizerConfig {
  std::string name = "sgd";  ///< sgd | momentum | nesterov
  double learning_rate = 0.1;
  double momentum = 0.0;

  bool operator==(const OptimizerConfig&) const = default;
};

/// SEMANTICS: how long computation takes; `run` waits for the rest, `simulate` charges it.
struct ComputeConfig {
  bool measured = true;  ///< calibrate on this machine instead of the figures below
  double seconds_per_clock = 0.0;
  double spread = 0.0;  ///< relative: a clock takes seconds_per_clock * (1 + spread * u), u in [-1, 1)
  double seconds_per_evaluation = 0.0;
  std::map<std::string, double> factor;  ///< per datacenter; 1 where absent

  bool operator==(const ComputeConfig&) const = default;
};

struct StopConfig {
  std::optional<std::uint32_t> clocks;
  std::optional<double> target;
  std::optional<double> time_s;

  bool operator==(const StopConfig&) const = default;
};

struct WorkloadConfig {
  ModelConfig model;
  DataConfig data;
  OptimizerConfig optimizer;
  std::size_t batch = 64;  ///< samples per worker and clock
  std::uint32_t evaluate_every = 25;
  ComputeConfig compute;
  StopConfig stop;

  bool operator==(const WorkloadConfig&) const = default;
};

/// Where a server listens: four ports in a row from `port` (LAN control, LAN data, WAN control, WAN data).
struct HostConfig {
  std::string lan_address;  ///< how workers and servers of its own datacenter reach it
  std::string wan_address;  ///< how other datacenters reach it; the same as lan_address unless given
  std::uint16_t port = 0;

  bool operator==(const HostConfig&) const = default;
};

struct DatacenterConfig {
  std::string name;
  std::size_t workers = 1;
  std::size_t servers = 1;
  std::vector<HostConfig> hosts;  ///< one for each server; empty where only `run` and `simulate` are used

  bool operator==(const DatacenterConfig&) const = default;
};

/// One direction between two datacenters.
struct LinkConfig {
  double bandwidth_mbps = 0.0;  ///< 10^6 bits per second
  double delay_ms = 0.0;        ///< one way

  bool operator==(const LinkConfig&) const = default;
};

struct WanParameters {
  double v0 = 0.01;                       ///< significance threshold at clock 1 (0.01 is 1 %)
  std::string schedule = "inverse_sqrt";  ///< inverse_sqrt | constant
  std::uint32_t ds = 0;  ///< mirror clock: how far ahead of the slowest datacenter reads may go
  std::uint32_t h = 1;   ///< exchange every h clocks

  bool operator==(const WanParameters&) const = default;
};

struct DeadlinesConfig {
  double start_s = 30.0;    ///< for all processes to be there
  double silence_s = 30.0;  ///< for a peer that says nothing
  double drain_s = 60.0;    ///< for the final drain

  bool operator==(const DeadlinesConfig&) const = default;
};

struct WanConfig {
  std::string mode = "gaia";  ///< gaia | bsp | ssp | async | isolated
  LinkConfig lan{1000.0, 0.1};
  /// links[from][to], by position in `datacenters`; the diagonal is unused.
  std::vector<std::vector<LinkConfig>> links;
  WanParameters parameters;
  DeadlinesConfig deadlines;

  bool operator==(const WanConfig&) const = default;
};

struct Config {
  std::filesystem::path file;  ///< the YAML it came from
  std::string name;
  std::uint64_t seed = 1;
  WorkloadConfig workload;
  std::vector<DatacenterConfig> datacenters;
  WanConfig wan;
  std::size_t shards = 16;
  std::optional<std::filesystem::path> output_dir;
  bool overwrite_output = false;

  /// Position of a datacenter by name, or nothing.
  std::optional<std::size_t> find_datacenter(const std::string& datacenter_name) const;

  bool operator==(const Config&) const = default;
};

/// Where a run's files go: output.dir, or runs/NAME-MODE-SEED in the working directory.
std::filesystem::path output_folder(const Config& config);

}  // namespace meridian

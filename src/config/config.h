// A run's configuration as an immutable value: what config_reader.h makes of a YAML file, and all that the
// rest of the program ever sees of it. Names follow the YAML keys; units stand in the names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/time.h"
#include "src/config/host_port.h"

namespace meridian {

/// One layer of a cnn. A value is there where the kind uses it.
struct LayerConfig {
  std::string kind;         ///< conv | max_pool | average_pool | relu | dense | dropout | group_norm
  std::size_t outputs = 0;  ///< conv: `channels`; dense: its outputs
  std::size_t kernel = 0;   ///< conv, pools
  std::size_t stride = 1;   ///< conv; pools, where it is the kernel unless given
  std::size_t padding = 0;  ///< conv
  double rate = 0.0;        ///< dropout
  std::size_t groups = 0;   ///< group_norm

  bool operator==(const LayerConfig&) const = default;
};

struct ModelConfig {
  std::string kind = "mlp";              ///< a name in src/workloads/registry.cc
  std::vector<std::size_t> hidden;       ///< widths of an mlp's hidden layers; empty for the others
  std::vector<LayerConfig> layers = {};  ///< of a cnn, without the last, dense one to the classes
  /// The kind's other keys, all of them (src/workloads/registry.cc); true and false are 1 and 0.
  std::map<std::string, double> numbers = {};
  std::map<std::string, std::string> words = {};

  bool operator==(const ModelConfig&) const = default;
};

/// How samples go to datacenters and workers; src/data/partition.h says what each means.
struct PartitionConfig {
  std::string workers = "random";            ///< random | contiguous | round_robin | overlap
  double overlap = 0.0;                      ///< of overlap
  std::string datacenters = "by_sizes";      ///< by_sizes | label_skew | dirichlet
  double label_skew = 0.0;                   ///< of label_skew
  double concentration = 1.0;                ///< of dirichlet
  std::map<std::string, double> sizes = {};  ///< weights of datacenters; none: their numbers of workers

  bool operator==(const PartitionConfig&) const = default;
};

struct DataConfig {
  std::string format = "idx";  ///< generated, or one of the model kind's formats
  std::filesystem::path path;  ///< file, pattern or folder (resolved against the YAML's folder)
  std::map<std::string, std::filesystem::path> paths = {};  ///< in place of it: of each datacenter
  std::filesystem::path held_out_path = {};
  std::filesystem::path vocabulary = {};
  std::optional<double> held_out = {};  ///< where the kind has it
  /// The kind's keys that fix what one datacenter's data alone do not say (src/workloads/registry.h): all of
  /// them, or none where the data say it.
  std::map<std::string, double> shared = {};
  std::map<std::string, double> generated = {};  ///< the kind's keys for generated data, all
  std::string if_missing = "error";              ///< error | generated: what to do when `path` has no data
  PartitionConfig partition = {};
  std::size_t generated_train = 60000;  ///< samples of a generated training set
  std::size_t generated_test = 10000;   ///< samples of a generated held-out set

  /// Whether the run may read files, and whether it may generate data. Keys about what it does not do are
  /// refused, and have their defaults.
  bool may_read() const { return format != "generated"; }
  bool may_generate() const { return !may_read() || if_missing == "generated"; }

  bool operator==(const DataConfig&) const = default;
};

/// How the learning rate changes over the clocks. A value is there where the schedule uses it.
struct LearningRateScheduleConfig {
  std::string name = "constant";             ///< constant | step | inverse_sqrt | cosine
  std::uint32_t warm_up = 0;                 ///< clocks
  std::optional<std::uint32_t> every = {};   ///< step: clocks between two steps
  std::optional<double> factor = {};         ///< step: on the rate
  std::optional<std::uint32_t> clocks = {};  ///< cosine: where it ends
  std::optional<double> final_ratio = {};    ///< cosine: there, to the configured rate (`final`)

  bool operator==(const LearningRateScheduleConfig&) const = default;
};

/// A value that not every optimizer uses is there where the named one does.
struct OptimizerConfig {
  std::string name = "sgd";  ///< sgd | momentum | nesterov | adagrad | rmsprop | adam | adamw
  double learning_rate = 0.1;
  double momentum = 0.0;  ///< of momentum and nesterov
  LearningRateScheduleConfig schedule = {};
  double weight_decay = 0.0;
  std::optional<double> clip_value = {};  ///< the largest size of a mean gradient; any without it
  std::optional<double> clip_norm = {};   ///< the largest norm of a worker's mean gradient; any without it
  std::optional<double> beta1 = {};       ///< adam, adamw
  std::optional<double> beta2 = {};       ///< adam, adamw
  std::optional<double> epsilon = {};     ///< adagrad, rmsprop, adam, adamw
  std::optional<double> decay = {};       ///< rmsprop

  bool operator==(const OptimizerConfig&) const = default;
};

/// Clocks that take much longer than others, as a machine does that has something else to do.
struct StragglersConfig {
  double probability = 0.0;  ///< that a worker's clock is one of them
  double factor = 1.0;       ///< how many times as long it takes, at least 1

  bool operator==(const StragglersConfig&) const = default;
};

/// How long computation takes; `run` waits for the rest, `simulate` charges it.
struct ComputeConfig {
  bool measured = true;  ///< calibrate on this machine instead of the figures below
  double seconds_per_clock = 0.0;
  double spread = 0.0;  ///< relative: a clock takes seconds_per_clock * (1 + spread * u), u in [-1, 1)
  StragglersConfig stragglers;
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
  std::optional<std::size_t> machines = {};  ///< that are paid for; one for each worker where not given

  std::size_t paid_machines() const { return machines.value_or(workers); }

  bool operator==(const DatacenterConfig&) const = default;
};

/// How the one-way delay varies around delay_ms; it never falls below 0.
struct JitterConfig {
  enum class Kind : std::uint8_t {
    none,
    uniform,  ///< evenly from delay_ms - ms to delay_ms + ms
    normal,   ///< mean delay_ms, standard deviation ms
    recorded  ///< delay_ms and one of samples_ms, drawn evenly
  };

  Kind kind = Kind::none;
  double ms = 0.0;
  std::vector<double> samples_ms = {};

  bool operator==(const JitterConfig&) const = default;
};

/// A link's bandwidth over time, counted from the start of training (`emulate`: from its own start).
struct BandwidthTraceConfig {
  struct Step {
    double at_s = 0.0;
    double bandwidth_mbps = 0.0;  ///< from then on

    bool operator==(const Step&) const = default;
  };

  std::vector<Step> steps = {};                   ///< times ascend; before the first: bandwidth_mbps
  std::optional<double> repeat_s = std::nullopt;  ///< starts again after so long, above the last step's time

  bool operator==(const BandwidthTraceConfig&) const = default;
};

/// One direction between two datacenters.
struct LinkConfig {
  double bandwidth_mbps = 0.0;  ///< 10^6 bits per second
  double delay_ms = 0.0;        ///< one way
  JitterConfig jitter = {};
  double loss = 0.0;  ///< probability that a TCP segment is lost
  BandwidthTraceConfig trace = {};

  bool operator==(const LinkConfig&) const = default;
};

/// What all links from, and to, one datacenter may carry together.
struct DatacenterCaps {
  std::optional<double> egress_mbps = std::nullopt;
  std::optional<double> ingress_mbps = std::nullopt;

  bool operator==(const DatacenterCaps&) const = default;
};

/// What one region charges. A price that is not known is not there.
struct RegionPrices {
  std::optional<double> egress_per_gb = std::nullopt;     ///< for 10^9 bytes sent to another region
  std::optional<double> machine_per_hour = std::nullopt;  ///< for one machine

  bool operator==(const RegionPrices&) const = default;
};

/// A list of prices as somebody published it.
struct PricesConfig {
  std::string dated;                  ///< the day, "2026-01-31"
  std::string source;                 ///< where it is from, for its readers
  std::string currency;               ///< three letters, "USD"
  std::vector<RegionPrices> regions;  ///< by position in `datacenters`

  bool operator==(const PricesConfig&) const = default;
};

/// Something that happens to links or to a datacenter at a given time, counted as a trace's times are.
struct LinkEventConfig {
  enum class Action : std::uint8_t {
    cut,      ///< nothing moves while it lasts; nothing is lost
    degrade,  ///< the values given replace the link's own while it lasts
    restore,  ///< ends cuts and degradations of these links, and the pause of this datacenter
    reset,    ///< connections break; what is on the way is lost
    pause     ///< the datacenter's processes stand still
  };
  struct Direction {
    std::size_t from = 0;  ///< by position in `datacenters`
    std::size_t to = 0;

    bool operator==(const Direction&) const = default;
  };

  Action action = Action::cut;
  double at_s = 0.0;
  std::optional<double> for_s = std::nullopt;            ///< cut, degrade, pause: without it until a restore
  std::vector<Direction> links = {};                     ///< all directions it is about; none for a pause
  std::optional<std::size_t> datacenter = std::nullopt;  ///< where it names one: all its links, or its pause
  // Of a degradation.
  std::optional<double> bandwidth_mbps = std::nullopt;
  std::optional<double> bandwidth_factor = std::nullopt;  ///< on the bandwidth in force
  std::optional<double> delay_ms = std::nullopt;
  std::optional<double> loss = std::nullopt;
  std::optional<JitterConfig> jitter = std::nullopt;

  bool operator==(const LinkEventConfig&) const = default;
};

/// The four choices of a synchronisation method (docs/architecture.md), in the words of choices.h. The
/// selective barrier is part of the wait, with a key of its own.
struct ModeChoice {
  std::string what = "significance_filter";  ///< all | nothing | significance_filter | top_k
  std::string when = "every_h_clocks";       ///< every_clock | every_h_clocks
  std::string wait = "mirror_clock";         ///< never | mirror_clock | applied_clock
  bool selective_barrier = true;
  std::string merge = "eager";  ///< eager | ordered | anchored

  bool operator==(const ModeChoice&) const = default;
};

/// What one table's filter has of its own; all of it is filled, from the parameters of all tables where the
/// file says nothing.
struct TableParameters {
  double v0 = 0.01;
  double floor = 0.0;
  std::string by = "entry";  ///< entry | row

  bool operator==(const TableParameters&) const = default;
};

struct WanParameters {
  double v0 = 0.01;                       ///< significance threshold at clock 1 (0.01 is 1 %)
  std::string schedule = "inverse_sqrt";  ///< inverse_sqrt | constant | linear | learning_rate
  std::uint32_t ds = 0;  ///< mirror clock: how far ahead of the slowest datacenter reads may go
  std::uint32_t h = 1;   ///< exchange every h clocks
  std::optional<double> v_end = std::nullopt;               ///< linear: threshold after the ramp
  std::optional<std::uint32_t> ramp_clocks = std::nullopt;  ///< linear: clocks from v0 to v_end
  double floor = 0.0;           ///< a residual of at most this size, absolute, is never significant
  double soft_ratio = 1.0;      ///< soft threshold as a share of the hard one; 1 is off
  double soft_below = 0.5;      ///< share of a link's rate in use below which its threshold sinks
  std::string by = "entry";     ///< entry | row
  double share = 0.01;          ///< top_k: of a table's entries, above 0
  double total_share = 1.0;     ///< anchored: of a table's entries in an exchange's total; 1 takes it whole
  double momentum = 0.0;        ///< that the sender's residual gathers; 0 is none
  bool masking = true;          ///< what has gone out begins without velocity
  std::string values = "fp32";  ///< fp32 | fp16 | bf16 | 8bit | 4bit | 2bit | sign: what goes out is rounded
  std::string rounding = "nearest";  ///< nearest | stochastic
  std::string encoding = "compact";  ///< compact | plain | gaia: indexes and values on the link
  std::map<std::string, TableParameters> tables = {};  ///< by table name
  bool ds_auto = false;                       ///< ds follows what is measured, up to ds_most; `ds` is unused
  std::uint32_t ds_most = 32;                 ///< upper limit of an automatic ds
  OptimizerConfig outer = {"sgd", 1.0, 0.0};  ///< of an anchored merge, at every exchange

  bool operator==(const WanParameters&) const = default;
};

struct DeadlinesConfig {
  double start_s = 30.0;    ///< for all processes to be there
  double silence_s = 30.0;  ///< for a peer that says nothing
  double drain_s = 60.0;    ///< for the final drain
  double wait_s = 600.0;    ///< on_silence wait: how long beyond silence_s before the run stops
  double barrier_s = 30.0;  ///< for a read that the selective barrier holds

  bool operator==(const DeadlinesConfig&) const = default;
};

/// A hub and those that reach other datacenters through it; positions in `datacenters`.
struct HubGroup {
  std::size_t hub = 0;
  std::vector<std::size_t> members;  ///< without the hub, ascending

  bool operator==(const HubGroup&) const = default;
};

/// Who exchanges updates with whom.
struct TopologyConfig {
  enum class Kind : std::uint8_t {
    mesh,       ///< everybody with everybody
    hubs_auto,  ///< groups found from the links' bandwidth
    hubs,       ///< `groups`
    tree        ///< `parents`
  };

  Kind kind = Kind::mesh;
  std::vector<HubGroup> groups;                     ///< by hub, ascending; every datacenter in one of them
  std::vector<std::optional<std::size_t>> parents;  ///< of every datacenter; nothing for the root

  bool operator==(const TopologyConfig&) const = default;
};

/// Which keys below `wan` the file or a --set gave, such as "what" or "parameters.v0". Only explanations read
/// them. They play no part in comparing: a default that is written out makes no other configuration.
struct GivenKeys {
  std::set<std::string, std::less<>> keys;

  bool contains(std::string_view key) const { return keys.contains(key); }
  bool operator==(const GivenKeys&) const { return true; }
};

struct WanConfig {
  std::string mode = "gaia";  ///< gaia | bsp | ssp | async | isolated | local_sgd | sparse_loco
  ModeChoice choice;          ///< the mode's, with the file's own words over it
  LinkConfig lan{1000.0, 0.1};
  /// links[from][to], by position in `datacenters`; the diagonal is unused.
  std::vector<std::vector<LinkConfig>> links;
  std::vector<DatacenterCaps> caps;     ///< by position in `datacenters`
  std::vector<LinkEventConfig> events;  ///< in the order of their times
  std::optional<PricesConfig> prices;   ///< nothing where none are given: then nobody knows the cost
  TopologyConfig topology;
  /// As written, whether the mode uses them or not; see resolve_mode for those in effect.
  WanParameters parameters;
  std::string on_silence = "stop";  ///< stop | wait | continue: a datacenter that goes silent
  std::string on_barrier = "stop";  ///< open | stop: a selective barrier that outlives its deadline
  DeadlinesConfig deadlines;
  GivenKeys given;

  /// Whether every link is as inside a datacenter.
  bool is_lan() const;

  bool operator==(const WanConfig&) const = default;
};

/// Where each process serves its metrics.
struct MetricsConfig {
  /// Nowhere without it. Port 0: one that is free. Any other is the first of a row, one for each process of
  /// the datacenter, servers first (`run`: of the deployment).
  std::optional<HostPort> address = HostPort{"127.0.0.1", 0};
  /// Where the addresses are listed while the run goes on, for Prometheus' file service discovery; in the
  /// run's folder without it.
  std::optional<std::filesystem::path> targets = {};

  bool operator==(const MetricsConfig&) const = default;
};

struct LogConfig {
  std::string format = "text";  ///< text | json
  std::string level = "info";   ///< info | warning | error: what is less is left out

  bool operator==(const LogConfig&) const = default;
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
  MetricsConfig metrics = {};
  LogConfig log = {};

  /// Position of a datacenter by name, or nothing.
  std::optional<std::size_t> find_datacenter(const std::string& datacenter_name) const;

  bool operator==(const Config&) const = default;
};

/// Where a run's files go: output.dir, or runs/NAME-MODE-SEED in the working directory.
std::filesystem::path output_folder(const Config& config);

}  // namespace meridian

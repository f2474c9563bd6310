#include "src/program/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "src/base/random.h"
#include "src/config/mode_presets.h"
#include "src/config/run_identity.h"
#include "src/config/spelling.h"
#include "src/program/link_parts.h"
#include "src/program/wan_parts.h"
#include "src/program/workload_parts.h"
#include "src/workloads/registry.h"
#include "src/workloads/workload_by_datacenter.h"

namespace meridian::program {

std::vector<ProcessId> processes_of(const Config& config) {
  std::vector<ProcessId> ids;
  for (std::size_t d = 0; d < config.datacenters.size(); ++d) {
    const auto datacenter = static_cast<std::uint16_t>(d);
    for (std::size_t i = 0; i < config.datacenters[d].servers; ++i) {
      ids.push_back(ProcessId::server(datacenter, static_cast<std::uint16_t>(i)));
    }
    for (std::size_t i = 0; i < config.datacenters[d].workers; ++i) {
      ids.push_back(ProcessId::worker(datacenter, static_cast<std::uint16_t>(i)));
    }
  }
  return ids;
}

namespace {

/// The configuration's tables must be the model's.
Failure check_table_names(const Config& config, const std::vector<TableSpec>& tables) {
  std::vector<std::string_view> names;
  for (const TableSpec& table : tables) names.emplace_back(table.name);
  for (const auto& [name, parameters] : config.wan.parameters.tables) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return Error{
        fmt::format("{}: wan.parameters.tables names {}, which is no table of the model{}; expected {}",
                    config.file.string(), in_quotes(name), perhaps(name, names), one_of(names))};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Deployment>> Deployment::create(Config config, std::optional<std::size_t> own) {
  std::unique_ptr<Deployment> made(new Deployment(std::move(config)));
  const WorkloadOptions options = workload_options(made->config_);
  Result<MadeWorkload> built = options.data.paths.empty() ? workload_kind(options.kind).make(options)
                                                          : make_workload_by_datacenter(options, own);
  if (!built) return built.error();
  made->workload_ = std::move(built.value().workload);
  made->contents_ = std::move(built.value().contents);
  if (Failure failure = check_table_names(made->config_, made->workload_->tables())) return *failure;
  made->shards_ = std::make_unique<datacenter::ShardMap>(made->workload_->tables(), made->config_.shards);
  made->identity_text_ =
      std::make_shared<const std::string>(meridian::identity_text(made->config_, made->contents_));
  return made;
}

void Deployment::set_compute(ComputeConfig compute) {
  config_.workload.compute = std::move(compute);
  identity_text_ = std::make_shared<const std::string>(meridian::identity_text(config_, contents_));
}

std::string Deployment::data_note() const { return workload_->note(); }

std::uint64_t Deployment::run_digest() const { return hash_text(*identity_text_); }

std::vector<ProcessId> Deployment::processes() const { return processes_of(config_); }

std::string Deployment::name_of(ProcessId id) const {
  return process_name(config_.datacenters.at(id.datacenter).name, id);
}

Identity Deployment::identity(ProcessId id, std::uint64_t incarnation) const {
  // A refusal carries no more of it, and a simulation hosts every process: the text names every pair of
  // datacenters.
  std::string told = identity_text_->substr(0, Membership::kMaxRefusalBytes);
  return {.self = id,
          .name = name_of(id),
          .run_digest = run_digest(),
          .incarnation = incarnation,
          .configuration = std::move(told),
          .explain_difference = [text = identity_text_](const std::string& theirs) {
            return first_difference(*text, theirs).value_or("no key differs, so their versions must");
          }};
}

PeerWatch::Deadlines Deployment::deadlines() const {
  return {from_seconds(config_.wan.deadlines.start_s), from_seconds(config_.wan.deadlines.silence_s)};
}

/// The weight of an eager update: a datacenter's share of all samples of a clock.
double Deployment::weight(std::size_t datacenter) const {
  double own = 0;
  double all = 0;
  for (std::size_t d = 0; d < config_.datacenters.size(); ++d) {
    for (std::size_t w = 0; w < config_.datacenters[d].workers; ++w) {
      const auto samples = static_cast<double>(workload_->samples_per_clock({d, w}));
      all += samples;
      if (d == datacenter) own += samples;
    }
  }
  return own / all;
}

std::unique_ptr<datacenter::Worker> Deployment::make_worker(std::uint16_t datacenter, std::uint16_t index,
                                                            std::uint64_t incarnation) const {
  const DatacenterConfig& own = config_.datacenters.at(datacenter);
  const ComputeConfig& compute = config_.workload.compute;
  const auto factor = compute.factor.find(own.name);
  datacenter::WorkerOptions options{
      .datacenter_name = own.name,
      .servers = own.servers,
      .evaluate_every = config_.workload.evaluate_every,
      .compute_time = {.seed = config_.seed,
                       .seconds_per_clock = compute.seconds_per_clock,
                       .spread = compute.spread,
                       .straggler_probability = compute.stragglers.probability,
                       .straggler_factor = compute.stragglers.factor,
                       .seconds_per_evaluation = compute.seconds_per_evaluation,
                       .factor = factor == compute.factor.end() ? 1.0 : factor->second},
      .clip_norm = config_.workload.optimizer.clip_norm};
  return std::make_unique<datacenter::Worker>(std::move(options),
                                              identity(ProcessId::worker(datacenter, index), incarnation),
                                              deadlines(), *workload_, *shards_);
}

Result<std::unique_ptr<wan::MirroredServer>> Deployment::make_server(std::uint16_t datacenter,
                                                                     std::uint16_t index,
                                                                     std::uint64_t incarnation) const {
  const ProcessId id = ProcessId::server(datacenter, index);
  const DatacenterConfig& own = config_.datacenters.at(datacenter);
  const WorkloadConfig& workload = config_.workload;

  wan::MirroredServer::Options options;
  options.server = {.self = id,
                    .datacenter_name = own.name,
                    .workers = own.workers,
                    .servers = own.servers,
                    .evaluate_every = workload.evaluate_every,
                    .stop_time = {},
                    .optimizer = optimizer_of(workload.optimizer)};
  if (workload.stop.time_s) options.server.stop_time = from_seconds(*workload.stop.time_s);

  options.mirror.self = id;
  options.mirror.datacenter_name = own.name;
  for (const TableSpec& table : workload_->tables()) options.mirror.table_names.push_back(table.name);
  const wan::Overlay overlay = overlay_of(config_);
  for (const wan::OverlayNeighbour& neighbour : overlay.neighbours(datacenter)) {
    const std::size_t d = neighbour.datacenter;
    const LinkConfig& there = config_.wan.links[datacenter][d];
    const LinkConfig& back = config_.wan.links[d][datacenter];
    options.mirror.neighbours.push_back({.name = config_.datacenters[d].name,
                                         .datacenter = d,
                                         .servers = config_.datacenters[d].servers,
                                         .bytes_per_s = bytes_per_second(there.bandwidth_mbps),
                                         .round_trip = from_seconds((there.delay_ms + back.delay_ms) / 1e3),
                                         .relation = neighbour.relation,
                                         .behind = neighbour.behind,
                                         .sources = overlay.sources(datacenter, d)});
  }
  options.mirror.stop = {.datacenters = config_.datacenters.size(),
                         .own = datacenter,
                         .clocks = workload.stop.clocks,
                         .target = workload.stop.target,
                         .larger_is_better = workload_->larger_is_better()};
  options.mirror.drain_deadline = from_seconds(config_.wan.deadlines.drain_s);
  options.mirror.absence = absence_options(config_.wan);
  options.mirror.on_barrier =
      config_.wan.on_barrier == "open" ? wan::BarrierPolicy::open : wan::BarrierPolicy::stop;
  options.mirror.barrier_deadline = from_seconds(config_.wan.deadlines.barrier_s);
  const Result<ResolvedMode> resolved = resolve_mode(config_.wan);
  if (!resolved) return resolved.error();
  options.mode = mode_parts(resolved.value());
  options.mode_parameters = mode_parameters(resolved.value(), workload_->tables());
  options.weight = weight(datacenter);
  options.learning_rate = learning_rate_of(workload.optimizer);
  return wan::MirroredServer::create(std::move(options), identity(id, incarnation), deadlines(), *workload_,
                                     *shards_);
}

}  // namespace meridian::program

#include "tests/wan/simulated_deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "src/base/random.h"
#include "tests/src/runtime/forwarded_actions.h"
#include "wan/compact_chunk.h"

namespace meridian::wan {

namespace {

WideAreaLink::Options link_options(const DeploymentOptions& options, std::size_t from, std::size_t to) {
  const LinkNoise noise = options.noise(from, to);
  WideAreaLink::Options link{.link = options.link(from, to), .repeats = noise.repeats};
  if (noise.jitter == Time{0}) return link;
  link.link.delay += noise.jitter / 2;
  link.variation = {.kind = DelayVariation::Kind::uniform, .width = noise.jitter / 2};
  return link;
}

}  // namespace
/// A machine with a listener on both sides of it.
class SimulatedDeployment::Tapped final : public Machine {
 public:
  Tapped(SimulatedDeployment& deployment, ProcessId id, Machine& machine)
      : deployment_(deployment), id_(id), machine_(machine) {}

  void start(Time now, Actions& actions) override {
    Out out(*this, now, actions);
    machine_.start(now, out);
  }
  void on_message(Time now, ProcessId from, Channel channel, Message message, Actions& actions) override {
    const Taps& taps = deployment_.taps_;
    const bool repeat = taps.repeat && taps.repeat(id_, message);
    Out out(*this, now, actions);
    for (int time = 0; time < (repeat ? 2 : 1); ++time) {
      if (taps.before_message) taps.before_message(now, id_, from, message);
      machine_.on_message(now, from, channel, message, out);
    }
  }
  void on_timer(Time now, TimerId id, Actions& actions) override {
    Out out(*this, now, actions);
    machine_.on_timer(now, id, out);
  }
  void on_computed(Time now, ComputationKind kind, Actions& actions) override {
    Out out(*this, now, actions);
    machine_.on_computed(now, kind, out);
  }
  void on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) override {
    machine_.on_malformed(now, from, why, actions);
  }
  void on_interrupt(Time now, Actions& actions) override {
    Out out(*this, now, actions);
    machine_.on_interrupt(now, out);
  }

 private:
  class Out final : public ForwardedActions {
   public:
    Out(Tapped& tapped, Time now, Actions& actions) : ForwardedActions(actions), tapped_(tapped), now_(now) {
      tapped_.deployment_.now_ = now;
    }
    ~Out() override {
      if (const auto& tap = tapped_.deployment_.taps_.after_event) tap(now_, tapped_.id_);
    }
    Out(const Out&) = delete;
    Out& operator=(const Out&) = delete;

    std::size_t send(ProcessId to, Channel channel, Message message) override {
      SimulatedDeployment& deployment = tapped_.deployment_;
      if (deployment.taps_.on_send) deployment.taps_.on_send(now_, tapped_.id_, to, message);
      return ForwardedActions::send(to, channel, std::move(message));
    }

   private:
    Tapped& tapped_;
    Time now_;
  };

  SimulatedDeployment& deployment_;
  ProcessId id_;
  Machine& machine_;
};

SimulatedDeployment::SimulatedDeployment(DeploymentOptions options, const Workload& workload, Taps taps)
    : options_(std::move(options)),
      workload_(workload),
      taps_(std::move(taps)),
      shards_(workload.tables(), options_.shards),
      servers_(options_.datacenters.size()),
      logs_(options_.datacenters.size()) {
  simulation_ = std::make_unique<Simulation>(Simulation::Options{
      .link = [this](std::uint16_t from, std::uint16_t to) { return link_options(options_, from, to); },
      .lan = {.rate_bytes_per_s = 1e9, .delay = std::chrono::microseconds(50)},
      .faults = options_.faults,
      .link_seed = options_.seed,
      .absent = options_.absent,
      .threads = options_.threads,
      .interrupted = [this] { return options_.interrupted_at && now_ >= *options_.interrupted_at; },
      .observe = [this](Time now, ProcessId from, const Report& report) { observe(now, from, report); }});
  const auto is_absent = [&](ProcessId id) {
    return std::find(options_.absent.begin(), options_.absent.end(), id) != options_.absent.end();
  };
  const auto add = [&](ProcessId id, Machine& machine) {
    if (is_absent(id)) return;
    tapped_.push_back(std::make_unique<Tapped>(*this, id, machine));
    const auto* const server = dynamic_cast<const MirroredServer*>(&machine);
    if (!options_.reads_first || server == nullptr) return simulation_->add(id, *tapped_.back());
    reads_first_.push_back(std::make_unique<ReadsFirst>(*tapped_.back(), *server));
    simulation_->add(id, *reads_first_.back());
  };
  for (std::size_t d = 0; d < datacenters(); ++d) {
    const DatacenterShape& shape = options_.datacenters[d];
    const auto datacenter = static_cast<std::uint16_t>(d);
    for (std::uint16_t index = 0; index < shape.servers; ++index) {
      MirroredServer::Options server;
      const ProcessId id = ProcessId::server(datacenter, index);
      server.server = {.self = id,
                       .datacenter_name = name_of_datacenter(d),
                       .workers = shape.workers,
                       .servers = shape.servers,
                       .evaluate_every = options_.evaluate_every,
                       .stop_time = options_.stop_time,
                       .optimizer = options_.optimizer,
                       .part_bytes = options_.part_bytes};
      server.mirror.self = id;
      server.mirror.datacenter_name = name_of_datacenter(d);
      for (const TableSpec& table : workload_.tables()) server.mirror.table_names.push_back(table.name);
      const Overlay overlay = options_.overlay.value_or(Overlay::mesh(datacenters()));
      for (const OverlayNeighbour& neighbour : overlay.neighbours(d)) {
        const std::size_t other = neighbour.datacenter;
        const SharedLink::Options there = options_.link(d, other);
        server.mirror.neighbours.push_back({.name = name_of_datacenter(other),
                                            .datacenter = other,
                                            .servers = servers(other),
                                            .bytes_per_s = there.rate_bytes_per_s,
                                            .round_trip = there.delay + options_.link(other, d).delay,
                                            .relation = neighbour.relation,
                                            .behind = neighbour.behind,
                                            .sources = overlay.sources(d, other)});
      }
      server.mirror.stop = {.datacenters = datacenters(),
                            .own = d,
                            .clocks = options_.clocks,
                            .target = options_.target,
                            .larger_is_better = workload_.larger_is_better()};
      server.mirror.drain_deadline = options_.drain_deadline;
      server.mirror.absence = options_.absence;
      server.mirror.on_barrier = options_.on_barrier;
      server.mirror.barrier_deadline = options_.barrier_deadline;
      server.mode = options_.parts.value_or(parts_of(options_.mode));
      server.mode_parameters = options_.parameters;
      if (options_.mode == "bsp") server.mode_parameters.ds = 0;
      server.registry = options_.registry;
      server.weight = weight(d);
      servers_[d].push_back(std::move(MirroredServer::create(std::move(server), identity(id),
                                                             options_.deadlines, workload_, shards_))
                                .value());
      add(id, *servers_[d].back());
    }
    for (std::uint16_t index = 0; index < shape.workers; ++index) {
      const ProcessId id = ProcessId::worker(datacenter, index);
      workers_.push_back(std::make_unique<datacenter::Worker>(
          datacenter::WorkerOptions{.datacenter_name = name_of_datacenter(d),
                                    .servers = shape.servers,
                                    .evaluate_every = options_.evaluate_every,
                                    .compute_time = {.seed = options_.seed,
                                                     .seconds_per_clock = shape.seconds_per_clock,
                                                     .spread = options_.spread,
                                                     .seconds_per_evaluation = shape.seconds_per_clock},
                                    .part_bytes = options_.part_bytes},
          identity(id), options_.deadlines, workload_, shards_));
      add(id, *workers_.back());
    }
  }
}

SimulatedDeployment::~SimulatedDeployment() = default;

ModeParts parts_of(const std::string& mode) {
  if (mode == "gaia") return {};
  if (mode == "bsp") return {"all", "every_clock", "applied_clock", "ordered", false};
  if (mode == "ssp") return {"all", "every_clock", "applied_clock", "eager", false};
  if (mode == "async") return {"all", "every_h_clocks", "never", "eager", false};
  if (mode == "local_sgd") return {"all", "every_h_clocks", "applied_clock", "anchored", false};
  MERIDIAN_CHECK(mode == "isolated", "unknown mode {}", mode);
  return {"nothing", "every_clock", "never", "eager", false};
}

UpdateChunk SimulatedDeployment::chunk_of(ProcessId to, ProcessId from, const Update& update,
                                          const std::vector<Payload>& payloads) const {
  const Session& session = server(to).mirror().session_with(from);
  return decode(update, payloads.empty() ? Payload{} : payloads.front(), options_.parameters.encoding,
                session.shared)
      .value();
}

std::string SimulatedDeployment::name_of_datacenter(std::size_t datacenter) const {
  // Names whose order is not that of the positions.
  return fmt::format("{}{}", static_cast<char>('a' + (datacenter * 5 + 3) % 11), datacenter);
}

Identity SimulatedDeployment::identity(ProcessId id) const {
  return {.self = id,
          .name = process_name(name_of_datacenter(id.datacenter), id),
          .run_digest = 1,
          .incarnation = 1,
          .configuration = "",
          .explain_difference = [](const std::string&) { return std::string(); }};
}

double SimulatedDeployment::weight(std::size_t datacenter) const {
  std::size_t own = 0;
  std::size_t all = 0;
  for (std::size_t d = 0; d < datacenters(); ++d) {
    for (std::size_t w = 0; w < options_.datacenters[d].workers; ++w) {
      const std::size_t samples = workload_.samples_per_clock({d, w});
      all += samples;
      if (d == datacenter) own += samples;
    }
  }
  const double share = static_cast<double>(own) / static_cast<double>(all);
  return options_.weights_are_powers_of_two ? std::exp2(std::floor(std::log2(share))) : share;
}

Simulation::Outcome SimulatedDeployment::run() { return simulation_->run(); }

void SimulatedDeployment::observe(Time now, ProcessId from, const Report& report) {
  mix(static_cast<std::uint64_t>(now.count()));
  mix(std::hash<ProcessId>{}(from));
  mix(report.index());
  DatacenterLog& log = logs_.at(from.datacenter);
  if (const auto* progress = std::get_if<Progress>(&report)) {
    mix(progress->wan_bytes);
    mix(progress->entries_sent);
  } else if (const auto* measured = std::get_if<Measured>(&report)) {
    mix(std::bit_cast<std::uint64_t>(measured->objective));
    mix(std::bit_cast<std::uint64_t>(measured->difference_bound));
    if (measured->final) {
      log.final = *measured;
    } else {
      log.measured.push_back(*measured);
    }
  } else if (const auto* stopped = std::get_if<TrainingStopped>(&report)) {
    log.stopped_at = stopped->clock;
  } else if (const auto* notice = std::get_if<Notice>(&report)) {
    log.notices.push_back(notice->text);
  }
}

std::vector<FloatBuffer> SimulatedDeployment::replica(std::size_t datacenter) const {
  std::vector<FloatBuffer> tables;
  for (std::size_t table = 0; table < shards_.tables().size(); ++table) {
    tables.emplace_back(shards_.tables()[table].size());
    for (const auto& server : servers_.at(datacenter)) {
      const std::span<const float> own = server->store().values(table);
      std::copy(own.begin(), own.end(), tables.back().data() + server->store().ranges()[table].begin);
    }
  }
  return tables;
}

double SimulatedDeployment::relative_difference() const {
  std::vector<std::vector<FloatBuffer>> replicas;
  for (std::size_t d = 0; d < datacenters(); ++d) replicas.push_back(replica(d));
  double largest = 0.0;
  for (const auto& a : replicas) {
    for (const auto& b : replicas) {
      for (std::size_t table = 0; table < a.size(); ++table) {
        float difference = 0.0F;
        float scale = 0.0F;
        for (std::size_t i = 0; i < a[table].size(); ++i) {
          difference = std::max(difference, std::fabs(a[table][i] - b[table][i]));
          scale = std::max(scale, std::fabs(a[table][i]));
        }
        if (scale > 0.0F) largest = std::max(largest, static_cast<double>(difference / scale));
      }
    }
  }
  return largest;
}

std::uint64_t SimulatedDeployment::fingerprint() const {
  std::uint64_t all = fingerprint_;
  for (std::size_t d = 0; d < datacenters(); ++d) {
    for (const FloatBuffer& table : replica(d)) {
      for (const float value : table.span()) all = mix_bits(all ^ std::bit_cast<std::uint32_t>(value));
    }
  }
  return all;
}

}  // namespace meridian::wan

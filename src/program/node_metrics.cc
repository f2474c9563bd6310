#include "src/program/node_metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <limits>
#include <utility>

#include "src/config/host_port.h"
#include "src/monitoring/process_figures.h"
#include "src/program/process_events.h"

namespace meridian::program {
namespace {

using monitoring::Labels;
using monitoring::MetricSet;

constexpr double kSecondsPerHour = 3600.0;
constexpr double kBytesPerGb = 1e9;
constexpr std::array<const char*, 2> kKinds = {"control", "data"};  // by Channel

double number(std::uint64_t value) { return static_cast<double>(value); }

#ifdef NDEBUG
constexpr const char* kBuildType = "release";
#else
constexpr const char* kBuildType = "debug";
#endif

void add_rejected(MetricSet& set, const char* reason, std::uint64_t count) {
  set.add("meridian_rejected_messages_total", number(count), {{"reason", reason}});
}

void add_link(MetricSet& set, const wan::PeerFigures& peer, const Labels& to) {
  const auto with = [&](const char* key, const char* text) {
    Labels labels = to;
    labels.emplace_back(key, text);
    return labels;
  };
  set.add("meridian_link_bytes_total", number(peer.sent.data), with("kind", "data"));
  set.add("meridian_link_bytes_total", number(peer.sent.control), with("kind", "control"));
  set.add("meridian_link_payload_bytes_total", number(peer.sent.payload), to);
  for (std::size_t channel = 0; channel < kKinds.size(); ++channel) {
    const Labels kind = with("kind", kKinds.at(channel));
    set.add("meridian_link_messages_total", number(peer.sent_messages.at(channel)), kind);
    set.add("meridian_link_received_messages_total", number(peer.received_messages.at(channel)), kind);
  }
  set.add("meridian_link_rate_bytes_per_second", peer.rate_bytes_per_s, to);
  set.add("meridian_link_configured_rate_bytes_per_second", peer.configured_rate_bytes_per_s, to);
  set.add("meridian_link_round_trip_seconds", to_seconds(peer.round_trip), to);
  set.add("meridian_link_utilization_ratio", peer.utilization, to);
  set.add("meridian_link_backlog_entries", number(peer.backlog_entries), to);
  set.add("meridian_link_unacknowledged_bytes", number(peer.unacknowledged_bytes), to);
  set.add("meridian_link_window_bytes", number(peer.window_bytes), to);
  set.add("meridian_link_breaks_total", number(peer.breaks), to);
  set.add("meridian_link_resumes_total", number(peer.resumes), to);
  set.add("meridian_link_open_announcements", number(peer.announcements_in), with("direction", "in"));
  set.add("meridian_link_open_announcements", number(peer.announcements_out), with("direction", "out"));
}

void add_peer(MetricSet& set, const wan::PeerFigures& peer) {
  const Labels to{{"peer", peer.name}};
  set.add("meridian_peer_reported_clock", peer.reported, to);
  set.add("meridian_peer_applied_clock", peer.applied, to);
  set.add("meridian_peer_lag_clocks", peer.lag, to);
  set.add("meridian_peer_present", peer.present ? 1 : 0, to);
  set.add("meridian_peer_silence_seconds", to_seconds(peer.silence), to);
  set.add("meridian_filter_threshold_scale", peer.threshold_scale, to);
  add_link(set, peer, to);
}

}  // namespace

Labels process_labels(const Config& config, ProcessId self) {
  return {{"run", config.name},
          {"datacenter", config.datacenters.at(self.datacenter).name},
          {"role", to_string(self.role)},
          {"index", std::to_string(self.index)}};
}

monitoring::TargetGroup target_of(const Config& config, ProcessId self, const std::string& address) {
  const Labels labels = process_labels(config, self);
  return {{address}, {labels.begin(), labels.end()}};
}

std::uint16_t metrics_port(const Config& config, ProcessId self, std::uint16_t first, bool whole_deployment) {
  if (first == 0) return 0;
  std::size_t position = 0;
  for (const ProcessId id : processes_of(config)) {
    if (id == self) break;
    if (whole_deployment || id.datacenter == self.datacenter) ++position;
  }
  return static_cast<std::uint16_t>(first + position);
}

std::string reachable_address(const Config& config, ProcessId self, const std::string& address) {
  const std::optional<HostPort> listening = parse_host_port(address);
  if (!listening || (listening->host != "0.0.0.0" && listening->host != "::")) return address;
  const std::vector<HostConfig>& hosts = config.datacenters.at(self.datacenter).hosts;
  if (self.role == Role::server && self.index < hosts.size())
    return to_string(HostPort{hosts[self.index].lan_address, listening->port});
  std::array<char, HOST_NAME_MAX + 1> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return address;
  return to_string(HostPort{name.data(), listening->port});
}

std::filesystem::path targets_file_of(const std::filesystem::path& given, const std::string& process) {
  std::filesystem::path own = given;
  own.replace_filename(given.stem().string() + "-" + process + given.extension().string());
  return own;
}

void add_worker(MetricSet& set, const datacenter::WorkerFigures& figures) {
  set.add("meridian_worker_clocks_total", figures.clocks);
  set.add("meridian_worker_samples_total", number(figures.samples));
  const auto spent = [&](const char* part, Time time) {
    set.add("meridian_worker_seconds_total", to_seconds(time), {{"part", part}});
  };
  spent("compute", figures.work.compute);
  spent("evaluation", figures.work.evaluation);
  spent("push", figures.waits.push);
  spent("pull", figures.work.pull);
  spent("local_barrier", figures.waits.local_barrier);
  spent("selective_barrier", figures.waits.selective_barrier);
  spent("mirror_clock", figures.waits.mirror_clock);
}

void add_server(MetricSet& set, const Deployment& deployment, const wan::MirroredServer& server, Time now) {
  using Server = datacenter::Server;
  const wan::MirrorFigures mirror = server.mirror().figures(now);
  set.add("meridian_clocks_closed_total", server.server().closed());
  set.add("meridian_training", server.server().training() ? 1 : 0);
  const auto held = server.server().held_reads();
  const auto held_time = server.server().held_time(now);
  for (std::size_t cause = 0; cause < held.size(); ++cause) {
    const Labels of{{"cause", Server::to_string(static_cast<Server::WaitingFor>(cause))}};
    set.add("meridian_held_reads", number(held.at(cause)), of);
    set.add("meridian_held_read_seconds_total", to_seconds(held_time.at(cause)), of);
  }
  set.add("meridian_entries_considered_total", number(mirror.entries_considered));
  set.add("meridian_entries_sent_total", number(mirror.entries_sent));
  add_rejected(set, "protocol", mirror.protocol_violations);
  const std::vector<TableSpec>& tables = deployment.workload().tables();
  for (std::size_t table = 0; table < tables.size(); ++table) {
    const Labels of{{"table", tables[table].name}};
    set.add("meridian_filter_threshold", mirror.thresholds.at(table), of);
    // Nothing was measured before the first evaluation.
    if (table < mirror.residual_norms.size())
      set.add("meridian_residual_norm", mirror.residual_norms[table], of);
  }
  if (!mirror.residual_norms.empty()) set.add("meridian_replica_difference_bound", mirror.difference_bound);
  set.add("meridian_mirror_clock_bound_clocks",
          mirror.bound ? static_cast<double>(*mirror.bound) : std::numeric_limits<double>::infinity());
  const auto& prices = deployment.config().wan.prices;
  const std::size_t own = server.mirror().datacenter();
  for (const wan::PeerFigures& peer : mirror.peers) {
    add_peer(set, peer);
    if (!prices || !prices->regions.at(own).egress_per_gb) continue;
    set.add("meridian_link_price_per_byte", *prices->regions[own].egress_per_gb / kBytesPerGb,
            {{"peer", peer.name}, {"currency", prices->currency}});
  }
}

void add_datacenter(MetricSet& set, const Deployment& deployment, std::uint16_t datacenter,
                    const std::optional<Measured>& measured) {
  const Config& config = deployment.config();
  if (config.workload.stop.target) set.add("meridian_objective_target", *config.workload.stop.target);
  if (measured) {
    set.add("meridian_objective", measured->objective);
    set.add("meridian_loss", measured->loss);
    if (measured->train_loss) set.add("meridian_train_loss", *measured->train_loss);
    for (const NamedFigure& figure : measured->figures)
      set.add("meridian_figure", figure.value, {{"figure", figure.name}});
    set.add("meridian_evaluated_clock", measured->clock);
  }
  set.add("meridian_machines", number(config.datacenters.at(datacenter).paid_machines()));
  const auto& prices = config.wan.prices;
  if (!prices || !prices->regions.at(datacenter).machine_per_hour) return;
  set.add("meridian_machine_price_per_second",
          *prices->regions[datacenter].machine_per_hour / kSecondsPerHour, {{"currency", prices->currency}});
}

void add_process(MetricSet& set, const Deployment& deployment, const RuntimeFigures& runtime,
                 std::optional<FaultKind> fault) {
  add_rejected(set, "unknown_caller", runtime.unknown_callers);
  add_rejected(set, "other_run", runtime.other_run);
  add_rejected(set, "malformed", runtime.malformed);
  set.add("meridian_dropped_messages_total", number(runtime.dropped));
  set.add("meridian_lan_waiting_bytes", number(runtime.lan_waiting_bytes));
  for (const FaultKind kind : {FaultKind::failed, FaultKind::drain_timeout, FaultKind::not_finite})
    set.add("meridian_faults_total", fault == kind ? 1 : 0, {{"kind", to_string(kind)}});
  set.add("meridian_build_info", 1,
          {{"version", MERIDIAN_VERSION}, {"compiler", __VERSION__}, {"build_type", kBuildType}});
  const Config& config = deployment.config();
  set.add("meridian_run_info", 1,
          {{"mode", config.wan.mode},
           {"workload", config.workload.model.kind},
           {"metric", deployment.workload().metric_name()},
           {"better", deployment.workload().larger_is_better() ? "larger" : "smaller"},
           {"config_digest", fmt::format("{:016x}", deployment.run_digest())}});
  monitoring::add_process_figures(set);
}

}  // namespace meridian::program

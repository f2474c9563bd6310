#include "src/monitoring/catalogue.h"

#include <algorithm>
#include <array>

namespace meridian::monitoring {
namespace {

constexpr auto kCounter = MetricType::counter;
constexpr auto kGauge = MetricType::gauge;

constexpr auto kMetrics = std::to_array<MetricInfo>({
    // A worker.
    {"meridian_worker_clocks_total", kCounter, "Clocks that this worker has finished"},
    {"meridian_worker_samples_total", kCounter, "Samples in this worker's updates"},
    {"meridian_worker_seconds_total", kCounter,
     "Where this worker's time went, by part: compute, evaluation, push, pull, local_barrier, "
     "selective_barrier, mirror_clock"},
    // Learning, as the first server of a datacenter knows it.
    {"meridian_objective", kGauge, "The objective of this replica at the last evaluation"},
    {"meridian_objective_target", kGauge, "The objective at which the run stops"},
    {"meridian_loss", kGauge, "The held-out loss of this replica at the last evaluation; lower is better"},
    {"meridian_train_loss", kGauge, "The mean training loss between the last two evaluations"},
    {"meridian_figure", kGauge, "A further figure of the last evaluation"},
    {"meridian_evaluated_clock", kGauge, "The clock of the last evaluation"},
    // A server.
    {"meridian_clocks_closed_total", kCounter, "Clocks that this server's shards have closed"},
    {"meridian_training", kGauge, "1 from the first model that was served until the stop"},
    {"meridian_held_reads", kGauge,
     "Reads held back now, by cause: push, local_barrier, selective_barrier, mirror_clock, start, drain"},
    {"meridian_held_read_seconds_total", kCounter,
     "Time that reads were held back, summed, by cause; those that still are included"},
    {"meridian_entries_considered_total", kCounter,
     "Entries that the filter looked at, for each pass and link"},
    {"meridian_entries_sent_total", kCounter, "Entries of these that went out"},
    {"meridian_filter_threshold", kGauge,
     "The filter's threshold in force, relative to the value (0.01 is 1 %); 0 where the method has none"},
    {"meridian_filter_threshold_scale", kGauge, "The factor on the threshold for the link to a peer"},
    {"meridian_residual_norm", kGauge,
     "Euclidean norm of the updates not yet sent, at the last evaluation, on the link with most"},
    {"meridian_replica_difference_bound", kGauge,
     "By how much a peer's replica may differ from this one, relative to the largest value, at the last "
     "evaluation"},
    {"meridian_mirror_clock_bound_clocks", kGauge,
     "Clocks ahead of the slowest datacenter that reads may go (DS); +Inf where nobody waits"},
    // A server and one other datacenter.
    {"meridian_peer_reported_clock", kGauge, "The clock that the peer has reported"},
    {"meridian_peer_applied_clock", kGauge,
     "The clock up to which all of the peer's updates are applied here"},
    {"meridian_peer_lag_clocks", kGauge, "Clocks by which the peer is behind this server"},
    {"meridian_peer_present", kGauge, "0 while the others go on without the peer"},
    {"meridian_peer_silence_seconds", kGauge, "Time since anything came from the peer"},
    {"meridian_link_bytes_total", kCounter,
     "Bytes sent to the peer, by kind (data, control), with headers and framing, without TCP/IP"},
    {"meridian_link_payload_bytes_total", kCounter, "Bytes of updates sent to the peer, without headers"},
    {"meridian_link_messages_total", kCounter, "Messages sent to the peer, by kind"},
    {"meridian_link_received_messages_total", kCounter, "Messages that came from the peer, by kind"},
    {"meridian_link_rate_bytes_per_second", kGauge, "The rate of the link to the peer, as measured"},
    {"meridian_link_configured_rate_bytes_per_second", kGauge,
     "The rate of the link to the peer, as the configuration says"},
    {"meridian_link_round_trip_seconds", kGauge, "The round trip to the peer, as measured"},
    {"meridian_link_utilization_ratio", kGauge, "The share of the measured rate in use of late"},
    {"meridian_link_backlog_entries", kGauge, "Entries that wait for room on the link, at most"},
    {"meridian_link_unacknowledged_bytes", kGauge, "Payload on its way, or not acknowledged yet"},
    {"meridian_link_window_bytes", kGauge, "The most payload that may be on its way"},
    {"meridian_link_breaks_total", kCounter, "Times that something from the peer was missing"},
    {"meridian_link_resumes_total", kCounter, "Times that the peer asked for what was missing there"},
    {"meridian_link_open_announcements", kGauge,
     "Announcements whose values are still on their way, by direction: in (they hold reads here), out"},
    // What it costs; only where the links file has prices.
    {"meridian_link_price_per_byte", kGauge, "The price of a byte sent to the peer"},
    {"meridian_machines", kGauge, "Machines of this datacenter that are paid for"},
    {"meridian_machine_price_per_second", kGauge, "The price of one of them"},
    // Every process.
    {"meridian_rejected_messages_total", kCounter,
     "Messages that were rejected, by reason: unknown_caller, other_run, malformed, protocol"},
    {"meridian_dropped_messages_total", kCounter, "Own messages that no connection took"},
    {"meridian_lan_waiting_bytes", kGauge, "Bytes that the shaped LAN of `meridian run` still carries"},
    {"meridian_faults_total", kCounter,
     "1 once this process has ended by a fault, by kind: failed, drain_timeout, not_finite"},
    {"meridian_snapshot_age_seconds", kGauge,
     "Age of the other figures; the process is stuck where it grows"},
    {"meridian_snapshot_seconds_total", kCounter,
     "Time that the process's main thread has spent on making these figures"},
    {"meridian_build_info", kGauge, "1, with what the program was built from"},
    {"meridian_run_info", kGauge, "1, with what the run is"},
    {"process_cpu_seconds_total", kCounter, "Processor time of this process, user and system"},
    {"process_resident_memory_bytes", kGauge, "Memory of this process in RAM"},
    {"process_virtual_memory_bytes", kGauge, "Address space of this process"},
    {"process_start_time_seconds", kGauge, "When this process started, since 1970"},
    {"process_open_fds", kGauge, "Open file descriptors"},
    {"process_max_fds", kGauge, "The most that may be open"},
    {"process_threads", kGauge, "Threads of this process"},
});

}  // namespace

std::span<const MetricInfo> catalogue() { return kMetrics; }

const MetricInfo* find_metric(std::string_view name) {
  const auto* const found = std::find_if(kMetrics.begin(), kMetrics.end(),
                                         [&](const MetricInfo& metric) { return name == metric.name; });
  return found == kMetrics.end() ? nullptr : found;
}

}  // namespace meridian::monitoring

// What a process of a run serves for Prometheus: the figures of its machine, its runtime and its learning,
// put under the names of the catalogue (src/monitoring/catalogue.h).
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "datacenter/worker.h"
#include "src/monitoring/metric_set.h"
#include "src/monitoring/targets_file.h"
#include "src/program/deployment.h"
#include "src/runtime/machine.h"
#include "src/runtime/real/real_runtime.h"
#include "wan/mirrored_server.h"

namespace meridian::program {

/// run, datacenter, role, index: the labels of every sample of a process.
monitoring::Labels process_labels(const Config& config, ProcessId self);

/// A process that serves its metrics at `address`, as it is listed for Prometheus.
monitoring::TargetGroup target_of(const Config& config, ProcessId self, const std::string& address);

/// The port of a process where `first` is the one of its datacenter's first process: servers come first, then
/// workers. With `whole_deployment` the row goes over all datacenters, as on one machine.
std::uint16_t metrics_port(const Config& config, ProcessId self, std::uint16_t first, bool whole_deployment);

/// How others reach the metrics of a process that listens at `address`: where that stands for all addresses
/// of its machine, a server's as its datacenter knows it, a worker's by the machine's name.
std::string reachable_address(const Config& config, ProcessId self, const std::string& address);

/// The targets file of a process started by hand where all are given the same one: a file of its own beside
/// it.
std::filesystem::path targets_file_of(const std::filesystem::path& given, const std::string& process);

/// Adds what a worker tells.
void add_worker(monitoring::MetricSet& set, const datacenter::WorkerFigures& figures);

/// Adds what a server tells at `now`.
void add_server(monitoring::MetricSet& set, const Deployment& deployment, const wan::MirroredServer& server,
                Time now);

/// Adds what the first server of a datacenter knows of its learning and its cost. `measured`: the last
/// evaluation, if there was one.
void add_datacenter(monitoring::MetricSet& set, const Deployment& deployment, std::uint16_t datacenter,
                    const std::optional<Measured>& measured);

/// Adds what every process tells. `fault`: what has ended it.
void add_process(monitoring::MetricSet& set, const Deployment& deployment, const RuntimeFigures& runtime,
                 std::optional<FaultKind> fault);

}  // namespace meridian::program

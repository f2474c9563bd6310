// meridian simulate CONFIG: the whole deployment in virtual time.
#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "src/config/resolved_yaml.h"
#include "src/output/atomic_file.h"
#include "src/output/join_datacenters.h"
#include "src/output/run_folder.h"
#include "src/program/calibration.h"
#include "src/program/commands.h"
#include "src/program/datacenter_record.h"
#include "src/program/deployment.h"
#include "src/program/link_parts.h"
#include "src/program/run_log.h"
#include "src/program/run_setup.h"
#include "src/program/status_line.h"
#include "src/runtime/simulated/simulation.h"
#include "src/sweep/prices.h"

namespace meridian::program {
namespace {

// Between two lines of progress, where stderr is no terminal.
constexpr Time kUsualInterval = std::chrono::seconds(5);
constexpr Time kProgressInterval = std::chrono::seconds(1);

// What libzmq needs before the first message: three flights of the greeting (signature, version, mechanism)
// and one of the READY command, each way. TCP's own handshake is with the emulator's relay, next door.
constexpr double kHandshakeRoundTrips = 2.0;

volatile std::sig_atomic_t interrupt_signals = 0;

void on_interrupt_signal(int signal_number) {
  interrupt_signals = interrupt_signals + 1;
  // The second one does not wait for the outputs.
  if (interrupt_signals > 1) {
    std::signal(signal_number, SIG_DFL);
    std::raise(signal_number);
  }
}

/// Longer than any honest silence of a run: what its slowest computation and its deadlines take, several
/// times.
Time stalled_after(const Config& config) {
  double slowest = 1.0;
  for (const auto& [datacenter, factor] : config.workload.compute.factor) slowest = std::max(slowest, factor);
  const ComputeConfig& compute = config.workload.compute;
  const double computation = slowest * (2 * compute.seconds_per_clock + compute.seconds_per_evaluation);
  const DeadlinesConfig& deadlines = config.wan.deadlines;
  const double waits =
      deadlines.start_s + deadlines.silence_s + deadlines.drain_s + deadlines.wait_s + deadlines.barrier_s;
  return from_seconds(3600 + 4 * (computation + waits));
}

/// The machines of one simulated run and what is recorded of it.
class SimulatedRun {
 public:
  static Result<std::unique_ptr<SimulatedRun>> create(const Deployment& deployment, unsigned threads,
                                                      const std::filesystem::path& folder, bool progress) {
    std::unique_ptr<SimulatedRun> made(new SimulatedRun(deployment, threads, folder, progress));
    for (const ProcessId id : deployment.processes()) {
      if (id.role == Role::worker) {
        made->workers_.push_back(deployment.make_worker(id.datacenter, id.index, /*incarnation=*/1));
        made->simulation_.add(id, *made->workers_.back());
        continue;
      }
      auto server = deployment.make_server(id.datacenter, id.index, /*incarnation=*/1);
      if (!server) return server.error();
      made->simulation_.add(id, *server.value());
      made->servers_[id.datacenter].push_back(std::move(server).value());
    }
    return made;
  }

  /// Runs to the end and makes the whole run's summary and timeline.
  Result<output::JoinedRun> run() {
    const Simulation::Outcome outcome = simulation_.run();
    status_.finish();
    std::string reason;
    if (outcome.fault) {
      reason = fmt::format("{}: {}", deployment_.name_of(outcome.fault->process), outcome.fault->reason);
      log_.line(outcome.ended, RunLog::Level::error, reason);
      for (DatacenterRecord& record : records_) record.on_fault(outcome.fault->kind, reason);
    }
    std::optional<Time> zero;
    for (const DatacenterRecord& record : records_) {
      if (record.started() && (!zero || *record.started() < *zero)) zero = record.started();
    }
    std::vector<output::DatacenterPart> parts;
    for (std::size_t d = 0; d < records_.size(); ++d) {
      parts.push_back(records_[d].part(zero.value_or(Time{0})));
      if (records_[d].finished()) parts.back().model = final_model(d);
    }
    Result<output::JoinedRun> joined = output::join_datacenters(
        std::move(parts), datacenter_names(deployment_.config()), link_rates(deployment_.config()));
    // Every part says it; the run says it once.
    if (joined && outcome.fault) joined.value().summary.failure = reason;
    if (joined && largest_difference_) {
      joined.value().summary.replicas.max_relative_difference = largest_difference_;
    }
    if (joined) sweep::add_cost(deployment_.config(), joined.value().summary);
    return joined;
  }

  /// One datacenter's replica in the end.
  output::Model final_model(std::size_t datacenter) const {
    output::Model model;
    model.tables = deployment_.workload().tables();
    for (const std::span<const float> table : servers_.at(datacenter).front()->server().final_tables()) {
      FloatBuffer values(table.size());
      std::copy(table.begin(), table.end(), values.data());
      model.values.push_back(std::move(values));
    }
    return model;
  }

 private:
  SimulatedRun(const Deployment& deployment, unsigned threads, const std::filesystem::path& folder,
               bool progress)
      : deployment_(deployment),
        servers_(deployment.config().datacenters.size()),
        wan_bytes_(deployment.config().datacenters.size(), 0),
        status_(StatusLine::on_stderr(progress ? kProgressInterval : kUsualInterval)),
        log_(folder / output::kLogFile, deployment.config(), std::nullopt, /*wall_time=*/false),
        simulation_({.link =
                         [&links = deployment.config().wan.links](std::uint16_t from, std::uint16_t to) {
                           return wide_area_link_options(links[from][to], links[to][from]);
                         },
                     .egress =
                         [&caps = deployment.config().wan.caps](std::uint16_t datacenter) {
                           return bytes_per_second(caps[datacenter].egress_mbps);
                         },
                     .ingress =
                         [&caps = deployment.config().wan.caps](std::uint16_t datacenter) {
                           return bytes_per_second(caps[datacenter].ingress_mbps);
                         },
                     .lan = shared_link_options(deployment.config().wan.lan),
                     .handshake_round_trips = kHandshakeRoundTrips,
                     .link_seed = deployment.config().seed,
                     .threads = threads,
                     .stalled_after = stalled_after(deployment.config()),
                     .interrupted = [] { return interrupt_signals > 0; },
                     .observe = [this](Time now, ProcessId from,
                                       const Report& report) { observe(now, from, report); }}) {
    for (std::size_t d = 0; d < deployment.config().datacenters.size(); ++d) {
      records_.emplace_back(deployment, d, output::RunMode::simulate);
    }
  }

  void observe(Time now, ProcessId from, const Report& report) {
    if (const auto* notice = std::get_if<Notice>(&report)) {
      log_.warn(now, notice->text, origin_of(deployment_.config(), from));
      return;
    }
    if (from.role != Role::server || from.index != 0) return;
    if (std::holds_alternative<TrainingStarted>(report) && !began_) begin(now);
    DatacenterRecord& record = records_[from.datacenter];
    record.on_report(now, report);
    if (const auto* progress = std::get_if<Progress>(&report)) {
      wan_bytes_[from.datacenter] = progress->wan_bytes;
      latest_.entries_considered = progress->entries_considered;
      latest_.entries_sent = progress->entries_sent;
      show(now);
    }
    if (const auto* measured = std::get_if<Measured>(&report)) {
      log_.line(now, RunLog::Level::info,
                fmt::format("{} {:.4f} at clock {}{}", deployment_.workload().metric_name(),
                            measured->objective, measured->clock, measured->final ? ", after the drain" : ""),
                origin_of(deployment_.config(), from));
      if (!measured->final && (!compared_ || *compared_ < measured->clock)) {
        compared_ = measured->clock;
        compare_replicas();
      }
      if (!measured->final) latest_.objective = measured->objective;
      show(now);
    }
  }

  /// Traces and events of the links count from now on.
  void begin(Time now) {
    began_ = true;
    simulation_.start_traces();
    for (ScheduledFault fault : scheduled_faults(deployment_.config())) {
      std::visit([now](auto& one) { one.at += now; }, fault);
      simulation_.inject(fault);
    }
  }

  /// The exact difference between the replicas as they are now.
  void compare_replicas() {
    std::vector<output::Model> replicas;
    for (const auto& servers : servers_) {
      output::Model replica;
      replica.tables = deployment_.workload().tables();
      for (std::size_t table = 0; table < replica.tables.size(); ++table) {
        FloatBuffer values(replica.tables[table].size());
        for (const auto& server : servers) {
          const std::span<const float> own = server->store().values(table);
          std::copy(own.begin(), own.end(), values.data() + server->store().ranges()[table].begin);
        }
        replica.values.push_back(std::move(values));
      }
      replicas.push_back(std::move(replica));
    }
    std::vector<const output::Model*> views;
    for (const output::Model& replica : replicas) views.push_back(&replica);
    const auto difference = output::max_relative_difference(views);
    if (difference && difference.value()) {
      largest_difference_ = std::max(largest_difference_.value_or(0.0), *difference.value());
    }
  }

  void show(Time now) {
    const auto wall = std::chrono::steady_clock::now();
    RunStatus status;
    status.time_s = to_seconds(now);
    status.metric = deployment_.workload().metric_name();
    status.objective = latest_.objective;
    status.target = deployment_.config().workload.stop.target;
    std::uint64_t wan_bytes = 0;
    for (const std::uint64_t bytes : wan_bytes_) wan_bytes += bytes;
    status.wan_mb_per_s = now.count() > 0 ? static_cast<double>(wan_bytes) / to_seconds(now) / 1e6 : 0.0;
    if (latest_.entries_considered > 0) {
      status.entries_sent_share =
          static_cast<double>(latest_.entries_sent) / static_cast<double>(latest_.entries_considered);
    }
    const double seconds = std::chrono::duration<double>(wall - began_at_).count();
    if (seconds > 0) {
      status.speed =
          RunStatus::Speed{to_seconds(now) / seconds, static_cast<double>(simulation_.events()) / seconds};
    }
    const auto slowest = std::min_element(records_.begin(), records_.end(),
                                          [](const auto& a, const auto& b) { return a.clock() < b.clock(); });
    status.slowest_datacenter =
        deployment_.config().datacenters[static_cast<std::size_t>(slowest - records_.begin())].name;
    status.clock = slowest->clock();
    status_.update(status, wall.time_since_epoch());
  }

  const Deployment& deployment_;
  std::vector<std::vector<std::unique_ptr<wan::MirroredServer>>> servers_;  // by datacenter
  std::vector<std::unique_ptr<datacenter::Worker>> workers_;
  std::vector<DatacenterRecord> records_;
  std::vector<std::uint64_t> wan_bytes_;  // sent by each datacenter's first server so far
  /// What the status line shows until something newer comes.
  struct Latest {
    std::optional<double> objective;
    std::uint64_t entries_considered = 0;
    std::uint64_t entries_sent = 0;
  };

  bool began_ = false;
  std::chrono::steady_clock::time_point began_at_ = std::chrono::steady_clock::now();
  Latest latest_;
  std::optional<Clock> compared_;
  std::optional<double> largest_difference_;
  StatusLine status_;
  RunLog log_;
  Simulation simulation_;
};

Failure write_outputs(const std::filesystem::path& folder, const output::JoinedRun& joined,
                      const std::optional<output::Model>& model) {
  if (Failure failure = output::write_timeline(folder / output::kTimelineFile, joined.timeline))
    return failure;
  if (model) {
    std::vector<std::span<const float>> views;
    for (const FloatBuffer& values : model->values) views.push_back(values.span());
    if (Failure failure = output::write_model(folder / output::kModelFile, model->tables, views))
      return failure;
  }
  return output::write_summary(folder / output::kSummaryFile, joined.summary);
}

}  // namespace

int simulate_command(const SimulateArguments& arguments) {
  Result<Config> config = load_config(arguments.config);
  if (!config) {
    print_error(config.error().message);
    return kBadUsage;
  }
  const std::filesystem::path folder = run_folder(config.value(), arguments.output);
  if (const Failure failure = output::prepare_run_folder(folder, arguments.output.overwrite)) {
    print_error(failure->message);
    return kBadUsage;
  }
  Result<std::unique_ptr<Deployment>> built = Deployment::create(std::move(config).value());
  if (!built) {
    print_error(built.error().message);
    return kBadUsage;
  }
  std::unique_ptr<Deployment> deployment = std::move(built).value();
  if (deployment->config().workload.compute.measured) {
    print_error("measuring how long a computation takes here (workload.compute: measured)");
    deployment->set_compute(measure_compute(*deployment));
  }
  print_data_note(*deployment);
  if (const Failure failure =
          output::write_text_atomically(folder / output::kConfigFile, resolved_yaml(deployment->config()))) {
    print_error(failure->message);
    return kFailed;
  }

  std::signal(SIGINT, on_interrupt_signal);
  std::signal(SIGTERM, on_interrupt_signal);
  const unsigned threads =
      arguments.threads != 0 ? arguments.threads : std::max(1U, std::thread::hardware_concurrency());
  Result<std::unique_ptr<SimulatedRun>> run =
      SimulatedRun::create(*deployment, threads, folder, arguments.progress);
  if (!run) {
    print_error(run.error().message);
    return kBadUsage;
  }
  const Result<output::JoinedRun> joined = run.value()->run();
  if (!joined) {
    print_error(joined.error().message);
    return kFailed;
  }
  std::optional<output::Model> model;
  if (!joined.value().summary.failure) model = run.value()->final_model(0);
  if (const Failure failure = write_outputs(folder, joined.value(), model)) {
    print_error(failure->message);
    return kFailed;
  }
  return conclude(joined.value().summary, folder);
}

}  // namespace meridian::program

// meridian node: one process of a deployment. `meridian run` starts the same processes with a line back to
// itself.
#include <fmt/format.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <random>
#include <utility>

#include "src/config/resolved_yaml.h"
#include "src/monitoring/endpoint.h"
#include "src/monitoring/targets_file.h"
#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"
#include "src/program/addresses.h"
#include "src/program/calibration.h"
#include "src/program/commands.h"
#include "src/program/datacenter_record.h"
#include "src/program/deployment.h"
#include "src/program/launcher_link.h"
#include "src/program/link_parts.h"
#include "src/program/node_metrics.h"
#include "src/program/process_events.h"
#include "src/program/run_log.h"
#include "src/program/run_setup.h"
#include "src/program/signal_descriptor.h"
#include "src/program/status_line.h"
#include "src/runtime/real/kept_memory.h"
#include "src/runtime/real/real_runtime.h"
#include "wan/reads_first.h"

namespace meridian::program {
namespace {

double unix_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// One process of a run: its machine, the runtime that hosts it, and what it leaves behind.
class Node {
 public:
  Node(const Deployment& deployment, ProcessId self, std::filesystem::path folder,
       std::optional<LauncherLink> launcher)
      : deployment_(deployment),
        self_(self),
        folder_(std::move(folder)),
        launcher_(std::move(launcher)),
        log_(folder_ / output::kLogFile, deployment.config(), origin_of(deployment.config(), self),
             /*wall_time=*/true),
        status_(StatusLine::on_stderr()),
        record_(deployment, self.datacenter, output::RunMode::run),
        timeline_(folder_ / output::kTimelineFile) {}

  bool leads() const { return self_.role == Role::server && self_.index == 0; }

  /// The process's whole life. Its exit code.
  int live(const AddressBook& book, int signals) {
    const std::uint64_t incarnation = std::random_device{}() | std::uint64_t{std::random_device{}()} << 32;
    Machine* machine = nullptr;
    std::vector<ProcessId> counterparts;
    if (self_.role == Role::worker) {
      // Before the run begins, so that its first clock takes no longer than the others.
      warm_up(deployment_.workload(), {self_.datacenter, self_.index});
      worker_ = deployment_.make_worker(self_.datacenter, self_.index, incarnation);
      machine = worker_.get();
    } else {
      auto made = deployment_.make_server(self_.datacenter, self_.index, incarnation);
      if (!made) return give_up(made.error().message, kBadUsage);
      server_ = std::move(made).value();
      reads_first_ = std::make_unique<wan::ReadsFirst>(*server_, *server_);
      machine = reads_first_.get();
      counterparts = server_->mirror().counterparts();
    }
    const std::size_t servers = deployment_.config().datacenters[self_.datacenter].servers;
    Result<Addresses> addresses = book.of(self_, servers, counterparts, process_names(deployment_.config()));
    if (!addresses) return give_up(addresses.error().message, kBadUsage);
    if (leads()) {
      if (const Failure failure = timeline_.open()) return give_up(failure->message, kFailed);
    }
    keep_freed_memory();
    auto created =
        RealRuntime::create({.self = self_,
                             .run_digest = deployment_.run_digest(),
                             .incarnation = incarnation,
                             .addresses = std::move(addresses).value(),
                             .lan = shaped_lan(),
                             .observe = [this](Time now, const Report& report) { observe(now, report); },
                             .name_of = [this](ProcessId id) { return name_of(id); }},
                            *machine);
    if (!created) return give_up(created.error().message, kFailed);
    runtime_ = std::move(created).value();
    runtime_->watch_fd(signals, [this, signals] { return on_signal(signals); });
    if (launcher_) runtime_->watch_fd(launcher_->fd(), [this] { return on_launcher(); });
    if (const Failure failure = serve_metrics()) return give_up(failure->message, kBadUsage);

    const std::optional<RealRuntime::Fault> fault = runtime_->run();
    status_.finish();
    if (metrics_) metrics_->gate().close(metrics(fault ? std::optional(fault->kind) : std::nullopt));
    const int code = end(fault);
    // Last of all, so that a shutdown that hangs can be seen, and a fault by whoever looks now and then.
    if (metrics_ && fault && interrupts_ == 0) linger(signals);
    if (targets_file_) (void)monitoring::write_targets(*targets_file_, {});
    return code;
  }

 private:
  /// Waits for whoever looks at the metrics now and then, unless somebody wants this process to end.
  void linger(int signals) {
    const auto most = launcher_ ? kLongestLingerLaunched : kLongestLinger;
    const std::chrono::milliseconds longest = metrics_->gate().expected_within(most);
    pollfd signal{signals, POLLIN, 0};
    (void)::poll(&signal, 1, static_cast<int>(longest.count()));
  }

  /// What is left to do once the machine has ended. The exit code.
  int end(const std::optional<RealRuntime::Fault>& fault) {
    if (fault) {
      record_.on_fault(fault->kind, fault->reason);
      tell({.kind = ProcessEvent::Kind::fault, .fault_kind = fault->kind, .text = fault->reason});
      log_.line(runtime_->now(), RunLog::Level::error, fault->reason);
      if (!launcher_) print_error(fmt::format("meridian: {}", fault->reason));
    }
    // Sockets close (and what was sent last leaves) before the outputs: nobody waits for our disk.
    runtime_.reset();
    if (const Failure failure = write_outputs(!fault)) return give_up(failure->message, kFailed);
    if (fault) return kFailed;
    if (leads() && !launcher_)
      return conclude(record_.part(record_.started().value_or(Time{0})).summary, folder_);
    return kDone;
  }

  /// Opens the address at which this process's metrics are served, and says which it is.
  Failure serve_metrics() {
    const std::optional<HostPort>& address = deployment_.config().metrics.address;
    if (!address) return {};
    const std::uint16_t port =
        metrics_port(deployment_.config(), self_, address->port, /*whole_deployment=*/launcher_.has_value());
    auto opened = monitoring::Endpoint::create(to_string(HostPort{address->host, port}),
                                               process_labels(deployment_.config(), self_));
    if (!opened) return opened.error();
    metrics_ = std::move(opened).value();
    runtime_->watch_fd(metrics_->gate().fd(), [this] {
      const Time began = runtime_->now();
      metrics_->gate().answer(metrics(std::nullopt));
      snapshot_time_ += runtime_->now() - began;
      return true;
    });
    tell({.kind = ProcessEvent::Kind::watched, .text = metrics_->address()});
    if (launcher_) return {};
    const std::string text = fmt::format("metrics at http://{}/metrics", metrics_->address());
    log_.line(runtime_->now(), RunLog::Level::info, text);
    status_.print(text);
    targets_file_ = targets_file();
    const std::string reachable = reachable_address(deployment_.config(), self_, metrics_->address());
    const Failure failure =
        monitoring::write_targets(*targets_file_, {target_of(deployment_.config(), self_, reachable)});
    if (failure) {
      observe(runtime_->now(),
              Notice{fmt::format("Prometheus will not find this process: {}", failure->message)});
    }
    return {};
  }

  /// The file that lists this process's address, and no other one's.
  std::filesystem::path targets_file() const {
    const std::optional<std::filesystem::path>& given = deployment_.config().metrics.targets;
    if (!given) return folder_ / output::kTargetsFile;
    return targets_file_of(*given, name_of(self_));
  }

  /// All that this process tells of itself now, with the fault that has ended it.
  std::vector<prometheus::MetricFamily> metrics(std::optional<FaultKind> fault) const {
    monitoring::MetricSet set(process_labels(deployment_.config(), self_));
    if (worker_) add_worker(set, worker_->figures());
    if (server_) add_server(set, deployment_, *server_, runtime_->now());
    if (leads()) add_datacenter(set, deployment_, self_.datacenter, measured_);
    add_process(set, deployment_, runtime_->figures(), fault);
    set.add("meridian_snapshot_seconds_total", to_seconds(snapshot_time_));
    return set.take();
  }

  /// Whoever a launcher started has all of its datacenter on this machine; real hosts have a LAN.
  std::optional<SharedLink::Options> shaped_lan() const {
    if (!launcher_) return std::nullopt;
    return shared_link_options(deployment_.config().wan.lan);
  }

  std::string name_of(ProcessId id) const {
    return process_name(deployment_.config().datacenters.at(id.datacenter).name, id);
  }

  int give_up(const std::string& reason, int code) {
    tell({.kind = ProcessEvent::Kind::fault, .text = reason});
    if (!launcher_) print_error(reason);
    log_.line(Time{0}, RunLog::Level::error, reason);
    return code;
  }

  void tell(const ProcessEvent& event) {
    if (launcher_) launcher_->send_line(to_line(event));
  }

  void observe(Time now, const Report& report) {
    log_.tick(now);
    if (std::holds_alternative<TrainingStarted>(report)) started_unix_s_ = unix_seconds();
    if (const auto* measured = std::get_if<Measured>(&report)) measured_ = *measured;
    if (leads()) record_.on_report(now, report);
    const bool is_progress = std::holds_alternative<Progress>(report);
    if (is_progress && (!leads() || now - last_progress_ < kProgressEvery)) return;
    if (is_progress) last_progress_ = now;
    const ProcessEvent event = event_of(report);
    tell(event);
    if (const auto* measured = std::get_if<Measured>(&report); measured != nullptr && !measured->final) {
      if (const Failure failure =
              timeline_.append(record_.sample(now, *measured, record_.started().value_or(Time{0})))) {
        runtime_->abort(failure->message);
      }
    }
    if (is_progress) {
      if (!launcher_) show(now, event);
      return;
    }
    const auto info = [&](const std::string& text) { log_.line(now, RunLog::Level::info, text); };
    switch (event.kind) {
      case ProcessEvent::Kind::started:
        return info("training began");
      case ProcessEvent::Kind::measured:
        objective_ = event.objective;
        return info(fmt::format("{} {:.4f} at clock {}{}", deployment_.workload().metric_name(),
                                event.objective, event.clock, event.final ? ", after the drain" : ""));
      case ProcessEvent::Kind::stopped:
        return info(fmt::format("training stopped at clock {}", event.clock));
      case ProcessEvent::Kind::notice:
      case ProcessEvent::Kind::fault:
      case ProcessEvent::Kind::progress:
      case ProcessEvent::Kind::watched:
        break;
    }
    for (const std::string& text : log_.warn(now, event.text)) {
      if (!launcher_) status_.print(text);
    }
  }

  void show(Time now, const ProcessEvent& event) {
    RunStatus status;
    status.time_s = to_seconds(now - record_.started().value_or(now));
    status.clock = event.clock;
    status.metric = deployment_.workload().metric_name();
    status.objective = objective_;
    status.target = deployment_.config().workload.stop.target;
    if (status.time_s > 0) status.wan_mb_per_s = static_cast<double>(event.wan_bytes) / status.time_s / 1e6;
    if (event.entries_considered > 0) {
      status.entries_sent_share =
          static_cast<double>(event.entries_sent) / static_cast<double>(event.entries_considered);
    }
    status.slowest_datacenter = deployment_.config().datacenters.at(event.slowest_datacenter).name;
    status_.update(status, now);
  }

  /// The first signal ends the run in good order, the second one now.
  bool on_signal(int signals) {
    signalfd_siginfo info{};
    while (::read(signals, &info, sizeof(info)) == sizeof(info)) {
      if (++interrupts_ == 1) {
        runtime_->interrupt();
      } else {
        runtime_->abort("interrupted");
      }
    }
    return true;
  }

  bool on_launcher() {
    for (const std::string& line : launcher_->read_lines()) {
      if (line == kInterruptCommand) runtime_->interrupt();
      if (line.starts_with(kStopCommand)) {
        const std::string reason = line.substr(kStopCommand.size());
        runtime_->abort(reason.size() > 1 ? reason.substr(1) : "stopped by the launcher");
      }
    }
    if (launcher_->gone()) {
      runtime_->abort("the launcher is gone");
      return false;
    }
    return true;
  }

  Failure write_outputs(bool finished) {
    if (!leads()) return {};
    const Time zero = record_.started().value_or(Time{0});
    output::DatacenterPart part = record_.part(zero);
    part.summary.started_unix_s = started_unix_s_;
    if (finished) {
      const auto views = server_->server().final_tables();
      if (Failure failure =
              output::write_model(folder_ / output::kModelFile, deployment_.workload().tables(), views)) {
        return failure;
      }
    }
    return output::write_summary(folder_ / output::kSummaryFile, part.summary);
  }

  // Progress comes with every clock; who watches needs it a few times a second.
  static constexpr Time kProgressEvery = std::chrono::milliseconds(200);
  // How long a process that ended by a fault waits for whoever looks at its metrics now and then. A launcher
  // gives its processes a few seconds.
  static constexpr std::chrono::milliseconds kLongestLinger{20'000};
  static constexpr std::chrono::milliseconds kLongestLingerLaunched{6'000};

  const Deployment& deployment_;
  ProcessId self_;
  std::filesystem::path folder_;
  std::optional<LauncherLink> launcher_;
  RunLog log_;
  StatusLine status_;
  DatacenterRecord record_;
  output::TimelineWriter timeline_;
  std::unique_ptr<datacenter::Worker> worker_;
  std::unique_ptr<wan::MirroredServer> server_;
  std::unique_ptr<wan::ReadsFirst> reads_first_;  // before server_, where there is one
  std::unique_ptr<RealRuntime> runtime_;
  std::optional<double> started_unix_s_;
  std::optional<double> objective_;
  std::optional<Measured> measured_;
  std::unique_ptr<monitoring::Endpoint> metrics_;
  Time snapshot_time_{0};  // spent on metrics so far
  std::optional<std::filesystem::path> targets_file_;
  Time last_progress_{0};
  int interrupts_ = 0;
};

/// Which process the arguments mean; an error says what there is instead.
Result<ProcessId> which_process(const Config& config, const NodeArguments& arguments) {
  const auto datacenter = config.find_datacenter(arguments.datacenter);
  if (!datacenter) {
    return Error{fmt::format("--datacenter {}: not in {}; expected one of {}", arguments.datacenter,
                             config.file.string(), fmt::join(datacenter_names(config), ", "))};
  }
  const DatacenterConfig& own = config.datacenters[*datacenter];
  const bool server = arguments.role == "server";
  const std::size_t count = server ? own.servers : own.workers;
  if (arguments.index >= count) {
    return Error{fmt::format("--index {}: {} has {} {}s, counted from 0", arguments.index, own.name, count,
                             arguments.role)};
  }
  return ProcessId{static_cast<std::uint16_t>(*datacenter), server ? Role::server : Role::worker,
                   static_cast<std::uint16_t>(arguments.index)};
}

}  // namespace

int node_command(const NodeArguments& arguments) {
  const Descriptor signals = signals_as_descriptor({SIGINT, SIGTERM});
  const auto refuse = [](const std::string& message) {
    print_error(message);
    return kBadUsage;
  };
  std::optional<LauncherLink> launcher;
  if (arguments.launcher_fd) {
    Result<LauncherLink> opened = LauncherLink::open(*arguments.launcher_fd);
    if (!opened) return refuse(opened.error().message);
    launcher = std::move(opened).value();
  }
  Result<Config> config = load_config(arguments.config);
  if (!config) return refuse(config.error().message);
  const Result<ProcessId> self = which_process(config.value(), arguments);
  if (!self) return refuse(self.error().message);
  const Result<AddressBook> book = arguments.addresses ? AddressBook::from_file(*arguments.addresses)
                                                       : AddressBook::from_hosts(config.value());
  if (!book) return refuse(book.error().message);

  const std::filesystem::path folder =
      run_folder(config.value(), arguments.output) /
      process_name(config.value().datacenters[self.value().datacenter].name, self.value());
  if (const Failure failure = output::prepare_run_folder(folder, arguments.output.overwrite))
    return refuse(failure->message);
  Result<std::unique_ptr<Deployment>> deployment =
      Deployment::create(std::move(config).value(), self.value().datacenter);
  if (!deployment) return refuse(deployment.error().message);
  if (const Failure failure = output::write_text_atomically(folder / output::kConfigFile,
                                                            resolved_yaml(deployment.value()->config()))) {
    print_error(failure->message);
    return kFailed;
  }
  Node node(*deployment.value(), self.value(), folder, std::move(launcher));
  return node.live(book.value(), signals.number());
}

}  // namespace meridian::program

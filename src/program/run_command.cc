// meridian run CONFIG: the whole deployment on this machine, in real processes over an emulated WAN.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/config/resolved_yaml.h"
#include "src/monitoring/targets_file.h"
#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"
#include "src/program/addresses.h"
#include "src/program/commands.h"
#include "src/program/deployment.h"
#include "src/program/free_ports.h"
#include "src/program/join_folder.h"
#include "src/program/link_parts.h"
#include "src/program/node_metrics.h"
#include "src/program/process_events.h"
#include "src/program/relays_file.h"
#include "src/program/run_log.h"
#include "src/program/run_setup.h"
#include "src/program/status_line.h"
#include "src/program/supervisor.h"

namespace meridian::program {
namespace {

using WallClock = std::chrono::steady_clock;
using namespace std::chrono_literals;

// From the first fault to the end of the last process: time to write what there is, then none.
constexpr auto kWritingGrace = 7s;
constexpr auto kTerminationGrace = 1s;
// A run that was interrupted goes on to a common clock and drains; the drain has a deadline of its own, and
// this is for the rest.
constexpr auto kInterruptGrace = 60s;

/// One run and its processes.
class LocalRun {
 public:
  /// What the objective is called, and whether a larger one is better.
  struct Metric {
    std::string name;
    bool larger_is_better = true;
  };

  LocalRun(const Config& config, Metric metric, std::filesystem::path folder)
      : config_(config),
        metric_(std::move(metric)),
        folder_(std::move(folder)),
        status_(StatusLine::on_stderr()),
        log_(folder_ / output::kLogFile, config, std::nullopt, /*wall_time=*/true) {}

  Failure start(Supervisor& supervisor) {
    supervisor_ = &supervisor;
    std::vector<wan::emulator::RelayDescription> relays;
    const Result<AddressBook> book = AddressBook::on_this_machine(config_, ports_, relays);
    if (!book) return book.error();
    if (Failure failure = book.value().write(folder_ / output::kAddressesFile)) return failure;
    const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe");
    const std::string launcher_fd(kLauncherFdPlaceholder);
    if (!relays.empty()) {
      const std::filesystem::path own = folder_ / output::kEmulatorFolder;
      std::filesystem::create_directories(own);
      if (Failure failure = write_relays(own / output::kRelaysFile, relays)) return failure;
      const Result<ChildId> spawned =
          supervisor.spawn({.name = "the WAN emulator",
                            .arguments = {program, "emulate", folder_ / output::kConfigFile, "--relays",
                                          own / output::kRelaysFile, "--launcher-fd", launcher_fd},
                            .environment = {},
                            .log_file = own / output::kLogFile});
      if (!spawned) return spawned.error();
      emulator_ = spawned.value();
    }
    for (const ProcessId id : processes_of(config_)) {
      const DatacenterConfig& datacenter = config_.datacenters[id.datacenter];
      const std::string name = process_name(datacenter.name, id);
      const Result<ChildId> spawned = supervisor.spawn(
          {.name = name,
           .arguments = {program, "node", folder_ / output::kConfigFile, "--datacenter", datacenter.name,
                         "--role", to_string(id.role), "--index", std::to_string(id.index), "--out", folder_,
                         "--overwrite", "--addresses", folder_ / output::kAddressesFile, "--launcher-fd",
                         launcher_fd},
           .environment = {},
           .log_file = folder_ / output::kLogFile});
      if (!spawned) return spawned.error();
      processes_[spawned.value()] = id;
    }
    return {};
  }

  /// Watches the processes until all have ended. What ended the run too early, if anything.
  std::optional<RunFailure> watch() {
    supervisor_->run({.on_line = [this](ChildId child, std::string_view line) { on_line(child, line); },
                      .on_exit = [this](const ChildExit& exit) { on_exit(exit); },
                      .on_interrupt = [this](int times) { on_interrupt(times); },
                      .on_tick = [this] { on_tick(); },
                      .tick = has_pauses() ? 5ms : 200ms});
    end_pauses();
    (void)supervisor_->terminate_all(
        std::chrono::duration_cast<std::chrono::milliseconds>(kTerminationGrace));
    remove_targets();
    status_.finish();
    if (failure_) log_.line(now(), RunLog::Level::error, failure_->reason);
    return failure_;
  }

 private:
  bool has_pauses() const {
    return std::any_of(
        config_.wan.events.begin(), config_.wan.events.end(),
        [](const LinkEventConfig& event) { return event.action == LinkEventConfig::Action::pause; });
  }

  Time now() const { return std::chrono::duration_cast<Time>(WallClock::now() - began_); }

  /// Whose word a line of this child is; nobody's of the datacenters' where it emulates the WAN.
  std::optional<RunLog::Origin> origin_of(ChildId child) const {
    const auto process = processes_.find(child);
    if (process == processes_.end()) return std::nullopt;
    return program::origin_of(config_, process->second);
  }

  void info(ChildId child, const std::string& text) {
    log_.line(now(), RunLog::Level::info, text, origin_of(child));
  }

  void on_line(ChildId child, std::string_view line) {
    const std::optional<ProcessEvent> event = event_from_line(line);
    if (!event) return fail(fmt::format("{} said something that is no event", supervisor_->name(child)));
    const std::string& name = supervisor_->name(child);
    switch (event->kind) {
      case ProcessEvent::Kind::watched:
        info(child, fmt::format("metrics at http://{}/metrics", event->text));
        watched_[child] = event->text;
        return list_targets();
      case ProcessEvent::Kind::started:
        if (child != emulator_ && !training_began_) begin_training();
        return;
      case ProcessEvent::Kind::progress:
        progress_[child] = *event;
        if (interrupted_ && !failure_) renew_grace();
        return show();
      case ProcessEvent::Kind::measured:
        info(child, fmt::format("{} {:.4f} at clock {}", metric_.name, event->objective, event->clock));
        objectives_[child] = event->objective;
        return;
      case ProcessEvent::Kind::stopped:
        info(child, fmt::format("training stopped at clock {}", event->clock));
        if (const auto progress = progress_.find(child); progress != progress_.end())
          progress->second.clock = event->clock;
        return show();
      case ProcessEvent::Kind::notice:
        if (child == emulator_) {
          info(child, fmt::format("{}: {}", name, event->text));
          return status_.print(fmt::format("{}: {}", name, event->text));
        }
        for (const std::string& text : log_.warn(now(), event->text, origin_of(child)))
          status_.print(fmt::format("{}: {}", name, text));
        return;
      case ProcessEvent::Kind::fault:
        return on_fault(fmt::format("{}: {}", name, event->text), event->fault_kind);
    }
  }

  /// Traces and events of the links count from now on.
  void begin_training() {
    training_began_ = WallClock::now();
    if (emulator_) supervisor_->send_line(*emulator_, kBeginCommand);
    for (const ScheduledFault& fault : scheduled_faults(config_)) {
      const auto* const pause = std::get_if<ProcessPause>(&fault);
      if (pause == nullptr) continue;
      pauses_.push_back({pause->processes.datacenter, *training_began_ + pause->at, false});
      if (pause->lasts < Time::max() - pause->at)
        pauses_.push_back({pause->processes.datacenter, *training_began_ + pause->at + pause->lasts, true});
    }
    std::stable_sort(pauses_.begin(), pauses_.end(),
                     [](const auto& a, const auto& b) { return a.at < b.at; });
  }

  /// Stops the processes of a datacenter, or lets them go on, when it is time.
  void change_pauses() {
    while (!pauses_.empty() && pauses_.front().at <= WallClock::now()) {
      const PauseChange change = pauses_.front();
      pauses_.pop_front();
      int& pauses = paused_[change.datacenter];
      pauses += change.ends ? -1 : 1;
      const std::string& name = config_.datacenters[change.datacenter].name;
      log_.line(now(), RunLog::Level::info, fmt::format("{} {}", name, pauses > 0 ? "is paused" : "goes on"));
      signal_datacenter(change.datacenter, pauses > 0 ? SIGSTOP : SIGCONT);
    }
  }

  /// Where Prometheus' file service discovery looks.
  std::filesystem::path targets_file() const {
    return config_.metrics.targets.value_or(folder_ / output::kTargetsFile);
  }

  /// Writes down who serves metrics, once all do.
  void list_targets() {
    const std::size_t emulators = emulator_ && watched_.contains(*emulator_) ? 1 : 0;
    if (watched_.size() - emulators < processes_.size()) return;
    std::vector<monitoring::TargetGroup> groups;
    for (const auto& [child, address] : watched_) {
      const auto process = processes_.find(child);
      groups.push_back(process == processes_.end()
                           ? monitoring::TargetGroup{{address}, {{"run", config_.name}, {"role", "emulator"}}}
                           : target_of(config_, process->second, address));
    }
    if (const Failure failure = monitoring::write_targets(targets_file(), groups)) {
      return status_.print(fmt::format("Prometheus will not find this run: {}", failure->message));
    }
    status_.print(fmt::format("metrics of {} processes: {} (meridian top {})", groups.size(),
                              targets_file().string(), folder_.string()));
  }

  /// What has ended is not missing.
  void remove_targets() {
    if (!watched_.empty()) (void)monitoring::write_targets(targets_file(), {});
  }

  void signal_datacenter(std::uint16_t datacenter, int signal) {
    for (const auto& [child, id] : processes_) {
      if (id.datacenter == datacenter) ::kill(supervisor_->pid(child), signal);
    }
  }

  /// Nobody who is stopped can end in good order.
  void end_pauses() {
    pauses_.clear();
    for (const auto& [datacenter, pauses] : paused_) {
      if (pauses > 0) signal_datacenter(datacenter, SIGCONT);
    }
    paused_.clear();
  }

  void on_fault(const std::string& reason, FaultKind kind) {
    // Who ran out of time says so to its peers, which stop for that; their word for it may come here first.
    const bool is_the_cause = kind == FaultKind::drain_timeout && failure_ && failure_is_told_ &&
                              failure_->kind != FaultKind::drain_timeout;
    if (is_the_cause) failure_ = {kind, reason};
    if (failure_) return;
    failure_is_told_ = true;
    fail(reason, kind);
  }

  void on_exit(const ChildExit& exit) {
    if (!exit.succeeded()) fail(exit.text);
    processes_.erase(exit.child);
    if (exit.child == emulator_) {
      emulator_.reset();
      if (!processes_.empty()) fail(fmt::format("{} while the run was going on", exit.text));
    }
    if (processes_.empty() && emulator_) supervisor_->send_line(*emulator_, kStopCommand);
  }

  /// Ends the run: every process writes what it has and goes, or is made to. The first reason is the run's.
  void fail(const std::string& reason, FaultKind kind = FaultKind::failed) {
    if (failure_) return;
    failure_ = {kind, reason};
    end_pauses();
    give_up_at_ = WallClock::now() + kWritingGrace;
    supervisor_->broadcast(fmt::format("{} {}", kStopCommand, printable(reason)));
  }

  static std::string printable(std::string text) {
    for (char& c : text) {
      if (static_cast<unsigned char>(c) < ' ') c = ' ';
    }
    return text.substr(0, 1000);
  }

  void on_interrupt(int times) {
    // A run that has failed already is only writing what there is.
    if (failure_) return supervisor_->stop();
    if (times > 1) return fail("interrupted twice: stopped without a drain");
    status_.print("interrupted: stopping at a common clock, then the drain (once more: stop now)");
    interrupted_ = true;
    renew_grace();
    supervisor_->broadcast(kInterruptCommand);
  }

  /// An interrupted run has this long to show that it still moves.
  void renew_grace() {
    give_up_at_ = WallClock::now() + kInterruptGrace + from_seconds(config_.wan.deadlines.drain_s);
  }

  void on_tick() {
    log_.tick(now());
    change_pauses();
    if (!give_up_at_ || WallClock::now() < *give_up_at_) return;
    if (!failure_) failure_ = {FaultKind::failed, "the interrupted run did not end in time"};
    supervisor_->stop();
  }

  /// The run's state in one line, from the first servers' latest words.
  void show() {
    if (!training_began_ || progress_.empty()) return;
    RunStatus status;
    status.time_s = std::chrono::duration<double>(WallClock::now() - *training_began_).count();
    std::uint64_t bytes = 0;
    std::uint64_t considered = 0;
    std::uint64_t sent = 0;
    const ProcessEvent* slowest = nullptr;
    for (const auto& [child, event] : progress_) {
      bytes += event.wan_bytes;
      considered += event.entries_considered;
      sent += event.entries_sent;
      if (slowest == nullptr || event.clock < slowest->clock) {
        slowest = &event;
        if (const auto process = processes_.find(child); process != processes_.end()) {
          status.slowest_datacenter = config_.datacenters[process->second.datacenter].name;
        }
      }
    }
    if (slowest != nullptr) status.clock = slowest->clock;
    for (const auto& [child, objective] : objectives_) {
      const double so_far = status.objective.value_or(objective);
      status.objective = metric_.larger_is_better ? std::min(so_far, objective) : std::max(so_far, objective);
    }
    status.metric = metric_.name;
    status.target = config_.workload.stop.target;
    const double interval = status.time_s - shown_at_s_;
    if (interval >= 1.0) {
      wan_mb_per_s_ = static_cast<double>(bytes - shown_bytes_) / interval / 1e6;
      shown_at_s_ = status.time_s;
      shown_bytes_ = bytes;
    }
    // Within the first second: since the start.
    status.wan_mb_per_s =
        shown_at_s_ > 0 || interval <= 0 ? wan_mb_per_s_ : static_cast<double>(bytes) / interval / 1e6;
    if (considered > 0)
      status.entries_sent_share = static_cast<double>(sent) / static_cast<double>(considered);
    status_.update(status, WallClock::now().time_since_epoch());
  }

  /// A moment at which a datacenter's processes stop or go on.
  struct PauseChange {
    std::uint16_t datacenter = 0;
    WallClock::time_point at;
    bool ends = false;
  };

  const Config& config_;
  Metric metric_;
  std::filesystem::path folder_;
  FreePorts ports_;
  Supervisor* supervisor_ = nullptr;
  StatusLine status_;
  RunLog log_;
  WallClock::time_point began_ = WallClock::now();
  std::optional<WallClock::time_point> training_began_;
  std::optional<WallClock::time_point> give_up_at_;
  bool interrupted_ = false;
  std::deque<PauseChange> pauses_;  // to come, by time
  std::map<std::uint16_t, int> paused_;
  std::optional<ChildId> emulator_;
  std::map<ChildId, ProcessId> processes_;
  std::map<ChildId, ProcessEvent> progress_;
  std::map<ChildId, double> objectives_;
  std::map<ChildId, std::string> watched_;  // where each serves its metrics
  double wan_mb_per_s_ = 0.0;
  double shown_at_s_ = 0.0;
  std::uint64_t shown_bytes_ = 0;
  std::optional<RunFailure> failure_;
  bool failure_is_told_ = false;  // by a process that is still there, not by its death
};

}  // namespace

int run_command(const RunArguments& arguments) {
  Supervisor supervisor;
  const Result<Config> config = load_config(arguments.config);
  if (!config) {
    print_error(config.error().message);
    return kBadUsage;
  }
  const std::filesystem::path shown_folder = run_folder(config.value(), arguments.output);
  const std::filesystem::path folder = std::filesystem::absolute(shown_folder);
  LocalRun::Metric metric;
  // Data and model are tried out here, so that what is wrong with them is said once and before anything
  // starts.
  {
    const Result<std::unique_ptr<Deployment>> deployment = Deployment::create(config.value());
    if (!deployment) {
      print_error(deployment.error().message);
      return kBadUsage;
    }
    print_data_note(*deployment.value());
    metric = {deployment.value()->workload().metric_name(),
              deployment.value()->workload().larger_is_better()};
  }
  if (const Failure failure = output::prepare_run_folder(folder, arguments.output.overwrite)) {
    print_error(failure->message);
    return kBadUsage;
  }
  if (const Failure failure =
          output::write_text_atomically(folder / output::kConfigFile, resolved_yaml(config.value()))) {
    print_error(failure->message);
    return kFailed;
  }
  LocalRun run(config.value(), std::move(metric), folder);
  if (const Failure failure = run.start(supervisor)) {
    print_error(failure->message);
    return kFailed;
  }
  const std::optional<RunFailure> ended_by = run.watch();
  if (const Failure failure = join_folder(folder, ended_by)) {
    if (ended_by) print_error(fmt::format("meridian: {}", ended_by->reason));
    print_error(failure->message);
    return kFailed;
  }
  Result<output::Summary> summary = output::read_summary(folder / output::kSummaryFile);
  if (!summary) {
    print_error(summary.error().message);
    return kFailed;
  }
  return conclude(summary.value(), shown_folder);
}

}  // namespace meridian::program

// meridian sweep EXPERIMENT: a grid of simulations, several at once, each a process of its own.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "src/config/expansion.h"
#include "src/config/spelling.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/results_files.h"
#include "src/program/run_setup.h"
#include "src/program/status_line.h"
#include "src/program/supervisor.h"
#include "src/sweep/centralised_cells.h"
#include "src/sweep/experiment.h"
#include "src/sweep/grid.h"
#include "src/sweep/results.h"
#include "src/sweep/table.h"

namespace meridian::program {
namespace {

using WallClock = std::chrono::steady_clock;

constexpr const char* kCellsFolder = "cells";
constexpr std::size_t kLongestNote = 1000;
// An interrupted simulation writes what it has.
constexpr std::chrono::milliseconds kInterruptGrace{2000};

/// The runs of a sweep that are not finished yet.
class CellProcesses {
 public:
  CellProcesses(const std::filesystem::path& base, const std::vector<sweep::PlannedRun>& runs,
                std::filesystem::path folder, output::RunMode mode, std::size_t jobs, bool quiet)
      : base_(base), runs_(runs), folder_(std::move(folder)), mode_(mode), jobs_(jobs), quiet_(quiet) {
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!is_finished(i)) waiting_.push_back(i);
    }
    kept_ = runs_.size() - waiting_.size();
  }

  /// Runs them to the end, or until the user interrupts.
  void run(Supervisor& supervisor) {
    supervisor_ = &supervisor;
    start_waiting();
    supervisor.run({.on_line = nullptr,
                    .on_exit = [this](const ChildExit& exit) { on_exit(exit); },
                    .on_interrupt = [this](int) { on_interrupt(); },
                    .on_tick = [this] { show(); }});
    (void)supervisor.terminate_all(kInterruptGrace);
    status_.finish();
  }

  std::filesystem::path folder_of(std::size_t run) const { return folder_ / runs_[run].name; }
  bool is_finished(std::size_t run) const { return sweep::is_finished(folder_of(run), runs_[run], mode_); }

  std::size_t kept() const { return kept_; }      ///< finished before
  std::size_t done() const { return done_; }      ///< finished now
  std::size_t failed() const { return failed_; }  ///< ended otherwise
  bool interrupted() const { return interrupted_; }

 private:
  struct Running {
    std::size_t run = 0;
    WallClock::time_point since;
  };

  std::filesystem::path log_of(std::size_t run) const { return folder_ / (runs_[run].name + ".log"); }

  void start_waiting() {
    while (!waiting_.empty() && running_.size() < jobs_) {
      const std::size_t run = waiting_.front();
      waiting_.pop_front();
      start(run);
    }
    show();
  }

  void start(std::size_t run) {
    std::error_code nothing_there;
    std::filesystem::remove(log_of(run), nothing_there);
    const bool simulated = mode_ == output::RunMode::simulate;
    std::vector<std::string> arguments = {
        "/proc/self/exe", simulated ? "simulate" : "run", base_, "--out", folder_of(run), "--overwrite"};
    // One thread each: the cores are taken by other cells.
    if (simulated) arguments.insert(arguments.end(), {"--threads", "1"});
    for (const std::string& override_text : runs_[run].overrides) {
      arguments.emplace_back("--set");
      arguments.push_back(override_text);
    }
    const Result<ChildId> spawned = supervisor_->spawn({.name = runs_[run].name,
                                                        .arguments = std::move(arguments),
                                                        .environment = {},
                                                        .log_file = log_of(run)});
    if (spawned) {
      running_[spawned.value()] = {run, WallClock::now()};
    } else {
      fail(spawned.error().message);
    }
  }

  void on_exit(const ChildExit& exit) {
    const Running ended = running_.at(exit.child);
    running_.erase(exit.child);
    if (interrupted_) return;
    if (!exit.succeeded()) {
      fail(fmt::format("{}; its log: {}", exit.text, log_of(ended.run).string()));
    } else if (!is_finished(ended.run)) {
      fail(fmt::format("{} ran another configuration than was read before, or left no whole summary: {}",
                       exit.name, folder_of(ended.run).string()));
    } else {
      ++done_;
      spent_s_ += std::chrono::duration<double>(WallClock::now() - ended.since).count();
    }
    start_waiting();
  }

  void fail(const std::string& reason) {
    ++failed_;
    status_.print(reason);
  }

  void on_interrupt() {
    interrupted_ = true;
    status_.print("interrupted: finished cells stay, and the same command goes on with the others");
    supervisor_->stop();
  }

  void show() {
    if (quiet_) return;
    std::string text = fmt::format("{} of {} done", kept_ + done_ + failed_, runs_.size());
    if (failed_ > 0) text += fmt::format(", {} failed", failed_);
    if (const std::optional<double> left_s = time_left_s())
      text += fmt::format(", about {:.0f} s left", *left_s);
    text += fmt::format("; running {}", running_.size());
    const char* separator = ": ";
    for (const auto& [child, running] : running_) {
      text += std::exchange(separator, "  ") + runs_[running.run].name;
    }
    status_.update(std::move(text), WallClock::now().time_since_epoch());
  }

  /// As if every cell took as long as those that were run until now.
  std::optional<double> time_left_s() const {
    if (done_ == 0) return std::nullopt;
    const double mean_s = spent_s_ / static_cast<double>(done_);
    double work_s = mean_s * static_cast<double>(waiting_.size());
    for (const auto& [child, running] : running_) {
      const double so_far_s = std::chrono::duration<double>(WallClock::now() - running.since).count();
      work_s += std::max(0.0, mean_s - so_far_s);
    }
    return work_s / static_cast<double>(jobs_);
  }

  const std::filesystem::path& base_;
  const std::vector<sweep::PlannedRun>& runs_;
  std::filesystem::path folder_;
  output::RunMode mode_;
  std::size_t jobs_;
  bool quiet_;
  Supervisor* supervisor_ = nullptr;
  StatusLine status_ = StatusLine::on_stderr();
  std::deque<std::size_t> waiting_;
  std::map<ChildId, Running> running_;
  std::size_t kept_ = 0;
  std::size_t done_ = 0;
  std::size_t failed_ = 0;
  double spent_s_ = 0.0;  // by the cells that are done
  bool interrupted_ = false;
};

/// What the finished runs say.
Result<sweep::Results> gather(const sweep::Experiment& experiment, const std::vector<sweep::Cell>& cells,
                              const std::vector<sweep::PlannedRun>& runs, const CellProcesses& processes) {
  sweep::Results results;
  results.title = experiment.name;
  for (const sweep::Axis& axis : experiment.axes) results.axes.push_back(axis.name);
  for (const sweep::Cell& cell : cells) {
    results.cells.push_back({.labels = cell.labels,
                             .runs = {},
                             .planned = experiment.seeds.size(),
                             .curve = {},
                             .baseline = cell.baseline,
                             .lan = cell.lan,
                             .published = cell.published});
  }
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::filesystem::path folder = processes.folder_of(i);
    if (!processes.is_finished(i)) continue;
    Result<output::Summary> summary = output::read_summary(folder / output::kSummaryFile);
    if (!summary) return summary.error();
    sweep::CellResult& cell = results.cells[runs[i].cell];
    if (cell.runs.empty()) {
      Result<std::vector<sweep::CurvePoint>> curve = read_curve(folder, summary.value());
      if (!curve) return curve.error();
      cell.curve = std::move(curve).value();
    }
    cell.runs.push_back(std::move(summary).value());
  }
  return results;
}

}  // namespace

int sweep_command(const SweepArguments& arguments) {
  Supervisor supervisor;
  const Result<sweep::Experiment> experiment = sweep::read_experiment(arguments.experiment);
  if (!experiment) {
    print_error(experiment.error().message);
    return kBadUsage;
  }
  const std::vector<sweep::Cell> cells = sweep::cells_of(experiment.value());
  const Result<std::vector<sweep::PlannedRun>> runs =
      sweep::plan_runs(experiment.value(), cells, process_environment);
  if (!runs) {
    print_error(runs.error().message);
    return kBadUsage;
  }
  const Result<std::vector<sweep::CentralisedCell>> centralised =
      sweep::plan_centralised(experiment.value(), cells, runs.value());
  if (!centralised) {
    print_error(centralised.error().message);
    return kBadUsage;
  }
  const std::filesystem::path folder =
      arguments.folder.value_or(std::filesystem::path("runs") / experiment.value().name);
  if (const Failure failure = output::make_folder(folder / kCellsFolder)) {
    print_error(failure->message);
    return kBadUsage;
  }

  const std::size_t most = arguments.real ? 1U : std::max(1U, std::thread::hardware_concurrency());
  const auto mode = arguments.real ? output::RunMode::run : output::RunMode::simulate;
  CellProcesses processes(experiment.value().base, runs.value(), folder / kCellsFolder, mode,
                          arguments.jobs != 0 ? arguments.jobs : most, arguments.quiet);
  processes.run(supervisor);

  Result<sweep::Results> results = gather(experiment.value(), cells, runs.value(), processes);
  if (!results) {
    print_error(results.error().message);
    return kFailed;
  }
  sweep::add_centralised(experiment.value(), centralised.value(), results.value());
  if (const Failure failure = write_results(results.value(), folder, supervisor)) {
    print_error(failure->message);
    return kFailed;
  }
  std::string notes;
  for (const std::string& note : sweep::notes_of(results.value()))
    notes += printable(note, kLongestNote) + "\n";
  fmt::print("{}{}\n{}: {} of {} runs are finished, {} of them from before; see {}\n",
             sweep::to_text(sweep::cell_table(results.value())), notes, folder.string(),
             processes.kept() + processes.done(), runs.value().size(), processes.kept(),
             (folder / kPageFile).string());
  return processes.interrupted() || processes.failed() > 0 ? kFailed : kDone;
}

}  // namespace meridian::program

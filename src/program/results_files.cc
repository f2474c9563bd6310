#include "src/program/results_files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <utility>

#include "src/output/atomic_file.h"
#include "src/output/run_folder.h"
#include "src/output/timeline.h"
#include "src/program/run_setup.h"
#include "src/sweep/page.h"
#include "src/sweep/plots.h"

namespace meridian::program {

namespace {

constexpr std::size_t kLargestPlotBytes = std::size_t{64} << 20;
constexpr const char* kPlotLogFile = "gnuplot.log";

/// Where PATH has gnuplot.
std::optional<std::string> find_gnuplot() {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string file = (folder.empty() ? "." : folder) + "/gnuplot";
    std::error_code unreadable;
    if (std::filesystem::is_regular_file(file, unreadable) && ::access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

/// Draws what the script says; why it could not.
Failure draw(const std::string& gnuplot, const std::filesystem::path& folder, Supervisor& supervisor) {
  const std::filesystem::path log = folder / kPlotLogFile;
  std::error_code nothing_there;
  std::filesystem::remove(log, nothing_there);
  const Result<ChildId> spawned =
      supervisor.spawn({.name = "gnuplot",
                        .arguments = {gnuplot, "-c", folder / kPlotScriptFile, folder},
                        .environment = {},
                        .log_file = log});
  if (!spawned) return spawned.error();
  Failure failure = Error{"gnuplot was interrupted"};
  supervisor.run({.on_line = nullptr,
                  .on_exit =
                      [&](const ChildExit& exit) {
                        failure.reset();
                        if (!exit.succeeded())
                          failure = Error{fmt::format("{}: {}", exit.text, log.string())};
                      },
                  .on_interrupt = [&](int) { supervisor.stop(); },
                  .on_tick = nullptr});
  (void)supervisor.terminate_all(std::chrono::milliseconds(0));
  return failure;
}

/// The plots in `folder`; why there are none.
Result<std::vector<sweep::Picture>> make_pictures(const std::vector<sweep::Plot>& plots,
                                                  const std::filesystem::path& folder,
                                                  Supervisor& supervisor) {
  if (Failure failure = output::make_folder(folder)) return *failure;
  if (Failure failure = output::write_text_atomically(folder / kPlotScriptFile, sweep::plot_script(plots))) {
    return *failure;
  }
  // What an earlier sweep drew is no picture of these results.
  for (const sweep::Plot& plot : plots) {
    std::error_code nothing_there;
    std::filesystem::remove(folder / plot.file, nothing_there);
  }
  const std::optional<std::string> gnuplot = find_gnuplot();
  if (!gnuplot) {
    return Error{"gnuplot is not there (Debian's package gnuplot-nox has it)"};
  }
  if (Failure failure = draw(*gnuplot, folder, supervisor)) return *failure;
  std::vector<sweep::Picture> pictures;
  for (const sweep::Plot& plot : plots) {
    Result<std::string> svg = output::read_text(folder / plot.file, kLargestPlotBytes);
    if (!svg) return svg.error();
    pictures.push_back({plot.caption, std::move(svg).value()});
  }
  return pictures;
}

}  // namespace

Result<std::vector<sweep::CurvePoint>> read_curve(const std::filesystem::path& run_folder,
                                                  const output::Summary& summary) {
  const Result<output::Timeline> timeline = output::read_timeline(run_folder / output::kTimelineFile);
  if (!timeline) return timeline.error();
  return sweep::curve_of(timeline.value().samples, summary.datacenters.size(),
                         summary.objective.larger_is_better);
}

Failure write_results(const sweep::Results& results, const std::filesystem::path& folder,
                      Supervisor& supervisor) {
  if (Failure failure = output::make_folder(folder)) return failure;
  if (Failure failure =
          output::write_text_atomically(folder / kTableFile, sweep::to_csv(sweep::run_table(results)))) {
    return failure;
  }
  std::string readable = sweep::to_markdown(sweep::cell_table(results));
  for (const std::string& note : sweep::notes_of(results)) {
    readable += fmt::format("\n{}\n", sweep::markdown_escaped(note));
  }
  if (Failure failure = output::write_text_atomically(folder / kReadableTableFile, readable)) return failure;
  std::vector<sweep::Picture> pictures;
  std::string note;
  const std::vector<sweep::Plot> plots = sweep::plots_of(results);
  if (!plots.empty()) {
    Result<std::vector<sweep::Picture>> made = make_pictures(plots, folder / kPlotsFolder, supervisor);
    if (made) {
      pictures = std::move(made).value();
    } else {
      note = fmt::format("No plots: {}.", made.error().message);
      print_error(note);
    }
  }
  return output::write_text_atomically(folder / kPageFile, sweep::page_html(results, pictures, note));
}

}  // namespace meridian::program

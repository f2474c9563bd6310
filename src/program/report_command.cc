// meridian report DIR...: compares finished runs; joins the parts that the processes of a deployment left.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "src/config/spelling.h"
#include "src/output/comparison_table.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/join_folder.h"
#include "src/program/results_files.h"
#include "src/program/run_setup.h"
#include "src/sweep/centralised.h"

namespace meridian::program {
namespace {

constexpr const char* kCentralised = "centralised";
constexpr std::size_t kLongestNote = 1000;

/// Which of the folders an option names.
Result<std::optional<std::size_t>> position_of(const std::optional<std::filesystem::path>& named,
                                               const std::vector<std::filesystem::path>& folders,
                                               const char* option) {
  if (!named) return std::optional<std::size_t>{};
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (folders[i].lexically_normal() == named->lexically_normal()) return std::optional<std::size_t>{i};
  }
  return Error{fmt::format("{} {}: expected one of the folders to report", option, named->string())};
}

/// Training in one place, from the run over a LAN and the links of the baseline, if it has a WAN, or else of
/// the first run that has.
Result<sweep::CentralisedAnswer> centralised_of(const ReportArguments& arguments,
                                                const std::vector<output::ComparedRun>& runs,
                                                const output::ComparisonReferences& references) {
  if (!references.lan || runs[*references.lan].links != "LAN") {
    return Error{
        fmt::format("--centralised{}; expected --lan DIR, a run over a LAN, from which it is computed",
                    references.lan ? fmt::format(": {} is not over a LAN", arguments.lan->string()) : "")};
  }
  const double data_gb = arguments.data_gb.value_or(sweep::kMostDataGb);
  if (!(data_gb > 0.0 && data_gb <= sweep::kMostDataGb)) {
    return Error{
        fmt::format("--data-gb {}; expected a number above 0, at most {}", data_gb, sweep::kMostDataGb)};
  }
  std::optional<std::size_t> wan;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].links == "WAN" && (!wan || references.baseline == i)) wan = i;
  }
  if (!wan) {
    return Error{
        "--centralised: expected a run over a WAN among the folders, whose links the data move over"};
  }
  const Result<Config> config = config_of_run(arguments.folders[*wan]);
  if (!config) return config.error();
  return sweep::centralise(config.value(), {runs[*references.lan].summary},
                           {arguments.region, arguments.data_gb});
}

std::string note_of(const sweep::CentralisedAnswer& centralised) {
  return fmt::format("{}: {}", kCentralised, centralised.note);
}

/// Tables, plots and page of these runs, each a cell of its own.
Failure write_page(const ReportArguments& arguments, const std::vector<output::ComparedRun>& runs,
                   const output::ComparisonReferences& references,
                   const std::optional<sweep::CentralisedAnswer>& centralised) {
  sweep::Results results;
  results.title = "Runs compared";
  results.axes = {"run"};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    Result<std::vector<sweep::CurvePoint>> curve = read_curve(arguments.folders[i], runs[i].summary);
    if (!curve) return curve.error();
    results.cells.push_back({.labels = {runs[i].label},
                             .runs = {runs[i].summary},
                             .planned = 1,
                             .curve = std::move(curve).value(),
                             .baseline = references.baseline,
                             .lan = references.lan});
  }
  if (centralised) {
    results.cells.push_back({.labels = {kCentralised},
                             .runs = centralised->runs,
                             .planned = 1,
                             .curve = {},
                             .baseline = references.baseline,
                             .lan = references.lan,
                             .computed = true});
    results.notes.push_back(note_of(*centralised));
  }
  Supervisor supervisor;
  return write_results(results, *arguments.page, supervisor);
}

}  // namespace

int report_command(const ReportArguments& arguments) {
  std::vector<output::ComparedRun> runs;
  for (const std::filesystem::path& folder : arguments.folders) {
    // A deployment's folders hold its processes' parts; a finished run has its own summary.
    if (holds_deployment(folder) || !std::filesystem::exists(folder / output::kSummaryFile)) {
      if (const Failure failure = join_folder(folder)) {
        print_error(failure->message);
        return kFailed;
      }
    }
    Result<output::Summary> summary = output::read_summary(folder / output::kSummaryFile);
    if (!summary) {
      print_error(summary.error().message);
      return kFailed;
    }
    const std::string links = links_word(folder);
    runs.push_back({.label = folder.filename().empty() ? folder.parent_path().filename().string()
                                                       : folder.filename().string(),
                    .links = links,
                    .summary = std::move(summary).value()});
  }
  const auto baseline = position_of(arguments.baseline, arguments.folders, "--baseline");
  const auto lan = position_of(arguments.lan, arguments.folders, "--lan");
  for (const auto* position : {&baseline, &lan}) {
    if (!*position) {
      print_error(position->error().message);
      return kBadUsage;
    }
  }
  const output::ComparisonReferences references{baseline.value(), lan.value()};
  std::optional<sweep::CentralisedAnswer> centralised;
  if (arguments.centralised) {
    Result<sweep::CentralisedAnswer> answer = centralised_of(arguments, runs, references);
    if (!answer) {
      print_error(answer.error().message);
      return kBadUsage;
    }
    centralised = std::move(answer).value();
  }
  if (arguments.page) {
    if (const Failure failure = write_page(arguments, runs, references, centralised)) {
      print_error(failure->message);
      return kFailed;
    }
  }
  if (centralised) {
    runs.push_back({.label = kCentralised, .links = "LAN", .summary = centralised->runs.front()});
    print_error(printable(note_of(*centralised), kLongestNote));
  }
  const auto rows = output::compare_runs(runs, references);
  fmt::print("{}", arguments.json ? output::comparison_json(rows) : output::comparison_text(rows));
  return kDone;
}

}  // namespace meridian::program

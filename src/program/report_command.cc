// meridian report DIR...: compares finished runs; joins the parts that the processes of a deployment left.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "src/output/comparison_table.h"
#include "src/output/run_folder.h"
#include "src/program/commands.h"
#include "src/program/join_folder.h"
#include "src/program/results_files.h"
#include "src/program/run_setup.h"

namespace meridian::program {
namespace {

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

/// Tables, plots and page of these runs, each a cell of its own.
Failure write_page(const ReportArguments& arguments, const std::vector<output::ComparedRun>& runs,
                   const output::ComparisonReferences& references) {
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
  const auto rows = output::compare_runs(runs, {baseline.value(), lan.value()});
  if (arguments.page) {
    if (const Failure failure = write_page(arguments, runs, {baseline.value(), lan.value()})) {
      print_error(failure->message);
      return kFailed;
    }
  }
  fmt::print("{}", arguments.json ? output::comparison_json(rows) : output::comparison_text(rows));
  return kDone;
}

}  // namespace meridian::program

// The files of a sweep's outcome: tables, plots drawn by gnuplot, and the page that holds them all.
#pragma once

#include <filesystem>
#include <vector>

#include "src/base/result.h"
#include "src/output/summary.h"
#include "src/program/supervisor.h"
#include "src/sweep/results.h"

namespace meridian::program {

inline constexpr const char* kTableFile = "results.csv";
inline constexpr const char* kReadableTableFile = "results.md";
inline constexpr const char* kPageFile = "page.html";
inline constexpr const char* kPlotsFolder = "plots";
inline constexpr const char* kPlotScriptFile = "plots.gp";

/// From the timeline of a finished run. An error names the file.
Result<std::vector<sweep::CurvePoint>> read_curve(const std::filesystem::path& run_folder,
                                                  const output::Summary& summary);

/// Writes them into `folder`, which is made where it is not there. Without gnuplot, or where it fails, the
/// page has no plots and says so, as does stderr. An error names the path.
Failure write_results(const sweep::Results& results, const std::filesystem::path& folder,
                      Supervisor& supervisor);

}  // namespace meridian::program

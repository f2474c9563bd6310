// The cells of an experiment, the axes crossed, and the runs that they come to: one for each cell and seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/config/expansion.h"
#include "src/output/summary.h"
#include "src/sweep/experiment.h"

namespace meridian::sweep {

struct Cell {
  std::vector<std::string> labels;  ///< one for each axis
  std::vector<Setting> settings;    ///< the experiment's own, then those of the axes
  std::optional<std::size_t> baseline;
  std::optional<std::size_t> lan;
  std::optional<Published> published = {};
};

/// The last axis changes fastest.
std::vector<Cell> cells_of(const Experiment& experiment);

struct PlannedRun {
  std::size_t cell = 0;
  std::uint64_t seed = 1;
  std::string name;                    ///< of its folder: no two runs of an experiment have the same
  std::vector<std::string> overrides;  ///< after --set
  std::string resolved;                ///< the whole configuration, as the run writes it into its folder
};

/// Reads the configuration of every run, so that what is wrong with any of them is said before the first one
/// starts: an error names the line of the experiment where that brought it in.
Result<std::vector<PlannedRun>> plan_runs(const Experiment& experiment, const std::vector<Cell>& cells,
                                          const Environment& environment);

/// Whether a run's folder holds what this run would leave there: a whole summary of a run of this kind that
/// ended by target, clocks or time, beside the same resolved configuration.
bool is_finished(const std::filesystem::path& folder, const PlannedRun& run,
                 output::RunMode mode = output::RunMode::simulate);

}  // namespace meridian::sweep

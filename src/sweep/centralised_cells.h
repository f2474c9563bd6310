// The computed rows of an experiment: one for each set of links between datacenters and the cell over a LAN
// that stands for training in one place.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/sweep/experiment.h"
#include "src/sweep/grid.h"
#include "src/sweep/results.h"

namespace meridian::sweep {

struct CentralisedCell {
  std::vector<std::string> labels;  ///< one for each axis: what its cells have in common, or "centralised"
  std::size_t lan = 0;              ///< the cell over the LAN
  std::optional<std::size_t> baseline;  ///< as of its cells
  Config wan;                           ///< of one of its cells: links, caps, prices and machines
};

/// None where the experiment does not ask for them. An error has the place in the experiment: a `lan` whose
/// cells are over other links, no cell over a WAN, a region that is none. `runs` are those of plan_runs.
Result<std::vector<CentralisedCell>> plan_centralised(const Experiment& experiment,
                                                      const std::vector<Cell>& cells,
                                                      const std::vector<PlannedRun>& runs);

/// Adds a computed cell to `results` for each of them whose LAN cell has finished runs, and a note that says
/// what was computed, or why it could not be. The cells of `results` are those of the experiment.
void add_centralised(const Experiment& experiment, const std::vector<CentralisedCell>& centralised,
                     Results& results);

}  // namespace meridian::sweep

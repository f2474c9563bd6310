// From the configuration's words to the parts of wan/: the overlay, the four choices and their parameters,
// the policies.
#pragma once

#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/config/mode_presets.h"
#include "src/workload/workload.h"
#include "wan/absence.h"
#include "wan/mode.h"
#include "wan/overlay.h"

namespace meridian::program {

/// The groups of a topology of hubs: as the configuration has them, or found from the links' bandwidth.
std::vector<HubGroup> hub_groups(const Config& config);

/// Who exchanges with whom. Groups that the configuration leaves open follow from the links' bandwidth.
wan::Overlay overlay_of(const Config& config);

wan::ModeParts mode_parts(const ResolvedMode& mode);
/// `tables` are the model's: parameters name them, filters go by their position.
wan::ModeParameters mode_parameters(const ResolvedMode& mode, const std::vector<TableSpec>& tables);

wan::Absences::Options absence_options(const WanConfig& wan);

}  // namespace meridian::program

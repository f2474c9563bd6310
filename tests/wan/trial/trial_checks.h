// Carries out one trial: runs the plan's deployment in virtual time and checks the design's rules while it
// runs and at its end. The first that does not hold is the result.
#pragma once

#include <optional>

#include "tests/wan/trial/trial_figures.h"
#include "tests/wan/trial/trial_plan.h"

namespace meridian::wan {

struct TrialResult {
  std::optional<Violation> violation;
  TrialFigures figures;
  double ended_s = 0.0;  ///< virtual
};

/// `narrate`: writes what the datacenters report to standard output.
TrialResult carry_out(const TrialPlan& plan, bool narrate);

}  // namespace meridian::wan

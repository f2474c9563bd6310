// What one seed of the trial means: a deployment over drawn links, a mode, a policy for silence, how the run
// is to end, and what goes wrong on the way. Everything follows from the seed, so a failure is a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {

/// How often each thing that goes wrong is in a plan.
struct PlannedFaults {
  std::size_t cuts = 0;       ///< each direction is one
  std::size_t slowdowns = 0;  ///< of one direction
  std::size_t resets = 0;     ///< of the connections of one direction
  std::size_t kills = 0;      ///< of a whole datacenter
  std::size_t pauses = 0;     ///< of a process or a whole datacenter
};

struct TrialPlan {
  std::uint64_t seed = 1;
  std::string topology;  ///< "mesh", "hubs" or "tree"
  std::string mode;      ///< a preset, or "mixed": eager parts that no preset puts together
  /// "clocks", "target", "time", "interrupt"; "poison" and "silence" end it as a failure.
  std::string ending;
  std::optional<std::size_t> killed;  ///< a datacenter that ends without a word
  DeploymentOptions options;
  CountingWorkload::Options workload;
  PlannedFaults faults;
  /// Virtual time by which a run that nothing stops has long ended.
  Time limit{0};
  /// On average every so many events of a server the rules are checked.
  std::uint64_t check_every = 20;
  /// Run again with another number of threads: both must be the same.
  bool run_twice = false;

  /// Everything above in words, over several lines.
  std::string words() const;
};

TrialPlan plan_trial(std::uint64_t seed);

}  // namespace meridian::wan

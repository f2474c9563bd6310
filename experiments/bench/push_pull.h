// Push and pull as a training run does them: one real parameter server and its real workers, each in a
// process of its own over the real runtime, with nothing to compute. What they say to each other is timed
// where it is said, in shared memory; the machines themselves know nothing of it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace meridian::bench {

/// Where processes run: core numbers of the server and then of each worker, the last one for all that follow;
/// none: wherever the kernel likes.
struct Placement {
  std::string name;
  std::vector<int> cores = {};
};

/// One table of floats, and how much of it crosses at each clock.
struct PushPullOptions {
  std::size_t rows = 1024;
  std::size_t columns = 1;
  std::optional<std::size_t> rows_touched = {};  ///< read by row, this many a clock; without, dense
  std::size_t workers = 1;
  std::size_t clocks = 100;  ///< after a few to warm up
  Placement placement = {};
  /// As a run does: parts of the next model go out while the rest of the push arrives. Else each of the two
  /// has its time.
  bool both_at_once = true;
};

/// Of each clock after the warm-up, in seconds, as worker 0 sees it.
struct PushPullTimes {
  /// From giving the first message away until the server, having summed all pushes and made the step, sends
  /// the end of its answer; where both go at once, most parts of a large model go out before.
  std::vector<double> push_s;
  std::vector<double> pull_s;        ///< from there until the worker has the whole model
  std::vector<double> round_trip_s;  ///< both
  // CPU time of a whole process over these clocks, but for the making of updates.
  double server_cpu_s = 0.0;
  double worker_cpu_s = 0.0;  ///< of worker 0
};

/// Starts the processes and waits for them, at most `kDeadline`. An error says which one failed and why.
Result<PushPullTimes> measure_push_pull(const PushPullOptions& options);

}  // namespace meridian::bench

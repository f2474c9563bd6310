// How long a computation is said to take: the stand-in for the machines of a real deployment. A simulation
// charges it, a real run waits for the rest of it. A pure function of the seed, the worker and the clock.
#pragma once

#include <cstdint>

#include "src/base/random.h"
#include "src/base/time.h"
#include "src/workload/workload.h"

namespace meridian {

struct ComputeTime {
  std::uint64_t seed = 1;
  double seconds_per_clock = 0.0;
  double spread =
      0.0;  ///< relative: a clock takes seconds_per_clock * (1 + spread * u), u uniform in [-1, 1)
  double straggler_probability = 0.0;  ///< that a clock takes straggler_factor times as long
  double straggler_factor = 1.0;
  double seconds_per_evaluation = 0.0;
  double factor = 1.0;  ///< of the worker's datacenter

  Time gradient(WorkerPlace place, Clock clock) const {
    Random random = Random::for_parts(seed, {hash_text("compute"), place.datacenter, place.worker, clock});
    const double usual = seconds_per_clock * factor * (1.0 + spread * (2.0 * random.uniform() - 1.0));
    const bool straggles = random.uniform() < straggler_probability;
    return from_seconds(straggles ? usual * straggler_factor : usual);
  }
  Time evaluation() const { return from_seconds(seconds_per_evaluation * factor); }
};

}  // namespace meridian

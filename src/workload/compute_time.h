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
  double seconds_per_evaluation = 0.0;
  double factor = 1.0;  ///< of the worker's datacenter

  Time gradient(WorkerPlace place, Clock clock) const {
    Random random = Random::for_parts(seed, {hash_text("compute"), place.datacenter, place.worker, clock});
    return from_seconds(seconds_per_clock * factor * (1.0 + spread * (2.0 * random.uniform() - 1.0)));
  }
  Time evaluation() const { return from_seconds(seconds_per_evaluation * factor); }
};

}  // namespace meridian

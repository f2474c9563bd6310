// How one run's objective went, seen as the target is: by the worst datacenter at each evaluation clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "src/output/timeline.h"

namespace meridian::sweep {

struct CurvePoint {
  std::uint64_t clock = 0;
  double time_s = 0.0;          ///< when the last datacenter had measured
  std::uint64_t wan_bytes = 0;  ///< sent by all of them until they measured
  double objective = 0.0;       ///< in the worst datacenter

  bool operator==(const CurvePoint&) const = default;
};

/// A point for each clock at which all of `datacenters` measured a value, by clock.
std::vector<CurvePoint> curve_of(const std::vector<output::TimelineSample>& samples, std::size_t datacenters,
                                 bool larger_is_better);

}  // namespace meridian::sweep

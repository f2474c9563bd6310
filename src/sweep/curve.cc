#include "src/sweep/curve.h"

#include <algorithm>
#include <map>

namespace meridian::sweep {

std::vector<CurvePoint> curve_of(const std::vector<output::TimelineSample>& samples, std::size_t datacenters,
                                 bool larger_is_better) {
  struct Gathered {
    CurvePoint point;
    std::size_t datacenters = 0;
  };
  std::map<std::uint64_t, Gathered> clocks;
  for (const output::TimelineSample& sample : samples) {
    if (!sample.objective) continue;
    Gathered& gathered = clocks[sample.clock];
    CurvePoint& point = gathered.point;
    const double value = *sample.objective;
    if (gathered.datacenters == 0) {
      point = {sample.clock, sample.time_s, sample.wan_bytes, value};
    } else {
      point.time_s = std::max(point.time_s, sample.time_s);
      point.wan_bytes += sample.wan_bytes;
      point.objective =
          larger_is_better ? std::min(point.objective, value) : std::max(point.objective, value);
    }
    ++gathered.datacenters;
  }
  std::vector<CurvePoint> curve;
  for (const auto& [clock, gathered] : clocks) {
    if (gathered.datacenters == datacenters) curve.push_back(gathered.point);
  }
  return curve;
}

}  // namespace meridian::sweep

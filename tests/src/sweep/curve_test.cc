// Goal: a curve shows the worst datacenter, when the last one measured, and the bytes of all.
#include "src/sweep/curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::sweep {
namespace {

using ::testing::ElementsAre;

output::TimelineSample sample(double time_s, std::uint64_t clock, const char* datacenter,
                              std::optional<double> objective, std::uint64_t wan_bytes) {
  output::TimelineSample made;
  made.time_s = time_s;
  made.clock = clock;
  made.datacenter = datacenter;
  made.objective = objective;
  made.wan_bytes = wan_bytes;
  return made;
}

TEST(Curve, HasAPointWhereAllDatacentersMeasured) {
  const std::vector<output::TimelineSample> samples = {
      sample(1.0, 10, "east", 0.5, 100), sample(2.0, 20, "east", 0.7, 300), sample(2.5, 10, "west", 0.4, 50),
      sample(3.0, 20, "west", 0.8, 90),  sample(4.0, 30, "east", 0.9, 400), sample(5.0, 30, "west", {}, 99)};
  EXPECT_THAT(curve_of(samples, 2, /*larger_is_better=*/true),
              ElementsAre(CurvePoint{10, 2.5, 150, 0.4}, CurvePoint{20, 3.0, 390, 0.7}));
  EXPECT_THAT(curve_of(samples, 2, /*larger_is_better=*/false),
              ElementsAre(CurvePoint{10, 2.5, 150, 0.5}, CurvePoint{20, 3.0, 390, 0.8}));
}

}  // namespace
}  // namespace meridian::sweep

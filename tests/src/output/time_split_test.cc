// Goal: five lines say where one worker's time went, as shares that add up to all of it.
#include "src/output/time_split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::output {
namespace {

TEST(TimeSplit, SaysWhereOneWorkersTimeWent) {
  Summary summary;
  summary.datacenters.resize(2);
  for (DatacenterSummary& datacenter : summary.datacenters) datacenter.workers = 2;
  summary.work_s = {.compute = 40.0, .evaluation = 4.0, .push = 8.0, .pull = 12.0};
  summary.waits_s = {.local_barrier = 4.0, .selective_barrier = 0.0, .mirror_clock = 12.0};
  EXPECT_EQ(time_split_text(summary),
            "where the time of 4 workers went, 20.0 s each\n"
            "  compute             50.0 %    10.00 s\n"
            "  evaluation           5.0 %     1.00 s\n"
            "  LAN                 30.0 %     6.00 s  (push 2.00, pull 3.00, local barrier 1.00)\n"
            "  selective barrier    0.0 %     0.00 s\n"
            "  mirror clock        15.0 %     3.00 s\n");
}

TEST(TimeSplit, SaysNothingWhereNothingWasMeasured) {
  EXPECT_EQ(time_split_text({}), "");
  Summary summary;
  summary.datacenters.resize(1);
  summary.datacenters[0].workers = 1;
  summary.work_s.compute = 0.0;
  EXPECT_EQ(time_split_text(summary), "");
}

}  // namespace
}  // namespace meridian::output

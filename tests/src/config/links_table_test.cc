// Goal: the table shows each direction's bandwidth and each pair's round trip, aligned.
// How: the whole table of the sample, spelled out.
#include "src/config/links_table.h"

#include <gtest/gtest.h>

#include "tests/src/config/sample_config.h"

namespace meridian {
namespace {

TEST(LinksTable, ShowsEveryLink) {
  EXPECT_EQ(describe_links_table(sample::config_of(sample::kYaml)),
            "from \\ to  virginia         ireland           tokyo\n"
            "virginia   -                58 Mb/s, 81 ms    100 Mb/s, 140 ms\n"
            "ireland    58 Mb/s, 81 ms   -                 100 Mb/s, 100 ms\n"
            "tokyo      20 Mb/s, 140 ms  100 Mb/s, 100 ms  -\n"
            "inside a datacenter: 1000 Mb/s, 0.5 ms\n");
}

}  // namespace
}  // namespace meridian

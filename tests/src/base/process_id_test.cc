// Goal: process ids order by datacenter, role and index, have the names that logs show, and hash apart.
#include "src/base/process_id.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace meridian {
namespace {

TEST(ProcessId, OrdersByDatacenterRoleAndIndex) {
  EXPECT_LT(ProcessId::server(0, 7), ProcessId::worker(1, 0));
  EXPECT_LT(ProcessId::worker(1, 7), ProcessId::server(1, 0));
  EXPECT_LT(ProcessId::server(1, 0), ProcessId::server(1, 1));
}

TEST(ProcessId, IsNamedAfterItsDatacenter) {
  EXPECT_EQ(process_name("tokyo", ProcessId::worker(2, 1)), "tokyo-worker-1");
  EXPECT_EQ(process_name("tokyo", ProcessId::server(2, 0)), "tokyo-server-0");
}

TEST(ProcessId, HashesOfOneDeploymentDiffer) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint16_t datacenter = 0; datacenter < 8; ++datacenter) {
    for (std::uint16_t index = 0; index < 64; ++index) {
      hashes.insert(std::hash<ProcessId>{}(ProcessId::worker(datacenter, index)));
      hashes.insert(std::hash<ProcessId>{}(ProcessId::server(datacenter, index)));
    }
  }
  EXPECT_EQ(hashes.size(), 8U * 64U * 2U);
}

}  // namespace
}  // namespace meridian

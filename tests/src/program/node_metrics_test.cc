// Goal: every process of a host has a port of its own, and is listed where others reach it.
#include "src/program/node_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::program {
namespace {

using testing::EndsWith;
using testing::Not;
using testing::StartsWith;

Config two_datacenters() {
  Config config;
  config.datacenters = {{"east", 2, 1, {{"10.0.0.5", "203.0.113.1", 7000}}}, {"west", 1, 2, {}}};
  return config;
}

TEST(MetricsPort, IsTheOneOfAProcesssPlace) {
  const Config config = two_datacenters();
  const auto port = [&](ProcessId id, bool whole) { return metrics_port(config, id, 9400, whole); };
  EXPECT_EQ(port(ProcessId::server(0, 0), false), 9400);
  EXPECT_EQ(port(ProcessId::worker(0, 1), false), 9402);
  EXPECT_EQ(port(ProcessId::server(1, 1), false), 9401) << "another datacenter has hosts of its own";
  EXPECT_EQ(port(ProcessId::worker(1, 0), true), 9405) << "on one machine the row goes on";
  EXPECT_EQ(metrics_port(config, ProcessId::worker(1, 0), 0, true), 0) << "any that is free";
}

TEST(ReachableAddress, IsTheOneThatOthersKnow) {
  const Config config = two_datacenters();
  EXPECT_EQ(reachable_address(config, ProcessId::server(0, 0), "127.0.0.1:9400"), "127.0.0.1:9400");
  EXPECT_EQ(reachable_address(config, ProcessId::server(0, 0), "0.0.0.0:9400"), "10.0.0.5:9400");
  EXPECT_EQ(reachable_address(config, ProcessId::server(0, 0), "[::]:9400"), "10.0.0.5:9400");
  const std::string worker = reachable_address(config, ProcessId::worker(0, 0), "0.0.0.0:9401");
  EXPECT_THAT(worker, EndsWith(":9401"));
  EXPECT_THAT(worker, Not(StartsWith("0.0.0.0")));
}

}  // namespace
}  // namespace meridian::program

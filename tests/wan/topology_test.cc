// Goal: whatever the overlay, every update reaches every datacenter exactly once, and all end with the same
// replica; hubs and trees cost fewer bytes than a mesh; a clock report never promises more than what stands
// behind it. Reached by running drawn deployments over drawn overlays, with exact sums of which every entry
// has one owner, and with the books of every link compared all along.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/link_ledger.h"
#include "tests/wan/report_in.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;

/// Groups of any sizes, with any member as the hub.
Overlay drawn_hubs(Random& random, std::size_t datacenters) {
  std::vector<std::size_t> order(datacenters);
  for (std::size_t d = 0; d < datacenters; ++d) order[d] = d;
  for (std::size_t d = datacenters; d > 1; --d) std::swap(order[d - 1], order[random.below(d)]);
  std::vector<Overlay::Group> groups;
  for (const std::size_t d : order) {
    if (groups.empty() || random.below(3) == 0) {
      groups.push_back({.hub = d, .members = {}});
    } else {
      groups[random.below(groups.size())].members.push_back(d);
    }
  }
  return Overlay::hubs(datacenters, groups).value();
}

Overlay drawn_tree(Random& random, std::size_t datacenters) {
  std::vector<std::optional<std::size_t>> parent_of(datacenters);
  const std::size_t root = random.below(datacenters);
  // Positions count from the root on, so that no parent comes after its children.
  for (std::size_t d = 1; d < datacenters; ++d) {
    parent_of[(root + d) % datacenters] = (root + random.below(d)) % datacenters;
  }
  return Overlay::tree(datacenters, parent_of).value();
}

struct Case {
  std::string overlay;
  std::string mode;
  std::string outer = "sgd";

  friend void PrintTo(const Case& one, std::ostream* out) {
    *out << one.overlay << ", " << one.mode << ", " << one.outer;
  }
};

/// A deployment of two to six datacenters with uneven numbers of servers.
DeploymentOptions drawn(std::uint64_t seed, const Case& of) {
  DeploymentOptions options = drawn_deployment(seed, of.mode);
  Random random = Random::for_parts(seed, {hash_text("overlay")});
  const std::size_t datacenters = 3 + random.below(4);
  while (options.datacenters.size() < datacenters) {
    options.datacenters.push_back({.workers = 1 + random.below(2), .servers = 1 + random.below(3)});
  }
  options.link = [seed](std::size_t from, std::size_t to) -> SharedLink::Options {
    Random drawn = Random::for_parts(seed, {hash_text("link"), from, to});
    constexpr std::array kRates = {5e4, 1e6, 1e7};
    return {.rate_bytes_per_s = kRates[drawn.below(3)],
            .delay = milliseconds(1 + static_cast<int>(drawn.below(80)))};
  };
  const std::size_t all = options.datacenters.size();
  if (of.overlay == "hubs") options.overlay = drawn_hubs(random, all);
  if (of.overlay == "tree") options.overlay = drawn_tree(random, all);
  options.parameters.outer = {of.outer, of.outer == "sgd" ? 1.0 : 0.7, of.outer == "sgd" ? 0.0 : 0.5};
  return options;
}

std::vector<TableSpec> small_tables() { return {{"wide", 40, 10}, {"narrow", 17, 1}}; }

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.overlay + "_" + info.param.mode +
         (info.param.mode == "local_sgd" ? "_" + info.param.outer : "");
}

std::vector<Case> cases(const std::vector<std::string>& modes) {
  std::vector<Case> all;
  for (const char* overlay : {"mesh", "hubs", "tree"}) {
    for (const std::string& mode : modes) {
      if (mode != "local_sgd") {
        all.push_back({overlay, mode});
        continue;
      }
      for (const char* outer : {"sgd", "momentum", "nesterov"}) all.push_back({overlay, mode, outer});
    }
  }
  return all;
}

class Conserves : public testing::TestWithParam<Case> {};

TEST_P(Conserves, EveryUpdateOnEveryLinkExactlyOnce) {
  std::size_t checks = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const DeploymentOptions options = drawn(seed, GetParam());
    const CountingWorkload workload(
        {.seed = seed, .workers = workers_of(options), .tables = small_tables(), .poison = {}});
    LinkLedger ledger(options, workload, {});
    const Simulation::Outcome outcome = ledger.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    ASSERT_EQ(ledger.wrong(), "");
    ASSERT_EQ(ledger.not_drained(), "");
    checks += ledger.checks();
  }
  EXPECT_GT(checks, 200U);
}

INSTANTIATE_TEST_SUITE_P(Overlays, Conserves, testing::ValuesIn(cases({"gaia", "ssp", "async"})), name_of);

/// Sums in order: every datacenter ends with every step once, and with the same bits.
class AddsInOrder : public testing::TestWithParam<Case> {};

TEST_P(AddsInOrder, ReplicasAreEqualBitForBit) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn(seed, GetParam());
    options.optimizer.learning_rate = 0.02;
    const QuadraticWorkload workload({.seed = seed, .workers = workers_of(options)});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    EXPECT_EQ(deployment.relative_difference(), 0.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Overlays, AddsInOrder, testing::ValuesIn(cases({"bsp", "local_sgd"})), name_of);

/// With gradients that do not depend on the parameters, the sum that comes out is known.
class Totals : public testing::TestWithParam<Case> {};

TEST_P(Totals, HoldEveryStepOnce) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn(seed, GetParam());
    options.weights_are_powers_of_two = true;
    const CountingWorkload workload(
        {.seed = seed, .workers = workers_of(options), .tables = small_tables(), .poison = {}});
    LinkLedger::Options nothing_on_the_way;
    nothing_on_the_way.check_links = false;
    LinkLedger ledger(options, workload, nothing_on_the_way);
    const Simulation::Outcome outcome = ledger.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    ASSERT_EQ(ledger.not_drained(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Overlays, Totals,
                         testing::Values(Case{"mesh", "bsp"}, Case{"hubs", "bsp"}, Case{"tree", "bsp"},
                                         Case{"mesh", "local_sgd"}, Case{"hubs", "local_sgd"},
                                         Case{"tree", "local_sgd"}),
                         name_of);

/// Float gradients that depend on the parameters.
class Agree : public testing::TestWithParam<Case> {};

TEST_P(Agree, ReplicasAreEqualAfterTheDrain) {
  for (std::uint64_t seed = 1; seed <= 15; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn(seed, GetParam());
    options.optimizer.learning_rate = 0.02;
    const QuadraticWorkload workload({.seed = seed, .workers = workers_of(options)});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    EXPECT_LE(deployment.relative_difference(), 1e-5);
    for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
      EXPECT_EQ(deployment.log(d).stopped_at, options.clocks);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Overlays, Agree, testing::ValuesIn(cases({"gaia", "ssp", "async"})), name_of);

/// All that was sent between datacenters.
struct Bytes {
  std::uint64_t data = 0;
  std::uint64_t control = 0;
};

Bytes bytes_of(const DeploymentOptions& options, const Workload& workload) {
  SimulatedDeployment deployment(options, workload);
  const Simulation::Outcome outcome = deployment.run();
  EXPECT_FALSE(outcome.fault) << outcome.fault->reason;
  Bytes bytes;
  for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
    for (const LinkBytes& link : deployment.log(d).final.value_or(Measured{}).links) {
      bytes.data += link.data;
      bytes.control += link.control;
    }
  }
  return bytes;
}

class DenseBytes : public testing::TestWithParam<std::string> {};

TEST_P(DenseBytes, OfHubsAreAtMostThreeTenthsOfAMeshs) {
  DeploymentOptions options;
  options.datacenters.assign(11, {});
  options.mode = GetParam();
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e7, .delay = milliseconds(30)};
  };
  options.parameters.ds = 3;
  options.clocks = 12;
  const QuadraticWorkload workload(
      {.seed = 1, .workers = workers_of(options), .tables = {{"a", 500, 20}, {"b", 9, 1}}});
  const Bytes mesh = bytes_of(options, workload);
  options.overlay = Overlay::hubs(11, {{.hub = 0, .members = {1, 2, 3}},
                                       {.hub = 4, .members = {5, 6, 7}},
                                       {.hub = 8, .members = {9, 10}}})
                        .value();
  const Bytes hubs = bytes_of(options, workload);
  EXPECT_LE(static_cast<double>(hubs.data), 0.3 * static_cast<double>(mesh.data));
  EXPECT_LE(static_cast<double>(hubs.data + hubs.control),
            0.3 * static_cast<double>(mesh.data + mesh.control));
  // 22 links in place of 110.
  EXPECT_GE(static_cast<double>(hubs.data), 0.19 * static_cast<double>(mesh.data));
}

INSTANTIATE_TEST_SUITE_P(Modes, DenseBytes, testing::Values("bsp", "ssp", "async", "local_sgd"),
                         [](const auto& each) { return each.param; });

/// A report over a link is never above what any datacenter behind it has closed.
class Reports : public testing::TestWithParam<Case> {};

TEST_P(Reports, NeverExceedTheSlowestBehindTheLink) {
  std::size_t reports = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const DeploymentOptions options = drawn(seed, GetParam());
    const Overlay overlay = options.overlay.value_or(Overlay::mesh(options.datacenters.size()));
    const CountingWorkload workload(
        {.seed = seed, .workers = workers_of(options), .tables = small_tables(), .poison = {}});
    const SimulatedDeployment* watched = nullptr;
    SimulatedDeployment::Taps taps;
    taps.on_send = [&](Time, ProcessId from, ProcessId to, const Message& message) {
      const ClockReport* const report = report_in(message);
      if (report == nullptr || HasFailure()) return;
      ++reports;
      for (const OverlayNeighbour& neighbour : overlay.neighbours(to.datacenter)) {
        if (neighbour.datacenter != from.datacenter) continue;
        for (const std::size_t d : neighbour.behind) {
          Clock furthest = 0;  // of its servers: a relay hears of each shard by itself
          for (std::size_t s = 0; s < watched->servers(d); ++s) {
            furthest = std::max(furthest, watched->server(d, s).server().closed());
          }
          const bool over = watched->log(d).stopped_at.has_value();
          if (over) continue;
          EXPECT_LE(report->clock, furthest) << "datacenter " << d << " over " << from.datacenter;
        }
      }
    };
    SimulatedDeployment deployment(options, workload, taps);
    watched = &deployment;
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    if (HasFailure()) return;
  }
  EXPECT_GT(reports, 1000U);
}

INSTANTIATE_TEST_SUITE_P(Overlays, Reports, testing::ValuesIn(cases({"gaia", "ssp"})), name_of);

}  // namespace
}  // namespace meridian::wan

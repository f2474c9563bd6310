// Goal: a method that is not Meridian's own, added as docs/add-a-method.md says, is trained with like any
// other: it takes what it promises, sends a third of the entries at each exchange, loses nothing on the way
// over links that are too slow for it, and leaves equal replicas. Reached by the page's own example in small
// tables with known answers and in simulated deployments whose float sums are exact.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>
#include <set>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/every_third.h"
#include "tests/wan/selected.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "wan/update_chunk.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;

Registry with_every_third() {
  Registry registry = Registry::built_in();
  registry.what["every_third"] = [](const ModeParameters& with) {
    return std::make_unique<EveryThird>(with.h);
  };
  return registry;
}

ModeParts every_third_mode() {
  return {.what = "every_third",
          .when = "every_h_clocks",
          .wait = "mirror_clock",
          .merge = "eager",
          .selective_barrier = true};
}

TEST(EveryThird, TakesAThirdInTurn) {
  const EveryThird what(/*h=*/1);
  const std::vector<float> residual = {1, 2, 3, 4, 0, 6, 7};
  EXPECT_THAT(selected(what, {.clock = 3}, residual, residual).offsets, ElementsAre(0, 3, 6));
  EXPECT_THAT(selected(what, {.clock = 4}, residual, residual).offsets, ElementsAre(1));
  EXPECT_THAT(selected(what, {.clock = 5}, residual, residual).offsets, ElementsAre(2, 5));
}

TEST(EveryThird, ThreeExchangesTakeAllWhateverTheirDistance) {
  const std::vector<float> residual(20, 1.0F);
  for (const Clock h : {1U, 2U, 3U, 5U}) {
    std::set<std::uint32_t> taken;
    for (Clock exchange = 1; exchange <= 3; ++exchange) {
      const TableSelection out = selected(EveryThird(h), {.clock = exchange * h}, residual, residual);
      taken.insert(out.offsets.begin(), out.offsets.end());
    }
    EXPECT_EQ(taken.size(), residual.size()) << "h " << h;
  }
}

TEST(EveryThird, TakesWhatIsNotFiniteAtOnce) {
  const float infinite = std::numeric_limits<float>::infinity();
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(selected(EveryThird(1), {.clock = 3}, {1, 1, 1, 1}, {1, infinite, nan, 1}).offsets,
              ElementsAre(0, 1, 2, 3));
}

// ---- in a deployment --------------------------------------------------------------------------------------

/// The entries of each clock's chunks, by sender and clock.
using SentEntries = std::map<std::pair<std::size_t, Clock>, std::set<std::pair<std::size_t, std::size_t>>>;

TEST(EveryThird, SendsAThirdAtEachClock) {
  constexpr Clock kClocks = 12;
  DeploymentOptions options;
  options.datacenters.resize(3);
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e8, .delay = std::chrono::milliseconds(5)};  // nothing waits
  };
  options.registry = with_every_third();
  options.parts = every_third_mode();
  options.parameters.ds = 4;
  options.clocks = kClocks;
  options.weights_are_powers_of_two = true;
  // Every entry of a datacenter's own moves at every clock.
  const CountingWorkload workload({.workers = workers_of(options), .only_positive = true, .poison = {}});

  SentEntries sent;
  const SimulatedDeployment* watched = nullptr;
  SimulatedDeployment::Taps taps;
  taps.on_send = [&](Time, ProcessId from, ProcessId to, const Message& message) {
    const auto* update = std::get_if<Update>(&message.body);
    if (update == nullptr || to.datacenter != (from.datacenter + 1) % 3) return;
    for_each_entry(watched->chunk_of(to, from, *update, message.payloads), [&](std::size_t table,
                                                                               std::size_t entry, float) {
      EXPECT_TRUE((sent[{from.datacenter, update->clock}].emplace(table, entry).second)) << "sent twice";
    });
  };
  SimulatedDeployment deployment(options, workload, taps);
  watched = &deployment;
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_FALSE(outcome.fault) << outcome.fault->reason;

  // The last clock's chunks are the drain's too.
  for (Clock clock = 1; clock < kClocks; ++clock) {
    for (std::size_t datacenter = 0; datacenter < 3; ++datacenter) {
      std::set<std::pair<std::size_t, std::size_t>> expected;
      for (std::size_t table = 0; table < workload.tables().size(); ++table) {
        for (std::size_t entry = clock % 3; entry < workload.tables()[table].size(); entry += 3) {
          if (workload.owner(table, entry) == datacenter) expected.emplace(table, entry);
        }
      }
      EXPECT_EQ((sent[{datacenter, clock}]), expected) << "datacenter " << datacenter << ", clock " << clock;
    }
  }
}

/// What every replica must be after the drain: all datacenters' steps.
float value_of_all_steps(const SimulatedDeployment& deployment, const CountingWorkload& workload,
                         std::size_t table, std::size_t entry, Clock clocks) {
  const double factor = deployment.options().optimizer.learning_rate *
                        deployment.weight(workload.owner(table, entry)) / CountingWorkload::kSamples;
  double steps = 0.0;
  for (Clock clock = 1; clock <= clocks; ++clock) {
    steps -= factor * workload.gradient_sum(table, entry, clock);
  }
  return workload.initial_value(table, entry) + static_cast<float>(steps);
}

TEST(EveryThird, LosesNothingInDrawnDeployments) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, "gaia");
    options.registry = with_every_third();
    options.parts = every_third_mode();
    options.weights_are_powers_of_two = true;
    const std::size_t last = options.datacenters.size() - 1;
    if (seed % 2 == 0) {  // the first is a relay between all others
      std::vector<std::optional<std::size_t>> parents(last + 1, 0);
      parents[0].reset();
      options.overlay = Overlay::tree(last + 1, parents).value();
    }
    const CountingWorkload workload({.seed = seed, .workers = workers_of(options), .poison = {}});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    for (std::size_t datacenter = 0; datacenter <= last; ++datacenter) {
      const std::vector<FloatBuffer> replica = deployment.replica(datacenter);
      for (std::size_t table = 0; table < replica.size(); ++table) {
        for (std::size_t entry = 0; entry < replica[table].size(); ++entry) {
          ASSERT_EQ(replica[table][entry],
                    value_of_all_steps(deployment, workload, table, entry, *options.clocks))
              << "datacenter " << datacenter << ", table " << table << ", entry " << entry;
        }
      }
    }
  }
}

}  // namespace
}  // namespace meridian::wan

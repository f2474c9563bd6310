// Goal: a table that is read by row trains as one that is read whole, in every mode, and only the rows that a
// batch touches cross the LAN; and increments add up to what all workers added, exactly, wherever they were
// added and however they travelled. Reached by drawn deployments in virtual time, with updates that can be
// said beforehand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/sparse_workload.h"

namespace meridian::wan {
namespace {

constexpr std::uint64_t kSeeds = 25;

double largest(const FloatBuffer& values) {
  double most = 0.0;
  for (const float value : values.span()) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

TEST(SparseTables, TrainAsWholeOnes) {
  for (const char* const optimizer : {"sgd", "whole_only"}) {
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(testing::Message() << optimizer << ", seed " << seed);
      DeploymentOptions options = drawn_deployment(seed, "bsp");
      options.optimizer = {"sgd", 0.05, 0.0};
      // Summed, so that both forms of a gradient's rule are seen.
      const UpdateRule rule =
          optimizer == std::string("sgd") ? UpdateRule::mean_gradient : UpdateRule::summed_gradient;
      if (rule == UpdateRule::summed_gradient) options.optimizer.learning_rate = 0.01;
      std::vector<std::vector<FloatBuffer>> replicas;
      for (const bool by_row : {true, false}) {
        const SparseWorkload workload({seed, workers_of(options), by_row, rule});
        SimulatedDeployment deployment(options, workload);
        const Simulation::Outcome outcome = deployment.run();
        ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
        EXPECT_EQ(deployment.relative_difference(), 0.0);
        replicas.push_back(deployment.replica(0));
      }
      for (std::size_t table = 0; table < 2; ++table) {
        // Workers' updates are summed as they come, and they come at other times.
        const double rounding = 1e-5 * largest(replicas[1][table]);
        for (std::size_t i = 0; i < replicas[0][table].size(); ++i)
          ASSERT_NEAR(replicas[0][table][i], replicas[1][table][i], rounding)
              << "table " << table << " entry " << i;
      }
    }
  }
}

class Increments : public testing::TestWithParam<std::string> {};

TEST_P(Increments, AddUpToWhatAllWorkersAdded) {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    const DeploymentOptions options = drawn_deployment(seed, GetParam());
    const SparseWorkload workload({seed, workers_of(options), true, UpdateRule::increment});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;

    std::vector<std::vector<float>> expected{
        std::vector<float>(SparseWorkload::kRows * SparseWorkload::kColumns), std::vector<float>(7)};
    for (std::size_t d = 0; d < options.datacenters.size(); ++d) {
      for (std::size_t w = 0; w < options.datacenters[d].workers; ++w) {
        for (Clock clock = 1; clock <= *options.clocks; ++clock) {
          for (const std::uint32_t row : workload.touched({d, w}, clock)) {
            for (std::size_t column = 0; column < SparseWorkload::kColumns; ++column) {
              const std::size_t entry = row * SparseWorkload::kColumns + column;
              expected[0][entry] += workload.update_of({d, w}, clock, entry, 0.0F);
            }
          }
          for (std::size_t i = 0; i < 7; ++i)
            expected[1][i] += workload.update_of({d, w}, clock, 1000 + i, 0.0F);
        }
      }
    }
    for (std::size_t d = 0; d < options.datacenters.size(); ++d) {
      const std::vector<FloatBuffer> replica = deployment.replica(d);
      for (std::size_t table = 0; table < 2; ++table)
        ASSERT_THAT(replica[table].span(), testing::ElementsAreArray(expected[table])) << "datacenter " << d;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Increments, testing::Values("gaia", "bsp", "ssp", "async", "local_sgd"),
                         [](const auto& each) { return each.param; });

TEST(SparseTables, OnlyTheRowsOfABatchCrossTheLan) {
  DeploymentOptions options = drawn_deployment(/*seed=*/3, "gaia");
  const SparseWorkload workload({3, workers_of(options), true, UpdateRule::mean_gradient});
  std::map<std::pair<ProcessId, Clock>, std::size_t> pulled;
  std::map<std::pair<ProcessId, Clock>, std::size_t> pushed;
  SimulatedDeployment::Taps taps;
  taps.on_send = [&](Time, ProcessId from, ProcessId to, const Message& message) {
    const auto entries_of_rows = [](const std::vector<Segment>& segments) {
      std::size_t entries = 0;
      for (const Segment& segment : segments) entries += segment.table == 0 ? segment.count : 0;
      return entries;
    };
    if (const auto* reply = std::get_if<PullReply>(&message.body);
        reply != nullptr && to.role == Role::worker)
      pulled[{to, reply->clock}] += entries_of_rows(reply->segments);
    if (const auto* push = std::get_if<Push>(&message.body))
      pushed[{from, push->clock}] += entries_of_rows(push->segments);
  };
  SimulatedDeployment deployment(options, workload, taps);
  ASSERT_FALSE(deployment.run().fault);

  constexpr std::size_t kSome = SparseWorkload::kTouched * SparseWorkload::kColumns;
  constexpr std::size_t kAll = SparseWorkload::kRows * SparseWorkload::kColumns;
  ASSERT_FALSE(pushed.empty());
  for (const auto& [worker_and_clock, entries] : pushed) EXPECT_EQ(entries, kSome);
  for (const auto& [worker_and_clock, entries] : pulled) {
    const Clock clock = worker_and_clock.second;
    if (clock == *options.clocks) continue;  // the model after the drain comes with this clock too
    const bool measured = clock > 0 && clock % options.evaluate_every == 0;
    EXPECT_EQ(entries, measured ? kAll : kSome) << "clock " << clock;
  }
}

}  // namespace
}  // namespace meridian::wan

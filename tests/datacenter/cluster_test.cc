// Goal: a datacenter's cluster computes what one machine would. Several workers that split a batch, evenly or
// not, over one server or several, end with the parameters that a plain loop over the joined batch gives, to
// within rounding. Reached with the real machines in simulation, over a workload small enough to train in the
// test itself.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "datacenter/worker.h"
#include "src/runtime/simulated/simulation.h"
#include "tests/datacenter/least_squares_workload.h"
#include "wan/mirrored_server.h"

namespace meridian::datacenter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Clock kClocks = 40;
constexpr std::size_t kBatch = 24;
constexpr double kLearningRate = 0.1;
constexpr double kMomentum = 0.5;

using Model = std::vector<std::vector<float>>;

struct Trained {
  Model model;
  std::vector<Measured> measured;
  std::optional<Simulation::Fault> fault;
};

/// Trains for kClocks with one worker for each share of the batch.
Trained train(const std::vector<std::size_t>& shares, std::size_t servers, unsigned threads = 1) {
  const LeastSquaresWorkload workload(shares);
  const ShardMap shards(workload.tables(), 5);
  const auto identity = [](ProcessId id) {
    return Identity{.self = id,
                    .name = process_name("paris", id),
                    .run_digest = 1,
                    .incarnation = 1,
                    .configuration = "",
                    .explain_difference = [](const std::string&) { return std::string(); }};
  };
  Trained trained;
  Simulation::Options options;
  options.lan = {.rate_bytes_per_s = 1e8, .delay = milliseconds(1)};
  options.threads = threads;
  options.observe = [&](Time, ProcessId, const Report& report) {
    if (const auto* const measured = std::get_if<Measured>(&report)) trained.measured.push_back(*measured);
  };
  Simulation simulation(options);
  std::vector<std::unique_ptr<wan::MirroredServer>> server_machines;
  std::vector<std::unique_ptr<Worker>> worker_machines;
  for (std::size_t index = 0; index < servers; ++index) {
    const ProcessId id = ProcessId::server(0, static_cast<std::uint16_t>(index));
    wan::MirroredServer::Options server;
    server.server = {.self = id,
                     .datacenter_name = "paris",
                     .workers = shares.size(),
                     .servers = servers,
                     .evaluate_every = 10,
                     .stop_time = {},
                     .optimizer = {"momentum", kLearningRate, kMomentum}};
    server.mirror.self = id;
    server.mirror.datacenter_name = "paris";
    for (const TableSpec& table : workload.tables()) server.mirror.table_names.push_back(table.name);
    server.mirror.stop.clocks = kClocks;
    server_machines.push_back(
        wan::MirroredServer::create(std::move(server), identity(id), {}, workload, shards).value());
    simulation.add(id, *server_machines.back());
  }
  for (std::size_t index = 0; index < shares.size(); ++index) {
    const ProcessId id = ProcessId::worker(0, static_cast<std::uint16_t>(index));
    WorkerOptions worker{.datacenter_name = "paris",
                         .servers = servers,
                         .evaluate_every = 10,
                         .compute_time = {.seed = 5, .seconds_per_clock = 0.01, .spread = 0.5}};
    worker_machines.push_back(
        std::make_unique<Worker>(std::move(worker), identity(id), PeerWatch::Deadlines{}, workload, shards));
    simulation.add(id, *worker_machines.back());
  }
  trained.fault = simulation.run().fault;
  if (trained.fault) return trained;
  for (const std::span<const float> table : server_machines[0]->server().final_tables()) {
    trained.model.emplace_back(table.begin(), table.end());
  }
  return trained;
}

/// The same training as a plain loop in double precision: momentum as Polyak wrote it, on the mean gradient.
Model plain_loop() {
  const LeastSquaresWorkload workload({kBatch});
  Model model;
  std::vector<std::vector<double>> exact;
  std::vector<std::vector<double>> velocity;
  for (std::size_t table = 0; table < workload.tables().size(); ++table) {
    model.emplace_back(workload.tables()[table].size());
    workload.fill_initial_values(table, model.back());
    exact.emplace_back(model.back().begin(), model.back().end());
    velocity.emplace_back(model.back().size(), 0.0);
  }
  for (Clock clock = 1; clock <= kClocks; ++clock) {
    Model gradient = model;
    const std::vector<std::span<const float>> parameters(model.begin(), model.end());
    const std::vector<std::span<float>> out(gradient.begin(), gradient.end());
    (void)workload.compute_gradient({0, 0}, clock, parameters, out);
    for (std::size_t table = 0; table < model.size(); ++table) {
      for (std::size_t i = 0; i < model[table].size(); ++i) {
        velocity[table][i] = kMomentum * velocity[table][i] - kLearningRate * gradient[table][i] / kBatch;
        exact[table][i] += velocity[table][i];
        model[table][i] = static_cast<float>(exact[table][i]);
      }
    }
  }
  return model;
}

double largest_difference(const Model& a, const Model& b) {
  double largest = 0.0;
  for (std::size_t table = 0; table < a.size(); ++table) {
    for (std::size_t i = 0; i < a[table].size(); ++i) {
      largest = std::max(largest, std::abs(double{a[table][i]} - double{b[table][i]}));
    }
  }
  return largest;
}

// Values are of the order of 1: a few thousand float32 roundings, damped by the descent itself.
constexpr double kRounding = 1e-5;

struct Case {
  std::vector<std::size_t> shares;
  std::size_t servers;
};

class ClusterTest : public testing::TestWithParam<Case> {};

TEST_P(ClusterTest, GivesWhatOneWorkerWithTheJoinedBatchGives) {
  const Trained trained = train(GetParam().shares, GetParam().servers);
  ASSERT_FALSE(trained.fault) << trained.fault->reason;
  const Model expected = plain_loop();
  ASSERT_EQ(trained.model.size(), expected.size());
  EXPECT_LT(largest_difference(trained.model, expected), kRounding);
  EXPECT_LT(largest_difference(trained.model, train({kBatch}, 1).model), kRounding);
}

INSTANTIATE_TEST_SUITE_P(Splits, ClusterTest,
                         testing::Values(Case{{24}, 1}, Case{{24}, 2}, Case{{24}, 3}, Case{{12, 12}, 1},
                                         Case{{8, 8, 8}, 1}, Case{{8, 8, 8}, 2}, Case{{8, 8, 8}, 3},
                                         Case{{1, 23}, 1}, Case{{5, 1, 7, 11}, 3},
                                         Case{{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}, 5}));

TEST(Cluster, TheTrainingMattered) {
  const Trained trained = train({8, 8, 8}, 2);
  ASSERT_FALSE(trained.fault) << trained.fault->reason;
  ASSERT_EQ(trained.measured.size(), kClocks / 10 + 1U);
  EXPECT_LT(trained.measured.back().objective, trained.measured.front().objective / 2);
  EXPECT_TRUE(trained.measured.back().final);
  EXPECT_EQ(trained.measured.back().clock, kClocks);
  EXPECT_EQ(trained.measured.back().stop_reason, StopReason::clocks);
  EXPECT_GT(trained.measured.back().waits.local_barrier, Time{0}) << "workers of different speed wait";
  EXPECT_EQ(trained.measured.back().waits.mirror_clock, Time{0}) << "there is nobody else to wait for";
  EXPECT_EQ(trained.measured.back().wan_bytes, 0U);
}

TEST(Cluster, HoldsTheSameBitsWhateverTheNumberOfServersWhereOneWorkerSums) {
  const Model one = train({kBatch}, 1).model;
  EXPECT_EQ(train({kBatch}, 2).model, one);
  EXPECT_EQ(train({kBatch}, 5).model, one);
}

TEST(Cluster, HoldsTheSameBitsWhateverTheNumberOfThreads) {
  EXPECT_EQ(train({5, 1, 7, 11}, 3, 4).model, train({5, 1, 7, 11}, 3, 1).model);
}

}  // namespace
}  // namespace meridian::datacenter

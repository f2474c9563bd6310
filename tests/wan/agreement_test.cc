// Goal: what the modes promise about replicas holds. After the drain they are equal to within float rounding,
// whatever the mode; in bsp they are equal bit for bit at every closed clock, and the training is that of one
// datacenter with all the workers; and the difference bound is never below the true difference. Reached by
// drawn deployments in virtual time with float gradients that depend on the parameters, and by listening to
// every read that is served.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "src/wire/float_bytes.h"
#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

class Agreement : public testing::TestWithParam<std::string> {};

TEST_P(Agreement, ReplicasAreEqualAfterTheDrain) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, GetParam());
    options.optimizer.learning_rate = 0.02;
    const QuadraticWorkload workload({.seed = seed, .workers = workers_of(options)});
    SimulatedDeployment deployment(options, workload);
    const Simulation::Outcome outcome = deployment.run();
    ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
    EXPECT_LE(deployment.relative_difference(), 1e-5);
    for (std::size_t d = 0; d < deployment.datacenters(); ++d) {
      ASSERT_TRUE(deployment.log(d).final);
      EXPECT_EQ(deployment.log(d).stopped_at, options.clocks);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Modes, Agreement, testing::ValuesIn(sending_modes()),
                         [](const auto& each) { return each.param; });

/// Collects the values of every read by clock, table and entry, and finds two that differ.
class ServedReads {
 public:
  explicit ServedReads(const std::vector<TableSpec>& tables) : tables_(tables) {}

  void served(const PullReply& reply, const std::vector<Payload>& payloads) {
    std::vector<std::vector<std::uint32_t>>& known = by_clock_[reply.clock];
    for (std::size_t i = known.size(); i < tables_.size(); ++i)
      known.emplace_back(tables_[i].size(), kUnknown);
    for (std::size_t i = 0; i < reply.segments.size(); ++i) {
      const Segment& segment = reply.segments[i];
      for (std::size_t entry = 0; entry < segment.count; ++entry) {
        const auto bits = std::bit_cast<std::uint32_t>(load_float(payloads[i].bytes().data() + 4 * entry));
        std::uint32_t& first = known[segment.table][segment.first + entry];
        if (first == kUnknown) first = bits;
        if (first != bits) differing_.insert(reply.clock);
      }
    }
  }

  std::size_t clocks() const { return by_clock_.size(); }
  /// Clocks at which two reads of one entry differed.
  const std::set<Clock>& differing() const { return differing_; }

 private:
  static constexpr std::uint32_t kUnknown = 0xffffffffU;  // no number that a training makes
  const std::vector<TableSpec>& tables_;
  std::map<Clock, std::vector<std::vector<std::uint32_t>>> by_clock_;
  std::set<Clock> differing_;
};

/// Reads at every closed clock are the same in every datacenter.
void expect_equal_at_every_clock(const DeploymentOptions& options, const Workload& workload) {
  ServedReads reads(workload.tables());
  SimulatedDeployment::Taps taps;
  taps.on_send = [&](Time, ProcessId, ProcessId, const Message& message) {
    const auto* reply = std::get_if<PullReply>(&message.body);
    if (reply != nullptr) reads.served(*reply, message.payloads);
  };
  SimulatedDeployment deployment(options, workload, taps);
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
  EXPECT_GE(reads.clocks(), *options.clocks);
  EXPECT_THAT(reads.differing(), testing::IsEmpty());
  EXPECT_EQ(deployment.relative_difference(), 0.0);
}

TEST(BulkSynchronous, ReplicasAreEqualBitForBitAtEveryClock) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, "bsp");
    options.optimizer.learning_rate = 0.02;
    const QuadraticWorkload workload({.seed = seed, .workers = workers_of(options)});
    expect_equal_at_every_clock(options, workload);
    if (HasFailure()) return;
  }
}

// One direction carries a clock's updates at once, the other needs many clocks' time: the fast side closes
// its next clock while the slow one still waits in a backlog. Clocks must not be mixed there.
TEST(BulkSynchronous, AClockThatWaitsForItsLinkIsNotMixedWithTheNext) {
  DeploymentOptions options;
  options.mode = "bsp";
  options.datacenters = {
      {.workers = 1, .servers = 1}, {.workers = 2, .servers = 2}, {.workers = 1, .servers = 1}};
  options.optimizer.learning_rate = 0.02;
  options.clocks = 6;
  options.link = [](std::size_t from, std::size_t to) -> SharedLink::Options {
    const bool slow = from == 0 && to == 1;
    return {.rate_bytes_per_s = slow ? 5e4 : 1e8, .delay = std::chrono::milliseconds(1)};
  };
  const QuadraticWorkload workload(
      {.seed = 4, .workers = workers_of(options), .tables = {{"a", 200, 60}, {"b", 9, 1}}});
  expect_equal_at_every_clock(options, workload);
}

class SameAsOneDatacenter : public testing::TestWithParam<std::string> {};

TEST_P(SameAsOneDatacenter, WithinRounding) {
  const double momentum = GetParam() == "sgd" ? 0.0 : 0.8;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions many = drawn_deployment(seed, "bsp");
    many.optimizer = {GetParam(), 0.02, momentum};
    many.clocks = 30;
    DeploymentOptions one = many;
    const std::vector<std::size_t> workers = workers_of(many);
    one.datacenters = {{.workers = std::accumulate(workers.begin(), workers.end(), std::size_t{0})}};
    const QuadraticWorkload workload_of_many({.seed = seed, .workers = workers});
    const QuadraticWorkload workload_of_one({.seed = seed, .workers = workers_of(one)});
    SimulatedDeployment deployment_of_many(many, workload_of_many);
    SimulatedDeployment deployment_of_one(one, workload_of_one);
    ASSERT_FALSE(deployment_of_many.run().fault);
    ASSERT_FALSE(deployment_of_one.run().fault);
    const std::vector<FloatBuffer> a = deployment_of_many.replica(0);
    const std::vector<FloatBuffer> b = deployment_of_one.replica(0);
    for (std::size_t table = 0; table < a.size(); ++table) {
      for (std::size_t i = 0; i < a[table].size(); ++i) ASSERT_NEAR(a[table][i], b[table][i], 2e-5);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Optimizers, SameAsOneDatacenter, testing::Values("sgd", "momentum", "nesterov"),
                         [](const auto& each) { return each.param; });

// Only one datacenter trains anything, so all that two replicas differ by is what it holds back or has on the
// way: exactly what its bound speaks of.
TEST(DifferenceBound, IsNeverBelowTheTrueDifference) {
  int positive = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DeploymentOptions options = drawn_deployment(seed, seed % 2 == 0 ? "gaia" : "async");
    options.weights_are_powers_of_two = true;
    options.datacenters = {{.workers = 1}, {.workers = 1}};
    const CountingWorkload workload(
        {.seed = seed, .workers = workers_of(options), .first_owns_all = true, .poison = {}});
    SimulatedDeployment* watched = nullptr;
    SimulatedDeployment::Taps taps;
    taps.after_event = [&](Time, ProcessId process) {
      if (process.role != Role::server || watched == nullptr || testing::Test::HasFailure()) return;
      const double bound = watched->server(0, 0).mirror().difference_bound();
      // The difference relative to the replica of whom the bound speaks.
      const std::vector<FloatBuffer> a = watched->replica(0);
      const std::vector<FloatBuffer> b = watched->replica(1);
      double difference = 0.0;
      for (std::size_t table = 0; table < a.size(); ++table) {
        double apart = 0.0;
        double scale = 0.0;
        for (std::size_t i = 0; i < a[table].size(); ++i) {
          apart = std::max(apart, std::fabs(static_cast<double>(a[table][i]) - b[table][i]));
          scale = std::max(scale, std::fabs(static_cast<double>(a[table][i])));
        }
        difference = std::max(difference, apart / scale);
      }
      positive += difference > 0.0 ? 1 : 0;
      EXPECT_GE(bound * (1 + 1e-6), difference);
    };
    SimulatedDeployment deployment(options, workload, taps);
    watched = &deployment;
    ASSERT_FALSE(deployment.run().fault);
    EXPECT_EQ(deployment.server(0, 0).mirror().difference_bound(), 0.0);
    if (HasFailure()) return;
  }
  EXPECT_GT(positive, 100);
}

}  // namespace
}  // namespace meridian::wan

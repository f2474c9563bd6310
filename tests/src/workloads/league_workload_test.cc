// Goal: the workload that docs/add-a-workload.md adds has the gradient of its loss, and learns over two
// datacenters in gaia. Reached by finite differences, and by a deployment in virtual time.
#include "tests/src/workloads/league_workload.h"

#include <gtest/gtest.h>

#include "tests/wan/simulated_deployment.h"

namespace meridian {
namespace {

double loss_at(const LeagueWorkload& workload, const std::vector<float>& strength) {
  const std::unique_ptr<Learner> learner = workload.make_learner({0, 0});
  std::vector<std::uint32_t> rows;
  learner->list_rows(1, 0, rows);
  std::vector<float> gradient(rows.size());
  const std::array<std::span<const float>, 1> parameters{strength};
  const std::array<std::span<float>, 1> update{gradient};
  return learner->compute_update(1, parameters, update).loss_sum;
}

TEST(LeagueWorkload, ItsUpdateIsTheGradientOfItsLoss) {
  const LeagueWorkload workload({.players = 12, .batch = 20, .workers = {1}});
  const std::unique_ptr<Learner> learner = workload.make_learner({0, 0});
  std::vector<std::uint32_t> rows;
  learner->list_rows(1, 0, rows);
  std::vector<float> strength(rows.size());
  Random random(3);
  for (float& value : strength) value = static_cast<float>(random.normal());
  std::vector<float> gradient(rows.size());
  const std::array<std::span<const float>, 1> parameters{strength};
  const std::array<std::span<float>, 1> update{gradient};
  (void)learner->compute_update(1, parameters, update);
  constexpr float kStep = 1.0F / 64;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<float> more = strength;
    std::vector<float> less = strength;
    more[i] += kStep;
    less[i] -= kStep;
    // The third derivative of the loss times the step squared is the larger error: below 0.001.
    EXPECT_NEAR(gradient[i], (loss_at(workload, more) - loss_at(workload, less)) / (2.0 * kStep), 2e-3) << i;
  }
}

TEST(LeagueWorkload, LearnsOverTwoDatacenters) {
  wan::DeploymentOptions options;
  options.datacenters = {{.workers = 2}, {.workers = 1}};
  options.link = [](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = 1e6, .delay = std::chrono::milliseconds(40)};
  };
  options.mode = "gaia";
  options.parameters.ds = 8;
  options.optimizer = {"adagrad", 0.3, 0.0};
  options.evaluate_every = 50;
  options.clocks = 400;
  const LeagueWorkload workload({.players = 200, .workers = {2, 1}});
  wan::SimulatedDeployment deployment(options, workload);
  ASSERT_FALSE(deployment.run().fault);
  for (std::size_t d = 0; d < 2; ++d) {
    ASSERT_TRUE(deployment.log(d).final);
    // Whoever knows the true strengths foretells 0.79 of such matches.
    EXPECT_GT(deployment.log(d).final->objective, 0.75);
  }
  EXPECT_LT(deployment.relative_difference(), 1e-5);
}

}  // namespace
}  // namespace meridian

// Goal: a simulation is a function of its configuration and seed, whatever the number of threads that
// compute. Reached by running drawn deployments of every mode twice, with one thread and with four, and
// comparing all that was reported and every bit of the final replicas; another seed gives something else.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

std::uint64_t fingerprint(std::uint64_t seed, const std::string& mode, unsigned threads,
                          std::uint64_t of_workload,
                          const std::function<void(DeploymentOptions&)>& change = {}) {
  DeploymentOptions options = drawn_deployment(seed, mode);
  if (change) change(options);
  options.threads = threads;
  options.optimizer.learning_rate = 0.02;
  const QuadraticWorkload workload({.seed = of_workload, .workers = workers_of(options)});
  SimulatedDeployment deployment(options, workload);
  EXPECT_FALSE(deployment.run().fault);
  return deployment.fingerprint();
}

TEST(Determinism, SameSeedSameBitsWhateverTheThreads) {
  for (const std::string mode : {"gaia", "bsp", "ssp", "async", "isolated"}) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      SCOPED_TRACE(mode + ", seed " + std::to_string(seed));
      const std::uint64_t first = fingerprint(seed, mode, 1, seed);
      EXPECT_EQ(fingerprint(seed, mode, 1, seed), first);
      EXPECT_EQ(fingerprint(seed, mode, 4, seed), first);
      EXPECT_NE(fingerprint(seed, mode, 1, seed + 1), first);
    }
  }
}

TEST(Determinism, FaultsAndNoiseThatLoseNothingDelayARunAndLeaveItDetermined) {
  const auto disturb = [](DeploymentOptions& options) {
    const auto at = [](double s) { return from_seconds(s); };
    options.faults = {LinkCut{0, 1, at(0.1), at(2.0)},
                      LinkDegradation{1, 0, at(0.05), at(1.0), {.rate_factor = 0.3}},
                      ProcessPause{ProcessGroup{1, Role::server, {}}, at(0.08), at(0.4)}};
    options.noise = [](std::size_t, std::size_t) {
      return LinkNoise{.jitter = std::chrono::milliseconds(20)};
    };
  };
  for (const std::string mode : {"gaia", "bsp", "ssp", "async"}) {
    for (std::uint64_t seed = 1; seed <= 4; ++seed) {
      SCOPED_TRACE(mode + ", seed " + std::to_string(seed));
      const std::uint64_t first = fingerprint(seed, mode, 1, seed, disturb);
      EXPECT_EQ(fingerprint(seed, mode, 4, seed, disturb), first);
      EXPECT_NE(fingerprint(seed, mode, 1, seed), first);
    }
  }
}

}  // namespace
}  // namespace meridian::wan

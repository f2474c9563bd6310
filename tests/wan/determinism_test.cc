// Goal: a simulation is a function of its configuration and seed, whatever the number of threads that
// compute. Reached by running drawn deployments of every mode twice, with one thread and with four, and
// comparing all that was reported and every bit of the final replicas; another seed gives something else.
#include <gtest/gtest.h>

#include "tests/wan/drawn_deployment.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

std::uint64_t fingerprint(std::uint64_t seed, const std::string& mode, unsigned threads,
                          std::uint64_t of_workload) {
  DeploymentOptions options = drawn_deployment(seed, mode);
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

}  // namespace
}  // namespace meridian::wan

// Deployments drawn from a seed: two to four datacenters of uneven size and speed, over links so slow, far
// and uneven that windows fill and backlogs form, in any mode.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "src/base/random.h"
#include "tests/wan/simulated_deployment.h"

namespace meridian::wan {

/// All but `isolated`, which owes nothing to anybody.
inline const std::vector<std::string>& sending_modes() {
  static const std::vector<std::string> modes = {"gaia", "bsp", "ssp", "async"};
  return modes;
}

inline DeploymentOptions drawn_deployment(std::uint64_t seed, const std::string& mode) {
  Random random = Random::for_parts(seed, {hash_text("deployment")});
  const auto one_of = [&](auto... choices) {
    const std::array all{choices...};
    return all[random.below(all.size())];
  };
  DeploymentOptions options;
  options.seed = seed;
  const std::size_t datacenters = 2 + random.below(3);
  for (std::size_t d = 0; d < datacenters; ++d) {
    options.datacenters.push_back({.workers = 1 + random.below(3),
                                   .servers = 1 + random.below(3),
                                   .seconds_per_clock = one_of(0.004, 0.010, 0.030)});
  }
  std::vector<SharedLink::Options> links;
  for (std::size_t i = 0; i < datacenters * datacenters; ++i) {
    links.push_back(
        {.rate_bytes_per_s = one_of(2e4, 1e5, 1e6, 1e7), .delay = from_seconds(one_of(0.001, 0.020, 0.150))});
  }
  options.link = [links, datacenters](std::size_t from, std::size_t to) {
    return links[from * datacenters + to];
  };
  options.mode = mode;
  options.parameters.filter.defaults.v0 = one_of(0.0, 0.01, 0.3, 4.0);
  options.parameters.filter.schedule.kind = one_of(Schedule::inverse_sqrt, Schedule::constant);
  options.parameters.ds = static_cast<Clock>(random.below(5));
  options.parameters.h = static_cast<Clock>(1 + random.below(3));
  if (seed % 4 == 0) options.parameters.encoding = Encoding::compact;
  options.shards = 3 + random.below(6);
  options.clocks = static_cast<Clock>(5 + random.below(20));
  // Models of some messages.
  if (random.below(5) == 0) options.part_bytes = sizeof(float) * (100 + random.below(500));
  options.reads_first = random.below(2) == 0;
  return options;
}

/// The workers of each datacenter, as workloads want them.
inline std::vector<std::size_t> workers_of(const DeploymentOptions& options) {
  std::vector<std::size_t> workers;
  for (const DatacenterShape& shape : options.datacenters) workers.push_back(shape.workers);
  return workers;
}

}  // namespace meridian::wan

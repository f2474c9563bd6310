// What the counting workload's updates come to: every own step of every datacenter, summed up to a clock,
// and the anchors that follow from them. All of it is exact, so a replica can be held against it bit for bit.
#pragma once

#include <cstddef>
#include <vector>

#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {

class ExpectedSums {
 public:
  using Table = std::vector<float>;

  ExpectedSums(const DeploymentOptions& options, const CountingWorkload& workload,
               const SimulatedDeployment& deployment);

  /// The sum of the weighted steps of each entry's owner up to `clock`, by table.
  const std::vector<Table>& steps(Clock clock);
  /// Of one entry, as one datacenter's: zero unless it owns it.
  float step(std::size_t datacenter, std::size_t table, std::size_t entry, Clock clock) {
    return workload_.owner(table, entry) == datacenter ? steps(clock)[table][entry] : 0.0F;
  }
  double weight(std::size_t datacenter) const { return weights_[datacenter]; }

  /// The anchors after `exchange` regular exchanges, every h clocks, of everything.
  const std::vector<Table>& anchors(std::size_t exchange);

 private:
  const DeploymentOptions& options_;
  const CountingWorkload& workload_;
  std::vector<double> weights_;
  std::vector<std::vector<Table>> steps_;    // by clock
  std::vector<std::vector<Table>> anchors_;  // by exchange
  std::vector<std::unique_ptr<Optimizer>> outer_;
};

}  // namespace meridian::wan

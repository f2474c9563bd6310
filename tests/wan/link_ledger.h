// Books what every server is given by each neighbour, over any overlay, and compares it with what it is due:
// on every link, what was given to the receiver's merge + what the sender still owes it (chunks on the way,
// backlog, residual) = the sender's own steps + what others gave the sender to pass on over that link.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {

/// Runs one deployment. Sums are compared exactly, so weights and learning rate must be powers of two. For
/// merges that add what arrives at once (the preset modes gaia, ssp and async).
class LinkLedger {
 public:
  struct Options {
    std::size_t check_one_event_in = 60;    ///< of servers' events, drawn
    bool check_links = true;                ///< else only not_drained() tells
    double repeat_probability = 0.1;        ///< of a chunk arriving a second time
    SimulatedDeployment::Taps listen = {};  ///< on_send and before_message are called too
  };

  /// `workload` must outlive the ledger. Resets deployment.weights_are_powers_of_two to true.
  LinkLedger(DeploymentOptions deployment, const CountingWorkload& workload, Options options);

  Simulation::Outcome run();
  /// Compares all links as they are now.
  void check();

  /// The first thing that was wrong; "" while all is well.
  const std::string& wrong() const { return wrong_; }
  /// Where the replicas do not hold every step of every datacenter exactly once, in words; "" where they do.
  std::string not_drained() const;

  const SimulatedDeployment& deployment() const { return deployment_; }
  std::size_t checks() const { return checks_; }
  bool saw_backlog() const { return saw_backlog_; }
  bool saw_repeat() const { return saw_repeat_; }
  /// How often a receiver asked for a new epoch.
  std::size_t resumed() const { return resumed_; }

 private:
  using Sums = std::vector<FloatBuffer>;  // whole tables

  SimulatedDeployment::Taps taps();
  void before_message(ProcessId to, ProcessId from, const Message& message);
  Sums zeros() const;
  Sums& given(ProcessId to, ProcessId from);
  const Sums& own_steps(std::size_t datacenter, Clock clock);
  void check_link(std::size_t from, const OverlayNeighbour& neighbour);
  void check_servers(ProcessId from, ProcessId to, const std::vector<const Sums*>& passed_on);
  void check_memory(ProcessId process);
  bool share(ProcessId a, ProcessId b) const;

  Options options_;
  const CountingWorkload& workload_;
  Random random_;
  std::map<std::pair<ProcessId, ProcessId>, Sums> given_;  // to the first by the second
  std::map<std::size_t, std::vector<Sums>> own_steps_;     // of a datacenter, by clock
  std::map<const Session*, std::size_t> widest_windows_;
  std::size_t checks_ = 0;
  bool saw_backlog_ = false;
  bool saw_repeat_ = false;
  std::size_t resumed_ = 0;
  std::string wrong_;
  SimulatedDeployment deployment_;
  Overlay overlay_;
};

}  // namespace meridian::wan

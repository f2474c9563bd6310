// The rules about values (conservation, agreement, bounded difference), checked exactly: what every server
// was given by every other one is booked from the messages themselves and held against what the senders
// still owe and what the workload's steps come to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "tests/wan/trial/expected_sums.h"
#include "tests/wan/trial/trial_figures.h"
#include "tests/wan/trial/trial_plan.h"

namespace meridian::wan {

class Anchored;

class ReplicaRules {
 public:
  using Sums = std::vector<std::vector<float>>;  ///< whole tables

  /// All must outlive it.
  ReplicaRules(const TrialPlan& plan, const CountingWorkload& workload, const SimulatedDeployment& deployment,
               TrialFigures& figures);

  /// A message is about to be handed over; whether it is applied shows afterwards.
  void before_message(ProcessId to, ProcessId from, const Message& message);
  /// What was handed over last has been dealt with.
  void settle();

  /// What one server was given by another one so far.
  Sums& given(ProcessId to, ProcessId from);

  /// All links into and out of one server, and its replica.
  std::optional<Violation> check(ProcessId server);
  /// A read at `clock` is served: where applied clocks are waited for, others' steps are in it.
  std::optional<Violation> check_applied(ProcessId server, Clock clock);
  /// All pairs of replicas: by how much they may differ.
  std::optional<Violation> check_difference();
  /// After a good end; `apart`: somebody has missed the drain.
  std::optional<Violation> check_end(bool apart);

 private:
  struct Candidate {
    ProcessId to;
    ProcessId from;
    std::uint64_t number = 0;
    UpdateChunk chunk;
  };

  bool eager() const { return plan_.options.parts->merge == "eager"; }
  bool relays(std::size_t datacenter, std::size_t from, std::size_t to) const;
  Sums& given(ProcessId to, std::size_t from_datacenter);
  std::vector<ProcessId> servers() const;
  std::optional<Violation> check_link(ProcessId from, ProcessId to);
  std::optional<Violation> check_eager_values(ProcessId server);
  std::optional<Violation> check_sum(ProcessId server);
  std::optional<Violation> check_anchor(ProcessId server);
  std::optional<Violation> check_against(ProcessId server, const Anchored& anchored);
  std::optional<Violation> check_equal();

  const TrialPlan& plan_;
  const CountingWorkload& workload_;
  const SimulatedDeployment& deployment_;
  TrialFigures& figures_;
  Random random_;
  ExpectedSums expected_;
  std::vector<std::vector<OverlayNeighbour>> neighbours_;  // by datacenter
  std::map<std::pair<ProcessId, ProcessId>, Sums> given_;
  std::map<std::pair<ProcessId, std::size_t>, Sums> given_by_datacenter_;
  std::optional<Candidate> candidate_;
  std::map<std::pair<std::uint64_t, std::size_t>, std::vector<std::optional<float>>> seen_anchors_;
};

}  // namespace meridian::wan

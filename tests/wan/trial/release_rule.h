// The selective barrier's promise: once an announcement is released, all that its entries were owed when it
// was made has been applied. What a link was offered is a sum that changes step by step; so what has arrived
// by the release must be what that sum was at the announcement or at a later moment. And after a break what
// is open is announced again, before the first clock report of the new epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/wan/simulated_deployment.h"
#include "tests/wan/trial/replica_rules.h"
#include "tests/wan/trial/trial_figures.h"

namespace meridian::wan {

class ReleaseRule {
 public:
  /// Both must outlive it.
  ReleaseRule(const SimulatedDeployment& deployment, ReplicaRules& replicas, TrialFigures& figures)
      : deployment_(deployment), replicas_(replicas), figures_(figures) {}

  std::optional<Violation> sent(ProcessId from, ProcessId to, const Message& message);
  void before_message(ProcessId to, ProcessId from, const Message& message);
  /// A server has dealt with what came in, and what that led to.
  std::optional<Violation> after_event(ProcessId server);

 private:
  /// One announcement on one link, and what its entries' sums have been since.
  struct Watched {
    ProcessId from;
    ProcessId to;
    std::uint64_t number = 0;
    std::vector<std::pair<std::size_t, std::size_t>> entries;  // table, flat index
    std::vector<std::vector<float>> offered;                   // of each entry, as it changed
  };
  struct Release {
    ProcessId from;
    ProcessId to;
    std::uint64_t chunk = 0;
    std::uint64_t number = 0;
  };

  /// What was said in one epoch so far.
  struct Said {
    std::uint32_t epoch = 1;
    std::set<std::uint64_t> announced;
    bool reported = true;
  };

  std::optional<Violation> check_said_again(ProcessId from, ProcessId to, const Said& said) const;
  void watch(ProcessId from, ProcessId to, const Announcement& announcement, const Payload& payload);
  void note_offered(Watched& watched);
  std::optional<Violation> check(const Watched& watched);

  const SimulatedDeployment& deployment_;
  ReplicaRules& replicas_;
  TrialFigures& figures_;
  std::map<std::tuple<ProcessId, ProcessId, std::uint64_t>, std::uint32_t> made_in_;  // epoch
  std::map<std::pair<ProcessId, ProcessId>, Said> said_;
  std::vector<Watched> watched_;
  std::vector<Release> releases_;
};

}  // namespace meridian::wan

// The rules about reads (bounded staleness, the selective barrier), checked whenever one is served. Which
// announcements a read must wait for is found out here from the messages alone: those that came in, in their
// place on their channel, before the read was asked, and whose release was not applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "tests/wan/trial/trial_figures.h"
#include "tests/wan/trial/trial_plan.h"
#include "wan/announced_entries.h"

namespace meridian::wan {

class ReadRules {
 public:
  /// All must outlive it.
  ReadRules(const TrialPlan& plan, const SimulatedDeployment& deployment, TrialFigures& figures);

  void before_message(ProcessId to, ProcessId from, const Message& message);
  /// A server has dealt with what came in.
  void after_event(ProcessId server);
  std::optional<Violation> served(ProcessId server, ProcessId reader, const PullReply& reply);

 private:
  using Pair = std::pair<ProcessId, ProcessId>;  // to the first, by the second

  struct Announced {
    ProcessId from;
    std::uint64_t number = 0;
    std::uint64_t order = 0;
    AnnouncedEntries entries;
  };
  /// The place of the next control message.
  struct Place {
    std::uint32_t epoch = 0;
    std::uint32_t sequence = 1;
  };
  struct Release {
    ProcessId from;
    std::uint64_t chunk = 0;
    std::uint64_t number = 0;
  };

  bool in_its_place(ProcessId to, ProcessId from, const Message& message);
  void settle_release(ProcessId server);
  std::optional<Violation> check_staleness(ProcessId server, Clock clock);
  std::optional<Violation> check_barrier(ProcessId server, ProcessId reader, const PullReply& reply);
  bool excused(std::size_t datacenter);

  const TrialPlan& plan_;
  const SimulatedDeployment& deployment_;
  TrialFigures& figures_;
  std::map<Pair, Place> places_;
  std::map<ProcessId, std::vector<Announced>> open_;
  std::map<ProcessId, std::uint64_t> orders_;
  std::map<Pair, std::uint64_t> released_;
  std::map<Pair, std::uint64_t> asked_;  // of the server, by the reader: what was known
  std::map<ProcessId, Release> candidates_;
  std::vector<bool> behind_;  // left out by somebody, and has not caught up
};

}  // namespace meridian::wan

#include "tests/wan/trial/trial_checks.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "src/base/random.h"
#include "src/wire/float_bytes.h"
#include "tests/wan/trial/read_rules.h"
#include "tests/wan/trial/release_rule.h"
#include "tests/wan/trial/replica_rules.h"

namespace meridian::wan {
namespace {

constexpr const char* kMemory = "5 (bounded memory)";
constexpr const char* kProgress = "6 (progress)";
constexpr const char* kDeterminism = "7 (determinism)";
constexpr const char* kGarbage = "8 (no silent garbage)";

/// One run of a plan's deployment, with all rules on its taps.
class Trial {
 public:
  Trial(const TrialPlan& plan, unsigned threads)
      : plan_(plan),
        workload_(plan.workload),
        deployment_(options_for(plan, threads), workload_, taps()),
        replicas_(plan, workload_, deployment_, figures_),
        reads_(plan, deployment_, figures_),
        releases_(deployment_, replicas_, figures_) {}

  void run() {
    const Simulation::Outcome outcome = deployment_.run();
    over_ = true;
    figures_.events = outcome.events;
    ended_ = outcome.ended;
    count_ends();
    if (violation_) return;
    if (plan_.workload.poison) return note(check_poison(outcome));
    if (plan_.ending == "silence" && outcome.fault) return note(check_silence(outcome));
    note(check_progress(outcome));
    if (!violation_) note(replicas_.check_end(ended_apart()));
  }

  std::optional<Violation> violation() const { return violation_; }
  const TrialFigures& figures() const { return figures_; }
  Time ended() const { return ended_; }
  const SimulatedDeployment& deployment() const { return deployment_; }
  std::uint64_t fingerprint() const {
    return mix_bits(deployment_.fingerprint() ^ mix_bits(figures_.events) ^
                    static_cast<std::uint64_t>(ended_.count()));
  }

 private:
  static DeploymentOptions options_for(const TrialPlan& plan, unsigned threads) {
    DeploymentOptions options = plan.options;
    options.threads = threads;
    // Nobody is left to wait for anything once the time is over.
    for (std::size_t d = 0; d < options.datacenters.size(); ++d) {
      const auto datacenter = static_cast<std::uint16_t>(d);
      options.faults.emplace_back(
          ProcessKill{{.datacenter = datacenter, .role = {}, .index = {}}, plan.limit});
    }
    return options;
  }

  SimulatedDeployment::Taps taps() {
    SimulatedDeployment::Taps taps;
    taps.on_send = [this](Time, ProcessId from, ProcessId to, const Message& message) {
      if (!over_ && from.role == Role::server) look_at_sent(from, to, message);
    };
    taps.before_message = [this](Time, ProcessId to, ProcessId from, const Message& message) {
      if (over_ || to.role != Role::server) return;
      replicas_.before_message(to, from, message);
      reads_.before_message(to, from, message);
      if (to.datacenter != from.datacenter) releases_.before_message(to, from, message);
    };
    taps.after_event = [this](Time, ProcessId process) {
      if (over_ || violation_ || process.role != Role::server) return;
      replicas_.settle();
      reads_.after_event(process);
      if (!plan_.workload.poison) note(releases_.after_event(process));
      note(check_memory(process));
      if (plan_.workload.poison) return;
      const std::uint64_t draw = random_.below(10 * plan_.check_every);
      if (draw < 10 || clock_closed(process)) note(replicas_.check(process));
      if (draw == 0) note(replicas_.check_difference());
    };
    return taps;
  }

  void note(std::optional<Violation> violation) {
    if (violation && !violation_) violation_ = std::move(violation);
  }

  bool clock_closed(ProcessId server) {
    const Clock closed = deployment_.server(server).server().closed();
    // Every third clock: the others are as likely to be met by chance.
    return closed % 3 == 0 && std::exchange(closed_[server], closed) != closed;
  }

  void look_at_sent(ProcessId from, ProcessId to, const Message& message) {
    if (violation_) return;
    if (!plan_.workload.poison && from.datacenter != to.datacenter) {
      note(releases_.sent(from, to, message));
    }
    if (const auto* reply = std::get_if<PullReply>(&message.body)) {
      if (to.role == Role::worker) note(reads_.served(from, to, *reply));
      const bool training = to.role == Role::worker && !deployment_.log(from.datacenter).stopped_at;
      if (training && reply->last && !plan_.workload.poison) {
        note(replicas_.check_applied(from, reply->clock));
      }
      if (plan_.workload.poison) look_at_floats(from, message);
    } else if (const auto* update = std::get_if<Update>(&message.body);
               update != nullptr && plan_.workload.poison) {
      for_each_entry(deployment_.chunk_of(to, from, *update, message.payloads),
                     [&](std::size_t table, std::size_t entry, float value) {
                       if (!std::isfinite(value)) sent_garbage(from, table, entry);
                     });
    }
  }

  void look_at_floats(ProcessId from, const Message& message) {
    for (const Payload& payload : message.payloads) {
      for (std::size_t at = 0; at < payload.size(); at += sizeof(float)) {
        if (!std::isfinite(load_float(payload.bytes().data() + at))) sent_garbage(from, 0, at);
      }
    }
  }

  void sent_garbage(ProcessId from, std::size_t table, std::size_t entry) {
    note(Violation{kGarbage, fmt::format("datacenter {} sent a value that is not finite: table {}, entry {}",
                                         from.datacenter, table, entry)});
  }

  /// A link has no more on the way than its window and one chunk, however far the window was open.
  std::optional<Violation> check_memory(ProcessId server) {
    const Mirror& mirror = deployment_.server(server).mirror();
    for (const ProcessId other : mirror.counterparts()) {
      const Session& session = mirror.session_with(other);
      Widest& widest = widest_[{server, other}];
      widest.window = std::max(widest.window, session.out.limits().window_bytes);
      widest.chunk = std::max(widest.chunk, session.out.limits().chunk_bytes);
      if (session.out.has_backlog()) backlogged_.insert({server, other});
      if (session.out.unacknowledged_bytes() > widest.window + widest.chunk) {
        return Violation{kMemory,
                         fmt::format("datacenter {} has {} bytes on the way to datacenter {}, window {}",
                                     server.datacenter, session.out.unacknowledged_bytes(), other.datacenter,
                                     widest.window)};
      }
      if (plan_.options.parts->merge == "eager" || random_.below(50) != 0) continue;
      // Whole clocks wait in line: no more of them than exchanges may be open, there and in between.
      std::size_t waiting = 0;
      for (const TableSelection& table : session.out.backlog_entries()) waiting += table.size();
      const Clock ds = plan_.options.parameters.ds.value_or(plan_.options.parameters.ds_most);
      if (waiting * sizeof(float) > 2 * (ds + 2) * session.shared_bytes) {
        return Violation{kMemory, fmt::format("{} entries of datacenter {} wait for datacenter {}", waiting,
                                              server.datacenter, other.datacenter)};
      }
    }
    return {};
  }

  std::optional<Violation> check_progress(const Simulation::Outcome& outcome) const {
    if (outcome.fault) {
      return Violation{
          kProgress, fmt::format("after {:.3f} s, {}: {}", to_seconds(outcome.ended),
                                 process_name(fmt::format("datacenter {}", outcome.fault->process.datacenter),
                                              outcome.fault->process),
                                 outcome.fault->reason)};
    }
    if (outcome.ended >= plan_.limit) {
      return Violation{kProgress, fmt::format("not over after {:.0f} s", to_seconds(plan_.limit))};
    }
    const DatacenterLog& first = deployment_.log(plan_.killed == 0 ? 1 : 0);
    for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
      const DatacenterLog& log = deployment_.log(d);
      if (d == plan_.killed) continue;
      if (log.final && log.stopped_at && log.stopped_at == first.stopped_at) continue;
      return Violation{kProgress, fmt::format("datacenter {} stopped at clock {}, the first at clock {}", d,
                                              log.stopped_at.value_or(0), first.stopped_at.value_or(0))};
    }
    return {};
  }

  /// The run ended for somebody's silence, and says so.
  static std::optional<Violation> check_silence(const Simulation::Outcome& outcome) {
    if (outcome.fault->reason.find("has been silent for") != std::string::npos) return {};
    return Violation{kProgress, "not ended for silence: " + outcome.fault->reason};
  }

  /// The run ended for the poison, and says where it was.
  std::optional<Violation> check_poison(const Simulation::Outcome& outcome) const {
    const CountingWorkload::Poison& poison = *plan_.workload.poison;
    const std::string table = "table " + plan_.workload.tables[poison.table].name;
    const std::string clock = fmt::format("clock {} ", poison.clock);
    const std::string datacenter = "datacenter " + deployment_.name_of_datacenter(poison.datacenter);
    const std::string reason = outcome.fault ? outcome.fault->reason : "no fault";
    for (const std::string& word : {std::string("not finite"), table, clock, datacenter}) {
      if (reason.find(word) != std::string::npos) continue;
      return Violation{kGarbage, fmt::format("the reason does not say '{}': {}", word, reason)};
    }
    return {};
  }

  /// Whether somebody went on without somebody else to the end.
  bool ended_apart() const {
    if (plan_.killed) return true;
    for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
      for (std::size_t s = 0; s < deployment_.servers(d); ++s) {
        for (std::size_t other = 0; other < deployment_.datacenters(); ++other) {
          if (deployment_.server(d, s).mirror().has_left(other)) return true;
        }
      }
    }
    return false;
  }

  void count_ends() {
    figures_.backlogs = backlogged_.size();
    figures_.ended_apart = ended_apart() ? 1 : 0;
    for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
      for (const std::string& notice : deployment_.log(d).notices) {
        if (notice.find("policy: continue") != std::string::npos) ++figures_.left;
        if (notice.find("takes part again") != std::string::npos) ++figures_.returned;
      }
      for (std::size_t s = 0; s < deployment_.servers(d); ++s) {
        const Mirror& mirror = deployment_.server(d, s).mirror();
        for (const ProcessId other : mirror.counterparts()) {
          const Session& session = mirror.session_with(other);
          figures_.breaks += session.in.breaks();
          if (session.in.breaks() > 0 && !session.in.awaiting()) figures_.resumed += session.in.breaks();
        }
      }
    }
  }

  struct Widest {
    std::size_t window = 0;
    std::size_t chunk = 0;
  };

  const TrialPlan& plan_;
  TrialFigures figures_;
  Random random_{plan_.seed};
  bool over_ = false;
  Time ended_{0};
  std::optional<Violation> violation_;
  std::map<ProcessId, Clock> closed_;
  std::map<std::pair<ProcessId, ProcessId>, Widest> widest_;
  std::set<std::pair<ProcessId, ProcessId>> backlogged_;
  CountingWorkload workload_;
  SimulatedDeployment deployment_;
  ReplicaRules replicas_;
  ReadRules reads_;
  ReleaseRule releases_;
};

void tell(const Trial& trial) {
  for (std::size_t d = 0; d < trial.deployment().datacenters(); ++d) {
    const DatacenterLog& log = trial.deployment().log(d);
    fmt::print("datacenter {} is {}; stopped at clock {}, {}\n", d, trial.deployment().name_of_datacenter(d),
               log.stopped_at.value_or(0), log.final ? "measured at the end" : "not measured at the end");
    for (const std::string& notice : log.notices) fmt::print("  {}\n", notice);
    for (std::size_t s = 0; s < trial.deployment().servers(d); ++s) {
      const MirroredServer& server = trial.deployment().server(d, s);
      fmt::print("  server {}: {} clocks closed\n", s, server.server().closed());
      for (const ProcessId other : server.mirror().counterparts()) {
        const Session& session = server.mirror().session_with(other);
        fmt::print(
            "    to {}/{}: epoch {}, chunk {} ({} acknowledged), complete to clock {}, backlog {}; from it: "
            "epoch {}, chunk {}, {} breaks, clock {} reported\n",
            other.datacenter, other.index, session.out.epoch(), session.out.last_number(),
            session.out.acknowledged_number(), session.out.complete_clock(), session.out.has_backlog(),
            session.in.epoch(), session.in.applied_number(), session.in.breaks(),
            session.in.reported_clock());
      }
    }
  }
}

}  // namespace

TrialResult carry_out(const TrialPlan& plan, bool narrate) {
  Trial trial(plan, 1);
  trial.run();
  TrialResult result{trial.violation(), trial.figures(), to_seconds(trial.ended())};
  if (narrate) tell(trial);
  if (result.violation || !plan.run_twice) return result;
  Trial again(plan, 3);
  again.run();
  if (again.fingerprint() != trial.fingerprint()) {
    result.violation =
        Violation{kDeterminism,
                  fmt::format("two runs differ: {} events in {} s, {} events in {} s", trial.figures().events,
                              to_seconds(trial.ended()), again.figures().events, to_seconds(again.ended()))};
  }
  return result;
}

}  // namespace meridian::wan

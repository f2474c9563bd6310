#include "tests/wan/trial/replica_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "wan/anchored.h"
#include "wan/exchange_merge.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

constexpr const char* kConservation = "1 (conservation)";
constexpr const char* kAgreement = "2 (agreement)";
constexpr const char* kStaleness = "4 (bounded staleness)";
constexpr const char* kDifference = "3 (bounded difference)";

std::string place(ProcessId server, std::size_t table, std::size_t entry) {
  return fmt::format("server {} of datacenter {}, table {}, entry {}", server.index, server.datacenter, table,
                     entry);
}

}  // namespace

ReplicaRules::ReplicaRules(const TrialPlan& plan, const CountingWorkload& workload,
                           const SimulatedDeployment& deployment, TrialFigures& figures)
    : plan_(plan),
      workload_(workload),
      deployment_(deployment),
      figures_(figures),
      random_(plan.seed),
      expected_(plan.options, workload, deployment) {
  const Overlay overlay = plan.options.overlay.value_or(Overlay::mesh(deployment.datacenters()));
  for (std::size_t d = 0; d < deployment.datacenters(); ++d) neighbours_.push_back(overlay.neighbours(d));
}

bool ReplicaRules::relays(std::size_t datacenter, std::size_t from, std::size_t to) const {
  const auto relation = [&](std::size_t other) {
    const auto& all = neighbours_[datacenter];
    return std::find_if(all.begin(), all.end(), [&](const auto& n) { return n.datacenter == other; })
        ->relation;
  };
  return from != to && wan::relays(relation(from), relation(to));
}

ReplicaRules::Sums& ReplicaRules::given(ProcessId to, ProcessId from) {
  Sums& sums = given_[{to, from}];
  if (sums.empty()) {
    for (const TableSpec& table : workload_.tables()) sums.emplace_back(table.size());
  }
  return sums;
}

ReplicaRules::Sums& ReplicaRules::given(ProcessId to, std::size_t from_datacenter) {
  Sums& sums = given_by_datacenter_[{to, from_datacenter}];
  if (sums.empty()) {
    for (const TableSpec& table : workload_.tables()) sums.emplace_back(table.size());
  }
  return sums;
}

std::vector<ProcessId> ReplicaRules::servers() const {
  std::vector<ProcessId> all;
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    for (std::size_t s = 0; s < deployment_.servers(d); ++s) {
      all.push_back(ProcessId::server(static_cast<std::uint16_t>(d), static_cast<std::uint16_t>(s)));
    }
  }
  return all;
}

void ReplicaRules::before_message(ProcessId to, ProcessId from, const Message& message) {
  settle();
  const auto* const update = std::get_if<Update>(&message.body);
  if (update == nullptr) return;
  if (update->number != deployment_.server(to).mirror().applied_number(from) + 1) {
    ++figures_.repeats;
    return;
  }
  candidate_ = Candidate{to, from, update->number, deployment_.chunk_of(to, from, *update, message.payloads)};
}

void ReplicaRules::settle() {
  if (!candidate_) return;
  const Candidate candidate = std::move(*candidate_);
  candidate_.reset();
  if (deployment_.server(candidate.to).mirror().applied_number(candidate.from) != candidate.number) return;
  ++figures_.chunks;
  if (!eager()) return;
  Sums& by_server = given(candidate.to, candidate.from);
  Sums& by_datacenter = given(candidate.to, std::size_t{candidate.from.datacenter});
  for_each_entry(candidate.chunk, [&](std::size_t table, std::size_t entry, float value) {
    by_server[table][entry] += value;
    by_datacenter[table][entry] += value;
  });
}

std::optional<Violation> ReplicaRules::check(ProcessId server) {
  ++figures_.checks;
  if (!eager()) return plan_.options.parts->merge == "ordered" ? check_sum(server) : check_anchor(server);
  if (auto wrong = check_eager_values(server)) return wrong;
  for (const ProcessId other : deployment_.server(server).mirror().counterparts()) {
    if (auto wrong = check_link(server, other)) return wrong;
    if (auto wrong = check_link(other, server)) return wrong;
  }
  return {};
}

/// Applied there + still owed = own steps + what came in that this link passes on.
std::optional<Violation> ReplicaRules::check_link(ProcessId from, ProcessId to) {
  const MirroredServer& sender = deployment_.server(from);
  const MirroredServer& receiver = deployment_.server(to);
  std::vector<FloatBuffer> owed;
  for (const TableRange& range : sender.store().ranges()) owed.emplace_back(range.size());
  sender.mirror().add_owed_to(to, receiver.mirror().applied_number(from), owed);
  const Sums& arrived = given(to, from);
  const Clock closed = sender.server().closed();
  std::vector<const Sums*> passed_on;
  for (const OverlayNeighbour& neighbour : neighbours_[from.datacenter]) {
    if (relays(from.datacenter, neighbour.datacenter, to.datacenter)) {
      passed_on.push_back(&given(from, neighbour.datacenter));
    }
  }
  for (std::size_t table = 0; table < owed.size(); ++table) {
    const TableRange owned = sender.store().ranges()[table];
    const TableRange shared = intersection(owned, receiver.store().ranges()[table]);
    for (std::size_t entry = shared.begin; entry < shared.end; ++entry) {
      float due = expected_.step(from.datacenter, table, entry, sender.server().stepped(table, entry));
      for (const Sums* const sums : passed_on) due += (*sums)[table][entry];
      const float owes = owed[table][entry - owned.begin];
      if (arrived[table][entry] + owes == due) continue;
      return Violation{
          kConservation,
          fmt::format("{}, clock {}, to datacenter {} server {}: {} arrived + {} owed, but {} due",
                      place(from, table, entry), closed, to.datacenter, to.index, arrived[table][entry], owes,
                      due)};
    }
  }
  return {};
}

/// A replica is what it began with, its own steps, and what came in.
std::optional<Violation> ReplicaRules::check_eager_values(ProcessId server) {
  const MirroredServer& own = deployment_.server(server);
  std::vector<const Sums*> came;
  for (const OverlayNeighbour& neighbour : neighbours_[server.datacenter]) {
    came.push_back(&given(server, neighbour.datacenter));
  }
  for (std::size_t table = 0; table < own.store().tables(); ++table) {
    const TableRange range = own.store().ranges()[table];
    const std::span<const float> values = own.store().values(table);
    for (std::size_t entry = range.begin; entry < range.end; ++entry) {
      float due = workload_.initial_value(table, entry);
      due += expected_.step(server.datacenter, table, entry, own.server().stepped(table, entry));
      for (const Sums* const sums : came) due += (*sums)[table][entry];
      if (values[entry - range.begin] == due) continue;
      return Violation{kConservation,
                       fmt::format("{}: the replica has {}, but {} came in", place(server, table, entry),
                                   values[entry - range.begin], due)};
    }
  }
  return {};
}

/// An ordered sum moves the replica by whole clocks, the same everywhere.
std::optional<Violation> ReplicaRules::check_sum(ProcessId server) {
  const MirroredServer& own = deployment_.server(server);
  const Clock settled = std::min(own.mirror().merge().applied(0), own.server().closed());
  const auto& steps = expected_.steps(settled);
  for (std::size_t table = 0; table < own.store().tables(); ++table) {
    const TableRange range = own.store().ranges()[table];
    const std::span<const float> values = own.store().values(table);
    for (std::size_t entry = range.begin; entry < range.end; ++entry) {
      const float due = workload_.initial_value(table, entry) + steps[table][entry];
      if (values[entry - range.begin] == due) continue;
      return Violation{kConservation,
                       fmt::format("{}: {} after the sum of clock {}, but {} is due",
                                   place(server, table, entry), values[entry - range.begin], settled, due)};
    }
  }
  return {};
}

std::optional<Violation> ReplicaRules::check_anchor(ProcessId server) {
  const MirroredServer& own = deployment_.server(server);
  const auto& merge = dynamic_cast<const ExchangeMerge&>(own.mirror().merge());
  const auto& anchored = dynamic_cast<const Anchored&>(merge.ordered());
  ++figures_.anchors;
  for (std::size_t table = 0; table < own.store().tables(); ++table) {
    const TableRange range = own.store().ranges()[table];
    auto& seen = seen_anchors_[{anchored.exchanges(), table}];
    seen.resize(workload_.tables()[table].size());
    for (std::size_t entry = range.begin; entry < range.end; ++entry) {
      const float value = anchored.anchor(table)[entry - range.begin];
      if (!seen[entry]) seen[entry] = value;
      if (std::bit_cast<std::uint32_t>(*seen[entry]) == std::bit_cast<std::uint32_t>(value)) continue;
      return Violation{kAgreement,
                       fmt::format("{}: anchor {} after {} exchanges, elsewhere {}",
                                   place(server, table, entry), value, anchored.exchanges(), *seen[entry])};
    }
  }
  return plan_.options.parts->what == "all" ? check_against(server, anchored) : std::nullopt;
}

/// Every exchange's total is the mean of what all datacenters did, and the replica the anchor and own steps.
std::optional<Violation> ReplicaRules::check_against(ProcessId server, const Anchored& anchored) {
  const MirroredServer& own = deployment_.server(server);
  const Clock h = plan_.options.parameters.h;
  const Clock closed = own.server().closed();
  const auto regular = std::min<std::uint64_t>(anchored.exchanges(), closed / h);
  const auto exchanged = static_cast<Clock>(regular * h);
  const bool last = anchored.exchanges() > regular;
  const auto& anchors = expected_.anchors(regular);
  const double weight = expected_.weight(server.datacenter);
  for (std::size_t table = 0; table < own.store().tables(); ++table) {
    const TableRange range = own.store().ranges()[table];
    for (std::size_t entry = range.begin; entry < range.end; ++entry) {
      const Clock stepped = own.server().stepped(table, entry);
      const float since = expected_.steps(stepped)[table][entry] - expected_.steps(exchanged)[table][entry];
      const float anchor = anchored.anchor(table)[entry - range.begin];
      const float value = own.store().values(table)[entry - range.begin];
      const float due = anchors[table][entry] + (last ? since : 0.0F);
      const bool owns = workload_.owner(table, entry) == server.datacenter;
      const double replica = anchor + (owns && !last ? since / weight : 0.0);
      const auto differ = [](double a, double b) { return std::fabs(a - b) > 1e-5 * (1.0 + std::fabs(b)); };
      if (!differ(anchor, due) && !differ(value, replica)) continue;
      return Violation{
          kConservation,
          fmt::format("{}: after {} exchanges at clock {}: anchor {}, {} due; replica {}, {} due",
                      place(server, table, entry), anchored.exchanges(), closed, anchor, due, value,
                      replica)};
    }
  }
  return {};
}

std::optional<Violation> ReplicaRules::check_applied(ProcessId server, Clock clock) {
  const ModeParts& parts = *plan_.options.parts;
  const bool every_clock = parts.when == "every_clock" || plan_.options.parameters.h == 1;
  const bool whole = parts.what == "all" && parts.wait == "applied_clock" && eager() && every_clock;
  if (!whole || plan_.options.absence.policy == SilencePolicy::go_on) return {};
  const MirroredServer& own = deployment_.server(server);
  const Clock ds = own.mirror().staleness_bound();
  if (clock <= ds) return {};
  // All of a clock's updates come together: an entry holds its owner's steps up to some clock.
  for (int sample = 0; sample < 16; ++sample) {
    const std::size_t table = random_.below(own.store().tables());
    const TableRange range = own.store().ranges()[table];
    if (range.empty()) continue;
    const std::size_t entry = range.begin + random_.below(range.size());
    const std::size_t owner = workload_.owner(table, entry);
    if (owner == server.datacenter) continue;
    const float value = own.store().values(table)[entry - range.begin];
    const float initial = workload_.initial_value(table, entry);
    bool found = false;
    for (Clock until = clock - ds; until <= *plan_.options.clocks && !found; ++until) {
      found = value == initial + expected_.steps(until)[table][entry];
    }
    if (found) continue;
    return Violation{kStaleness,
                     fmt::format("{}: a read at clock {}, ds {}, has {}, which is not what datacenter "
                                 "{} had done at clock {} or later",
                                 place(server, table, entry), clock, ds, value, owner, clock - ds)};
  }
  return {};
}

std::optional<Violation> ReplicaRules::check_difference() {
  if (!eager()) return {};
  Sums bound;
  for (const TableSpec& table : workload_.tables()) bound.emplace_back(table.size());
  for (const ProcessId from : servers()) {
    const MirroredServer& sender = deployment_.server(from);
    for (const ProcessId to : sender.mirror().counterparts()) {
      std::vector<FloatBuffer> owed;
      for (const TableRange& range : sender.store().ranges()) owed.emplace_back(range.size());
      sender.mirror().add_owed_to(to, deployment_.server(to).mirror().applied_number(from), owed);
      for (std::size_t table = 0; table < owed.size(); ++table) {
        const std::size_t begin = sender.store().ranges()[table].begin;
        const TableRange shared =
            intersection(sender.store().ranges()[table], deployment_.server(to).store().ranges()[table]);
        for (std::size_t entry = shared.begin; entry < shared.end; ++entry) {
          bound[table][entry] += std::fabs(owed[table][entry - begin]);
        }
      }
    }
  }
  Sums least;
  Sums most;
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    const std::vector<FloatBuffer> replica = deployment_.replica(d);
    for (std::size_t table = 0; table < replica.size(); ++table) {
      const std::span<const float> values = replica[table].span();
      if (d == 0) {
        least.emplace_back(values.begin(), values.end());
        most.emplace_back(values.begin(), values.end());
      }
      for (std::size_t entry = 0; entry < values.size(); ++entry) {
        least[table][entry] = std::min(least[table][entry], values[entry]);
        most[table][entry] = std::max(most[table][entry], values[entry]);
      }
    }
  }
  for (std::size_t table = 0; table < bound.size(); ++table) {
    for (std::size_t entry = 0; entry < bound[table].size(); ++entry) {
      if (most[table][entry] - least[table][entry] <= bound[table][entry]) continue;
      return Violation{
          kDifference,
          fmt::format("table {}, entry {}: replicas from {} to {}, but only {} is held back or on "
                      "the way",
                      table, entry, least[table][entry], most[table][entry], bound[table][entry])};
    }
  }
  return {};
}

std::optional<Violation> ReplicaRules::check_end(bool apart) {
  settle();
  for (const ProcessId server : servers()) {
    if (auto wrong = check(server)) return wrong;
  }
  if (auto wrong = check_difference()) return wrong;
  return apart ? std::nullopt : check_equal();
}

/// After the drain: bit for bit, since every sum is exact, and all that was due.
std::optional<Violation> ReplicaRules::check_equal() {
  ++figures_.agreed;
  const std::vector<FloatBuffer> first = deployment_.replica(0);
  const auto& steps = expected_.steps(deployment_.log(0).stopped_at.value_or(0));
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    const std::vector<FloatBuffer> other = deployment_.replica(d);
    for (std::size_t table = 0; table < first.size(); ++table) {
      for (std::size_t entry = 0; entry < first[table].size(); ++entry) {
        const float due = plan_.options.parts->merge == "anchored"
                              ? first[table][entry]
                              : workload_.initial_value(table, entry) + steps[table][entry];
        if (other[table][entry] == due && first[table][entry] == due) continue;
        return Violation{kAgreement,
                         fmt::format("at the end, table {}, entry {}: {} in datacenter 0, {} in "
                                     "datacenter {}, {} due",
                                     table, entry, first[table][entry], other[table][entry], d, due)};
      }
    }
  }
  return {};
}

}  // namespace meridian::wan

#include "tests/wan/link_ledger.h"

#include <fmt/format.h>

#include <algorithm>

#include "wan/update_chunk.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

DeploymentOptions exact(DeploymentOptions options) {
  options.weights_are_powers_of_two = true;
  return options;
}

ProcessId server_id(std::size_t datacenter, std::size_t index) {
  return ProcessId::server(static_cast<std::uint16_t>(datacenter), static_cast<std::uint16_t>(index));
}

}  // namespace

LinkLedger::LinkLedger(DeploymentOptions deployment, const CountingWorkload& workload, Options options)
    : options_(std::move(options)),
      workload_(workload),
      random_(deployment.seed),
      deployment_(exact(std::move(deployment)), workload, taps()),
      overlay_(deployment_.options().overlay.value_or(Overlay::mesh(deployment_.datacenters()))) {}

SimulatedDeployment::Taps LinkLedger::taps() {
  SimulatedDeployment::Taps taps;
  taps.on_send = [this](Time now, ProcessId from, ProcessId to, const Message& message) {
    if (std::holds_alternative<Resume>(message.body)) ++resumed_;
    if (options_.listen.on_send) options_.listen.on_send(now, from, to, message);
  };
  taps.before_message = [this](Time now, ProcessId to, ProcessId from, const Message& message) {
    before_message(to, from, message);
    if (options_.listen.before_message) options_.listen.before_message(now, to, from, message);
  };
  taps.after_event = [this](Time, ProcessId process) {
    if (process.role != Role::server) return;
    check_memory(process);
    if (random_.below(options_.check_one_event_in) == 0) check();
  };
  taps.repeat = [this](ProcessId, const Message& message) {
    const bool repeat =
        std::holds_alternative<Update>(message.body) && random_.uniform() < options_.repeat_probability;
    saw_repeat_ = saw_repeat_ || repeat;
    return repeat;
  };
  return taps;
}

Simulation::Outcome LinkLedger::run() {
  Simulation::Outcome outcome = deployment_.run();
  check();
  return outcome;
}

/// Books a chunk that the receiver is about to take: the next one of the epoch that it is in.
void LinkLedger::before_message(ProcessId to, ProcessId from, const Message& message) {
  const auto* update = std::get_if<Update>(&message.body);
  if (update == nullptr) return;
  const IncomingLink& in = deployment_.server(to).mirror().session_with(from).in;
  if (message.position.epoch != in.epoch() || update->number != in.applied_number() + 1) return;
  Sums& sums = given(to, from);
  for_each_entry(deployment_.chunk_of(to, from, *update, message.payloads),
                 [&](std::size_t table, std::size_t entry, float value) { sums[table][entry] += value; });
}

LinkLedger::Sums LinkLedger::zeros() const {
  Sums sums;
  for (const TableSpec& table : workload_.tables()) sums.emplace_back(table.size());
  return sums;
}

LinkLedger::Sums& LinkLedger::given(ProcessId to, ProcessId from) {
  Sums& sums = given_[{to, from}];
  if (sums.empty()) sums = zeros();
  return sums;
}

/// The sum of a datacenter's own steps up to `clock`.
const LinkLedger::Sums& LinkLedger::own_steps(std::size_t datacenter, Clock clock) {
  std::vector<Sums>& by_clock = own_steps_[datacenter];
  if (by_clock.empty()) by_clock.push_back(zeros());
  const double factor = -deployment_.options().optimizer.learning_rate * deployment_.weight(datacenter) /
                        CountingWorkload::kSamples;
  while (by_clock.size() <= clock) {
    Sums next;
    for (std::size_t table = 0; table < workload_.tables().size(); ++table) {
      next.push_back(by_clock.back()[table].clone());
      for (std::size_t entry = 0; entry < next.back().size(); ++entry) {
        if (workload_.owner(table, entry) != datacenter) continue;
        next.back()[entry] += static_cast<float>(
            factor * workload_.gradient_sum(table, entry, static_cast<Clock>(by_clock.size())));
      }
    }
    by_clock.push_back(std::move(next));
  }
  return by_clock[clock];
}

void LinkLedger::check() {
  if (!wrong_.empty() || !options_.check_links) return;
  ++checks_;
  for (std::size_t from = 0; from < deployment_.datacenters(); ++from) {
    for (const OverlayNeighbour& neighbour : overlay_.neighbours(from)) {
      check_link(from, neighbour);
      if (!wrong_.empty()) return;
    }
  }
}

void LinkLedger::check_link(std::size_t from, const OverlayNeighbour& neighbour) {
  for (std::size_t s = 0; s < deployment_.servers(from); ++s) {
    const ProcessId sender = server_id(from, s);
    std::vector<const Sums*> passed_on;
    for (const OverlayNeighbour& source : overlay_.neighbours(from)) {
      if (source.datacenter == neighbour.datacenter || !relays(source.relation, neighbour.relation)) continue;
      for (std::size_t i = 0; i < deployment_.servers(source.datacenter); ++i) {
        passed_on.push_back(&given(sender, server_id(source.datacenter, i)));
      }
    }
    for (std::size_t t = 0; t < deployment_.servers(neighbour.datacenter); ++t) {
      check_servers(sender, server_id(neighbour.datacenter, t), passed_on);
      if (!wrong_.empty()) return;
    }
  }
}

bool LinkLedger::share(ProcessId a, ProcessId b) const {
  const std::vector<TableRange>& here = deployment_.server(a).store().ranges();
  const std::vector<TableRange>& there = deployment_.server(b).store().ranges();
  for (std::size_t table = 0; table < here.size(); ++table) {
    if (!intersection(here[table], there[table]).empty()) return true;
  }
  return false;
}

void LinkLedger::check_servers(ProcessId from, ProcessId to, const std::vector<const Sums*>& passed_on) {
  const MirroredServer& sender = deployment_.server(from);
  const MirroredServer& receiver = deployment_.server(to);
  const std::vector<TableRange>& owned = sender.store().ranges();
  if (!share(from, to)) return;
  Sums owed;
  for (const TableRange& range : owned) owed.emplace_back(range.size());
  sender.mirror().add_owed_to(to, receiver.mirror().applied_number(from), owed);
  const Sums& arrived = given(to, from);
  const Clock closed = sender.server().closed();
  const Sums& with_open_step = own_steps(from.datacenter, closed + 1);
  const Sums& steps = own_steps(from.datacenter, closed);
  for (std::size_t table = 0; table < owned.size(); ++table) {
    const TableRange shared = intersection(owned[table], receiver.store().ranges()[table]);
    for (std::size_t entry = shared.begin; entry < shared.end; ++entry) {
      const bool ahead = sender.server().stepped(table, entry) > closed;
      float expected = (ahead ? with_open_step : steps)[table][entry];
      for (const Sums* source : passed_on) expected += (*source)[table][entry];
      const float there = arrived[table][entry];
      const float on_the_way = owed[table][entry - owned[table].begin];
      if (there + on_the_way == expected) continue;
      wrong_ = fmt::format("{} to {}, table {}, entry {}: {} given + {} owed, due are {}",
                           process_name(deployment_.name_of_datacenter(from.datacenter), from),
                           process_name(deployment_.name_of_datacenter(to.datacenter), to), table, entry,
                           there, on_the_way, expected);
      return;
    }
  }
}

/// What is kept for a link is never more than its window, which may have been wider before.
void LinkLedger::check_memory(ProcessId process) {
  for (const OverlayNeighbour& neighbour : overlay_.neighbours(process.datacenter)) {
    for (std::size_t t = 0; t < deployment_.servers(neighbour.datacenter); ++t) {
      const ProcessId to = server_id(neighbour.datacenter, t);
      if (!share(process, to)) continue;
      const Session& session = deployment_.server(process).mirror().session_with(to);
      saw_backlog_ = saw_backlog_ || session.out.has_backlog();
      std::size_t& widest = widest_windows_[&session];
      widest = std::max(widest, session.out.limits().window_bytes);
      const bool too_much = session.out.unacknowledged_bytes() > widest;
      if (too_much && wrong_.empty()) {
        wrong_ = fmt::format("{} bytes are kept for a link, its window is {}, {} are shared",
                             session.out.unacknowledged_bytes(), widest, session.shared_bytes);
      }
    }
  }
}

std::string LinkLedger::not_drained() const {
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    const Sums replica = deployment_.replica(d);
    for (std::size_t table = 0; table < replica.size(); ++table) {
      for (std::size_t entry = 0; entry < replica[table].size(); ++entry) {
        const std::size_t owner = workload_.owner(table, entry);
        const Clock clocks = deployment_.server(owner, 0).server().closed();
        const double factor = -deployment_.options().optimizer.learning_rate * deployment_.weight(owner) /
                              CountingWorkload::kSamples;
        float expected = workload_.initial_value(table, entry);
        for (Clock clock = 1; clock <= clocks; ++clock) {
          expected += static_cast<float>(factor * workload_.gradient_sum(table, entry, clock));
        }
        if (replica[table][entry] == expected) continue;
        return fmt::format("datacenter {}, table {}, entry {}: {} in place of {}", d, table, entry,
                           replica[table][entry], expected);
      }
    }
  }
  return "";
}

}  // namespace meridian::wan

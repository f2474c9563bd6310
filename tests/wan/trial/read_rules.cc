#include "tests/wan/trial/read_rules.h"

#include <fmt/format.h>

#include <algorithm>

namespace meridian::wan {
namespace {

constexpr const char* kStaleness = "4 (bounded staleness)";
constexpr const char* kBarrier = "the selective barrier";

bool share(const MirroredServer& a, const MirroredServer& b) {
  for (std::size_t table = 0; table < a.store().tables(); ++table) {
    if (!intersection(a.store().ranges()[table], b.store().ranges()[table]).empty()) return true;
  }
  return false;
}

}  // namespace

ReadRules::ReadRules(const TrialPlan& plan, const SimulatedDeployment& deployment, TrialFigures& figures)
    : plan_(plan),
      deployment_(deployment),
      figures_(figures),
      behind_(plan.options.datacenters.size(), false) {}

/// Whether a control message is what comes next in its epoch; if so, it is taken.
bool ReadRules::in_its_place(ProcessId to, ProcessId from, const Message& message) {
  const Session& session = deployment_.server(to).mirror().session_with(from);
  if (message.position.sequence == 0) return false;
  Place& place = places_[{to, from}];
  if (place.epoch != session.in.epoch()) place = {session.in.epoch(), 1};
  if (message.position.epoch != place.epoch || message.position.sequence != place.sequence) return false;
  ++place.sequence;
  return true;
}

void ReadRules::before_message(ProcessId to, ProcessId from, const Message& message) {
  if (to.role != Role::server) return;
  settle_release(to);
  const auto* const pull = std::get_if<Pull>(&message.body);
  const auto* const push = std::get_if<Push>(&message.body);
  if ((pull != nullptr && !pull->final) || (push != nullptr && push->pulls)) {
    asked_[{to, from}] = orders_[to];
    if (!open_[to].empty()) ++figures_.held_reads;
  }
  if (to.datacenter == from.datacenter) return;
  if (const auto* update = std::get_if<Update>(&message.body)) {
    candidates_[to] = {from, update->number, update->released};
    return;
  }
  if (!in_its_place(to, from, message)) return;
  const auto* announcement = std::get_if<Announcement>(&message.body);
  if (announcement == nullptr) return;
  ++figures_.announcements;
  const MirroredServer& server = deployment_.server(to);
  auto entries = decode_announcement(*announcement, message.payloads.front().bytes(), server.store().ranges(),
                                     server.mirror().session_with(from).shared);
  if (!entries || announcement->number <= released_[{to, from}]) return;
  open_[to].push_back({from, announcement->number, ++orders_[to], std::move(entries).value()});
}

/// The last chunk that came to this server has been applied or not by now.
void ReadRules::settle_release(ProcessId server) {
  const auto found = candidates_.find(server);
  if (found == candidates_.end()) return;
  const Release release = found->second;
  candidates_.erase(found);
  if (deployment_.server(server).mirror().applied_number(release.from) != release.chunk) return;
  std::uint64_t& released = released_[{server, release.from}];
  released = std::max(released, release.number);
  std::erase_if(open_[server], [&](const Announced& announced) {
    return announced.from == release.from && announced.number <= released;
  });
}

void ReadRules::after_event(ProcessId server) {
  settle_release(server);
  if (plan_.options.absence.policy != SilencePolicy::go_on) return;
  // What somebody announced who was left out holds nobody.
  const Mirror& mirror = deployment_.server(server).mirror();
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    if (!mirror.has_left(d)) continue;
    behind_[d] = true;
    std::erase_if(open_[server], [&](const Announced& announced) { return announced.from.datacenter == d; });
  }
}

std::optional<Violation> ReadRules::served(ProcessId server, ProcessId reader, const PullReply& reply) {
  // Final reads are not the training's: by then the drain has made all equal.
  if (deployment_.log(server.datacenter).stopped_at) return {};
  ++figures_.reads;
  if (reply.part == 0) {
    if (auto wrong = check_staleness(server, reply.clock)) return wrong;
  }
  return check_barrier(server, reader, reply);
}

/// Whether the others need not wait for a datacenter: it was left out, and has not caught up with them.
bool ReadRules::excused(std::size_t datacenter) {
  if (plan_.options.absence.policy != SilencePolicy::go_on) return false;
  bool left = false;
  Clock furthest = 0;
  Clock own = static_cast<Clock>(-1);
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    for (std::size_t s = 0; s < deployment_.servers(d); ++s) {
      const MirroredServer& server = deployment_.server(d, s);
      if (server.mirror().has_left(datacenter)) behind_[datacenter] = true;
      left = left || server.mirror().has_left(datacenter);
      furthest = std::max(furthest, server.server().closed());
      if (d == datacenter) own = std::min(own, server.server().closed());
    }
  }
  behind_[datacenter] = left || (behind_[datacenter] && own < furthest);
  return behind_[datacenter];
}

std::optional<Violation> ReadRules::check_staleness(ProcessId server, Clock clock) {
  const MirroredServer& own = deployment_.server(server);
  const Clock ds = own.mirror().staleness_bound();
  if (clock <= ds) return {};
  Clock due = clock - ds;
  // What is not due before the next exchange is not waited for.
  if (plan_.options.parts->merge != "eager") {
    const Clock h = plan_.options.parts->when == "every_clock" ? 1 : plan_.options.parameters.h;
    due = due / h * h;
  }
  for (std::size_t d = 0; d < deployment_.datacenters(); ++d) {
    if (d == server.datacenter || excused(d)) continue;
    for (std::size_t s = 0; s < deployment_.servers(d); ++s) {
      const MirroredServer& other = deployment_.server(d, s);
      if (!share(own, other)) continue;
      const Clock closed = other.server().closed();
      if (closed == due && ds > 0) ++figures_.ahead;
      if (closed >= due) continue;
      return Violation{
          kStaleness,
          fmt::format("server {} of datacenter {} serves a read at {} clocks, ds {}; server {} of "
                      "datacenter {} has closed {}",
                      server.index, server.datacenter, clock, ds, s, d, closed)};
    }
  }
  return {};
}

std::optional<Violation> ReadRules::check_barrier(ProcessId server, ProcessId reader,
                                                  const PullReply& reply) {
  if (plan_.options.on_barrier == BarrierPolicy::open) return {};
  settle_release(server);
  for (const Announced& announced : open_[server]) {
    if (announced.order > asked_[{server, reader}]) continue;
    // Who was just left out holds nobody.
    if (deployment_.server(server).mirror().has_left(announced.from.datacenter)) continue;
    for (const Segment& segment : reply.segments) {
      if (!announced.entries.overlaps(segment.table, segment.first, segment.count)) continue;
      return Violation{
          kBarrier,
          fmt::format("server {} of datacenter {} serves a read at {} clocks of table {}, entries "
                      "{} to {}, though announcement {} of datacenter {} was known and is open",
                      server.index, server.datacenter, reply.clock, segment.table, segment.first,
                      segment.first + segment.count - 1, announced.number, announced.from.datacenter)};
    }
  }
  return {};
}

}  // namespace meridian::wan

#include "tests/wan/trial/release_rule.h"

#include <fmt/format.h>

#include <algorithm>

#include "wan/announced_entries.h"

namespace meridian::wan {

std::optional<Violation> ReleaseRule::sent(ProcessId from, ProcessId to, const Message& message) {
  Said& said = said_[{from, to}];
  if (message.position.epoch > said.epoch) said = {message.position.epoch, {}, false};
  if (const auto* announcement = std::get_if<Announcement>(&message.body)) {
    said.announced.insert(announcement->number);
    // What is made again after a break may have been released already, and keeps its number.
    std::uint32_t& epoch = made_in_[{from, to, announcement->number}];
    if (epoch == 0) epoch = message.position.epoch;
    if (epoch == message.position.epoch) watch(from, to, *announcement, message.payloads.front());
  } else if (std::holds_alternative<Update>(message.body)) {
    for (Watched& watched : watched_) {
      if (watched.from == from && watched.to == to) note_offered(watched);
    }
  } else if (std::holds_alternative<ClockReport>(message.body) && !said.reported) {
    said.reported = true;
    return check_said_again(from, to, said);
  }
  return {};
}

std::optional<Violation> ReleaseRule::check_said_again(ProcessId from, ProcessId to, const Said& said) const {
  for (const OutgoingBarrier::Open& open :
       deployment_.server(from).mirror().session_with(to).barrier_out.open()) {
    if (said.announced.contains(open.number)) continue;
    return Violation{
        "the selective barrier",
        fmt::format("datacenter {} to {}: announcement {} is open, but was not made again in epoch {}",
                    from.datacenter, to.datacenter, open.number, said.epoch)};
  }
  return {};
}

void ReleaseRule::watch(ProcessId from, ProcessId to, const Announcement& announcement,
                        const Payload& payload) {
  const MirroredServer& sender = deployment_.server(from);
  const auto entries = decode_announcement(announcement, payload.bytes(), sender.store().ranges(),
                                           sender.mirror().session_with(to).shared);
  if (!entries) return;
  Watched watched{from, to, announcement.number, {}, {}};
  entries.value().for_each(
      [&](std::size_t table, std::size_t entry) { watched.entries.emplace_back(table, entry); });
  watched.offered.resize(watched.entries.size());
  note_offered(watched);
  watched_.push_back(std::move(watched));
}

void ReleaseRule::note_offered(Watched& watched) {
  const MirroredServer& sender = deployment_.server(watched.from);
  std::vector<FloatBuffer> outstanding;
  for (const datacenter::TableRange& range : sender.store().ranges()) outstanding.emplace_back(range.size());
  const std::uint64_t applied = deployment_.server(watched.to).mirror().applied_number(watched.from);
  sender.mirror().session_with(watched.to).out.add_outstanding_to(outstanding, applied, /*magnitudes=*/false);
  const auto& arrived = replicas_.given(watched.to, watched.from);
  for (std::size_t i = 0; i < watched.entries.size(); ++i) {
    const auto [table, entry] = watched.entries[i];
    const float sum =
        arrived[table][entry] + outstanding[table][entry - sender.store().ranges()[table].begin];
    if (watched.offered[i].empty() || watched.offered[i].back() != sum) watched.offered[i].push_back(sum);
  }
}

void ReleaseRule::before_message(ProcessId to, ProcessId from, const Message& message) {
  const auto* const update = std::get_if<Update>(&message.body);
  if (update != nullptr) releases_.push_back({from, to, update->number, update->released});
}

std::optional<Violation> ReleaseRule::after_event(ProcessId server) {
  std::optional<Violation> violation;
  for (const Release& release : std::exchange(releases_, {})) {
    if (deployment_.server(release.to).mirror().applied_number(release.from) < release.chunk) continue;
    std::erase_if(watched_, [&](const Watched& watched) {
      const bool is_over =
          watched.from == release.from && watched.to == release.to && watched.number <= release.number;
      if (is_over && !violation) violation = check(watched);
      return is_over;
    });
  }
  for (Watched& watched : watched_) {
    if (watched.from == server) note_offered(watched);
  }
  return violation;
}

std::optional<Violation> ReleaseRule::check(const Watched& watched) {
  ++figures_.releases;
  const auto& arrived = replicas_.given(watched.to, watched.from);
  for (std::size_t i = 0; i < watched.entries.size(); ++i) {
    const auto [table, entry] = watched.entries[i];
    const std::vector<float>& offered = watched.offered[i];
    if (std::find(offered.begin(), offered.end(), arrived[table][entry]) != offered.end()) continue;
    return Violation{
        "the selective barrier",
        fmt::format("datacenter {} to {}: announcement {} is released, but of table {}, entry {} only "
                    "{} has arrived; {} was owed when it was announced",
                    watched.from.datacenter, watched.to.datacenter, watched.number, table, entry,
                    arrived[table][entry], offered.front())};
  }
  return {};
}

}  // namespace meridian::wan

// The mirror's part in the selective barrier: what it announces, passes on, holds and releases.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "wan/mirror.h"

namespace meridian::wan {

/// When significant updates come faster than the link drains, their indexes go first.
void Mirror::announce_if_slow(Time now, Session& session, Actions& actions) {
  if (!mode_.selective_barrier || draining_ || !takes_part(session) || !session.out.has_backlog()) return;
  const std::size_t waiting_bytes = session.out.waiting_entries() * (sizeof(float) + sizeof(std::uint32_t));
  const std::size_t bytes =
      std::min(session.out.unacknowledged_bytes() + waiting_bytes, session.shared_bytes);
  if (static_cast<double>(bytes) / session.estimate.bytes_per_s() <= clock_seconds_) return;
  const Selection waiting = session.out.backlog_entries();
  AnnouncedEntries entries(store_.ranges());
  for (std::size_t table = 0; table < waiting.size(); ++table) {
    entries.add_offsets(table, waiting[table].offsets);
  }
  const OutgoingBarrier::Open* const open = session.barrier_out.announce(entries.within(session.shared));
  if (open == nullptr) return;
  announce(now, session, *open, actions);
  std::vector<UpdateChunk> chunks;
  session.out.announced(session.barrier_out.ready(), chunks);
  send_chunks(now, session, std::move(chunks), actions);
}

void Mirror::announce(Time now, Session& session, const OutgoingBarrier::Open& open, Actions& actions) {
  for (AnnouncementMessage& message :
       encode_announcement(open.number, closed_, open.entries, session.out.limits().chunk_bytes)) {
    std::vector<Payload> payloads{std::move(message.payload)};
    send(now, session, Channel::control, {std::move(message.header), std::move(payloads)}, actions);
  }
}

void Mirror::on_announcement(Time now, Session& session, const Announcement& announcement,
                             const Payload& payload, Actions& actions) {
  const Result<AnnouncedEntries> entries =
      decode_announcement(announcement, payload.bytes(), store_.ranges(), session.shared);
  if (!entries) return broken(now, session, entries.error().message, actions);
  const AnnouncedEntries news =
      session.barrier_in.announced(now, ++announcements_seen_, announcement.number, entries.value());
  for (Session& other : sessions_) {
    if (!relays_to(session.neighbour, other.neighbour) || !takes_part(other)) continue;
    const auto from = static_cast<std::size_t>(&session - sessions_.data());
    const OutgoingBarrier::Open* const open =
        other.barrier_out.relay(news.within(other.shared), {from, announcement.number});
    if (open != nullptr) announce(now, other, *open, actions);
  }
}

/// What `session` announced up to `number` is here: its reads go on, and so does what was passed on.
void Mirror::on_release(Time now, Session& session, std::uint64_t number, Actions& actions) {
  if (session.barrier_in.released(number)) pass_on_release(now, session, number, actions);
}

/// Reads no longer wait for what `session` announced, here and where that was passed on.
void Mirror::open_barrier(Time now, Session& session, Actions& actions) {
  session.barrier_in.open_all();
  pass_on_release(now, session, session.barrier_in.last_number(), actions);
}

void Mirror::pass_on_release(Time now, const Session& session, std::uint64_t number, Actions& actions) {
  const auto from = static_cast<std::size_t>(&session - sessions_.data());
  for (Session& other : sessions_) {
    if (!relays_to(session.neighbour, other.neighbour)) continue;
    const AnnouncedEntries owed = other.barrier_out.source_released(from, number);
    std::vector<UpdateChunk> chunks;
    if (!owed.empty()) {
      other.out.offer(other.out.offered_clock(), mode_.merge->take(other.neighbour, selection_of(owed)),
                      chunks);
    }
    other.out.announced(other.barrier_out.ready(), chunks);
    send_chunks(now, other, std::move(chunks), actions);
  }
}

/// The offsets of a set of entries, in the owned range of each table.
Selection Mirror::selection_of(const AnnouncedEntries& entries) const {
  Selection selection(store_.tables());
  entries.for_each([&](std::size_t table, std::size_t flat) {
    selection[table].add(flat - store_.ranges()[table].begin, 0.0F);
  });
  return selection;
}

/// What to do about announcements whose values are overdue.
void Mirror::expire_barriers(Time now, Actions& actions) {
  for (Session& session : sessions_) {
    const auto since = session.barrier_in.open_since();
    if (!since) continue;
    // What comes, however slowly, is on its way; and what a silence means is another policy's to say.
    const bool waits = options_.absence.policy == SilencePolicy::wait;
    const Time longest =
        options_.barrier_deadline + (waits ? options_.absence.silence + options_.absence.wait : Time{0});
    if (now - std::max(*since, session.applied_at) < longest) continue;
    const std::string what = fmt::format(
        "{} announced updates {:.0f} s ago and has not sent them (wan.deadlines.barrier_s; policy: {})",
        membership_.name_of(session.id), to_seconds(now - *since),
        options_.on_barrier == BarrierPolicy::stop ? "stop" : "open");
    if (options_.on_barrier == BarrierPolicy::stop)
      return membership_.fail(now, FaultKind::failed, what, actions);
    open_barrier(now, session, actions);
    actions.report(Notice{what});
  }
}

}  // namespace meridian::wan

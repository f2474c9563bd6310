// One direction of the session with one counterpart in another datacenter, the sending end. It numbers
// chunks, keeps each until it is acknowledged, lets no more than a window of them be on the way, and leaves
// what does not fit in a backlog: a slow link costs memory once, never a queue. After a break it goes on in a
// new epoch from what the receiver says it has applied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/time.h"
#include "wan/backlog.h"
#include "wan/selection.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// How much one message may hold, and how much may be on the way.
struct LinkLimits {
  std::size_t chunk_bytes = 0;   ///< payload of one chunk at most
  std::size_t window_bytes = 0;  ///< payload unacknowledged at most; at least two chunks

  bool operator==(const LinkLimits&) const = default;
};

/// Sizes that suit a link: a chunk lasts at most 50 ms (at least 4 KiB), the window is twice bandwidth times
/// round-trip time, at least that once and three chunks (two on a slow link) and at most twice what both
/// sides share: one clock's updates on their way, and those of the clock before, whose acknowledgement is.
LinkLimits limits_for(double bytes_per_s, Time round_trip, std::size_t shared_bytes);

/// Pure: no I/O, clock or thread.
class OutgoingLink {
 public:
  struct Options {
    std::vector<datacenter::TableRange> owned;   ///< by this server, of every table
    std::vector<datacenter::TableRange> shared;  ///< with the counterpart
    LinkLimits limits;
    Encoding encoding = Encoding::compact;
    bool clocks_apart = false;  ///< the receiver must be able to tell one clock's updates from another's
  };

  explicit OutgoingLink(Options options);

  /// What was measured changes the sizes from now on.
  void set_limits(LinkLimits limits);
  const LinkLimits& limits() const { return options_.limits; }

  /// `selection` is what the link is owed for clocks up to `clock`. Appends the chunks that may go now to
  /// `out`; the rest stays in the backlog.
  void offer(Clock clock, const Selection& selection, std::vector<UpdateChunk>& out);

  /// The same at a clock at which no exchange with this counterpart is due: all of it stays in the backlog,
  /// and nothing of that goes until the next offer().
  void withhold(Clock clock, const Selection& selection);

  /// The entries of announcements up to `number` have been offered, whatever their values. Their release goes
  /// out with the chunk that completes them.
  void announced(std::uint64_t number, std::vector<UpdateChunk>& out);

  enum class Answer : std::uint8_t {
    taken,
    stale,       ///< of another epoch: without effect
    impossible,  ///< of a chunk that was never sent
  };
  /// Everything up to chunk `number` was applied there. Appends what may go now to `out`.
  Answer acknowledged(std::uint32_t epoch, std::uint64_t number, std::vector<UpdateChunk>& out);
  /// The receiver found a hole: it has applied chunks up to `number` and awaits the next one in `epoch`. What
  /// came later returns to the backlog. What was announced must be announced again.
  Answer resume(std::uint32_t epoch, std::uint64_t number, std::vector<UpdateChunk>& out);

  std::uint32_t epoch() const { return epoch_; }
  std::uint64_t last_number() const { return next_number_ - 1; }
  /// All that clocks up to this one owe is in chunks up to complete_number().
  Clock complete_clock() const { return complete_.clock; }
  std::uint64_t complete_number() const { return complete_.number; }
  bool has_backlog() const { return !backlog_->empty(); }
  bool all_acknowledged() const { return kept_.empty(); }
  std::uint64_t acknowledged_number() const {
    return kept_.empty() ? last_number() : kept_.front().header.number - 1;
  }
  std::size_t unacknowledged_bytes() const { return unacknowledged_bytes_; }
  /// What offers were for so far.
  Clock offered_clock() const { return mark_.clock; }
  /// Announcements that chunks up to the acknowledged one release.
  std::uint64_t acknowledged_release() const { return acknowledged_released_; }
  /// How many entries wait, at most.
  std::size_t waiting_entries() const { return backlog_->waiting_entries(); }
  /// The entries that wait, of every table over the owned range.
  Selection backlog_entries() const { return backlog_->entries(); }

  /// Adds to `sums` (one buffer for each table over the owned range) what a receiver that has applied chunk
  /// `applied` lacks of what the link was offered: later chunks and the backlog. With `magnitudes` the
  /// absolute values, for a bound.
  void add_outstanding_to(std::vector<FloatBuffer>& sums, std::uint64_t applied, bool magnitudes) const;

 private:
  /// All that clocks up to `clock` owe is in chunks up to `number`.
  struct Complete {
    Clock clock = 0;
    std::uint64_t number = 0;
  };

  bool window_open() const {
    return unacknowledged_bytes_ + options_.limits.chunk_bytes <= options_.limits.window_bytes;
  }
  /// How much of the plain layout to cut for a chunk, so that what is encoded fills what may go at once.
  std::size_t room() const;
  void keep(UpdateChunk chunk, std::vector<UpdateChunk>& out);
  std::deque<UpdateChunk> decoded_kept() const;
  void begin_clock(Clock clock);
  void send_backlog(std::vector<UpdateChunk>& out);
  void note_complete();
  void forget_acknowledged(std::uint64_t number);

  Options options_;
  std::unique_ptr<Backlog> backlog_;
  std::uint32_t epoch_ = 1;
  std::uint64_t next_number_ = 1;
  BacklogMark mark_;              // of all that was offered
  std::deque<UpdateChunk> kept_;  // encoded only
  double compression_ = 1.0;      // plain bytes / encoded ones of late; at least 1
  std::size_t unacknowledged_bytes_ = 0;
  bool due_ = true;  // nothing was withheld since the last exchange
  Complete complete_;
  std::deque<Complete> completes_;  // those whose chunks are not all acknowledged, by rising number
  Complete acknowledged_complete_;
  std::uint64_t released_ = 0;       // announcements whose entries are all in chunks
  std::uint64_t told_released_ = 0;  // by the last chunk
  std::uint64_t acknowledged_released_ = 0;
};

}  // namespace meridian::wan

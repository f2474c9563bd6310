// One direction of the session with one counterpart in another datacenter, the sending end. It numbers
// chunks, keeps each until it is acknowledged, lets no more than a window of them be on the way, and merges
// what does not fit into one backlog of the size of the shared parameters: a slow link costs memory once,
// never a queue.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/time.h"
#include "wan/selection.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// Pure: no I/O, clock or thread.
class OutgoingLink {
 public:
  struct Options {
    std::vector<datacenter::TableRange> owned;   ///< by this server, of every table
    std::vector<datacenter::TableRange> shared;  ///< with the counterpart
    std::size_t chunk_bytes = 0;                 ///< payload of one chunk at most
    std::size_t window_bytes = 0;                ///< payload unacknowledged at most; at least two chunks
  };

  explicit OutgoingLink(Options options);
  OutgoingLink(OutgoingLink&&) = default;
  OutgoingLink& operator=(OutgoingLink&&) = default;

  /// Sizes that suit a link: a chunk lasts at most 50 ms (at least 4 KiB), the window is twice bandwidth
  /// times round-trip time, at least two chunks and at most the shared part of the model.
  static Options sized_for(std::vector<datacenter::TableRange> owned,
                           std::vector<datacenter::TableRange> shared, double bytes_per_s, Time round_trip);

  /// `clock` closed, an exchange is due, and `selection` is what the link is owed for the clock. Appends the
  /// chunks that may go now to `out`; the rest merges into the backlog.
  void offer(Clock clock, const Selection& selection, std::vector<UpdateChunk>& out);

  /// The same at a clock at which no exchange with this counterpart is due: all of it merges into the
  /// backlog, and nothing of that goes until the next offer().
  void withhold(Clock clock, const Selection& selection);

  /// Everything up to chunk `number` was applied there. Appends what may go now to `out`. False where that
  /// number was never sent or the epoch is not this one.
  bool acknowledged(std::uint32_t epoch, std::uint64_t number, std::vector<UpdateChunk>& out);

  std::uint32_t epoch() const { return epoch_; }
  std::uint64_t last_number() const { return next_number_ - 1; }
  /// All that clocks up to this one owe is in chunks up to last_number().
  Clock complete_clock() const { return complete_clock_; }
  bool has_backlog() const { return backlog_filled_; }
  bool all_acknowledged() const { return kept_.empty(); }
  std::size_t unacknowledged_bytes() const { return unacknowledged_bytes_; }

  /// Adds to `sums` (one buffer for each table over the owned range) what a receiver that has applied chunk
  /// `applied` lacks of what the link was offered: later chunks and the backlog. With `magnitudes` the
  /// absolute values, for a bound.
  void add_outstanding_to(std::vector<FloatBuffer>& sums, std::uint64_t applied, bool magnitudes) const;

 private:
  bool window_open() const { return unacknowledged_bytes_ + options_.chunk_bytes <= options_.window_bytes; }
  void keep(UpdateChunk chunk, std::vector<UpdateChunk>& out);
  void begin_clock(Clock clock);
  void add_to_backlog(ChunkCutter& cutter);
  void send_backlog(std::vector<UpdateChunk>& out);

  Options options_;
  std::uint32_t epoch_ = 1;
  std::uint64_t next_number_ = 1;
  Clock clock_ = 0;
  Clock complete_clock_ = 0;
  std::deque<UpdateChunk> kept_;
  std::size_t unacknowledged_bytes_ = 0;
  bool due_ = true;  // nothing was withheld since the last exchange
  bool backlog_filled_ = false;
  std::vector<FloatBuffer> backlog_;  // allocated when first needed
};

}  // namespace meridian::wan

// How a server's part of the model crosses the LAN: in a fixed order, in messages of bounded size. The sender
// follows a plan made once; the receiver's cursor accepts exactly what comes next, so that nothing is counted
// twice, left out, or written where it does not belong.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::datacenter {

/// Payload bytes of one push or pull-reply message at most.
inline constexpr std::size_t kMaxTransferBytes = 1024 * 1024;

/// The messages' segments that cover `ranges` in order, each message of at most `max_bytes`. At least one
/// message, without segments where all ranges are empty. Segment::first counts from the table's beginning.
std::vector<std::vector<Segment>> transfer_plan(const std::vector<TableRange>& ranges,
                                                std::size_t max_bytes = kMaxTransferBytes);

/// The same for dense segments, in their order.
std::vector<std::vector<Segment>> ranged_transfer_plan(std::span<const Segment> ranges,
                                                       std::size_t max_bytes = kMaxTransferBytes);

/// Why a reader cannot ask for `ranges` of what a server has `owned`: too many, empty or sparse ones, not
/// rising without overlaps, not owned.
Failure check_ranges(std::span<const Segment> ranges, const std::vector<TableRange>& owned);

/// Follows a transfer over `ranges`.
class TransferCursor {
 public:
  explicit TransferCursor(std::vector<TableRange> ranges);

  /// Begins a transfer over other ranges.
  void follow(const std::vector<TableRange>& ranges) {
    ranges_.assign(ranges.begin(), ranges.end());
    restart();
  }

  /// Takes the next segments if they continue where the last ones ended. On false nothing has changed.
  bool take(const std::vector<Segment>& segments);
  bool complete() const { return table_ == ranges_.size(); }
  /// Some of it was taken, and not all.
  bool is_under_way() const { return taken_ > 0 && !complete(); }
  /// All of this segment was taken.
  bool has_passed(const Segment& segment) const {
    return table_ > segment.table || (table_ == segment.table && next_ >= segment.first + segment.count);
  }
  void restart();

 private:
  void skip_finished();

  std::vector<TableRange> ranges_;
  std::size_t table_ = 0;
  std::size_t next_ = 0;
  std::size_t taken_ = 0;  // entries
};

}  // namespace meridian::datacenter

// The unit that crosses a link: a numbered chunk of one clock's updates. This file lays a selection out as
// bytes, checks what arrives, and applies it. A segment is dense or sparse, whichever is smaller.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/result.h"
#include "src/wire/float_bytes.h"
#include "src/wire/message.h"
#include "wan/selection.h"

namespace meridian::wan {

/// How a chunk's payload crosses a link.
enum class Encoding : std::uint8_t {
  compact,  ///< compact_chunk.h
  plain,    ///< as the segments say
  gaia,     ///< gaia_chunk.h
};

/// "compact", "plain" or "gaia"; nothing for another name.
std::optional<Encoding> encoding_named(std::string_view name);

struct UpdateChunk {
  Update header;
  Payload payload;       ///< as the segments say
  Payload encoded = {};  ///< the same as it crosses the link; only while it is on its way
};

/// Walks over a selection and cuts it into chunks for a receiver that shares `shared` (of every table, flat
/// indexes) with the server that owns `owned`. Entries outside `shared` are passed over.
class ChunkCutter {
 public:
  /// All must outlive the cutter.
  ChunkCutter(const Selection& selection, const std::vector<datacenter::TableRange>& owned,
              const std::vector<datacenter::TableRange>& shared);

  bool done() const { return table_ == selection_.size(); }

  /// The next chunk: as many entries as fit into `max_bytes` of payload, at least one. Its header's segments
  /// are filled in; epoch, number and clock are the caller's. Requires !done().
  UpdateChunk next(std::size_t max_bytes);

  /// Adds all that has not been cut yet to `backlog`, one buffer for each table over the owned range. Returns
  /// how many entries were zero there before.
  std::size_t add_rest_to(std::vector<FloatBuffer>& backlog);
  /// All that has not been cut yet. Nothing is left here.
  Selection take_rest();

 private:
  void enter_table();
  std::size_t fitting(std::size_t room) const;

  const Selection& selection_;
  const std::vector<datacenter::TableRange>& owned_;
  const std::vector<datacenter::TableRange>& shared_;
  std::size_t table_ = 0;
  std::size_t next_ = 0;  // entry of the current table
  std::size_t past_ = 0;  // one past the last shared entry of the current table
};

/// Payload bytes of `count` entries of one table that span `span` entries, in the smaller of the two layouts.
std::size_t update_bytes(std::size_t span, std::size_t count);

/// Why a received chunk cannot be applied: a table or range that is not shared with its sender, offsets that
/// do not rise, a value that is not finite. Sizes were checked on decoding.
Failure check_chunk(const UpdateChunk& chunk, const std::vector<datacenter::TableRange>& shared);

/// Adds the values of a segment, which `bytes` holds, to the sums of its range, which begin at `sums`.
void add_segment(const Segment& segment, std::span<const std::byte> bytes, float* sums);

/// Calls visit(table, flat index, value) for every entry. Requires a checked chunk.
template <typename Visit>
void for_each_entry(const UpdateChunk& chunk, Visit visit) {
  std::size_t at = 0;
  for (const Segment& segment : chunk.header.segments) {
    const std::byte* const bytes = chunk.payload.bytes().data() + at;
    if (segment.sparse == 0) {
      for (std::size_t i = 0; i < segment.count; ++i)
        visit(segment.table, segment.first + i, load_float(bytes + 4 * i));
    } else {
      const std::byte* const values = bytes + 4 * segment.sparse;
      for (std::size_t i = 0; i < segment.sparse; ++i) {
        std::uint32_t offset = 0;
        std::memcpy(&offset, bytes + 4 * i, sizeof(offset));
        visit(segment.table, segment.first + offset, load_float(values + 4 * i));
      }
    }
    at += segment.payload_bytes();
  }
}

/// Calls visit(table, flat index, count) for runs of entries that together are all of the chunk's. Requires a
/// checked chunk.
template <typename Visit>
void for_each_run(const UpdateChunk& chunk, Visit visit) {
  std::size_t at = 0;
  for (const Segment& segment : chunk.header.segments) {
    if (segment.sparse == 0) visit(segment.table, segment.first, segment.count);
    for (std::size_t i = 0; i < segment.sparse; ++i) {
      std::uint32_t offset = 0;
      std::memcpy(&offset, chunk.payload.bytes().data() + at + 4 * i, sizeof(offset));
      visit(segment.table, segment.first + offset, std::size_t{1});
    }
    at += segment.payload_bytes();
  }
}

/// The same for those who add the values: sums_of(table) is asked once for each segment for the sums over the
/// table's owned range, which begins at flat index `begin`.
struct OwnedSums {
  float* sums = nullptr;
  std::size_t begin = 0;
};
template <typename SumsOf>
void add_entries(const UpdateChunk& chunk, SumsOf sums_of) {
  std::size_t at = 0;
  for (const Segment& segment : chunk.header.segments) {
    const OwnedSums owned = sums_of(static_cast<std::size_t>(segment.table));
    const std::span<const std::byte> bytes = chunk.payload.bytes().subspan(at, segment.payload_bytes());
    add_segment(segment, bytes, owned.sums + (segment.first - owned.begin));
    at += bytes.size();
  }
}

/// Adds a checked chunk's values, or their absolute values, to `sums`: one buffer for each table over the
/// `owned` range.
void add_chunk_to(const UpdateChunk& chunk, const std::vector<datacenter::TableRange>& owned,
                  std::vector<FloatBuffer>& sums, bool magnitudes);

/// Entries of a selection over `owned` that fall into `shared`.
std::size_t entries_within(const Selection& selection, const std::vector<datacenter::TableRange>& owned,
                           const std::vector<datacenter::TableRange>& shared);

}  // namespace meridian::wan

// Which entries a chunk's payload is about, at its beginning: a byte or two for a segment that spans all that
// is shared of a table, some more for others. Headers of small updates cost more than their values otherwise.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/result.h"
#include "src/wire/message.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

/// Appends `segments`, which lie within `shared` (of every table) and go by rising table, to `out`.
void append_segments(std::span<const Segment> segments, const std::vector<datacenter::TableRange>& shared,
                     EncodedBytes& out);

struct SegmentList {
  std::vector<Segment> segments;
  std::size_t bytes = 0;  ///< that they took
};

/// Reads what append_segments() wrote from the beginning of `bytes`. Segments lie within `shared`, and carry
/// no more values than entries. The error says why the bytes are none.
Result<SegmentList> read_segments(std::span<const std::byte> bytes,
                                  const std::vector<datacenter::TableRange>& shared);

}  // namespace meridian::wan

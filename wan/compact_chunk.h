// The payload of a chunk as it crosses a link: which segments it has (segment_list.h), then for each sparse
// one the indexes in their smallest code (compact_indexes.h) and the values in theirs (compact_values.h), for
// each dense one the values (dense_values.h). It is exact: the receiver has the chunk that was cut, bit for
// bit.
#pragma once

#include "src/base/result.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// The payload of a chunk as ChunkCutter makes it, as it crosses the link to a receiver that shares `shared`.
Payload encode(const UpdateChunk& chunk, Encoding encoding,
               const std::vector<datacenter::TableRange>& shared);

/// The segments that travel in the chunk's header: none where the payload begins with them.
std::vector<Segment> header_segments(const UpdateChunk& chunk, Encoding encoding);

/// The chunk of a header and its encoded payload, ready for check_chunk(). Offsets rise within their segments
/// then. The error says why the bytes are none, or that the segments do not fit into `shared`: nothing is
/// allocated for what cannot be.
Result<UpdateChunk> decode(const Update& header, const Payload& payload, Encoding encoding,
                           const std::vector<datacenter::TableRange>& shared);

}  // namespace meridian::wan

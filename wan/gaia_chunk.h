// Gaia's own format of updates, for comparison: 64 bits of index and 32 of value for each entry, and a plain
// array where more than a third of a segment's entries go out (Hsieh et al., NSDI 2017, and their code).
#pragma once

#include "src/base/result.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

/// The payload of a chunk in Gaia's format.
Payload encode_gaia(const UpdateChunk& chunk);

/// The chunk of a header whose sizes were checked. A segment that came as an array is dense. The error says
/// why the bytes are none.
Result<UpdateChunk> decode_gaia(Update header, const Payload& payload);

}  // namespace meridian::wan

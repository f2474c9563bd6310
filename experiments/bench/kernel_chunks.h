// Chunks of a selection, as they cross a link.
#pragma once

#include <cstddef>
#include <vector>

#include "wan/update_chunk.h"

namespace meridian::bench {

inline std::vector<wan::UpdateChunk> chunks_of(const wan::Selection& selection,
                                               const std::vector<datacenter::TableRange>& owned) {
  constexpr std::size_t kChunkBytes = std::size_t{1} << 20U;
  std::vector<wan::UpdateChunk> chunks;
  wan::ChunkCutter cutter(selection, owned, owned);
  while (!cutter.done()) chunks.push_back(cutter.next(kChunkBytes));
  return chunks;
}

}  // namespace meridian::bench

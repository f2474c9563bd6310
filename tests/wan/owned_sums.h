// What selections and chunks come to, for tests: plain sums over a server's owned ranges.
#pragma once

#include <cstddef>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/float_buffer.h"
#include "wan/selection.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

inline std::vector<FloatBuffer> zeros_over(const std::vector<datacenter::TableRange>& owned) {
  std::vector<FloatBuffer> sums;
  for (const datacenter::TableRange& range : owned) sums.emplace_back(range.size());
  return sums;
}

inline std::vector<FloatBuffer> clone(const std::vector<FloatBuffer>& sums) {
  std::vector<FloatBuffer> copies;
  for (const FloatBuffer& table : sums) copies.push_back(table.clone());
  return copies;
}

inline void add_chunk_to(const UpdateChunk& chunk, const std::vector<datacenter::TableRange>& owned,
                         std::vector<FloatBuffer>& sums) {
  for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
    sums[table][flat - owned[table].begin] += value;
  });
}

/// Adds the entries of `selection` that fall into `shared`: the others never go out.
inline void add_selection_to(const Selection& selection, const std::vector<datacenter::TableRange>& owned,
                             const std::vector<datacenter::TableRange>& shared,
                             std::vector<FloatBuffer>& sums) {
  for (std::size_t table = 0; table < selection.size(); ++table) {
    for (std::size_t i = 0; i < selection[table].size(); ++i) {
      const std::size_t offset = selection[table].offsets[i];
      const std::size_t flat = owned[table].begin + offset;
      if (flat >= shared[table].begin && flat < shared[table].end) {
        sums[table][offset] += selection[table].values[i];
      }
    }
  }
}

/// Calls visit(table, offset) for every owned entry.
template <typename Visit>
void for_each_owned(const std::vector<datacenter::TableRange>& owned, Visit visit) {
  for (std::size_t table = 0; table < owned.size(); ++table) {
    for (std::size_t offset = 0; offset < owned[table].size(); ++offset) visit(table, offset);
  }
}

}  // namespace meridian::wan

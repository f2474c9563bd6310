// Which blocks of a table may have something that goes out. A block of which nothing went, and that is as it
// was then, is quiet: it is not looked at again until the threshold has fallen to where something of it would
// go. Of a large table that few rows of change at a clock, a pass costs what was touched.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "wan/what.h"

namespace meridian::wan {

/// For one residual of one table. Not thread-safe. Takes a float for some 256 entries.
class QuietBlocks {
 public:
  /// No block is quiet at first. Blocks are whole rows of `columns` entries.
  QuietBlocks(std::size_t entries, std::size_t columns);

  /// Values or residual of entries [first, first + count) change.
  void changed(std::size_t first, std::size_t count);

  /// What `what`, which selects_by_row(), takes in this pass of the whole range: what it would take of it if
  /// it looked at all.
  void select(const What& what, const FilterPass& pass, std::span<const float> values,
              std::span<float> residual, TableSelection& out);

 private:
  std::size_t block_;              ///< entries
  std::vector<float> quiet_from_;  ///< the threshold for each block; infinite where it is not known
};

}  // namespace meridian::wan

#include "wan/quiet_blocks.h"

#include <algorithm>
#include <limits>

namespace meridian::wan {
namespace {

/// As many as pay for a look: what is said about a block takes a float.
constexpr std::size_t kEntries = 256;
constexpr float kUnknown = std::numeric_limits<float>::infinity();

std::size_t whole_rows(std::size_t columns) { return (kEntries + columns - 1) / columns * columns; }

}  // namespace

QuietBlocks::QuietBlocks(std::size_t entries, std::size_t columns)
    : block_(whole_rows(columns)), quiet_from_((entries + block_ - 1) / block_, kUnknown) {}

void QuietBlocks::changed(std::size_t first, std::size_t count) {
  if (count == 0) return;
  const std::size_t last = (first + count - 1) / block_;
  for (std::size_t block = first / block_; block <= last; ++block) quiet_from_[block] = kUnknown;
}

void QuietBlocks::select(const What& what, const FilterPass& pass, std::span<const float> values,
                         std::span<float> residual, TableSelection& out) {
  const double threshold = what.threshold(pass);
  FilterPass part = pass;
  for (std::size_t block = 0; block < quiet_from_.size(); ++block) {
    const float quiet_from = quiet_from_[block];
    if (quiet_from != kUnknown && threshold >= static_cast<double>(quiet_from)) continue;
    const std::size_t first = block * block_;
    const std::size_t count = std::min(block_, residual.size() - first);
    part.first = pass.first + first;
    what.select(part, values.subspan(first, count), residual.subspan(first, count), out);
    quiet_from_[block] = what.quiet_from(part, values.subspan(first, count), residual.subspan(first, count));
  }
}

}  // namespace meridian::wan

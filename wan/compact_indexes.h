// How the indexes of a sparse segment cross a link: as a bitmap, as gaps of variable length, as Rice-coded
// gaps, or as plain words, whichever is smallest. Gaia's own format takes 32 bits for each; one index in a
// hundred has some 8 bits of entropy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/result.h"

namespace meridian::wan {

/// Appends `offsets`, which rise and lie below `span`, to `out` in the smallest code. Rice codes follow R. F.
/// Rice, "Some practical universal noiseless coding techniques" (JPL, 1979): for gaps of independent entries
/// they come within a few hundredths of a bit of the entropy.
void append_indexes(std::span<const std::uint32_t> offsets, std::size_t span, std::vector<std::byte>& out);

/// Reads as many offsets as `offsets` has room for from the beginning of `bytes`, and returns how many bytes
/// they took. What it returns rises and lies below `span`. The error says why the bytes are none: cut short,
/// beyond the span, an unknown code.
Result<std::size_t> read_indexes(std::span<const std::byte> bytes, std::size_t span,
                                 std::span<std::uint32_t> offsets);

}  // namespace meridian::wan

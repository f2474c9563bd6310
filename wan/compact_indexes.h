// How the indexes of a sparse segment cross a link: as a bitmap, as gaps of variable length, as Golomb- or
// Rice-coded gaps, or as plain words, whichever is smallest. Gaia's own format takes 32 bits for each; one
// index in a hundred has some 8 bits of entropy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

/// Appends `offsets`, which rise and lie below `span`, to `out` in the smallest code: a byte that names it,
/// then the indexes. Where the first entry and the last of the span are among them, as in a segment that was
/// cut to its entries, these two cost nothing. Golomb codes (S. W. Golomb, "Run-length encodings", IEEE
/// Transactions on Information Theory, 1966) with the parameter that span and number of offsets call for
/// come, for gaps of independent entries, within a few hundredths of a bit of the entropy; Rice codes (R. F.
/// Rice, "Some practical universal noiseless coding techniques", JPL, 1979) say their parameter and fit where
/// entries stand in groups.
void append_indexes(std::span<const std::uint32_t> offsets, std::size_t span, EncodedBytes& out);

/// Reads as many offsets as `offsets` has room for from the beginning of `bytes`, and returns how many bytes
/// they took. What it returns rises and lies below `span`. The error says why the bytes are none: cut short,
/// beyond the span, an unknown code.
Result<std::size_t> read_indexes(std::span<const std::byte> bytes, std::size_t span,
                                 std::span<std::uint32_t> offsets);

}  // namespace meridian::wan

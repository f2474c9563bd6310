// The values of a dense segment as they cross a link: all of them in blocks (compact_values.h), or, where
// some are 0 and that is smaller, the indexes of these and the others in blocks. Zeros are what was not
// selected, or came to nothing when it was rounded: without them blocks begin where they began when they were
// rounded.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

/// Appends `values` to `out`. Any bit pattern is kept.
void append_dense(std::span<const float> values, EncodedBytes& out);

/// Reads as many values as `values` has room for from the beginning of `bytes`, and returns how many bytes
/// they took. The error says why the bytes are none.
Result<std::size_t> read_dense(std::span<const std::byte> bytes, std::span<float> values);

}  // namespace meridian::wan

// How values cross a link: in blocks, each in the smallest code that gives its values back bit for bit. What
// a method has rounded (wan/rounding.h) is found to take few bits here; so is a sum of rounded values that
// merged on the way. Nothing else is assumed of them, and nothing is lost.
//   levels:  at most four magnitudes, said once; a sign and the number of the magnitude for each value
//   grid:    integers of 4, 8 or 16 bits times a power of two
//   halves:  fp16 or bf16, where all values are such numbers
//   floats:  as they are
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "src/base/result.h"
#include "wan/encoded_bytes.h"

namespace meridian::wan {

/// Values of one block. A method that rounds blocks of this length finds them again here.
inline constexpr std::size_t kValueBlock = 256;

/// A grid's power of two is at least this: its integers are normal numbers then.
inline constexpr int kLeastGridExponent = -126;

/// No block begins with this byte.
inline constexpr unsigned kNoBlock = 3;

/// Appends `values`, in blocks of kValueBlock, to `out`. Any bit pattern is kept.
void append_values(std::span<const float> values, EncodedBytes& out);

/// Reads as many values as `values` has room for from the beginning of `bytes`, and returns how many bytes
/// they took. The error says why the bytes are none: cut short, an unknown code.
Result<std::size_t> read_values(std::span<const std::byte> bytes, std::span<float> values);

}  // namespace meridian::wan

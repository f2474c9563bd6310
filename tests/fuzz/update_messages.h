// Messages with updates as one string of bytes, for the fuzzer and those who make its first inputs: a byte
// that chooses the encoding, the length of the header (16 bits), the header, the payload.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "datacenter/shard_map.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

inline constexpr std::array kFuzzedEncodings = {Encoding::compact, Encoding::compact, Encoding::gaia,
                                                Encoding::plain};
/// The encoding, and the length of the header.
inline constexpr std::size_t kFuzzedHead = 1 + sizeof(std::uint16_t);

/// What sender and receiver of the messages share.
inline const std::vector<datacenter::TableRange>& fuzzed_ranges() {
  static const std::vector<datacenter::TableRange> ranges = {{100, 800}, {0, 40}, {7, 607}};
  return ranges;
}

}  // namespace meridian::wan

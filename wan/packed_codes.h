// Codes of a few bits each, packed one after the other into bytes, the lowest bit of a byte first: eight
// codes at a time, which are as many bytes as a code has bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace meridian::wan {

static_assert(std::endian::native == std::endian::little, "eight codes are read as one little-endian word");

inline constexpr std::size_t kCodesAtOnce = 8;
/// Bytes that packing and unpacking touch beyond those that they need.
inline constexpr std::size_t kPackingSlack = sizeof(std::uint64_t);

/// Bytes of `count` codes of `bits` bits.
constexpr std::size_t packed_bytes(std::size_t count, unsigned bits) { return (count * bits + 7) / 8; }

/// Eight codes, a byte each, as the lowest 8 * kBits bits. The codes have no other bits.
template <unsigned kBits>
constexpr std::uint64_t gathered(std::uint64_t codes) {
  codes = (codes & 0x00FF'00FF'00FF'00FF) | ((codes >> 8U & 0x00FF'00FF'00FF'00FF) << kBits);
  codes = (codes & 0x0000'FFFF'0000'FFFF) | ((codes >> 16U & 0x0000'FFFF'0000'FFFF) << (2 * kBits));
  return (codes & 0xFFFF'FFFF) | ((codes >> 32U) << (4 * kBits));
}

/// The reverse of gathered(); bits above the lowest 8 * kBits are passed over.
template <unsigned kBits>
constexpr std::uint64_t scattered(std::uint64_t packed) {
  constexpr std::uint64_t kFour = (std::uint64_t{1} << (4 * kBits)) - 1;
  constexpr std::uint64_t kTwo = 0x0000'0001'0000'0001 * ((std::uint64_t{1} << (2 * kBits)) - 1);
  constexpr std::uint64_t kOne = 0x0001'0001'0001'0001 * ((std::uint64_t{1} << kBits) - 1);
  packed = (packed & kFour) | ((packed >> (4 * kBits) & kFour) << 32U);
  packed = (packed & kTwo) | ((packed >> (2 * kBits) & kTwo) << 16U);
  return (packed & kOne) | ((packed >> kBits & kOne) << 8U);
}

/// Packs `count` codes of kBits bits, at most 4, a byte each. `codes` are followed by zeros up to a multiple
/// of kCodesAtOnce, and `out` has room for packed_bytes() and kPackingSlack.
template <unsigned kBits>
void pack(const std::uint8_t* codes, std::size_t count, std::byte* out) {
  static_assert(kBits <= 4);
  for (std::size_t i = 0; i < count; i += kCodesAtOnce, out += kBits) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, codes + i, sizeof(eight));
    eight = gathered<kBits>(eight);
    std::memcpy(out, &eight, sizeof(eight));
  }
}

/// Unpacks `count` codes. `codes` has room for a multiple of kCodesAtOnce, and kPackingSlack bytes after
/// packed_bytes() of `packed` can be read.
template <unsigned kBits>
void unpack(const std::byte* packed, std::size_t count, std::uint8_t* codes) {
  static_assert(kBits <= 4);
  for (std::size_t i = 0; i < count; i += kCodesAtOnce, packed += kBits) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, packed, sizeof(eight));
    eight = scattered<kBits>(eight);
    std::memcpy(codes + i, &eight, sizeof(eight));
  }
}

}  // namespace meridian::wan

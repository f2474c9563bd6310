// Packing: what stays of a list of values moves together, in order. Without a branch for each entry, since
// which ones stay is hard to predict.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace meridian::wan {

/// Entries that are read or written beyond what is said, where a function asks for this room.
inline constexpr std::size_t kPackingRoom = 16;

/// Packs those of `count` values whose magnitude_bits() are at least `least`, at 1 those that are not 0: the
/// values themselves, and their offsets, of which the first value's is `offset`. Returns how many there are.
/// `offsets` and `packed` have room for `count` and kPackingRoom more, and do not overlap `values`.
std::size_t pack_large(const float* values, std::size_t count, std::uint32_t least, std::size_t offset,
                       std::uint32_t* offsets, float* packed);

/// Packs entries with any offsets that are not 0. Returns how many there are. They may move within one list,
/// to where the first was read or before that: nothing behind the last one is written.
std::size_t keep_nonzeros(const std::uint32_t* offsets, const float* values, std::size_t count,
                          std::uint32_t* kept_offsets, float* kept_values);

/// Parts `count` values, at most 2^32: the offsets of those whose bits are all 0, and the values of the
/// others. Returns how many of the first there are. Both have room for `count` and kPackingRoom more.
std::size_t part_holes(const float* values, std::size_t count, std::uint32_t* holes, float* others);

/// The reverse of part_holes(): zeros where a hole is, and `others`, of which kPackingRoom more can be read,
/// where none is. Requires holes that rise below `count`.
void fill_holes(std::span<const std::uint32_t> holes, const float* others, std::size_t count, float* values);

}  // namespace meridian::wan

#include "wan/packing.h"

#include <algorithm>
#include <array>
#include <bit>

#include "src/base/instruction_sets.h"
#include "wan/compress.h"
#include "wan/float_bits.h"

namespace meridian::wan {
namespace {

#ifdef MERIDIAN_HAS_COMPRESS

MERIDIAN_COMPRESSES std::size_t pack_large_lanes(const float* values, std::size_t count, std::uint32_t least,
                                                 std::size_t offset, std::uint32_t* offsets, float* packed) {
  const __m512i least_of_all = _mm512_set1_epi32(static_cast<int>(least));
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 present = lanes_below(i, count);
    const __m512 lanes = _mm512_maskz_loadu_ps(present, values + i);
    const __m512i magnitudes = _mm512_castps_si512(_mm512_abs_ps(lanes));
    const __mmask16 goes = _mm512_mask_cmpge_epu32_mask(present, magnitudes, least_of_all);
    store_packed(goes, lane_offsets(offset + i), offsets + found);
    store_packed(goes, lanes, packed + found);
    found += count_lanes(goes);
  }
  return found;
}

MERIDIAN_COMPRESSES std::size_t keep_nonzero_lanes(const std::uint32_t* offsets, const float* values,
                                                   std::size_t count, std::uint32_t* kept_offsets,
                                                   float* kept_values) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 present = lanes_below(i, count);
    const __m512 lanes = _mm512_maskz_loadu_ps(present, values + i);
    const __m512i own = _mm512_maskz_loadu_epi32(present, offsets + i);
    const __mmask16 stays = _mm512_mask_cmp_ps_mask(present, lanes, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    // Not more than what is packed: entries that were not read yet may follow.
    const __mmask16 packed = lanes_below(0, count_lanes(stays));
    _mm512_mask_storeu_epi32(kept_offsets + found, packed, _mm512_maskz_compress_epi32(stays, own));
    _mm512_mask_storeu_ps(kept_values + found, packed, _mm512_maskz_compress_ps(stays, lanes));
    found += count_lanes(stays);
  }
  return found;
}

MERIDIAN_COMPRESSES std::size_t part_hole_lanes(const float* values, std::size_t count, std::uint32_t* holes,
                                                float* others) {
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 present = lanes_below(i, count);
    const __m512 lanes = _mm512_maskz_loadu_ps(present, values + i);
    const __m512i bits = _mm512_castps_si512(lanes);
    const __mmask16 empty = _mm512_mask_testn_epi32_mask(present, bits, bits);
    store_packed(empty, lane_offsets(i), holes + found);
    store_packed(static_cast<__mmask16>(present & ~empty), lanes, others + i - found);
    found += count_lanes(empty);
  }
  return found;
}

/// Of values that begin at a whole vector. `holes` has a bit for each, and ends with a whole vector.
MERIDIAN_COMPRESSES const float* fill_hole_lanes(const std::uint16_t* holes, const float* others,
                                                 std::size_t count, float* values) {
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 present = lanes_below(i, count);
    const auto full = static_cast<__mmask16>(present & ~holes[i / kLanes]);
    _mm512_mask_storeu_ps(values + i, present, _mm512_maskz_expand_ps(full, _mm512_loadu_ps(others)));
    others += count_lanes(full);
  }
  return others;
}

void fill_holes_by_lanes(std::span<const std::uint32_t> holes, const float* others, std::size_t count,
                         float* values) {
  constexpr std::size_t kPart = 4096;
  std::size_t seen = 0;
  for (std::size_t begin = 0; begin < count; begin += kPart) {
    const std::size_t size = std::min(kPart, count - begin);
    std::array<std::uint16_t, kPart / kLanes> bits{};
    for (; seen < holes.size() && holes[seen] < begin + size; ++seen) {
      const std::size_t at = holes[seen] - begin;
      bits[at / kLanes] = static_cast<std::uint16_t>(bits[at / kLanes] | 1U << at % kLanes);
    }
    others = fill_hole_lanes(bits.data(), others, size, values + begin);
  }
}

bool compresses() { return instruction_set() == InstructionSet::avx512; }

#endif

}  // namespace

std::size_t pack_large(const float* values, std::size_t count, std::uint32_t least, std::size_t offset,
                       std::uint32_t* offsets, float* packed) {
#ifdef MERIDIAN_HAS_COMPRESS
  if (compresses()) return pack_large_lanes(values, count, least, offset, offsets, packed);
#endif
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = values[i];
    offsets[found] = static_cast<std::uint32_t>(offset + i);
    packed[found] = value;
    found += static_cast<std::size_t>(magnitude_bits(value) >= least);
  }
  return found;
}

std::size_t keep_nonzeros(const std::uint32_t* offsets, const float* values, std::size_t count,
                          std::uint32_t* kept_offsets, float* kept_values) {
#ifdef MERIDIAN_HAS_COMPRESS
  if (compresses()) return keep_nonzero_lanes(offsets, values, count, kept_offsets, kept_values);
#endif
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = values[i];
    kept_offsets[found] = offsets[i];
    kept_values[found] = value;
    found += static_cast<std::size_t>(value != 0.0F);
  }
  return found;
}

std::size_t part_holes(const float* values, std::size_t count, std::uint32_t* holes, float* others) {
#ifdef MERIDIAN_HAS_COMPRESS
  if (compresses()) return part_hole_lanes(values, count, holes, others);
#endif
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float value = values[i];
    holes[found] = static_cast<std::uint32_t>(i);
    others[i - found] = value;
    found += static_cast<std::size_t>(std::bit_cast<std::uint32_t>(value) == 0);
  }
  return found;
}

void fill_holes(std::span<const std::uint32_t> holes, const float* others, std::size_t count, float* values) {
#ifdef MERIDIAN_HAS_COMPRESS
  if (compresses()) return fill_holes_by_lanes(holes, others, count, values);
#endif
  std::size_t to = 0;
  for (const std::uint32_t hole : holes) {
    const std::size_t between = hole - to;
    std::copy_n(others, between, values + to);
    values[hole] = 0.0F;
    others += between;
    to += between + 1;
  }
  std::copy_n(others, count - to, values + to);
}

}  // namespace meridian::wan

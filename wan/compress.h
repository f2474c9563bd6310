// AVX-512 packs the lanes of a vector that a mask says. For the loops of significant_entries.cc and
// packing.cc only, which have others for machines without it.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#define MERIDIAN_HAS_COMPRESS 1
#define MERIDIAN_COMPRESSES [[gnu::target("avx512f,popcnt")]]

namespace meridian::wan {

inline constexpr std::size_t kLanes = 16;

/// The lanes of entry `i` and those behind it that are below `count`.
[[gnu::always_inline]] inline __mmask16 lanes_below(std::size_t i, std::size_t count) {
  return static_cast<__mmask16>(count - i >= kLanes ? 0xFFFFU : (1U << (count - i)) - 1);
}

/// The lanes' offsets, of which the first is `offset`.
[[gnu::target("avx512f"), gnu::always_inline]] inline __m512i lane_offsets(std::size_t offset) {
  const __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
  return _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(offset)), lanes);
}

/// Write all lanes: what is packed, and then zeros.
[[gnu::target("avx512f"), gnu::always_inline]] inline void store_packed(__mmask16 lanes, __m512i offsets,
                                                                        std::uint32_t* out) {
  _mm512_storeu_si512(out, _mm512_maskz_compress_epi32(lanes, offsets));
}
[[gnu::target("avx512f"), gnu::always_inline]] inline void store_packed(__mmask16 lanes, __m512 values,
                                                                        float* out) {
  _mm512_storeu_ps(out, _mm512_maskz_compress_ps(lanes, values));
}

[[gnu::target("popcnt"), gnu::always_inline]] inline std::size_t count_lanes(__mmask16 lanes) {
  return static_cast<std::size_t>(__builtin_popcount(lanes));
}

}  // namespace meridian::wan

#endif

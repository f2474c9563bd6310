#include "wan/significant_entries.h"

#include <algorithm>
#include <array>
#include <bit>

#include "src/base/instruction_sets.h"
#include "wan/compress.h"
#include "wan/float_bits.h"

namespace meridian::wan {
namespace {

// Entries are tested block by block: first whether a block has anything significant, in a loop that
// vectorises and only reads; only then which entries. One entry in a hundred is significant as a rule, and
// most blocks of this size are passed over.
constexpr std::size_t kBlock = 32;

/// Takes the significant entries of one block, which begins at `offset`. Without a branch for each entry:
/// which ones are significant is hard to predict.
[[gnu::always_inline]] inline void take(EntryTest test, std::size_t offset, const float* values,
                                        float* residual, std::size_t count, TableSelection& out) {
  std::array<std::uint32_t, kBlock> goes{};
  for (std::size_t i = 0; i < count; ++i) goes[i] = test(residual[i], values[i]);
  std::array<std::uint32_t, kBlock> offsets{};
  std::array<float, kBlock> taken{};
  std::size_t selected = 0;
  for (std::size_t i = 0; i < count; ++i) {
    offsets[selected] = static_cast<std::uint32_t>(offset + i);
    taken[selected] = residual[i];
    selected += goes[i];
  }
  for (std::size_t i = 0; i < count; ++i) residual[i] = goes[i] != 0 ? 0.0F : residual[i];
  out.append(offsets.data(), taken.data(), selected);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, select_entries_by_block,
                                  (EntryTest test, std::size_t first, std::span<const float> values,
                                   std::span<float> residual, TableSelection& out),
                                  (test, first, values, residual, out)) {
  for (std::size_t begin = 0; begin < residual.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, residual.size() - begin);
    const float* const block_values = values.data() + begin;
    float* const block = residual.data() + begin;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < count; ++i) any |= test(block[i], block_values[i]);
    if (any != 0) take(test, first + begin, block_values, block, count, out);
  }
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, add_and_select_entries_by_block,
                                  (EntryTest test, std::size_t first, std::span<const float> step,
                                   std::span<float> values, std::span<float> residual, TableSelection& out),
                                  (test, first, step, values, residual, out)) {
  for (std::size_t begin = 0; begin < residual.size(); begin += kBlock) {
    const std::size_t count = std::min(kBlock, residual.size() - begin);
    const float* const block_step = step.data() + begin;
    float* const block_values = values.data() + begin;
    float* const block = residual.data() + begin;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const float value = block_values[i] + block_step[i];
      const float change = block[i] + block_step[i];
      block_values[i] = value;
      block[i] = change;
      any |= test(change, value);
    }
    if (any != 0) take(test, first + begin, block_values, block, count, out);
  }
}

/// The smallest normal float's.
constexpr std::int32_t kLeastRatio = 1 << kMantissaBits;

/// Ratios are not negative: their bits rise as they do, and those that are no numbers are above all.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::int32_t, largest_ratio_bits,
                                  (float floor, const float* values, const float* residual,
                                   std::size_t count),
                                  (floor, values, residual, count)) {
  std::int32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const float change = std::fabs(residual[i]);
    const auto bits = std::bit_cast<std::int32_t>(change / std::fabs(values[i])) & kMagnitudeMask;
    const std::int32_t stays = -static_cast<std::int32_t>(change <= floor);
    largest = std::max(largest, std::max(bits, kLeastRatio) & ~stays);
  }
  return largest;
}

#ifdef MERIDIAN_HAS_COMPRESS

// AVX-512 packs what a mask says, so that what is taken costs little more than what stays.

constexpr std::size_t kGroup = 4 * kLanes;

/// What was taken of a part of a range, until it is appended.
// NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init): entries are written before they are read
struct Taken {
  static constexpr std::size_t kPart = 1024;  // entries that one is for

  std::array<std::uint32_t, kPart> offsets;
  std::array<float, kPart> values;
  std::size_t size = 0;
};

struct Lanes {
  __m512 limit;
  __m512 floor;
};

[[gnu::target("avx512f"), gnu::always_inline]] inline __mmask16 test_lanes(const Lanes& test, __m512 change,
                                                                           __m512 value) {
  const __m512 size = _mm512_abs_ps(change);
  const __m512 least = _mm512_mul_ps(test.limit, _mm512_abs_ps(value));
  const __mmask16 above_floor = _mm512_cmp_ps_mask(size, test.floor, _CMP_NLE_UQ);
  const __mmask16 above = _mm512_mask_cmp_ps_mask(above_floor, size, least, _CMP_NLE_UQ);
  const __m512 largest = _mm512_set1_ps(std::numeric_limits<float>::max());
  return _mm512_kor(above, _mm512_cmp_ps_mask(size, largest, _CMP_NLE_UQ));
}

// Floats: 2 kB ahead is about what memory takes to answer. At the end of a block it fetches what the next
// block changes.
constexpr std::size_t kAhead = 512;

/// Of what will be changed soon. An address beyond the range does no harm.
[[gnu::always_inline]] inline void prefetch(const float* ahead) { __builtin_prefetch(ahead, 1); }

/// Packs the lanes that go behind those that were taken before. Writes all lanes: Taken has room for them, as
/// no part takes more than it has passed.
MERIDIAN_COMPRESSES [[gnu::always_inline]] inline void pack(__mmask16 goes, std::size_t offset, __m512 change,
                                                            Taken& taken) {
  store_packed(goes, lane_offsets(offset), taken.offsets.data() + taken.size);
  store_packed(goes, change, taken.values.data() + taken.size);
  taken.size += count_lanes(goes);
}

/// Whole groups of [first, first + size) entries, size up to Taken::kPart.
MERIDIAN_COMPRESSES void select_part(EntryTest test, std::size_t first, const float* values, float* residual,
                                     std::size_t size, Taken& taken) {
  const Lanes lanes = {_mm512_set1_ps(test.limit), _mm512_set1_ps(test.floor)};
  for (std::size_t i = 0; i < size; i += kGroup) {
    __m512 changes[4];
    __mmask16 goes[4];
    unsigned any = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      __builtin_prefetch(values + i + k * kLanes + kAhead);
      __builtin_prefetch(residual + i + k * kLanes + kAhead);
      changes[k] = _mm512_loadu_ps(residual + i + k * kLanes);
      goes[k] = test_lanes(lanes, changes[k], _mm512_loadu_ps(values + i + k * kLanes));
      any |= goes[k];
    }
    // Most groups stay as they are, and are only read then.
    if (any == 0) continue;
    for (std::size_t k = 0; k < 4; ++k) {
      pack(goes[k], first + i + k * kLanes, changes[k], taken);
      _mm512_mask_storeu_ps(residual + i + k * kLanes, goes[k], _mm512_setzero_ps());
    }
  }
}

MERIDIAN_COMPRESSES void add_and_select_part(EntryTest test, std::size_t first, const float* step,
                                             float* values, float* residual, std::size_t size, Taken& taken) {
  const Lanes lanes = {_mm512_set1_ps(test.limit), _mm512_set1_ps(test.floor)};
  for (std::size_t i = 0; i < size; i += kGroup) {
    __m512 changes[4];
    __mmask16 goes[4];
    unsigned any = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t at = i + k * kLanes;
      prefetch(values + at + kAhead);
      prefetch(residual + at + kAhead);
      const __m512 steps = _mm512_loadu_ps(step + at);
      const __m512 value = _mm512_add_ps(_mm512_loadu_ps(values + at), steps);
      changes[k] = _mm512_add_ps(_mm512_loadu_ps(residual + at), steps);
      goes[k] = test_lanes(lanes, changes[k], value);
      any |= goes[k];
      _mm512_storeu_ps(values + at, value);
      _mm512_storeu_ps(residual + at, _mm512_maskz_mov_ps(_mm512_knot(goes[k]), changes[k]));
    }
    if (any == 0) continue;
    for (std::size_t k = 0; k < 4; ++k) pack(goes[k], first + i + k * kLanes, changes[k], taken);
  }
}

/// Calls part(begin, size, taken) for whole groups and appends what it takes. Returns where the rest begins.
template <typename Part>
std::size_t by_part(std::size_t size, TableSelection& out, Part part) {
  const std::size_t grouped = size - size % kGroup;
  Taken taken;
  for (std::size_t begin = 0; begin < grouped; begin += Taken::kPart) {
    taken.size = 0;
    part(begin, std::min(Taken::kPart, grouped - begin), taken);
    if (taken.size > 0) out.append(taken.offsets.data(), taken.values.data(), taken.size);
  }
  return grouped;
}

#endif

}  // namespace

void select_entries(EntryTest test, std::size_t first, std::span<const float> values,
                    std::span<float> residual, TableSelection& out) {
  std::size_t done = 0;
#ifdef MERIDIAN_HAS_COMPRESS
  if (instruction_set() == InstructionSet::avx512) {
    done = by_part(residual.size(), out, [&](std::size_t begin, std::size_t size, Taken& taken) {
      select_part(test, first + begin, values.data() + begin, residual.data() + begin, size, taken);
    });
  }
#endif
  select_entries_by_block(test, first + done, values.subspan(done), residual.subspan(done), out);
}

float largest_ratio(float floor, std::span<const float> values, std::span<const float> residual) {
  return std::bit_cast<float>(largest_ratio_bits(floor, values.data(), residual.data(), residual.size()));
}

void add_and_select_entries(EntryTest test, std::size_t first, std::span<const float> step,
                            std::span<float> values, std::span<float> residual, TableSelection& out) {
  std::size_t done = 0;
#ifdef MERIDIAN_HAS_COMPRESS
  if (instruction_set() == InstructionSet::avx512) {
    done = by_part(residual.size(), out, [&](std::size_t begin, std::size_t size, Taken& taken) {
      add_and_select_part(test, first + begin, step.data() + begin, values.data() + begin,
                          residual.data() + begin, size, taken);
    });
  }
#endif
  add_and_select_entries_by_block(test, first + done, step.subspan(done), values.subspan(done),
                                  residual.subspan(done), out);
}

}  // namespace meridian::wan

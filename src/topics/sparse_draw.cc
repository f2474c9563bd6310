#include "src/topics/sparse_draw.h"

#include <array>
#include <bit>
#include <cstring>

#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

constexpr std::size_t kBlock = 64;
constexpr std::size_t kFlagsPerWord = sizeof(std::uint64_t);
static_assert(std::endian::native == std::endian::little, "the first flag is the lowest byte of its word");

// Writes the positive entries of row + change and their positions; returns how many there are. Few entries of
// a row are. So blocks of zeros are passed over at the speed of memory; in others vector units say where the
// entries are, and eight are passed over at once.
MERIDIAN_FOR_EACH_INSTRUCTION_SET(std::size_t, take_positive,
                                  (const float* __restrict row, const float* __restrict change,
                                   std::size_t size, Topic* __restrict topics, float* __restrict values),
                                  (row, change, size, topics, values)) {
  std::size_t taken = 0;
  std::array<std::uint8_t, kBlock> positive{};
  std::size_t start = 0;
  for (; start + kBlock <= size; start += kBlock) {
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= std::bit_cast<std::uint32_t>(row[start + i]);
    if (any == 0) continue;
    for (std::size_t i = 0; i < kBlock; ++i) {
      positive[i] = static_cast<std::uint8_t>(row[start + i] + change[start + i] > 0.0F);
    }
    for (std::size_t word = 0; word < kBlock; word += kFlagsPerWord) {
      std::uint64_t flags = 0;
      std::memcpy(&flags, positive.data() + word, sizeof flags);
      for (; flags != 0; flags &= flags - 1) {
        const std::size_t flag = static_cast<std::size_t>(std::countr_zero(flags)) / 8;
        const std::size_t at = start + word + flag;
        topics[taken] = static_cast<Topic>(at);
        values[taken] = row[at] + change[at];
        ++taken;
      }
    }
  }
  for (std::size_t i = start; i < size; ++i) {
    const float value = row[i] + change[i];
    topics[taken] = static_cast<Topic>(i);
    values[taken] = value;
    taken += static_cast<std::size_t>(value > 0.0F);
  }
  return taken;
}

}  // namespace

// One more than there are topics: the entry after the last one taken is written before it is known.
SparseDraw::SparseDraw(std::size_t topics) : topics_(topics + 1), sums_(topics + 1) {}

void SparseDraw::build(std::span<const float> row, std::span<const float> change) {
  size_ = take_positive(row.data(), change.data(), row.size(), topics_.data(), sums_.data());
  float sum = 0.0F;
  for (std::size_t i = 0; i < size_; ++i) {
    sum += sums_[i];
    sums_[i] = sum;
  }
}

}  // namespace meridian

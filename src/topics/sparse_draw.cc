#include "src/topics/sparse_draw.h"

#include <algorithm>

#include "src/base/instruction_sets.h"

namespace meridian {
namespace {

constexpr std::size_t kBlock = 32;

// Writes the positive entries of row + change and their positions; returns how many there are. Most blocks of
// a long row have none.
MERIDIAN_FOR_EACH_INSTRUCTION_SET
std::size_t take_positive(const float* __restrict row, const float* __restrict change, std::size_t size,
                          Topic* __restrict topics, float* __restrict values) {
  std::size_t taken = 0;
  std::size_t start = 0;
  for (; start + kBlock <= size; start += kBlock) {
    int any = 0;
    for (std::size_t i = start; i < start + kBlock; ++i) any |= static_cast<int>(row[i] + change[i] > 0.0F);
    if (any == 0) continue;
    for (std::size_t i = start; i < start + kBlock; ++i) {
      const float value = row[i] + change[i];
      topics[taken] = static_cast<Topic>(i);
      values[taken] = value;
      taken += static_cast<std::size_t>(value > 0.0F);
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

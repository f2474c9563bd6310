#include "src/factorisation/rating_batches.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <utility>

#include "src/base/check.h"

namespace meridian {
namespace {

constexpr std::size_t kRatingsAhead = 16;

// Counters of a digit of this many bits stay in the first-level cache; a small batch is not worth as many.
constexpr unsigned kDigitBits = 11;
constexpr unsigned kSmallDigitBits = 8;
constexpr std::size_t kSmallBatch = 4096;

std::vector<std::uint32_t> all_positions(std::size_t size) {
  std::vector<std::uint32_t> positions(size);
  std::iota(positions.begin(), positions.end(), 0U);
  return positions;
}

}  // namespace

RatingBatches::RatingBatches(std::uint64_t seed, std::size_t worker, std::vector<PlacedRating> ratings,
                             std::size_t batch)
    : ratings_(std::move(ratings)),
      positions_(all_positions(ratings_.size())),
      drawn_(batch),
      other_(batch),
      counts_(std::size_t{1} << (batch < kSmallBatch ? kSmallDigitBits : kDigitBits)),
      order_(seed, worker, positions_, batch) {}

void RatingBatches::fill(Clock clock, std::span<PlacedRating> batch) {
  MERIDIAN_CHECK(batch.size() == drawn_.size(), "{} of {} ratings", batch.size(), drawn_.size());
  order_.fill_batch(clock, drawn_);
  sort();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i + kRatingsAhead < batch.size()) __builtin_prefetch(&ratings_[drawn_[i + kRatingsAhead]]);
    batch[i] = ratings_[drawn_[i]];
  }
}

// By digits, the lowest first (radix sort).
void RatingBatches::sort() {
  const auto digit_bits = static_cast<unsigned>(std::bit_width(counts_.size() - 1));
  const auto bits = static_cast<unsigned>(std::bit_width(ratings_.size() - 1));
  const auto mask = static_cast<std::uint32_t>(counts_.size() - 1);
  for (unsigned shift = 0; shift < bits; shift += digit_bits) {
    std::fill(counts_.begin(), counts_.end(), 0U);
    for (const std::uint32_t position : drawn_) ++counts_[(position >> shift) & mask];
    std::exclusive_scan(counts_.begin(), counts_.end(), counts_.begin(), 0U);
    for (const std::uint32_t position : drawn_) other_[counts_[(position >> shift) & mask]++] = position;
    std::swap(drawn_, other_);
  }
}

}  // namespace meridian

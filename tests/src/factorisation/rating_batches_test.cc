// Goal: batches are user by user and together go through all ratings, and are the same whenever they are
// asked for. How: a few hundred ratings with values of their own, small and large batches (which sort
// differently).
#include "src/factorisation/rating_batches.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace meridian {
namespace {

std::vector<PlacedRating> numbered_ratings(std::size_t count) {
  std::vector<PlacedRating> ratings;
  for (std::uint32_t i = 0; i < count; ++i) ratings.push_back({i / 7, i % 5, static_cast<float>(i)});
  return ratings;
}

std::vector<float> values_at(RatingBatches& batches, Clock clock, std::size_t batch) {
  std::vector<PlacedRating> drawn(batch);
  batches.fill(clock, drawn);
  std::vector<float> values;
  for (const PlacedRating& rating : drawn) {
    const PlacedRating& original = batches.ratings()[static_cast<std::size_t>(rating.value)];
    EXPECT_EQ(rating.user, original.user);
    EXPECT_EQ(rating.item, original.item);
    values.push_back(rating.value);
  }
  return values;
}

TEST(RatingBatches, GoThroughAllRatingsInTheirOrderWithinABatch) {
  constexpr std::size_t kRatings = 600;
  for (const std::size_t batch : {1U, 50U, 600U, 5000U}) {
    RatingBatches batches(3, 1, numbered_ratings(kRatings), batch);
    std::vector<float> seen;
    const std::size_t clocks = std::max<std::size_t>(1, kRatings / batch);
    for (Clock clock = 1; clock <= clocks; ++clock) {
      const std::vector<float> values = values_at(batches, clock, batch);
      EXPECT_TRUE(std::is_sorted(values.begin(), values.end())) << batch;
      seen.insert(seen.end(), values.begin(), values.end());
    }
    std::sort(seen.begin(), seen.end());
    // A batch larger than all ratings has some of them more than once, every one at least as often as a whole
    // number of epochs fits in.
    for (std::size_t i = 0; i < kRatings; ++i) {
      const auto times = std::count(seen.begin(), seen.end(), static_cast<float>(i));
      EXPECT_GE(times, static_cast<std::ptrdiff_t>(seen.size() / kRatings)) << batch;
      EXPECT_LE(times, static_cast<std::ptrdiff_t>((seen.size() + kRatings - 1) / kRatings)) << batch;
    }
  }
}

TEST(RatingBatches, AreAFunctionOfSeedWorkerAndClock) {
  RatingBatches one(3, 1, numbered_ratings(600), 40);
  RatingBatches same(3, 1, numbered_ratings(600), 40);
  RatingBatches other_worker(3, 2, numbered_ratings(600), 40);
  RatingBatches other_seed(4, 1, numbered_ratings(600), 40);
  const std::vector<float> reference = values_at(one, 20, 40);
  EXPECT_NE(values_at(one, 21, 40), reference);
  EXPECT_EQ(values_at(same, 20, 40), reference);
  EXPECT_EQ(values_at(one, 20, 40), reference);
  EXPECT_NE(values_at(other_worker, 20, 40), reference);
  EXPECT_NE(values_at(other_seed, 20, 40), reference);
}

}  // namespace
}  // namespace meridian

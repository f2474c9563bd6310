// Goal: the random source gives the same numbers on every machine and build, and numbers that are good enough
// for what Meridian draws. Reached by published values of the two functions it is made of, by values written
// down once, and by rough statistics whose bounds are five standard deviations wide.
#include "src/base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

namespace meridian {
namespace {

TEST(Random, MixesAsPublished) {
  // The first outputs of SplitMix64 from seed 0 and of its reference code from seed 1234567.
  static_assert(mix_bits(0) == 0xe220a8397b1dcdafULL);
  static_assert(mix_bits(0x9e3779b97f4a7c15ULL) == 0x6e789e6aa1b965f4ULL);
  static_assert(mix_bits(1234567) == 6457827717110365317ULL);
}

TEST(Random, HashesTextAsPublished) {
  static_assert(hash_text("") == 0xcbf29ce484222325ULL);
  static_assert(hash_text("a") == 0xaf63dc4c8601ec8cULL);
  static_assert(hash_text("foobar") == 0x85944171f73967e8ULL);
}

// A change of these values changes every simulation there is.
TEST(Random, KeepsItsValues) {
  Random random(1);
  EXPECT_EQ(random.next(), 17405687883870564846U);
  EXPECT_EQ(random.next(), 834844254806117752U);
  EXPECT_EQ(Random::for_parts(1, {2, 3}).next(), 5955020720354754853U);
  EXPECT_EQ(Random(1).below(1000), 943U);
  EXPECT_DOUBLE_EQ(Random(1).uniform(), 0.94356423086485441);
}

TEST(Random, StreamsOfDifferentPartsDiffer) {
  std::set<std::uint64_t> firsts;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    for (std::uint64_t worker = 0; worker < 10; ++worker) {
      for (std::uint64_t clock = 0; clock < 10; ++clock) {
        firsts.insert(Random::for_parts(seed, {worker, clock}).next());
      }
    }
  }
  EXPECT_EQ(firsts.size(), 1000U);
}

TEST(Random, BelowStaysBelowAndReachesEveryValueEvenly) {
  constexpr std::size_t kDraws = 60000;
  std::array<int, 6> counts{};
  Random random(7);
  for (std::size_t i = 0; i < kDraws; ++i) ++counts.at(random.below(counts.size()));
  const double expected = double{kDraws} / 6;
  const double deviation = std::sqrt(double{kDraws} * (1.0 / 6) * (5.0 / 6));
  for (const int count : counts) EXPECT_NEAR(count, expected, 5 * deviation);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, UniformHasTheMomentsOfTheUnitInterval) {
  constexpr int kDraws = 60000;
  Random random(7);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 1.0 / 2, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kDraws));
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  constexpr int kDraws = 60000;
  Random random(7);
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double value = random.normal();
    ASSERT_TRUE(std::isfinite(value));
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum / kDraws, 0.0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0, 5 * std::sqrt(2.0 / kDraws));
}

}  // namespace
}  // namespace meridian

// Goal: whatever the order in which workers' parts arrive, every entry is given away once, in rising blocks,
// as soon as the last worker has pushed it, and as the sum of what all pushed, in the order in which it came.
// Reached by pushes cut at drawn places and mixed in a drawn order, against sums worked out here.
#include "datacenter/dense_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "src/base/random.h"

namespace meridian::datacenter {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct Given {
  std::size_t first;
  std::vector<float> sums;
};

std::vector<Given> add(DenseSums& sums, std::size_t worker, std::size_t first,
                       const std::vector<float>& floats) {
  std::vector<Given> given;
  sums.add(worker, first, std::as_bytes(std::span(floats)), [&](std::size_t at, std::span<float> block) {
    EXPECT_LE(block.size(), DenseSums::kBlock);
    given.push_back({at, {block.begin(), block.end()}});
    std::fill(block.begin(), block.end(), -1.0F);  // which is allowed
  });
  return given;
}

TEST(DenseSums, GivesAnEntryAwayWithTheLastWorkersPart) {
  DenseSums sums(4, 2);
  EXPECT_THAT(add(sums, 0, 0, {1, 2, 3}), IsEmpty());
  const std::vector<Given> two = add(sums, 1, 0, {10, 20});
  ASSERT_EQ(two.size(), 1U);
  EXPECT_EQ(two[0].first, 0U);
  EXPECT_THAT(two[0].sums, ElementsAre(11, 22));
  const std::vector<Given> third = add(sums, 1, 2, {30, 40});
  ASSERT_EQ(third.size(), 1U);
  EXPECT_EQ(third[0].first, 2U);
  EXPECT_THAT(third[0].sums, ElementsAre(33));
  const std::vector<Given> last = add(sums, 0, 3, {4});
  ASSERT_EQ(last.size(), 1U);
  EXPECT_THAT(last[0].sums, ElementsAre(44));
}

TEST(DenseSums, OneWorkersPartsAreSumsAlready) {
  DenseSums sums(3, 1);
  const std::vector<Given> given = add(sums, 0, 0, {1, 2});
  ASSERT_EQ(given.size(), 1U);
  EXPECT_THAT(given[0].sums, ElementsAre(1, 2));
}

TEST(DenseSums, RefusesAPartThatIsNotNext) {
  DenseSums sums(3, 2);
  EXPECT_THROW(add(sums, 0, 1, {1}), BrokenInvariant);
  add(sums, 0, 0, {1, 2});
  EXPECT_THROW(add(sums, 0, 0, {1}), BrokenInvariant);
}

/// One clock of pushes in a drawn order. Every float is a small whole number: sums are exact.
void push_and_check(DenseSums& sums, std::size_t entries, std::size_t workers, Random& random) {
  std::vector<std::vector<float>> updates(workers, std::vector<float>(entries));
  std::vector<float> expected(entries, 0.0F);
  for (std::vector<float>& update : updates) {
    for (std::size_t i = 0; i < entries; ++i) {
      update[i] = static_cast<float>(random.below(100));
      expected[i] += update[i];
    }
  }
  std::vector<std::size_t> next(workers, 0);
  std::size_t given_to = 0;
  while (given_to < entries) {
    const std::size_t worker = random.below(workers);
    const std::size_t left = entries - next[worker];
    if (left == 0) continue;
    const std::size_t count = std::min<std::size_t>(left, 1 + random.below(3 * DenseSums::kBlock));
    const auto from = updates[worker].begin() + static_cast<std::ptrdiff_t>(next[worker]);
    for (const Given& given :
         add(sums, worker, next[worker], {from, from + static_cast<std::ptrdiff_t>(count)})) {
      ASSERT_EQ(given.first, given_to);
      for (std::size_t i = 0; i < given.sums.size(); ++i)
        ASSERT_EQ(given.sums[i], expected[given_to + i]) << "entry " << given_to + i;
      given_to += given.sums.size();
    }
    next[worker] += count;
    ASSERT_EQ(given_to, *std::min_element(next.begin(), next.end()));
  }
}

TEST(DenseSums, SumsWhateverTheOrder) {
  Random random(7);
  for (int round = 0; round < 50; ++round) {
    const std::size_t workers = 1 + random.below(5);
    const std::size_t entries = 1 + random.below(8 * DenseSums::kBlock);
    DenseSums sums(entries, workers);
    for (int clock = 0; clock < 3; ++clock) {
      push_and_check(sums, entries, workers, random);
      sums.restart();
      if (HasFatalFailure()) FAIL() << workers << " workers, " << entries << " entries, clock " << clock;
    }
  }
}

}  // namespace
}  // namespace meridian::datacenter

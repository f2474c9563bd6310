// Goal: every way to divide a training set gives each sample to exactly one worker, in parts that differ by
// one at most, so that datacenters get shares by their number of workers. How: several shapes of deployment
// and sizes that do not divide evenly; what each kind promises besides is checked on a small case.
#include "src/data/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class EveryPartition : public testing::TestWithParam<std::string> {};

TEST_P(EveryPartition, GivesEverySampleToOneWorkerInEqualParts) {
  for (const std::vector<std::size_t>& workers :
       {std::vector<std::size_t>{1}, {2, 2, 2}, {3, 1, 4}, {1, 1, 1, 1, 1, 1, 1}}) {
    for (const std::size_t samples : {8U, 100U, 997U, 60000U}) {
      const auto partition = Partition::make({GetParam(), 5, workers}, samples);
      ASSERT_TRUE(partition.ok()) << partition.error().message;
      std::vector<int> seen(samples, 0);
      std::size_t least = samples;
      std::size_t most = 0;
      for (std::size_t datacenter = 0; datacenter < workers.size(); ++datacenter) {
        for (std::size_t worker = 0; worker < workers[datacenter]; ++worker) {
          const auto own = partition.value().samples_of({datacenter, worker});
          for (const std::uint32_t sample : own) ++seen.at(sample);
          least = std::min(least, own.size());
          most = std::max(most, own.size());
        }
      }
      EXPECT_TRUE(std::all_of(seen.begin(), seen.end(), [](int times) { return times == 1; }));
      EXPECT_LE(most - least, 1U) << samples;
      EXPECT_GE(least, 1U);
    }
  }
}

TEST_P(EveryPartition, RefusesAnEmptyPart) {
  const auto partition = Partition::make({GetParam(), 5, {2, 2}}, 3);
  ASSERT_FALSE(partition.ok());
  EXPECT_EQ(partition.error().message, "3 training samples for 4 workers; expected at least one for each");
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryPartition, testing::Values("random", "contiguous", "round_robin"),
                         [](const auto& kind) { return kind.param; });

TEST(Partition, ContiguousPartsAreRuns) {
  const Partition partition = Partition::make({"contiguous", 5, {1, 2}}, 7).value();
  EXPECT_THAT(partition.samples_of({0, 0}), ElementsAre(0, 1, 2));
  EXPECT_THAT(partition.samples_of({1, 0}), ElementsAre(3, 4));
  EXPECT_THAT(partition.samples_of({1, 1}), ElementsAre(5, 6));
}

TEST(Partition, RoundRobinDealsOneByOne) {
  const Partition partition = Partition::make({"round_robin", 5, {1, 2}}, 7).value();
  EXPECT_THAT(partition.samples_of({0, 0}), ElementsAre(0, 3, 6));
  EXPECT_THAT(partition.samples_of({1, 0}), ElementsAre(1, 4));
  EXPECT_THAT(partition.samples_of({1, 1}), ElementsAre(2, 5));
}

TEST(Partition, RandomPartsFollowTheSeed) {
  const auto first_part = [](std::uint64_t seed) {
    const Partition partition = Partition::make({"random", seed, {2}}, 1000).value();
    const auto part = partition.samples_of({0, 0});
    return std::vector<std::uint32_t>(part.begin(), part.end());
  };
  EXPECT_EQ(first_part(1), first_part(1));
  EXPECT_NE(first_part(1), first_part(2));
  // Both halves of the set are in it: a random part of 500 has at least 150 of each but once in far more than
  // a life of this test, and the seed is fixed.
  const std::vector<std::uint32_t> part = first_part(1);
  const auto low = std::count_if(part.begin(), part.end(), [](std::uint32_t sample) { return sample < 500; });
  EXPECT_GT(low, 150);
  EXPECT_LT(low, 350);
}

TEST(Partition, RefusesWhatMakesNoSense) {
  EXPECT_THAT(Partition::make({"by_size", 1, {1}}, 10).error().message,
              HasSubstr("partition is 'by_size'; expected one of random, contiguous, round_robin"));
  EXPECT_THAT(Partition::make({"random", 1, {1, 0}}, 10).error().message, HasSubstr("datacenter 1"));
  EXPECT_THAT(Partition::make({"random", 1, {}}, 10).error().message, HasSubstr("0 datacenters"));
}

TEST(Partition, ChecksPlaces) {
  const Partition partition = Partition::make({"random", 1, {1, 2}}, 10).value();
  EXPECT_EQ(partition.workers(), 3U);
  EXPECT_EQ(partition.global_index({1, 1}), 2U);
  EXPECT_THROW(static_cast<void>(partition.samples_of({0, 1})), BrokenInvariant);
  EXPECT_THROW(static_cast<void>(partition.samples_of({2, 0})), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

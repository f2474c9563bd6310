// Goal: every way to divide a training set gives each sample to exactly one worker, in parts that differ by
// one at most, so that datacenters get shares by their number of workers. How: several shapes of deployment
// and sizes that do not divide evenly; what each kind promises besides is checked on a small case. Divisions
// by size, label and group keep every sample, too, and their shares and mixes of labels are measured.
#include "src/data/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"

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

INSTANTIATE_TEST_SUITE_P(Kinds, EveryPartition,
                         testing::Values("random", "contiguous", "round_robin", "overlap"),
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

std::vector<std::uint32_t> copy(std::span<const std::uint32_t> samples) {
  return {samples.begin(), samples.end()};
}

std::vector<std::uint32_t> samples_of_datacenter(const Partition& partition, const PartitionOptions& options,
                                                 std::size_t datacenter) {
  std::vector<std::uint32_t> samples;
  for (std::size_t worker = 0; worker < options.workers[datacenter]; ++worker) {
    const auto own = partition.samples_of({datacenter, worker});
    samples.insert(samples.end(), own.begin(), own.end());
  }
  return samples;
}

// Makes a partition, and demands that every sample is in it once.
Partition make_whole(const PartitionOptions& options, const PartitionSamples& samples) {
  auto partition = Partition::make(options, samples);
  EXPECT_TRUE(partition.ok()) << partition.error().message;
  std::vector<std::uint32_t> all;
  for (std::size_t datacenter = 0; datacenter < options.workers.size(); ++datacenter) {
    const auto own = samples_of_datacenter(partition.value(), options, datacenter);
    all.insert(all.end(), own.begin(), own.end());
  }
  std::sort(all.begin(), all.end());
  std::vector<std::uint32_t> expected(samples.count);
  std::iota(expected.begin(), expected.end(), 0U);
  EXPECT_EQ(all, expected);
  return std::move(partition).value();
}

// Equally frequent labels, in no order.
std::vector<std::uint32_t> mixed_labels(std::size_t samples, std::size_t classes) {
  Random random(3);
  std::vector<std::uint32_t> labels(samples);
  for (std::uint32_t& label : labels) label = static_cast<std::uint32_t>(random.below(classes));
  return labels;
}

// The mean over datacenters of half the sum of |share of a label there - share of it in all|: 0 where all
// have the same mix, near 1 where no two share a label.
double skew_of(const Partition& partition, const PartitionOptions& options,
               const std::vector<std::uint32_t>& labels) {
  std::map<std::uint32_t, double> all;
  for (const std::uint32_t label : labels) all[label] += 1.0 / static_cast<double>(labels.size());
  double sum = 0.0;
  for (std::size_t datacenter = 0; datacenter < options.workers.size(); ++datacenter) {
    const auto own = samples_of_datacenter(partition, options, datacenter);
    std::map<std::uint32_t, double> here;
    for (const std::uint32_t sample : own) here[labels[sample]] += 1.0 / static_cast<double>(own.size());
    for (const auto& [label, share] : all) sum += 0.5 * std::abs(here[label] - share);
  }
  return sum / static_cast<double>(options.workers.size());
}

TEST(PartitionBySizes, GivesDatacentersTheirShares) {
  for (const char* const kind : {"random", "contiguous", "round_robin", "overlap"}) {
    const PartitionOptions options{.kind = kind, .workers = {2, 3, 1}, .sizes = {1.0, 2.5, 0.5}};
    const Partition partition = make_whole(options, {10007});
    for (std::size_t datacenter = 0; datacenter < 3; ++datacenter) {
      const auto size = static_cast<double>(samples_of_datacenter(partition, options, datacenter).size());
      EXPECT_NEAR(size, 10007 * options.sizes[datacenter] / 4.0, 1.5) << kind;
      const double each = size / static_cast<double>(options.workers[datacenter]);
      for (std::size_t worker = 0; worker < options.workers[datacenter]; ++worker) {
        EXPECT_NEAR(static_cast<double>(partition.samples_of({datacenter, worker}).size()), each, 1.0)
            << kind;
      }
    }
  }
}

TEST(PartitionBySizes, KeepsTheOrderOfTheSetWhereTheKindDoes) {
  const PartitionOptions runs{.kind = "contiguous", .workers = {1, 2}, .sizes = {4.0, 2.0}};
  const Partition contiguous = make_whole(runs, {6});
  EXPECT_THAT(contiguous.samples_of({0, 0}), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(contiguous.samples_of({1, 0}), ElementsAre(4));
  EXPECT_THAT(contiguous.samples_of({1, 1}), ElementsAre(5));
  const PartitionOptions dealt{.kind = "round_robin", .workers = {1, 2}, .sizes = {1.0, 1.0}};
  const Partition round_robin = make_whole(dealt, {8});
  EXPECT_THAT(round_robin.samples_of({0, 0}), ElementsAre(0, 2, 4, 6));
  EXPECT_THAT(round_robin.samples_of({1, 0}), ElementsAre(1, 5));
  EXPECT_THAT(round_robin.samples_of({1, 1}), ElementsAre(3, 7));
}

TEST(PartitionByLabel, SkewsAsMuchAsIsSaid) {
  const auto labels = mixed_labels(20000, 4);
  double last = -1.0;
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    const PartitionOptions options{.workers = {2, 1, 1, 3},
                                   .between_datacenters = "label_skew",
                                   .sizes = {1, 1, 1, 1},
                                   .label_skew = share};
    const Partition partition = make_whole(options, {20000, labels});
    const double skew = skew_of(partition, options, labels);
    // Of four datacenters and four labels, the part by label has a distance of 3/4 from the whole.
    EXPECT_NEAR(skew, 0.75 * share, 0.03);
    EXPECT_GT(skew, last);
    last = skew;
    for (std::size_t datacenter = 0; datacenter < 4; ++datacenter) {
      EXPECT_NEAR(static_cast<double>(samples_of_datacenter(partition, options, datacenter).size()), 5000, 2);
    }
  }
}

TEST(PartitionByLabel, GivesWholeLabelsWhereAllIsDividedByLabel) {
  const std::vector<std::uint32_t> labels{7, 3, 7, 3, 900, 3, 900, 7, 900};
  const PartitionOptions options{
      .workers = {1, 1, 1}, .between_datacenters = "label_skew", .label_skew = 1.0};
  const Partition partition = make_whole(options, {labels.size(), labels});
  EXPECT_THAT(partition.samples_of({0, 0}), testing::UnorderedElementsAre(1, 3, 5));
  EXPECT_THAT(partition.samples_of({1, 0}), testing::UnorderedElementsAre(0, 2, 7));
  EXPECT_THAT(partition.samples_of({2, 0}), testing::UnorderedElementsAre(4, 6, 8));
}

TEST(PartitionDirichlet, SkewsMoreTheSmallerTheConcentration) {
  const auto labels = mixed_labels(20000, 10);
  std::vector<double> skews;
  for (const double concentration : {0.01, 1.0, 100.0, 1e6}) {
    PartitionOptions options{.workers = {1, 2, 1, 1, 1},
                             .between_datacenters = "dirichlet",
                             .sizes = {1, 2, 1, 1, 1},
                             .concentration = concentration};
    double sum = 0.0;
    for (options.seed = 1; options.seed <= 5; ++options.seed) {
      const Partition partition = make_whole(options, {20000, labels});
      sum += skew_of(partition, options, labels);
      for (std::size_t datacenter = 0; datacenter < 5; ++datacenter) {
        EXPECT_NEAR(static_cast<double>(samples_of_datacenter(partition, options, datacenter).size()),
                    20000 * options.sizes[datacenter] / 6.0, 2.0);
      }
    }
    skews.push_back(sum / 5.0);
  }
  EXPECT_GT(skews[0], 0.6);
  EXPECT_LT(skews[1], skews[0]);
  EXPECT_LT(skews[2], 0.5 * skews[1]);
  EXPECT_LT(skews[3], 0.05);
}

TEST(PartitionRanges, FollowWhatTheCallerSays) {
  const PartitionOptions options{
      .kind = "contiguous", .workers = {1, 2}, .between_datacenters = "ranges", .ranges = {2, 5}};
  const Partition partition = make_whole(options, {7});
  EXPECT_THAT(partition.samples_of({0, 0}), ElementsAre(0, 1));
  EXPECT_THAT(copy(partition.samples_of({1, 0})).size() + partition.samples_of({1, 1}).size(), 5U);
  EXPECT_THAT(partition.samples_of({1, 1}).back(), 6U);
}

TEST(PartitionRanges, MayBeEmptyWhereTheDataAreElsewhere) {
  const std::vector<std::uint32_t> groups{5, 5, 6, 7, 7, 8};
  const PartitionOptions options{.workers = {3, 2, 9}, .between_datacenters = "ranges", .ranges = {0, 6, 0}};
  for (const PartitionSamples& samples : {PartitionSamples{6}, PartitionSamples{6, {}, groups}}) {
    const auto made = Partition::make(options, samples);
    ASSERT_TRUE(made.ok()) << made.error().message;
    EXPECT_EQ(made.value().samples_of({1, 0}).size() + made.value().samples_of({1, 1}).size(), 6U);
    EXPECT_EQ(made.value().global_index({1, 0}), 3U);
    EXPECT_TRUE(made.value().samples_of({0, 2}).empty());
    EXPECT_TRUE(made.value().samples_of({2, 8}).empty());
  }
}

// Groups of 1 to 40 samples, scattered over the set.
std::vector<std::uint32_t> scattered_groups() {
  std::vector<std::uint32_t> groups;
  Random random(11);
  for (std::uint32_t group = 0; group < 300; ++group) {
    groups.insert(groups.end(), 1 + random.below(40), group * 1000003);
  }
  for (std::size_t i = groups.size(); i > 1; --i) std::swap(groups[i - 1], groups[random.below(i)]);
  return groups;
}

TEST(PartitionOfGroups, KeepsEachGroupWithOneWorkerAndPartsEven) {
  const auto groups = scattered_groups();
  const auto labels = mixed_labels(groups.size(), 6);
  for (const char* const between : {"by_sizes", "label_skew", "dirichlet"}) {
    for (const char* const kind : {"random", "contiguous", "round_robin", "overlap"}) {
      const PartitionOptions options{.kind = kind,
                                     .workers = {2, 1, 3},
                                     .between_datacenters = between,
                                     .sizes = {1.0, 1.0, 2.0},
                                     .label_skew = 0.5};
      const Partition partition = make_whole(options, {groups.size(), labels, groups});
      std::map<std::uint32_t, std::set<std::size_t>> workers_of_group;
      for (std::size_t datacenter = 0; datacenter < 3; ++datacenter) {
        const auto size = static_cast<double>(samples_of_datacenter(partition, options, datacenter).size());
        EXPECT_NEAR(size, static_cast<double>(groups.size()) * options.sizes[datacenter] / 4.0, 40.0)
            << between << " " << kind;
        const double each = size / static_cast<double>(options.workers[datacenter]);
        for (std::size_t worker = 0; worker < options.workers[datacenter]; ++worker) {
          const auto own = partition.samples_of({datacenter, worker});
          EXPECT_NEAR(static_cast<double>(own.size()), each, 41.0) << between << " " << kind;
          for (const std::uint32_t sample : own) {
            workers_of_group[groups[sample]].insert(partition.global_index({datacenter, worker}));
          }
        }
      }
      for (const auto& [group, workers] : workers_of_group) EXPECT_EQ(workers.size(), 1U) << group;
    }
  }
}

TEST(PartitionOfGroups, AtRandomIsEvenToASample) {
  const auto groups = scattered_groups();
  const PartitionOptions options{.workers = {2, 2}};
  const Partition partition = make_whole(options, {groups.size(), {}, groups});
  for (const WorkerPlace place : {WorkerPlace{0, 0}, {0, 1}, {1, 0}, {1, 1}}) {
    EXPECT_NEAR(static_cast<double>(partition.samples_of(place).size()),
                static_cast<double>(groups.size()) / 4.0, 2.0);
  }
}

TEST(PartitionOfGroups, CountsAGroupAsOfItsCommonestLabel) {
  const std::vector<std::uint32_t> groups{5, 5, 5, 8, 8, 8};
  const std::vector<std::uint32_t> labels{2, 2, 1, 1, 2, 1};
  const PartitionOptions options{.workers = {1, 1}, .between_datacenters = "label_skew", .label_skew = 1.0};
  const Partition partition = make_whole(options, {6, labels, groups});
  EXPECT_THAT(partition.samples_of({0, 0}), ElementsAre(3, 4, 5));
  EXPECT_THAT(partition.samples_of({1, 0}), ElementsAre(0, 1, 2));
}

TEST(PartitionOverlap, ShowsEachWorkerAShareOfItsNeighboursAnewEachEpoch) {
  const PartitionOptions options{.kind = "overlap", .workers = {4, 2, 1}, .overlap = 0.25};
  const Partition partition = make_whole(options, {7000});
  for (const WorkerPlace place : {WorkerPlace{0, 0}, {0, 3}, {1, 0}, {2, 0}}) {
    const std::size_t neighbours = place.datacenter == 0 ? 2 : 1 - place.datacenter / 2;
    const auto own = copy(partition.samples_of(place));
    EXPECT_EQ(partition.samples_per_epoch(place), 1000 + 250 * neighbours);
    const auto seen = partition.samples_of_epoch(place, 3);
    EXPECT_EQ(seen.size(), partition.samples_per_epoch(place));
    EXPECT_TRUE(std::equal(own.begin(), own.end(), seen.begin()));
    EXPECT_EQ(std::set<std::uint32_t>(seen.begin(), seen.end()).size(), seen.size());
    EXPECT_EQ(partition.samples_of_epoch(place, 3), seen);
    if (neighbours > 0) {
      EXPECT_NE(partition.samples_of_epoch(place, 4), seen);
    }
    // What it borrows is its neighbours', 250 of each.
    std::map<std::size_t, std::size_t> borrowed;
    for (std::size_t i = own.size(); i < seen.size(); ++i) {
      for (std::size_t worker = 0; worker < options.workers[place.datacenter]; ++worker) {
        const auto theirs = partition.samples_of({place.datacenter, worker});
        if (std::find(theirs.begin(), theirs.end(), seen[i]) != theirs.end()) ++borrowed[worker];
      }
    }
    const std::size_t workers = options.workers[place.datacenter];
    std::map<std::size_t, std::size_t> expected;
    if (workers > 1) {
      expected[(place.worker + 1) % workers] = 250;
      expected[(place.worker + workers - 1) % workers] = 250;
    }
    EXPECT_EQ(borrowed, expected);
  }
}

TEST(Partition, IsTheSameForTheSameSeed) {
  const auto labels = mixed_labels(2000, 5);
  const auto groups = mixed_labels(2000, 400);
  for (const char* const between : {"by_sizes", "label_skew", "dirichlet"}) {
    for (const bool grouped : {false, true}) {
      const auto part = [&](std::uint64_t seed) {
        const PartitionOptions options{.seed = seed,
                                       .workers = {2, 2},
                                       .between_datacenters = between,
                                       .sizes = {2.0, 1.0},
                                       .label_skew = 0.5};
        PartitionSamples samples{2000, labels};
        if (grouped) samples.groups = groups;
        return copy(Partition::make(options, samples).value().samples_of({1, 1}));
      };
      EXPECT_EQ(part(1), part(1)) << between;
      EXPECT_NE(part(1), part(2)) << between;
    }
  }
}

TEST(Partition, SaysWhatToChange) {
  const auto error_of = [](const PartitionOptions& options, const PartitionSamples& samples) {
    const auto partition = Partition::make(options, samples);
    return partition.ok() ? std::string("made") : partition.error().message;
  };
  const std::vector<std::uint32_t> labels{0, 1, 0, 1};
  const std::vector<std::uint32_t> two_groups{4, 4, 9, 9};
  EXPECT_EQ(
      error_of({.workers = {1, 1}, .between_datacenters = "size"}, {4}),
      "the partition between datacenters is 'size'; expected one of by_sizes, label_skew, dirichlet, ranges");
  EXPECT_EQ(error_of({.workers = {1, 1}, .sizes = {1.0}}, {4}),
            "sizes of 1 datacenters; expected one for each of 2");
  EXPECT_EQ(error_of({.workers = {1, 1}, .sizes = {1.0, 0.0}}, {4}),
            "the size of datacenter 1 (counted from 0) is 0; expected a number above 0");
  EXPECT_EQ(error_of({.workers = {1, 1}, .between_datacenters = "ranges", .ranges = {4}}, {4}),
            "ranges of 1 datacenters; expected one for each of 2");
  EXPECT_EQ(error_of({.workers = {1, 1}, .between_datacenters = "ranges", .ranges = {4, 1}}, {4}),
            "ranges of 5 samples together; expected 4, as many as there are");
  EXPECT_EQ(
      error_of({.workers = {1, 2}, .between_datacenters = "ranges", .ranges = {3, 1}}, {4}),
      "worker 0 of datacenter 1 (both counted from 0) gets no sample: the datacenter's 2 workers divide 1 of "
      "4 samples; expected at least one for each: give it a longer range or fewer workers");
  EXPECT_EQ(
      error_of({.workers = {1, 1}, .between_datacenters = "ranges", .ranges = {3, 1}},
               {4, labels, two_groups}),
      "samples 2 and 3 (counted from 0) are of one group but in the ranges of datacenters 0 and 1; expected "
      "each group in one: give them files that share no group");
  EXPECT_EQ(
      error_of({.workers = {1, 1, 1}}, {4, labels, two_groups}),
      "worker 0 of datacenter 2 (both counted from 0) gets no sample: the datacenter's 1 workers divide 0 of "
      "4 samples, which stay together in 2 groups; expected at least one for each: give it a larger size or "
      "fewer workers, or use data with more groups");
  EXPECT_THAT(error_of({.workers = {1, 1}, .sizes = {1.0, 1000.0}}, {4}),
              HasSubstr("worker 0 of datacenter 0 (both counted from 0) gets no sample"));
  EXPECT_THAT(error_of({.workers = {1}, .between_datacenters = "dirichlet"}, {4}),
              HasSubstr("0 labels for 4 samples; expected one for each, by which dirichlet divides"));
  EXPECT_THAT(error_of({.workers = {1}}, {5, {}, two_groups}), HasSubstr("groups of 4 samples"));
  EXPECT_EQ(error_of({.workers = {1}, .label_skew = 1.5}, {4}), "label_skew is 1.5; expected 0 to 1");
  EXPECT_EQ(error_of({.workers = {1}, .concentration = 0.0}, {4}),
            "concentration is 0; expected a number above 0");
  EXPECT_EQ(error_of({.workers = {1}, .overlap = -1.0}, {4}), "overlap is -1; expected 0 to 1");
}

}  // namespace
}  // namespace meridian

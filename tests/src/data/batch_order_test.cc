// Goal: a worker sees each of its samples once an epoch, in a new order each time, and a batch depends on
// seed, worker and clock alone, whoever asks, in whatever order and from however many threads. How: batches
// that do not divide the part, smaller and larger than it, read forward, backward and at once.
#include "src/data/batch_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using Batch = std::vector<std::uint32_t>;

Batch part_of(std::size_t size) {
  Batch samples(size);
  for (std::size_t i = 0; i < size; ++i) samples[i] = static_cast<std::uint32_t>(1000 + 3 * i);
  return samples;
}

Batch batch_at(const BatchOrder& order, Clock clock, std::size_t size) {
  Batch batch(size);
  order.fill_batch(clock, batch);
  return batch;
}

Batch first_batches(const BatchOrder& order, Clock clocks, std::size_t size) {
  Batch all;
  for (Clock clock = 1; clock <= clocks; ++clock) {
    const Batch batch = batch_at(order, clock, size);
    all.insert(all.end(), batch.begin(), batch.end());
  }
  return all;
}

TEST(BatchOrder, EveryEpochIsAnotherPermutation) {
  const Batch samples = part_of(50);
  for (const std::size_t size : {1U, 7U, 50U, 120U}) {
    const BatchOrder order(9, 0, samples, size);
    const Batch seen = first_batches(order, 300, size);
    std::set<Batch> orders;
    for (std::size_t start = 0; start + 50 <= seen.size(); start += 50) {
      Batch epoch(seen.begin() + static_cast<std::ptrdiff_t>(start),
                  seen.begin() + static_cast<std::ptrdiff_t>(start) + 50);
      orders.insert(epoch);
      std::sort(epoch.begin(), epoch.end());
      ASSERT_EQ(epoch, samples) << "epoch at " << start << " with batches of " << size;
    }
    EXPECT_EQ(orders.size(), seen.size() / 50);
  }
}

TEST(BatchOrder, IsAFunctionOfSeedWorkerAndClock) {
  const Batch samples = part_of(50);
  const BatchOrder forward(9, 0, samples, 7);
  const BatchOrder backward(9, 0, samples, 7);
  std::map<Clock, Batch> expected;
  for (Clock clock = 1; clock <= 100; ++clock) expected[clock] = batch_at(forward, clock, 7);
  for (Clock clock = 100; clock >= 1; --clock)
    ASSERT_EQ(batch_at(backward, clock, 7), expected[clock]) << clock;
  EXPECT_NE(first_batches(BatchOrder(8, 0, samples, 7), 7, 7), first_batches(forward, 7, 7));
  EXPECT_NE(first_batches(BatchOrder(9, 1, samples, 7), 7, 7), first_batches(forward, 7, 7));
}

TEST(BatchOrder, TheLastClockThereIsWorks) {
  const Batch samples = part_of(5);
  const BatchOrder order(9, 0, samples, 64);
  const Batch batch = batch_at(order, 0xffffffff, 64);
  EXPECT_EQ(std::set<std::uint32_t>(batch.begin(), batch.end()).size(), 5U);
}

TEST(BatchOrder, ThreadsAtDifferentEpochsDoNotDisturbEachOther) {
  const Batch samples = part_of(50);
  const BatchOrder reference(9, 0, samples, 7);
  const Batch expected = first_batches(reference, 500, 7);
  const BatchOrder shared(9, 0, samples, 7);
  std::vector<Batch> seen(4);
  std::vector<std::thread> threads;
  for (Batch& mine : seen) threads.emplace_back([&] { mine = first_batches(shared, 500, 7); });
  for (std::thread& thread : threads) thread.join();
  for (const Batch& mine : seen) EXPECT_EQ(mine, expected);
}

TEST(BatchOrder, RefusesClockZeroAndEmptyParts) {
  const Batch samples = part_of(5);
  const BatchOrder order(9, 0, samples, 2);
  Batch batch(2);
  EXPECT_THROW(order.fill_batch(0, batch), BrokenInvariant);
  EXPECT_THROW(BatchOrder(9, 0, {}, 2), BrokenInvariant);
}

TEST(BatchOrder, OfAPartitionIsThatOfItsSamples) {
  const Partition partition = Partition::make({"random", 5, {2, 1}}, 30).value();
  const BatchOrder by_place(7, partition, {1, 0}, 4);
  const BatchOrder by_samples(7, 2, partition.samples_of({1, 0}), 4);
  std::vector<std::uint32_t> batch(4);
  std::vector<std::uint32_t> other(4);
  for (Clock clock = 1; clock < 10; ++clock) {
    by_place.fill_batch(clock, batch);
    by_samples.fill_batch(clock, other);
    EXPECT_EQ(batch, other);
  }
}

TEST(BatchOrder, OfOverlappingPartsHasWhatTheEpochSays) {
  const PartitionOptions options{.kind = "overlap", .workers = {3}, .overlap = 0.5};
  const Partition partition = Partition::make(options, 30).value();
  const WorkerPlace place{0, 1};
  ASSERT_EQ(partition.samples_per_epoch(place), 20U);
  const BatchOrder order(7, partition, place, 20);
  std::vector<std::uint32_t> batch(20);
  for (const Clock clock : {1U, 2U, 3U, 2U, 1U}) {
    order.fill_batch(clock, batch);
    auto expected = partition.samples_of_epoch(place, clock - 1);
    EXPECT_NE(batch, expected);
    std::sort(batch.begin(), batch.end());
    std::sort(expected.begin(), expected.end());
    EXPECT_EQ(batch, expected);
  }
}

}  // namespace
}  // namespace meridian

// Goal: a pool does every job once, on several threads at a time, gives back what a job throws, and its end
// waits for what has begun.
#include "src/runtime/thread_pool.h"

#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>
#include <thread>

namespace meridian {
namespace {

TEST(ThreadPool, DoesEveryJobOnce) {
  constexpr int kJobs = 1000;
  ThreadPool pool(4);
  std::vector<int> done(kJobs, 0);
  std::vector<std::future<void>> futures;
  for (int& count : done) futures.push_back(pool.submit([&count] { ++count; }));
  for (std::future<void>& future : futures) future.get();
  EXPECT_EQ(done, std::vector<int>(kJobs, 1));
}

// Each job waits for the other: a pool that did one at a time would never end.
TEST(ThreadPool, DoesJobsAtTheSameTime) {
  ThreadPool pool(2);
  std::latch both(2);
  std::future<void> first = pool.submit([&] { both.arrive_and_wait(); });
  std::future<void> second = pool.submit([&] { both.arrive_and_wait(); });
  first.get();
  second.get();
}

TEST(ThreadPool, DoesJobsInTheOrderGiven) {
  ThreadPool pool(1);
  std::vector<int> order;
  std::vector<std::future<void>> futures;
  for (int i = 0; i < 100; ++i) futures.push_back(pool.submit([&order, i] { order.push_back(i); }));
  for (std::future<void>& future : futures) future.get();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order.at(static_cast<std::size_t>(i)), i);
}

TEST(ThreadPool, GivesBackWhatAJobThrows) {
  ThreadPool pool(1);
  std::future<void> thrown = pool.submit([] { throw std::runtime_error("no memory left"); });
  EXPECT_THROW(thrown.get(), std::runtime_error);
  pool.submit([] {}).get();
}

TEST(ThreadPool, ItsEndWaitsForWhatHasBegun) {
  std::latch begun(1);
  std::latch ending(1);
  bool done = false;
  std::thread ender;
  {
    ThreadPool pool(1);
    (void)pool.submit([&] {
      begun.count_down();
      ending.wait();
      done = true;
    });
    begun.wait();
    ender = std::thread([&] { ending.count_down(); });
  }
  EXPECT_TRUE(done);
  ender.join();
}

}  // namespace
}  // namespace meridian

// Goal: the pool hands what came back out again, and never one piece to two at once.
// How: pieces are told apart by their addresses; threads that write into what they borrowed, for tsan to
// judge.
#include "src/model/scratch_pool.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace meridian {
namespace {

TEST(ScratchPool, GivesOutAgainWhatCameBack) {
  ScratchPool<int> pool;
  const int* first = nullptr;
  {
    const auto one = pool.borrow();
    const auto two = pool.borrow();
    EXPECT_NE(one.get(), two.get());
    first = one.get();
  }
  // Last in, first out: `one` ended last.
  EXPECT_EQ(pool.borrow().get(), first);
}

TEST(ScratchPool, ServesThreadsAtOnce) {
  ScratchPool<std::vector<int>> pool;
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int round = 0; round < 500; ++round) {
        const auto scratch = pool.borrow();
        scratch->assign(16, thread);
        for (const int value : *scratch) wrong[static_cast<std::size_t>(thread)] += value != thread ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

}  // namespace
}  // namespace meridian

// Goal: buffers come back to their pool from whatever thread drops them last, are used again, are never
// handed out twice at once, and may outlive the pool. Reached by threads that take a buffer, pass it on to
// another thread, and check there that nobody else wrote into it.
#include "src/wire/buffer_pool.h"

#include <gtest/gtest.h>

#include <array>
#include <mutex>
#include <set>
#include <thread>

namespace meridian {
namespace {

TEST(BufferPool, GivesAReturnedBufferOutAgain) {
  BufferPool pool(100);
  std::shared_ptr<FloatBuffer> first = pool.take();
  EXPECT_EQ(first->size(), 100U);
  const FloatBuffer* const memory = first.get();
  const std::shared_ptr<FloatBuffer> other = pool.take();
  EXPECT_NE(other.get(), memory);
  (*first)[7] = 5.0F;
  first.reset();
  const std::shared_ptr<FloatBuffer> again = pool.take();
  EXPECT_EQ(again.get(), memory);
  EXPECT_EQ((*again)[7], 5.0F) << "a new buffer, which happens to lie where the old one lay";
}

TEST(BufferPool, IsOutlivedByItsBuffers) {
  std::shared_ptr<FloatBuffer> buffer;
  {
    BufferPool pool(16);
    buffer = pool.take();
  }
  (*buffer)[15] = 1.0F;
  EXPECT_EQ((*buffer)[15], 1.0F);
}

TEST(BufferPool, ThreadsReturnBuffers) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 2000;
  constexpr std::size_t kFloats = 64;
  BufferPool pool(kFloats);
  std::mutex mutex;
  std::shared_ptr<FloatBuffer> passed_on;  // by any thread to any other
  std::set<const FloatBuffer*> seen;
  std::array<int, kThreads> spoilt{};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < kRounds; ++round) {
        std::shared_ptr<FloatBuffer> mine = pool.take();
        std::fill_n(mine->data(), kFloats, static_cast<float>(t * kRounds + round));
        std::shared_ptr<FloatBuffer> theirs;
        {
          const std::lock_guard lock(mutex);
          seen.insert(mine.get());
          theirs = std::exchange(passed_on, std::move(mine));
        }
        if (!theirs) continue;
        for (const float value : theirs->span()) {
          if (value != (*theirs)[0]) ++spoilt.at(static_cast<std::size_t>(t));
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : spoilt) EXPECT_EQ(count, 0);
  // Each thread holds at most two at once, and one is on its way between them.
  EXPECT_LE(seen.size(), 2U * kThreads + 1U);
}

}  // namespace
}  // namespace meridian

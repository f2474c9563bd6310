// Goal: the thread beside a machine does one computation after the other, says so through its descriptor
// exactly once each, and hands on what a computation throws.
#include "src/runtime/real/computer.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <stdexcept>
#include <thread>

namespace meridian {
namespace {

bool becomes_readable(int fd, int within_ms) {
  pollfd descriptor{fd, POLLIN, 0};
  return ::poll(&descriptor, 1, within_ms) == 1;
}

constexpr int kDeadlineMs = 20'000;

TEST(Computer, SaysOnceThatAComputationIsDone) {
  Computer computer;
  EXPECT_FALSE(computer.take_done());
  for (int round = 0; round < 100; ++round) {
    std::thread::id where;
    computer.submit([&] { where = std::this_thread::get_id(); });
    ASSERT_TRUE(becomes_readable(computer.fd(), kDeadlineMs));
    ASSERT_TRUE(computer.take_done());
    EXPECT_NE(where, std::this_thread::get_id());
    EXPECT_NE(where, std::thread::id());
    EXPECT_FALSE(computer.take_done());
    EXPECT_FALSE(becomes_readable(computer.fd(), 0));
  }
}

TEST(Computer, HandsOnWhatAComputationThrowsAndGoesOn) {
  Computer computer;
  computer.submit([] { throw std::runtime_error("no memory left"); });
  ASSERT_TRUE(becomes_readable(computer.fd(), kDeadlineMs));
  EXPECT_THROW(computer.take_done(), std::runtime_error);
  EXPECT_FALSE(computer.take_done());
  computer.submit([] {});
  ASSERT_TRUE(becomes_readable(computer.fd(), kDeadlineMs));
  EXPECT_TRUE(computer.take_done());
}

}  // namespace
}  // namespace meridian

// Goal: moving data takes as long as the slowest sender needs, and senders share what the receiver can take
// as max-min fairness says, also after one of them is done. Reached by movements whose times are worked out
// by hand.
#include "src/sweep/data_movement.h"

#include <gtest/gtest.h>

namespace meridian::sweep {
namespace {

TEST(DataMovement, TakesAsLongAsItsSlowestSender) {
  EXPECT_EQ(moving_time_s({}, std::nullopt), 0.0);
  EXPECT_EQ(moving_time_s({{0.0, 1.0, 5.0}}, std::nullopt), 0.0);
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 0.25}}, std::nullopt), 10.25);
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 0.25}, {100.0, 5.0, 0.1}, {1.0, 1.0, 0.0}}, std::nullopt),
                   20.1);
  // The one that is sent last need not arrive last.
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 3.0}, {110.0, 10.0, 0.0}}, std::nullopt), 13.0);
}

TEST(DataMovement, SharesTheReceiversCapFairly) {
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 0.0}}, 4.0), 25.0);
  // Two at 5 each until both are done.
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 0.0}, {100.0, 10.0, 0.0}}, 10.0), 20.0);
  // 5 each for 10 s, when the first is done; the other has 50 left and goes on at 8.
  EXPECT_DOUBLE_EQ(moving_time_s({{50.0, 8.0, 0.0}, {100.0, 8.0, 0.0}}, 10.0), 16.25);
  // One can use 1 only, so that the others share 9: all of it, 90 bytes, in 10 s.
  EXPECT_DOUBLE_EQ(moving_time_s({{45.0, 20.0, 0.0}, {10.0, 1.0, 0.0}, {45.0, 6.0, 0.0}}, 10.0), 10.0);
  // A cap above what all can send changes nothing.
  EXPECT_DOUBLE_EQ(moving_time_s({{100.0, 10.0, 0.0}, {100.0, 5.0, 0.0}}, 100.0), 20.0);
}

}  // namespace
}  // namespace meridian::sweep

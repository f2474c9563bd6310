// Goal: an increment is applied as it is, whatever the scales, and one that is not finite is noticed. How:
// the buffer before and after, and a bad value at each position.
#include "src/optimizer/increment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using Floats = std::vector<float>;

TEST(Increment, LeavesTheSumAsItIs) {
  const auto increment = make_increment(8);
  const Floats values(3, 5.0F);
  const Floats sum{1.0F, -2.5F, 0x1p-140F};
  for (Clock clock = 1; clock <= 3; ++clock) {
    Floats buffer = sum;
    EXPECT_TRUE(increment->step(clock, 0.25F, 0.5F, 5, values, buffer));
    EXPECT_EQ(buffer, sum);
  }
}

TEST(Increment, ReportsAValueThatIsNotFiniteWhereverItStands) {
  const float infinite = std::numeric_limits<float>::infinity();
  for (const std::size_t size : {1U, 3U, 16U, 33U}) {
    const Floats values(size);
    for (std::size_t bad = 0; bad < size; ++bad) {
      for (const float value : {infinite, -infinite, std::nanf("")}) {
        Floats buffer(size, std::numeric_limits<float>::max());
        EXPECT_TRUE(make_increment(size)->step(1, 1.0F, 1.0F, 0, values, buffer));
        buffer[bad] = value;
        EXPECT_FALSE(make_increment(size)->step(1, 1.0F, 1.0F, 0, values, buffer)) << bad;
      }
    }
  }
}

TEST(Increment, RefusesWrongSizes) {
  const Floats values(2);
  Floats buffer(2);
  EXPECT_TRUE(make_increment(2)->step(1, 1.0F, 1.0F, 2, {}, {}));
  EXPECT_THROW(static_cast<void>(make_increment(2)->step(1, 1.0F, 1.0F, 1, values, buffer)), BrokenInvariant);
}

TEST(Increment, IsNoChoiceOfAUser) {
  EXPECT_THAT(optimizer_names(), testing::Not(testing::Contains("increment")));
  EXPECT_FALSE(make_optimizer({.name = "increment"}, 1).ok());
}

}  // namespace
}  // namespace meridian

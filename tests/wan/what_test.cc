// Goal: the methods without a threshold take all or nothing, and what they take leaves the residual. Reached
// by small tables with known answers.
#include "wan/what.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/wan/selected.h"

namespace meridian::wan {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SendAll, TakesEverythingButZeros) {
  const TableSelection out = selected(SendAll{}, {}, {1, 2, 3, 4}, {0.5F, 0, -1e-30F, -0.0F});
  EXPECT_THAT(out.offsets, ElementsAre(0, 2));
  EXPECT_THAT(out.values, ElementsAre(0.5F, -1e-30F));
  EXPECT_TRUE(SendAll{}.sends());
  EXPECT_EQ(SendAll{}.threshold({}), 0.0);
}

TEST(SendNothing, TakesNothingAndOwesNothing) {
  EXPECT_THAT(selected(SendNothing{}, {}, {1, 0}, {5, 5}).offsets, IsEmpty());
  EXPECT_FALSE(SendNothing{}.sends());
}

}  // namespace
}  // namespace meridian::wan

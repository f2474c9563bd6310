// Goal: a failed check says where it stands, what did not hold, and with which values; one that holds costs
// nothing and evaluates no value.
#include "src/base/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian {
namespace {

using testing::AllOf;
using testing::HasSubstr;

TEST(Check, CarriesPlaceConditionAndValues) {
  const int clocks = 3;
  try {
    MERIDIAN_CHECK(clocks < 2, "{} clocks in {}", clocks, "tokyo");
    FAIL() << "the check did not throw";
  } catch (const BrokenInvariant& broken) {
    EXPECT_THAT(broken.what(),
                AllOf(HasSubstr("check_test.cc:"), HasSubstr("clocks < 2"), HasSubstr("3 clocks in tokyo")));
  }
}

TEST(Check, DoesNotLookAtTheValuesWhereItHolds) {
  int looked = 0;
  const auto look = [&] { return ++looked; };
  MERIDIAN_CHECK(true, "{}", look());
  EXPECT_EQ(looked, 0);
}

}  // namespace
}  // namespace meridian

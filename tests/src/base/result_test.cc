// Goal: a Result holds either its value or the reason why there is none; asking for the value that is not
// there is a fault that carries the reason, and values that only move pass through.
#include "src/base/result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace meridian {
namespace {

TEST(Result, HoldsAValue) {
  Result<int> seven(7);
  EXPECT_TRUE(seven.ok());
  EXPECT_TRUE(static_cast<bool>(seven));
  seven.value() += 1;
  EXPECT_EQ(seven.value(), 8);
}

TEST(Result, HoldsAReasonAndTellsItWhenTheValueIsAskedFor) {
  const Result<int> none(Error{"no such key: dss"});
  EXPECT_FALSE(none.ok());
  EXPECT_EQ(none.error().message, "no such key: dss");
  try {
    (void)none.value();
    FAIL() << "a value out of nothing";
  } catch (const BrokenInvariant& broken) {
    EXPECT_THAT(broken.what(), testing::HasSubstr("no such key: dss"));
  }
}

Result<std::unique_ptr<int>> made_if(bool possible) {
  if (!possible) return Error{"impossible"};
  return std::make_unique<int>(7);
}

TEST(Result, PassesOnWhatOnlyMoves) {
  volatile bool possible = true;  // or the compiler, looking through it all, warns about the other branch
  const std::unique_ptr<int> taken = made_if(possible).value();
  ASSERT_NE(taken, nullptr);
  EXPECT_EQ(*taken, 7);
}

TEST(Result, TellsAStringFromAnError) {
  const Result<std::string> text(std::string("fine"));
  EXPECT_TRUE(text.ok());
  const Result<std::string> error(Error{"not fine"});
  EXPECT_FALSE(error.ok());
}

}  // namespace
}  // namespace meridian

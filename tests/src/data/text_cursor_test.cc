// Goal: numbers are taken exactly, and nothing else is taken for a number. How: floats against strtof bit by
// bit, the bounds of whole numbers, and texts that only look like numbers.
#include "src/data/text_cursor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "src/base/random.h"

namespace meridian {
namespace {

TEST(TextCursor, TakesFloatsAsStrtofDoes) {
  Random random(3);
  for (int i = 0; i < 20000; ++i) {
    const double magnitude = std::pow(10.0, 12.0 * random.uniform() - 6.0);
    std::string text;
    switch (random.below(4)) {
      case 0:
        text = fmt::format("{:.{}f}", random.normal() * magnitude, random.below(9));
        break;
      case 1:
        text = fmt::format("{:e}", random.normal() * magnitude);
        break;
      case 2:
        text = fmt::format("{}", random.below(1000000000));
        break;
      default:
        text = fmt::format("{}", static_cast<float>(random.normal()));
        break;
    }
    TextCursor cursor(text);
    float value = 0.0F;
    ASSERT_TRUE(cursor.take_float(value)) << text;
    EXPECT_TRUE(cursor.at_end()) << text;
    EXPECT_EQ(value, std::strtof(text.c_str(), nullptr)) << text;
  }
  for (const char* const text : {"+1", "-0", "5.", ".5", "-.25", "1e-50", "1e-40", "3.4028234e38", "16777217",
                                 "9999999", "99999999", "0.0000001", "1234567.1", "1E3", "007.50"}) {
    TextCursor cursor(text);
    float value = 0.0F;
    ASSERT_TRUE(cursor.take_float(value)) << text;
    EXPECT_TRUE(cursor.at_end()) << text;
    EXPECT_EQ(value, std::strtof(text, nullptr)) << text;
  }
}

TEST(TextCursor, TakesNothingElseForAFloat) {
  for (const char* const text :
       {"",      "-",     "+",   ".",   "nan", "-nan", "inf", "infinity", "-inf", "1e39",
        "-1e39", "1e400", "--1", "+-1", "-+1", "++1",  "x",   " 1",       "e5",   ",5"}) {
    TextCursor cursor(text);
    float value = 0.0F;
    EXPECT_FALSE(cursor.take_float(value)) << text;
    EXPECT_EQ(cursor.at_end(), *text == '\0') << text;
  }
  TextCursor hexadecimal("0x10");
  float value = 1.0F;
  EXPECT_TRUE(hexadecimal.take_float(value));
  EXPECT_EQ(value, 0.0F);
  EXPECT_TRUE(hexadecimal.at('x'));
}

TEST(TextCursor, TakesWholeNumbersUpToABound) {
  const auto taken = [](const std::string& text, std::uint64_t largest) {
    TextCursor cursor(text);
    std::uint64_t value = 0;
    return cursor.take_whole(largest, value) && cursor.at_end() ? fmt::format("{}", value) : "none";
  };
  EXPECT_EQ(taken("0", 0), "0");
  EXPECT_EQ(taken("12", 12), "12");
  EXPECT_EQ(taken("13", 12), "none");
  EXPECT_EQ(taken("4294967295", UINT32_MAX), "4294967295");
  EXPECT_EQ(taken("4294967296", UINT32_MAX), "none");
  EXPECT_EQ(taken("9999999999999999999", UINT64_MAX), "9999999999999999999");
  EXPECT_EQ(taken("18446744073709551615", UINT64_MAX), "18446744073709551615");
  EXPECT_EQ(taken("18446744073709551616", UINT64_MAX), "none");
  EXPECT_EQ(taken("99999999999999999999999", UINT64_MAX), "none");
  EXPECT_EQ(taken("00000000000000000000000000007", UINT64_MAX), "7");
  for (const char* const text : {"", "-1", "+1", " 1", "x", "1x", "1.0"}) EXPECT_EQ(taken(text, 99), "none");
}

TEST(TextCursor, TakesSeparators) {
  TextCursor cursor(" \t,:");
  EXPECT_FALSE(cursor.take(','));
  EXPECT_TRUE(cursor.take_blanks());
  EXPECT_FALSE(cursor.take_blanks());
  EXPECT_TRUE(cursor.take(',') && cursor.take(':'));
  EXPECT_TRUE(cursor.at_end());
  EXPECT_FALSE(cursor.take(':') || cursor.take_blanks() || cursor.at_digit());
}

}  // namespace
}  // namespace meridian

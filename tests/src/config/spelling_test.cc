// Goal: a slip of the finger finds its word, an unrelated word finds none, and shown text is always harmless.
// How: examples on both sides of each limit.
#include "src/config/spelling.h"

#include <gtest/gtest.h>

#include <array>

namespace meridian {
namespace {

constexpr auto kKnown = std::to_array<std::string_view>({"workers", "servers", "name", "ds"});

TEST(Spelling, FindsTheNearestWord) {
  EXPECT_EQ(nearest("worker", kKnown), "workers");
  EXPECT_EQ(nearest("severs", kKnown), "servers");
  EXPECT_EQ(nearest("nmae", kKnown), "name");
  EXPECT_EQ(nearest("workesr", kKnown), "workers");
  EXPECT_EQ(nearest("threshold", kKnown), std::nullopt);
  EXPECT_EQ(nearest("", kKnown), std::nullopt);
  // A word that shares no letter is not near, however short.
  EXPECT_EQ(nearest("xy", kKnown), std::nullopt);
  EXPECT_EQ(nearest(std::string(1 << 20, 'w'), kKnown), std::nullopt);
}

TEST(Spelling, ListsWords) {
  EXPECT_EQ(one_of(kKnown), "workers, servers, name or ds");
  EXPECT_EQ(one_of(std::span(kKnown).first(1)), "workers");
}

TEST(Spelling, ShowsHarmlessText) {
  EXPECT_EQ(printable("a\n\x1b\x7f\xff~"), "a\\x0a\\x1b\\x7f\\xff~");
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

}  // namespace
}  // namespace meridian

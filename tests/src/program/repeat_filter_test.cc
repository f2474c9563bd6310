// Goal: the first of a kind is told at once, repeats together once their interval is over, nothing is lost.
#include "src/program/repeat_filter.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace meridian::program {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(RepeatFilter, TellsTheFirstAtOnceAndRepeatsTogether) {
  RepeatFilter filter;
  EXPECT_THAT(filter.take(seconds(1), "lost chunk 7"), ElementsAre("lost chunk 7"));
  EXPECT_THAT(filter.take(seconds(2), "lost chunk 8"), IsEmpty());
  EXPECT_THAT(filter.take(seconds(3), "lost chunk 12"), IsEmpty());
  EXPECT_THAT(filter.take(seconds(4), "tokyo is silent"), ElementsAre("tokyo is silent"));
  EXPECT_THAT(filter.overdue(seconds(10)), IsEmpty());
  EXPECT_THAT(filter.overdue(seconds(11)),
              ElementsAre("2 times more within 10 s, the last time: lost chunk 12"));
  // The next interval begins; one repeat is told as it is.
  EXPECT_THAT(filter.take(seconds(12), "lost chunk 13"), IsEmpty());
  EXPECT_THAT(filter.overdue(seconds(21)), ElementsAre("lost chunk 13"));
  // After a quiet interval the kind is new again.
  EXPECT_THAT(filter.overdue(seconds(40)), IsEmpty());
  EXPECT_THAT(filter.take(seconds(41), "lost chunk 99"), ElementsAre("lost chunk 99"));
}

TEST(RepeatFilter, DigitsOfNamesAreNoNumbers) {
  RepeatFilter filter;
  EXPECT_THAT(filter.take(seconds(1), "dc2 has been silent for 30 s (policy: continue)"), SizeIs(1));
  EXPECT_THAT(filter.take(seconds(2), "dc3 has been silent for 31 s (policy: continue)"), SizeIs(1));
  EXPECT_THAT(filter.take(seconds(3), "tokyo-server-0 left"), SizeIs(1));
  EXPECT_THAT(filter.take(seconds(4), "tokyo-server-1 left"), SizeIs(1));
  EXPECT_THAT(filter.take(seconds(5), "dc3 has been silent for 32 s (policy: continue)"), IsEmpty());
}

TEST(RepeatFilter, WhatComesLongAfterARepeatIsToldAtOnce) {
  RepeatFilter filter;
  filter.take(seconds(0), "lost chunk 1");
  filter.take(seconds(5), "lost chunk 2");
  EXPECT_THAT(filter.take(seconds(1000), "lost chunk 3"), ElementsAre("lost chunk 2", "lost chunk 3"));
}

TEST(RepeatFilter, LosesNothingAtTheEnd) {
  RepeatFilter filter;
  filter.take(seconds(1), "a 1");
  filter.take(seconds(1), "a 2");
  EXPECT_THAT(filter.rest(), ElementsAre("a 2"));
  EXPECT_THAT(filter.rest(), IsEmpty());
}

TEST(RepeatFilter, OfMoreKindsThanItKeepsAllAreTold) {
  RepeatFilter filter;
  const auto text = [](std::size_t kind) { return std::string(kind + 1, 'x'); };
  for (std::size_t kind = 0; kind < RepeatFilter::kMostKinds + 10; ++kind)
    EXPECT_THAT(filter.take(seconds(1), text(kind)), SizeIs(1));
  EXPECT_THAT(filter.take(seconds(1), text(0)), IsEmpty());
  EXPECT_THAT(filter.take(seconds(1), text(RepeatFilter::kMostKinds + 1)), SizeIs(1));
}

}  // namespace
}  // namespace meridian::program

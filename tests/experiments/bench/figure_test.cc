// Goal: a ratio that is worse than its margin allows is found and named, one within it is not, whichever way
// is better. How: figures made up beside expectations made up; expectations written and read again.
#include "experiments/bench/figure.h"

#include <gmock/gmock.h>

#include <limits>

namespace meridian::bench {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Figure figure(const std::string& name, double ratio, Better better) {
  Figure made;
  made.name = name;
  made.ratio = Ratio{"a limit", ratio, better};
  return made;
}

const Expectations kExpected{"a machine",
                             {{"rate", 0.8, Better::higher, 0.25}, {"time", 2.0, Better::lower, 0.5}}};

TEST(Figure, WithinTheMarginNothingIsWorse) {
  // The worst allowed are 0.8 / 1.25 and 2.0 * 1.5.
  EXPECT_THAT(find_worse(kExpected,
                         {figure("rate", 0.641, Better::higher), figure("time", 2.99, Better::lower)}, false),
              IsEmpty());
}

TEST(Figure, BetterIsNeverWorse) {
  EXPECT_THAT(
      find_worse(kExpected, {figure("rate", 9.0, Better::higher), figure("time", 0.1, Better::lower)}, false),
      IsEmpty());
}

TEST(Figure, BeyondTheMarginEachIsNamed) {
  EXPECT_THAT(find_worse(kExpected,
                         {figure("rate", 0.639, Better::higher), figure("time", 3.01, Better::lower)}, false),
              ElementsAre(HasSubstr("rate: 0.639 of a limit; expected 0.8, and at least 0.64"),
                          HasSubstr("time: 3.01 of a limit; expected 2, and at most 3")));
}

TEST(Figure, WhatIsNoNumberIsWorse) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(find_worse(kExpected,
                         {figure("rate", none, Better::higher), figure("time", none, Better::lower)}, false),
              ElementsAre(HasSubstr("rate"), HasSubstr("time")));
}

TEST(Figure, WhatIsMissingIsNamedUnlessOnlyAPartWasMeasured) {
  const std::vector<Figure> only_rate = {figure("rate", 0.8, Better::higher)};
  EXPECT_THAT(find_worse(kExpected, only_rate, false),
              ElementsAre(HasSubstr("time: expected, and not measured")));
  EXPECT_THAT(find_worse(kExpected, only_rate, true), IsEmpty());
}

TEST(Figure, ExpectationsComeBackFromTheirFile) {
  const auto read = read_expectations(write_expectations(kExpected));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read.value().machine, "a machine");
  ASSERT_EQ(read.value().figures.size(), 2U);
  EXPECT_EQ(read.value().figures[1].name, "time");
  EXPECT_EQ(read.value().figures[1].ratio, 2.0);
  EXPECT_EQ(read.value().figures[1].better, Better::lower);
  EXPECT_EQ(read.value().figures[1].margin, 0.5);
}

TEST(Figure, AWrongFileNamesFigureAndKey) {
  const auto error = [](const std::string& text) {
    const auto read = read_expectations(text);
    return read ? std::string("none") : read.error().message;
  };
  EXPECT_THAT(error("no json"), HasSubstr("JSON"));
  EXPECT_THAT(error(R"({"machine": "m"})"), HasSubstr("figures: expected an array"));
  EXPECT_THAT(
      error(R"({"machine": "m", "figures": [{"name": "a", "ratio": -1, "margin": 1, "better": "lower"}]})"),
      HasSubstr("figure 'a': ratio"));
  EXPECT_THAT(error(R"({"machine": "m", "figures": [{"name": "a", "ratio": 1, "better": "lower"}]})"),
              HasSubstr("figure 'a': margin"));
  EXPECT_THAT(
      error(R"({"machine": "m", "figures": [{"name": "a", "ratio": 1, "margin": 1, "better": "up"}]})"),
      HasSubstr("figure 'a': better"));
}

TEST(Figure, MedianAndQuantile) {
  EXPECT_EQ(median({3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(median({4.0, 1.0, 2.0, 3.0}), 2.5);
  EXPECT_EQ(quantile({5.0, 1.0, 4.0, 2.0, 3.0}, 0.99), 5.0);
  EXPECT_EQ(quantile({5.0, 1.0, 4.0, 2.0, 3.0}, 0.2), 1.0);
}

}  // namespace
}  // namespace meridian::bench

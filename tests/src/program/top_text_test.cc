// Goal: the page of `meridian top` shows what the view holds, a dash for what is not known, and marks what is
// worth a look.
#include "src/program/top_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace meridian::program {
namespace {

using monitoring::DeploymentView;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

DeploymentView view() {
  DeploymentView view;
  view.run = "demo";
  view.mode = "gaia";
  view.workload = "mlp";
  view.metric = "accuracy";
  view.training = true;
  view.target = 0.86;
  view.objective = 0.8125;
  view.objective_history = {0.1, 0.5, 0.8125};
  view.wan_bytes = 12.5e6;
  view.wan_bytes_per_s = 0.25e6;
  view.threshold = 0.115;
  view.datacenters = {
      {"tokyo", 2, 1, 250, 24.5, 0.8125, 0.5, 1, "mirror_clock", {{"compute", 0.5}, {"mirror_clock", 0.5}}},
      {"ohio", 2, 1, 252, {}, {}, {}, 0, "", {}}};
  view.links = {{"ohio", "tokyo", 1e6, 1.0e5, 0.95, 0.15, 42, 3, true},
                {"tokyo", "ohio", 0, {}, {}, 0.15, 0, 0, false}};
  return view;
}

TopLine line_with(const std::vector<TopLine>& lines, const std::string& text) {
  const auto found = std::find_if(lines.begin(), lines.end(), [&](const TopLine& line) {
    return line.text.find(text) != std::string::npos;
  });
  EXPECT_NE(found, lines.end()) << text;
  return found == lines.end() ? TopLine{} : *found;
}

TEST(TopText, ShowsWhatIsKnownAndADashForTheRest) {
  const auto lines = top_lines(view(), 120, /*plain=*/true);
  EXPECT_THAT(line_with(lines, "demo").text, AllOf(HasSubstr("gaia"), HasSubstr("training")));
  EXPECT_THAT(line_with(lines, "worst").text, HasSubstr("accuracy 0.8125 of 0.8600"));
  EXPECT_THAT(line_with(lines, "WAN").text, AllOf(HasSubstr("12.50 MB in all, 0.250 MB/s"),
                                                  HasSubstr("11.5 %"), HasSubstr("sent - of the entries")));
  EXPECT_THAT(line_with(lines, "tokyo  ").text,
              AllOf(HasSubstr("250"), HasSubstr("24.5"), HasSubstr("50 %"), HasSubstr("1 for mirror_clock")));
  EXPECT_THAT(line_with(lines, "ohio -> tokyo").text, AllOf(HasSubstr("95.0 %"), HasSubstr("150 ms")));
  EXPECT_THAT(line_with(lines, "ohio  ").text, HasSubstr("-"));
}

TEST(TopText, MarksWhatIsWorthALook) {
  DeploymentView much = view();
  much.faults = {"ohio server 0: not_finite"};
  much.unreachable = {"127.0.0.1:9"};
  const auto lines = top_lines(much, 120, /*plain=*/true);
  EXPECT_EQ(line_with(lines, "not_finite").style, TopLine::Style::warning);
  EXPECT_EQ(line_with(lines, "does not answer").style, TopLine::Style::warning);
  EXPECT_EQ(line_with(lines, "tokyo  ").style, TopLine::Style::warning) << "it waits half of the time";
  EXPECT_EQ(line_with(lines, "ohio  ").style, TopLine::Style::plain);
  EXPECT_EQ(line_with(lines, "ohio -> tokyo").style, TopLine::Style::warning) << "the link is full";
  EXPECT_THAT(line_with(lines, "tokyo -> ohio").text, HasSubstr("gone on without it"));
}

TEST(TopText, PlainPagesAreAscii) {
  for (const TopLine& line : top_lines(view(), 120, /*plain=*/true)) {
    EXPECT_TRUE(std::all_of(line.text.begin(), line.text.end(), [](char c) { return c >= ' ' && c <= '~'; }))
        << line.text;
  }
}

TEST(TopText, ASparklineRisesWithItsValues) {
  EXPECT_EQ(sparkline(std::vector<double>{0, 1, 2, 7}, 10, /*plain=*/true), "_.-#");
  EXPECT_EQ(sparkline(std::vector<double>{9, 0, 7}, 2, /*plain=*/true), "_#") << "the last ones";
  EXPECT_EQ(sparkline(std::vector<double>{1, 1}, 2, /*plain=*/true), "__");
  EXPECT_EQ(sparkline(std::vector<double>{0, 7}, 2, /*plain=*/false), "▁█");
  EXPECT_THAT(sparkline({}, 2, true), IsEmpty());
}

TEST(TopText, AnEmptyViewHasNoPage) { EXPECT_THAT(top_lines({}, 80, true), SizeIs(0)); }

}  // namespace
}  // namespace meridian::program

// Goal: the status line says what a run's user wants to know, fits the terminal, comes neither too often nor
// torn by log lines, and is plain text where there is no terminal. Reached by collecting what it writes, at
// times the test gives.
#include "src/program/status_line.h"

#include <gtest/gtest.h>

namespace meridian::program {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

RunStatus example() {
  RunStatus status;
  status.time_s = 12.54;
  status.clock = 250;
  status.objective = 0.841;
  status.target = 0.86;
  status.wan_mb_per_s = 3.214;
  status.entries_sent_share = 0.0421;
  status.slowest_datacenter = "tokyo";
  return status;
}

constexpr const char* kExample =
    "12.5 s  clock 250  accuracy 0.8410 of 0.8600  WAN 3.21 MB/s  sent 4.2 %  slowest tokyo";

class StatusLineTest : public ::testing::Test {
 protected:
  std::string taken() { return std::exchange(written_, std::string()); }

  StatusLine live() {
    return StatusLine([this](std::string_view text) { written_ += text; }, [this] { return width_; });
  }
  StatusLine plain() {
    return StatusLine([this](std::string_view text) { written_ += text; }, nullptr);
  }

  std::size_t width_ = 200;
  std::string written_;
};

TEST(FormatStatus, SaysAllThatIsKnown) { EXPECT_EQ(format_status(example()), kExample); }

TEST(FormatStatus, SaysWhatIsNotKnownYet) {
  EXPECT_EQ(format_status(RunStatus()), "0.0 s  clock 0  accuracy -  WAN 0.00 MB/s  sent -  slowest -");
}

TEST(FormatStatus, SaysASimulationsSpeed) {
  RunStatus status = example();
  status.speed = RunStatus::Speed{8.125, 51999.6};
  EXPECT_EQ(format_status(status), std::string(kExample) + "  speed 8.12x, 52000 events/s");
}

TEST(FitToWidth, CutsCharactersNotBytes) {
  EXPECT_EQ(fit_to_width("abcdef", 6), "abcdef");
  EXPECT_EQ(fit_to_width("abcdef", 5), "abcd…");
  EXPECT_EQ(fit_to_width("äöüß", 4), "äöüß");
  EXPECT_EQ(fit_to_width("äöüß", 3), "äö…");
  EXPECT_EQ(fit_to_width("abc", 1), "…");
  EXPECT_EQ(fit_to_width("abc", 0), "");
  EXPECT_EQ(fit_to_width("a\x1b[2J\nb", 20), "a?[2J?b");
}

TEST_F(StatusLineTest, IsRewrittenInPlaceAndLeavesTheLastColumnFree) {
  StatusLine line = live();
  line.update(example(), seconds(0));
  EXPECT_EQ(taken(), std::string("\r\x1b[K") + kExample);
  width_ = 8;
  line.update(example(), seconds(1));
  EXPECT_EQ(taken(), "\r\x1b[K12.5 s…");
  line.finish();
  EXPECT_EQ(taken(), "\n");
  line.finish();
  EXPECT_EQ(taken(), "");
}

TEST_F(StatusLineTest, ComesAtMostFiveTimesASecondLive) {
  StatusLine line = live();
  line.update(example(), seconds(0));
  taken();
  line.update(example(), milliseconds(199));
  EXPECT_EQ(taken(), "");
  line.update(example(), milliseconds(200));
  EXPECT_NE(taken(), "");
}

TEST_F(StatusLineTest, IsPlainLinesEveryFewSecondsWithoutATerminal) {
  StatusLine line = plain();
  line.update(example(), seconds(0));
  EXPECT_EQ(taken(), std::string(kExample) + "\n");
  line.update(example(), milliseconds(4999));
  EXPECT_EQ(taken(), "");
  line.print("log");
  EXPECT_EQ(taken(), "log\n");
  line.update(example(), seconds(5));
  EXPECT_EQ(taken(), std::string(kExample) + "\n");
  line.finish();
  EXPECT_EQ(taken(), "");
}

TEST_F(StatusLineTest, EndsWithTheLastStatusEvenIfItCameTooSoon) {
  StatusLine line = live();
  line.update(example(), seconds(0));
  RunStatus last = example();
  last.clock = 251;
  line.update(last, milliseconds(1));
  taken();
  line.finish();
  EXPECT_EQ(taken(), "\r\x1b[K" + format_status(last) + "\n");
  StatusLine lines = plain();
  lines.update(example(), seconds(0));
  lines.update(last, seconds(1));
  taken();
  lines.finish();
  EXPECT_EQ(taken(), format_status(last) + "\n");
}

TEST_F(StatusLineTest, ALogLineGoesAboveTheLiveOne) {
  StatusLine line = live();
  line.print("before any status");
  EXPECT_EQ(taken(), "before any status\n");
  line.update(example(), seconds(0));
  taken();
  line.print("a log line");
  EXPECT_EQ(taken(), std::string("\r\x1b[Ka log line\n\r\x1b[K") + kExample);
}

}  // namespace
}  // namespace meridian::program

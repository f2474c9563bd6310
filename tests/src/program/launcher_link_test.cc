// Goal: a process's line to its launcher never blocks it, keeps its memory bounded, gives lines whole however
// they arrive, and notices the launcher's end. Reached with a socket pair whose other end the test writes,
// fills and closes.
#include "src/program/launcher_link.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace meridian::program {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LauncherLinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    launcher_ = Descriptor(ends[0]);
    Result<LauncherLink> link = LauncherLink::open(ends[1]);
    ASSERT_TRUE(link);
    link_.emplace(std::move(link).value());
  }

  void say(std::string_view text) {
    ASSERT_EQ(::send(launcher_.number(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }

  std::string heard() {
    std::string text;
    std::array<char, 65536> block{};
    for (;;) {
      const ssize_t count = ::recv(launcher_.number(), block.data(), block.size(), MSG_DONTWAIT);
      if (count <= 0) return text;
      text.append(block.data(), static_cast<std::size_t>(count));
    }
  }

  Descriptor launcher_;
  std::optional<LauncherLink> link_;
};

TEST_F(LauncherLinkTest, GivesLinesWholeHoweverTheyArrive) {
  say("one\ntw");
  EXPECT_THAT(link_->read_lines(), ElementsAre("one"));
  say("o");
  EXPECT_THAT(link_->read_lines(), IsEmpty());
  say("\n\nthree\n");
  EXPECT_THAT(link_->read_lines(), ElementsAre("two", "", "three"));
  EXPECT_FALSE(link_->gone());
}

TEST_F(LauncherLinkTest, NoticesTheEndAfterTheLastLine) {
  say("last\nhalf a li");
  launcher_.close();
  EXPECT_THAT(link_->read_lines(), ElementsAre("last"));
  EXPECT_TRUE(link_->gone());
  EXPECT_EQ(link_->fd(), -1);
  link_->send_line("into the void");
  EXPECT_EQ(link_->dropped(), 1U);
}

TEST_F(LauncherLinkTest, NoticesTheEndOfALauncherThatNeverRead) {
  link_->send_line("unread");
  launcher_.close();
  link_->read_lines();
  EXPECT_TRUE(link_->gone());
}

TEST_F(LauncherLinkTest, NeitherBlocksNorGrowsWithoutLimitWhenNobodyReads) {
  const std::string line(1000, 'x');
  std::size_t sent = 0;
  while (link_->dropped() == 0 && sent < 100000) {
    link_->send_line(line);
    ++sent;
  }
  ASSERT_EQ(link_->dropped(), 1U);
  EXPECT_TRUE(link_->wants_write());
  std::string all;
  while (all.size() < (sent - 1) * 1001) {
    const std::string more = heard();
    ASSERT_FALSE(more.empty());
    all += more;
    link_->flush();
  }
  EXPECT_EQ(all.size(), (sent - 1) * 1001);
  EXPECT_FALSE(link_->wants_write());
  link_->send_line("after");
  EXPECT_EQ(heard(), "after\n");
}

TEST_F(LauncherLinkTest, ALineOfTheLimitPassesAndALongerOneEndsTheTrust) {
  const std::string longest(LineSocket::kLineLimitBytes, 'x');
  say(longest + "\n");
  std::vector<std::string> lines;
  while (lines.empty()) lines = link_->read_lines();
  EXPECT_EQ(lines.front(), longest);
  link_->send_line(longest);
  EXPECT_EQ(link_->dropped(), 0U);
  link_->send_line(longest + "x");
  EXPECT_EQ(link_->dropped(), 1U);
  EXPECT_FALSE(link_->gone());
  say(longest + "x");
  for (int i = 0; i < 3; ++i) EXPECT_THAT(link_->read_lines(), IsEmpty());
  EXPECT_TRUE(link_->gone());
}

TEST(LauncherLink, RefusesWhatIsNoSocket) {
  EXPECT_THAT(LauncherLink::open(-1).error().message, HasSubstr("--launcher-fd -1: is not open"));
  const Descriptor file(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_THAT(LauncherLink::open(file.number()).error().message, HasSubstr("is not a socket"));
}

}  // namespace
}  // namespace meridian::program

// Goal: runs beside each other on one machine never take each other's ports, and ports come back when their
// run has ended, however it ended. Reached with several owners in this process that take all there
// are, a port that somebody listens at, and a process that is killed with its ports.
#include "src/program/free_ports.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <set>

namespace meridian::program {
namespace {

// A range of its own: real runs beside this test find theirs.
constexpr unsigned kLowest = 32064;
constexpr unsigned kPast = 32704;

std::set<std::uint16_t> take_all(FreePorts& ports) {
  std::set<std::uint16_t> taken;
  while (const auto port = ports.take()) {
    EXPECT_TRUE(taken.insert(*port).second) << *port;
    EXPECT_GE(*port, kLowest);
    EXPECT_LT(*port, kPast);
  }
  return taken;
}

TEST(FreePorts, GivesNoPortTwiceAndAllBackInTheEnd) {
  // Some may be in use by others.
  constexpr std::size_t kMost = 500;
  for (int times = 0; times < 2; ++times) {
    FreePorts one(kLowest, kPast);
    FreePorts other(kLowest, kPast);
    const auto first = one.take();
    ASSERT_TRUE(first);
    std::set<std::uint16_t> others = take_all(other);
    const std::set<std::uint16_t> rest = take_all(one);
    EXPECT_GT(others.size() + rest.size(), kMost);
    EXPECT_FALSE(others.contains(*first));
    for (const std::uint16_t port : rest) EXPECT_TRUE(others.insert(port).second) << port;
  }
}

TEST(FreePorts, LeavesOutWhereSomebodyListens) {
  FreePorts ports(kLowest, kPast);
  const auto port = ports.take();
  ASSERT_TRUE(port);
  const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(*port + 1));
  ASSERT_EQ(::bind(listener.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  for (int i = 0; i < 100; ++i) EXPECT_NE(ports.take(), *port + 1);
}

TEST(FreePorts, AKilledProcessKeepsNone) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    FreePorts all(kLowest, kPast);
    while (all.take()) {
    }
    [[maybe_unused]] const ssize_t written = ::write(ends[1], "x", 1);
    ::pause();
    ::_exit(0);
  }
  char taken = 0;
  ASSERT_EQ(::read(ends[0], &taken, 1), 1);
  FreePorts ports(kLowest, kPast);
  EXPECT_EQ(ports.take(), std::nullopt);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(ports.take());
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace meridian::program

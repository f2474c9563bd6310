// Goal: what happens to a link while connections live does what it says, and no byte is lost or overtaken by
// it. How: real sockets through an emulator; a link that stands still is told from a slow one by what waits
// at it, never by how long something took.
#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/wan/emulator/running_emulator.h"

namespace meridian::wan::emulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;
using Kind = LinkEvent::Kind;

/// Until so many bytes wait at the first link, or a deadline has passed.
bool wait_for_waiting_bytes(Running& emulator, std::uint64_t bytes) {
  for (const auto deadline = Steady::now() + seconds(30); Steady::now() < deadline;) {
    if (emulator->states().value().at(0).waiting_bytes >= bytes) return true;
    std::this_thread::yield();
  }
  return false;
}

TEST(EmulatorEvents, ACutFreezesConnectionsAndLosesNothing) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(2), listener.port()));
  Pair pair = connect_through(emulator, listener);
  pair.near.send(std::string("before"));
  EXPECT_EQ(pair.far.receive_all(6), "before");

  ASSERT_FALSE(emulator->apply({.link = 0, .kind = Kind::cut}));
  const std::string data = seeded_bytes(3, 1'000'000);
  std::jthread sender([&] { pair.near.send({data.data(), data.size()}); });
  ASSERT_TRUE(wait_for_waiting_bytes(emulator, 64 * kKibibyte)) << "as much as the link takes in";
  EXPECT_TRUE(emulator->states().value().at(0).cut);
  pair.far.set_deadline(milliseconds(30));
  char byte = 0;
  EXPECT_LT(pair.far.receive({&byte, 1}), 0);
  EXPECT_EQ(errno, EAGAIN);
  pair.far.send(std::string("the other direction is free"));
  EXPECT_EQ(pair.near.receive_all(27), "the other direction is free");

  ASSERT_FALSE(emulator->apply({.link = 0, .kind = Kind::restore}));
  pair.far.set_deadline(seconds(30));
  EXPECT_TRUE(pair.far.receive_all(data.size()) == data);
  EXPECT_FALSE(emulator->states().value().at(0).cut);
}

TEST(EmulatorEvents, ACutEndsByItself) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(1), listener.port()));
  Pair pair = connect_through(emulator, listener);
  const auto start = Steady::now();
  ASSERT_FALSE(emulator->apply({.link = 0, .kind = Kind::cut, .lasts = milliseconds(60)}));
  pair.near.send(std::string("late"));
  EXPECT_EQ(pair.far.receive_all(4), "late");
  EXPECT_GE(Steady::now() - start, milliseconds(60));
}

TEST(EmulatorEvents, JitterAndLossDelayAndNeverReorderOrLose) {
  TcpSocket listener = TcpSocket::listening();
  Description description = two_way(20 * kMegabyte, milliseconds(3), listener.port());
  description.links[0].variation = {.kind = DelayVariation::Kind::uniform, .width = milliseconds(3)};
  description.links[0].loss = 0.02;
  description.links[0].return_delay = milliseconds(3);
  Running emulator(description);
  Pair pair = connect_through(emulator, listener);
  const std::string data = seeded_bytes(4, 1'000'000);
  std::jthread sender([&] {
    pair.near.send({data.data(), data.size()});
    pair.near.end_sending();
  });
  EXPECT_TRUE(pair.far.receive_all() == data);
  const LinkState link = emulator->states().value().at(0);
  EXPECT_GT(link.losses, 0U) << "700 segments at 2 %";
  EXPECT_EQ(link.waiting_bytes, 0U);
}

TEST(EmulatorEvents, LinksOfOnePlaceShareItsCap) {
  TcpSocket listener = TcpSocket::listening();
  Description description = two_way(100 * kMegabyte, milliseconds(1), listener.port());
  description.links.push_back({"here", "elsewhere", 100 * kMegabyte, milliseconds(1)});
  description.links.push_back({"elsewhere", "here", 100 * kMegabyte, milliseconds(1)});
  RelayDescription elsewhere = relay_to(listener.port());
  elsewhere.forward_link = 2;
  elsewhere.backward_link = 3;
  description.relays.push_back(elsewhere);
  description.caps = {{"here", 4 * kMegabyte, std::nullopt}};
  Running emulator(description);
  Pair one = connect_through(emulator, listener);
  Pair other{TcpSocket::connected(emulator->port(1)), listener.accept()};
  const std::string data = seeded_bytes(5, 400'000);
  const auto start = Steady::now();
  {
    std::jthread first([&] { one.near.send({data.data(), data.size()}); });
    std::jthread second([&] { other.near.send({data.data(), data.size()}); });
    EXPECT_TRUE(one.far.receive_all(data.size()) == data);
    EXPECT_TRUE(other.far.receive_all(data.size()) == data);
  }
  EXPECT_GE(Steady::now() - start, milliseconds(200)) << "800 kB through 4 MB/s, though each link takes 100";
}

TEST(EmulatorEvents, NewValuesAreInForceAtOnce) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(100 * kMegabyte, milliseconds(1), listener.port()));
  Pair pair = connect_through(emulator, listener);
  ASSERT_FALSE(emulator->change(0, {.rate_bytes_per_s = kMegabyte, .delay = milliseconds(50)}));
  const LinkState link = emulator->states().value().at(0);
  EXPECT_EQ(link.rate_bytes_per_s, kMegabyte);
  EXPECT_EQ(link.delay, milliseconds(50));
  const std::string data = seeded_bytes(6, 100'000);
  const auto start = Steady::now();
  std::jthread sender([&] { pair.near.send({data.data(), data.size()}); });
  EXPECT_TRUE(pair.far.receive_all(data.size()) == data);
  EXPECT_GE(Steady::now() - start, milliseconds(150));
}

TEST(EmulatorEvents, ADegradationEndsWithTheLinksOwnValuesBackInForce) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(1), listener.port()));
  ASSERT_FALSE(
      emulator->apply({.link = 1, .kind = Kind::degrade, .values = {.rate_factor = 0.1, .loss = 0.01}}));
  LinkState link = emulator->states().value().at(1);
  EXPECT_DOUBLE_EQ(link.rate_bytes_per_s, kMegabyte);
  EXPECT_EQ(link.loss, 0.01);
  EXPECT_TRUE(link.degraded);
  ASSERT_FALSE(emulator->apply({.link = 1, .kind = Kind::restore}));
  link = emulator->states().value().at(1);
  EXPECT_EQ(link.rate_bytes_per_s, 10 * kMegabyte);
  EXPECT_EQ(link.loss, 0.0);
  EXPECT_FALSE(link.degraded);
}

TEST(EmulatorEvents, TheDescriptionsEventsAndTracesCountFromTheBeginning) {
  TcpSocket listener = TcpSocket::listening();
  Description description = two_way(10 * kMegabyte, milliseconds(1), listener.port());
  description.links[0].trace.steps = {{Time{0}, 2 * kMegabyte}};
  description.events = {{.link = 1, .kind = Kind::cut}};
  Running emulator(description);
  EXPECT_EQ(emulator->states().value().at(0).rate_bytes_per_s, 10 * kMegabyte);
  EXPECT_FALSE(emulator->states().value().at(1).cut);
  ASSERT_FALSE(emulator->begin());
  EXPECT_EQ(emulator->states().value().at(0).rate_bytes_per_s, 2 * kMegabyte);
  EXPECT_TRUE(emulator->states().value().at(1).cut);
}

TEST(EmulatorEvents, WhoCallsAnEmulatorThatDoesNotRunIsToldSo) {
  auto created = Emulator::create({.links = {{"here", "there", 1e6, Time{0}}}, .relays = {}});
  ASSERT_TRUE(created);
  const auto states = created.value()->states();
  ASSERT_FALSE(states);
  EXPECT_EQ(states.error().message, "the emulator does not answer; is it running?");
}

}  // namespace
}  // namespace meridian::wan::emulator

// Goal: what a program sends through the emulator comes out whole, in order and no earlier than the link
// allows, whatever the other side does; a stuck, late, absent or dying side costs bounded memory and its own
// connection only. Reached with real loopback connections through an emulator in a thread of its own. Waits
// end at deadlines that only a hang would reach; times are bounded on the side that a slow machine cannot
// break.
#include "wan/emulator/emulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "src/base/random.h"
#include "tests/wan/emulator/tcp_socket.h"

namespace meridian::wan::emulator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Steady = std::chrono::steady_clock;

constexpr double kMegabyte = 1e6;
constexpr std::size_t kKibibyte = 1024;

std::string seeded_bytes(std::uint64_t seed, std::size_t size) {
  Random random(seed);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

RelayDescription relay_to(std::uint16_t port, std::uint16_t listen_port = 0) {
  return {.listen = {"127.0.0.1", listen_port},
          .target = {"127.0.0.1", port},
          .forward_link = 0,
          .backward_link = 1};
}

Description two_way(double rate_bytes_per_s, Time delay, std::uint16_t target_port) {
  return {.links = {{"here", "there", rate_bytes_per_s, delay}, {"there", "here", rate_bytes_per_s, delay}},
          .relays = {relay_to(target_port)}};
}

// An emulator that runs in its own thread as long as this lives.
class Running {
 public:
  explicit Running(const Description& description) {
    auto created = Emulator::create(description);
    if (!created) throw std::runtime_error(created.error().message);
    emulator_ = std::move(created).value();
    thread_ = std::jthread([this] { emulator_->run(); });
  }
  ~Running() { emulator_->stop(); }

  Emulator* operator->() { return emulator_.get(); }

 private:
  std::unique_ptr<Emulator> emulator_;
  std::jthread thread_;
};

bool reset_link(Running& emulator, const std::string& from, const std::string& to) {
  return !emulator->apply({.link = emulator->find_link(from, to).value(), .kind = LinkEvent::Kind::reset});
}

struct Pair {
  TcpSocket near;
  TcpSocket far;
};

Pair connect_through(Running& emulator, TcpSocket& listener) {
  TcpSocket near = TcpSocket::connected(emulator->port(0));
  return {std::move(near), listener.accept()};
}

TEST(Emulator, EveryByteArrivesInOrderInBothDirections) {
  constexpr std::size_t kConnections = 4;
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(40 * kMegabyte, milliseconds(3), listener.port()));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < kConnections; ++i) pairs.push_back(connect_through(emulator, listener));

  // Pieces of seeded sizes, from 1 byte up, so that chunks are cut everywhere.
  const auto send_in_pieces = [](TcpSocket& socket, const std::string& data, std::uint64_t seed) {
    Random random(seed);
    for (std::size_t at = 0; at < data.size();) {
      const std::size_t size =
          std::min(data.size() - at, std::size_t{1} + random.below(random.below(2) ? 90'000 : 60));
      if (socket.send({data.data() + at, size}) != size) break;
      at += size;
    }
    socket.end_sending();
  };
  std::array<std::string, 2 * kConnections> sent;
  std::array<std::string, 2 * kConnections> received;
  std::uint64_t forward_bytes = 0;
  std::uint64_t backward_bytes = 0;
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < kConnections; ++i) {
      sent[2 * i] = seeded_bytes(i, 2'000'000 + i);
      sent[2 * i + 1] = seeded_bytes(100 + i, 1'000'000 + i);
      forward_bytes += sent[2 * i].size();
      backward_bytes += sent[2 * i + 1].size();
      threads.emplace_back([&, i] { send_in_pieces(pairs[i].near, sent[2 * i], i); });
      threads.emplace_back([&, i] { send_in_pieces(pairs[i].far, sent[2 * i + 1], i); });
      threads.emplace_back([&, i] { received[2 * i] = pairs[i].far.receive_all(); });
      threads.emplace_back([&, i] { received[2 * i + 1] = pairs[i].near.receive_all(); });
    }
  }
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(received[i] == sent[i]) << "stream " << i;
  EXPECT_EQ(emulator->counters(0).bytes, forward_bytes);
  EXPECT_EQ(emulator->counters(1).bytes, backward_bytes);
  EXPECT_EQ(emulator->counters(0).connections, kConnections);
  EXPECT_EQ(emulator->counters(1).connections, kConnections);
}

TEST(Emulator, NothingArrivesBeforeTheLinkAllowsIt) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(4 * kMegabyte, milliseconds(50), listener.port()));
  std::vector<Pair> pairs;
  for (int i = 0; i < 2; ++i) pairs.push_back(connect_through(emulator, listener));
  const std::string data = seeded_bytes(1, 500'000);
  const auto start = Steady::now();
  std::vector<std::jthread> senders;
  for (Pair& pair : pairs) {
    senders.emplace_back([&] {
      pair.near.send(data);
      pair.near.end_sending();
    });
  }
  char first = 0;
  ASSERT_EQ(pairs[0].far.receive({&first, 1}), 1);
  EXPECT_GE(Steady::now() - start, milliseconds(50)) << "the delay";
  for (Pair& pair : pairs) pair.far.receive_all();
  EXPECT_GE(Steady::now() - start, milliseconds(50 + 250)) << "1 MB of both together, and the delay";
}

TEST(Emulator, AHalfCloseArrivesAfterTheLastByteAndLeavesTheOtherDirectionOpen) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(20), listener.port()));
  Pair pair = connect_through(emulator, listener);
  const std::string question = seeded_bytes(1, 300'000);
  const std::string answer = seeded_bytes(2, 200'000);
  std::jthread sender([&] {
    pair.near.send(question);
    pair.near.end_sending();
  });
  EXPECT_TRUE(pair.far.receive_all() == question);
  std::jthread answerer([&] {
    pair.far.send(answer);
    pair.far.close();
  });
  EXPECT_TRUE(pair.near.receive_all() == answer);
  char byte = 0;
  EXPECT_EQ(pair.near.receive({&byte, 1}), 0) << "an orderly end, not a reset";
}

TEST(Emulator, AResetIsPassedOnInBothDirections) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(5), listener.port()));
  char byte = 0;
  {
    Pair pair = connect_through(emulator, listener);
    pair.near.reset();
    EXPECT_LT(pair.far.receive({&byte, 1}), 0);
    EXPECT_EQ(errno, ECONNRESET);
  }
  {
    Pair pair = connect_through(emulator, listener);
    pair.far.reset();
    EXPECT_LT(pair.near.receive({&byte, 1}), 0);
    EXPECT_EQ(errno, ECONNRESET);
  }
}

TEST(Emulator, ALinksConnectionsCanBeBrokenAndOthersStay) {
  TcpSocket listener = TcpSocket::listening();
  TcpSocket late = TcpSocket::bound();
  Description description = two_way(10 * kMegabyte, milliseconds(5), listener.port());
  description.links.push_back({"here", "elsewhere", kMegabyte, milliseconds(5)});
  description.links.push_back({"elsewhere", "here", kMegabyte, milliseconds(5)});
  RelayDescription elsewhere = relay_to(listener.port());
  elsewhere.forward_link = 2;
  elsewhere.backward_link = 3;
  description.relays.push_back(elsewhere);
  description.relays.push_back(relay_to(late.port()));
  Running emulator(description);
  Pair first = connect_through(emulator, listener);
  Pair second = connect_through(emulator, listener);
  Pair other{TcpSocket::connected(emulator->port(1)), listener.accept()};

  EXPECT_TRUE(reset_link(emulator, "there", "here")) << "either direction breaks both";
  char byte = 0;
  for (TcpSocket* broken : {&first.near, &first.far, &second.near, &second.far}) {
    EXPECT_LT(broken->receive({&byte, 1}), 0);
    EXPECT_EQ(errno, ECONNRESET);
  }
  other.near.send(std::string("fine"));
  EXPECT_EQ(other.far.receive_all(4), "fine");
  Pair again = connect_through(emulator, listener);
  again.far.send(std::string("fine too"));
  EXPECT_EQ(again.near.receive_all(8), "fine too");

  // One that still waits for its target ends too; but when it is accepted, only trying shows.
  TcpSocket waiting = TcpSocket::connected(emulator->port(2));
  waiting.set_deadline(milliseconds(50));
  ssize_t received = 0;
  for (int i = 0; i < 600; ++i) {
    EXPECT_TRUE(reset_link(emulator, "here", "there"));
    received = waiting.receive({&byte, 1});
    if (received >= 0 || errno != EAGAIN) break;
  }
  EXPECT_LT(received, 0);
  EXPECT_EQ(errno, ECONNRESET);
  late.listen();
  TcpSocket next = TcpSocket::connected(emulator->port(2));
  next.send(std::string("next"));
  EXPECT_EQ(late.accept().receive_all(4), "next") << "nobody waits for it any more";

  EXPECT_EQ(emulator->find_link("here", "nowhere"), std::nullopt);
  const Failure unknown = emulator->apply({.link = 4, .kind = LinkEvent::Kind::reset});
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->message, "there is no link 4");
}

TEST(Emulator, ASenderLearnsThatItsReceiverIsGone) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(10 * kMegabyte, milliseconds(5), listener.port()));
  Pair pair = connect_through(emulator, listener);
  pair.far.close();  // an end only, until bytes arrive for it
  const std::string data(100'000'000, 'x');
  EXPECT_LT(pair.near.send(data), data.size());
  EXPECT_TRUE(errno == ECONNRESET || errno == EPIPE) << std::strerror(errno);

  Pair next = connect_through(emulator, listener);
  next.near.send(std::string("still here"));
  EXPECT_EQ(next.far.receive_all(10), "still here");
}

TEST(Emulator, AReceiverThatDoesNotReadHoldsItsSenderBackWithinTheBound) {
  // Rate x delay is 32 KB; the kernel doubles each of the four buffers of 64 KiB.
  constexpr int kBuffer = 64 * 1024;
  TcpSocket listener = TcpSocket::bound();
  listener.set_option(SOL_SOCKET, SO_RCVBUF, kBuffer);
  listener.listen();
  Running emulator(two_way(3.2 * kMegabyte, milliseconds(10), listener.port()));
  TcpSocket near;
  near.set_option(SOL_SOCKET, SO_SNDBUF, kBuffer);
  near.connect(emulator->port(0));
  TcpSocket far = listener.accept();

  near.set_deadline(milliseconds(400));  // stuck for so long: nobody takes more
  const std::string data = seeded_bytes(3, 32'000'000);
  const std::size_t sent = near.send(data);
  EXPECT_LE(sent, 32'000 + 64 * kKibibyte + 4 * 2 * std::size_t{kBuffer});
  EXPECT_GT(sent, 64 * kKibibyte);

  near.end_sending();
  EXPECT_TRUE(far.receive_all() == data.substr(0, sent)) << "what was taken arrives once there is room";
}

// Reads what is there from whoever has something, until `done` says so; false at the end of a stream or a
// deadline.
template <typename Receive, typename Done>
bool poll_until(const std::vector<TcpSocket*>& sockets, const Receive& on_bytes, const Done& done) {
  std::vector<char> buffer(256 * kKibibyte);
  while (!done()) {
    std::vector<pollfd> polled;
    for (const TcpSocket* socket : sockets) polled.push_back({socket->fd(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), 30'000) <= 0) return false;
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const ssize_t got = sockets[i]->receive(buffer);
      if (got <= 0) return false;
      on_bytes(i, static_cast<std::size_t>(got));
    }
  }
  return true;
}

TEST(Emulator, ConnectionsShareTheirLinkInEqualParts) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(4 * kMegabyte, milliseconds(5), listener.port()));
  std::vector<Pair> pairs;
  for (int i = 0; i < 2; ++i) pairs.push_back(connect_through(emulator, listener));
  const std::string data(8'000'000, 'x');
  std::vector<std::jthread> senders;
  for (Pair& pair : pairs) senders.emplace_back([&] { pair.near.send(data); });

  std::array<std::size_t, 2> received{};
  EXPECT_TRUE(poll_until(
      {&pairs[0].far, &pairs[1].far}, [&](std::size_t i, std::size_t n) { received[i] += n; },
      [&] { return received[0] + received[1] >= 3'000'000; }));
  EXPECT_GT(received[0], 750'000U);
  EXPECT_GT(received[1], 750'000U);
  for (Pair& pair : pairs) pair.far.reset();
}

TEST(Emulator, ASmallMessageOvertakesTheBulkOfOthers) {
  // Eight bulk connections keep up to 100 KB + 64 KiB each on the way, 1.3 MB in all; with turns, a small
  // message waits for 8 x 16 KiB of them, and 100 KB pass during the delay. Between the two lies what is
  // tested.
  constexpr std::size_t kBulk = 8;
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(1 * kMegabyte, milliseconds(100), listener.port()));
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i <= kBulk; ++i) pairs.push_back(connect_through(emulator, listener));
  const std::string data(8'000'000, 'x');
  std::vector<std::jthread> senders;
  for (std::size_t i = 0; i < kBulk; ++i) senders.emplace_back([&, i] { pairs[i].near.send(data); });

  std::vector<TcpSocket*> sockets;
  for (Pair& pair : pairs) sockets.push_back(&pair.far);
  std::size_t bulk = 0;
  std::size_t small = 0;
  const auto count = [&](std::size_t i, std::size_t bytes) { (i == kBulk ? small : bulk) += bytes; };
  ASSERT_TRUE(poll_until(sockets, count, [&] { return bulk >= 1'000'000; })) << "until the queues are full";
  const std::size_t before = bulk;
  pairs[kBulk].near.send(std::string(40, 'c'));
  ASSERT_TRUE(poll_until(sockets, count, [&] { return small == 40; }));
  EXPECT_LT(bulk - before, 700'000U);
  for (Pair& pair : pairs) pair.far.reset();
}

TEST(Emulator, LinksDoNotShareWithEachOther) {
  TcpSocket listener = TcpSocket::listening();
  Description description = two_way(0.1 * kMegabyte, milliseconds(1), listener.port());
  description.links.push_back({"here", "elsewhere", std::numeric_limits<double>::infinity(), Time{0}});
  description.relays.push_back(relay_to(listener.port()));
  description.relays[1].forward_link = 2;
  Running emulator(description);
  Pair slow = connect_through(emulator, listener);
  Pair fast{TcpSocket::connected(emulator->port(1)), listener.accept()};
  const std::string data = seeded_bytes(4, 4'000'000);
  std::jthread slow_sender([&] { slow.near.send(data); });
  std::jthread fast_sender([&] { fast.near.send(data); });
  EXPECT_TRUE(fast.far.receive_all(data.size()) == data);
  EXPECT_LT(emulator->counters(0).bytes, 2'000'000U) << "20 s worth of the slow link";
  EXPECT_EQ(emulator->counters(2).bytes, data.size());
  slow.far.reset();
}

TEST(Emulator, ATargetThatAppearsLateIsReached) {
  TcpSocket listener = TcpSocket::bound();
  Running emulator(two_way(10 * kMegabyte, milliseconds(1), listener.port()));
  TcpSocket near = TcpSocket::connected(emulator->port(0));
  near.send(std::string("early"));
  near.set_deadline(milliseconds(150));
  char byte = 0;
  EXPECT_LT(near.receive({&byte, 1}), 0);
  EXPECT_EQ(errno, EAGAIN) << "refused so far, yet the connection is kept";
  listener.listen();
  EXPECT_EQ(listener.accept().receive_all(5), "early");
}

TEST(Emulator, ATargetThatNeverAppearsEndsItsOwnConnectionOnly) {
  TcpSocket nobody = TcpSocket::bound();
  TcpSocket listener = TcpSocket::listening();
  Description description = two_way(10 * kMegabyte, milliseconds(1), listener.port());
  description.relays.push_back(relay_to(nobody.port()));
  description.connect_deadline = milliseconds(100);
  Running emulator(description);
  TcpSocket refused = TcpSocket::connected(emulator->port(1));
  char byte = 0;
  EXPECT_EQ(refused.receive({&byte, 1}), 0) << "closed";
  Pair pair = connect_through(emulator, listener);
  pair.far.send(std::string("fine"));
  EXPECT_EQ(pair.near.receive_all(4), "fine");
}

TEST(Emulator, ConnectionsComeAndGo) {
  TcpSocket listener = TcpSocket::listening();
  Running emulator(two_way(50 * kMegabyte, milliseconds(1), listener.port()));
  for (int i = 0; i < 201; ++i) {
    Pair pair = connect_through(emulator, listener);
    const std::string text = std::to_string(i);
    pair.near.send(text);
    // A third ends in order, a third with a reset while bytes are on the way, a third by closing with bytes
    // unread.
    if (i % 3 == 1) {
      pair.near.reset();
      continue;
    }
    ASSERT_EQ(pair.far.receive_all(text.size()), text);
    pair.far.send(text);
    if (i % 3 == 2) continue;
    ASSERT_EQ(pair.near.receive_all(text.size()), text);
  }
  EXPECT_EQ(emulator->counters(0).connections, 201U);
}

TEST(Emulator, WhatCannotBeIsNamedBeforeAnythingStarts) {
  TcpSocket taken = TcpSocket::listening();
  TcpSocket free_port = TcpSocket::bound();
  const std::uint16_t port = free_port.port();
  free_port.close();
  const auto message = [](const Description& description) {
    const auto created = Emulator::create(description);
    return created ? std::string("created") : created.error().message;
  };
  Description description = two_way(1e6, milliseconds(1), 9);
  description.relays = {relay_to(9, port), relay_to(9, taken.port())};
  EXPECT_THAT(message(description), testing::AllOf(testing::HasSubstr("relay 1 (listening at 127.0.0.1:" +
                                                                      std::to_string(taken.port())),
                                                   testing::HasSubstr("Address already in use")));

  description.relays.pop_back();
  EXPECT_EQ(message(description), "created") << "the first relay's port was given back";

  description.relays[0].listen.host = "no.such.host.invalid";
  EXPECT_THAT(message(description), testing::HasSubstr("\"no.such.host.invalid\" is not an address"));
  description.relays[0] = relay_to(9);
  description.relays[0].target.host = "256.0.0.1";
  EXPECT_THAT(message(description),
              testing::AllOf(testing::HasSubstr("relay 0"), testing::HasSubstr("its target")));
  description.relays[0] = relay_to(9);
  description.relays[0].backward_link = 2;
  EXPECT_THAT(message(description), testing::HasSubstr("link 2 is not there"));
  EXPECT_THAT(message(two_way(0, milliseconds(1), 9)), testing::HasSubstr("link here -> there: rate is 0"));
  EXPECT_THAT(message(two_way(std::nan(""), milliseconds(1), 9)), testing::HasSubstr("rate is nan"));
  EXPECT_THAT(message(two_way(1e6, milliseconds(-1), 9)), testing::HasSubstr("delay is -0.001 s"));
}

TEST(Emulator, AWatchedDescriptorsEndCanStopIt) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  auto created = Emulator::create(two_way(1e6, milliseconds(1), 9));
  ASSERT_TRUE(created);
  const std::unique_ptr<Emulator> emulator = std::move(created).value();
  std::string seen;
  const Failure failure = emulator->watch_fd(pipe[0], [&] {
    char byte = 0;
    if (::read(pipe[0], &byte, 1) == 1) {
      seen += byte;
      return true;
    }
    emulator->stop();
    return false;
  });
  ASSERT_FALSE(failure) << failure->message;
  std::jthread thread([&] { emulator->run(); });
  EXPECT_EQ(::write(pipe[1], "ab", 2), 2);
  ::close(pipe[1]);
  thread.join();
  EXPECT_EQ(seen, "ab");
  EXPECT_EQ(::close(pipe[0]), 0) << "the descriptor is still ours";
  EXPECT_TRUE(emulator->watch_fd(-1, [] { return false; }).has_value());
}

TEST(Emulator, StoppedBeforeItRunsItReturnsAtOnce) {
  auto created = Emulator::create(two_way(1e6, milliseconds(1), 9));
  ASSERT_TRUE(created);
  created.value()->stop();
  created.value()->run();
}

}  // namespace
}  // namespace meridian::wan::emulator

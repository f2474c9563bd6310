// Goal: the real runtime carries messages, timers and computations for its machine, lets nobody in who has
// not said hello, and survives whatever arrives and every broken connection. Reached with machines scripted
// by the test, in threads of one process, over sockets in a temporary folder or through the emulator's
// relays, which can break connections, and with a bare ZeroMQ socket as the peer that misbehaves. Every
// machine and every wait has a deadline that fails the test; nothing else depends on how long it takes.
#include "src/runtime/real/real_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <future>
#include <limits>
#include <map>
#include <stdexcept>
#include <thread>
#include <zmq.hpp>

#include "src/program/free_ports.h"
#include "src/wire/codec.h"
#include "tests/src/output/temporary_folder.h"
#include "tests/src/runtime/scripted_machine.h"
#include "tests/wan/emulator/tcp_socket.h"
#include "wan/emulator/emulator.h"

namespace meridian {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr ProcessId kServer = ProcessId{0, Role::server, 0};
constexpr ProcessId kWorker = ProcessId{0, Role::worker, 1};
constexpr std::uint64_t kDigest = 42;
constexpr Time kDeadline = seconds(30);

Hello hello_of(ProcessId sender, Channel channel, std::uint64_t digest = kDigest) {
  return {kProtocolVersion, digest, sender, 1, channel};
}

/// Fails the run where the machine is still there at the deadline. After its script is complete.
void guard(ScriptedMachine& machine) {
  machine.at_start = [start = std::move(machine.at_start)](Time now, Actions& actions) {
    actions.set_timer(TimerId::drain_deadline, now + kDeadline);
    if (start) start(now, actions);
  };
  machine.at_timer = [timer = std::move(machine.at_timer)](Time now, TimerId id, Actions& actions) {
    if (id == TimerId::drain_deadline)
      return actions.fail(FaultKind::failed, "the test's deadline has passed");
    if (timer) timer(now, id, actions);
  };
}

std::string reason(const std::optional<RealRuntime::Fault>& fault) { return fault ? fault->reason : ""; }

class RealRuntimeTest : public testing::Test {
 protected:
  std::string endpoint(Channel channel) const {
    return "ipc://" + (folder_.path() / to_string(channel)).string();
  }

  RealRuntime::Options listening() const {
    RealRuntime::Options options;
    options.self = kServer;
    options.run_digest = kDigest;
    options.addresses.listeners = {{Channel::control, endpoint(Channel::control)},
                                   {Channel::data, endpoint(Channel::data)}};
    return options;
  }

  RealRuntime::Options calling() const {
    RealRuntime::Options options;
    options.self = kWorker;
    options.run_digest = kDigest;
    options.addresses.peers[kServer] = {endpoint(Channel::control), endpoint(Channel::data)};
    return options;
  }

  static std::unique_ptr<RealRuntime> made(RealRuntime::Options options, Machine& machine) {
    return RealRuntime::create(std::move(options), machine).value();
  }

  /// Runs a listening and a calling machine to their ends, each on a thread of its own.
  void run_both(ScriptedMachine& server, ScriptedMachine& worker) {
    guard(server);
    guard(worker);
    std::thread other([&] { EXPECT_EQ(reason(made(calling(), worker)->run()), ""); });
    EXPECT_EQ(reason(made(listening(), server)->run()), "");
    other.join();
  }

  output::TemporaryFolder folder_;
};

/// A peer that is not Meridian: frames as they are, on one connection.
class BareSocket {
 public:
  explicit BareSocket(const std::string& endpoint, const std::string& routing_id = "")
      : socket_(context_, zmq::socket_type::dealer) {
    if (!routing_id.empty()) socket_.set(zmq::sockopt::routing_id, routing_id);
    socket_.set(zmq::sockopt::linger, 10'000);
    socket_.set(zmq::sockopt::rcvtimeo, 20'000);
    socket_.connect(endpoint);
  }

  void send(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      socket_.send(zmq::buffer(frames[i]),
                   i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
    }
  }

  void send(const Body& body, std::vector<std::string> payloads = {}) {
    const std::vector<std::byte> header = encode_header(body);
    payloads.insert(payloads.begin(),
                    std::string(reinterpret_cast<const char*>(header.data()), header.size()));
    send(payloads);
  }

  /// The next message's body, where it has no payload; nothing where none comes.
  std::optional<Body> receive() {
    zmq::message_t frame;
    if (!socket_.recv(frame)) return std::nullopt;
    const Result<Header> header =
        decode_header({static_cast<const std::byte*>(frame.data()), frame.size()}, {});
    return header ? std::optional<Body>(header.value().body) : std::nullopt;
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

TEST_F(RealRuntimeTest, MessagesGoBothWaysOnBothChannels) {
  std::vector<std::pair<Channel, Clock>> at_server;
  std::vector<std::pair<Channel, Clock>> at_worker;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, Message message, Actions& actions) {
    EXPECT_EQ(from, kWorker);
    if (const auto* const pull = std::get_if<Pull>(&message.body)) {
      at_server.emplace_back(channel, pull->clock);
      EXPECT_GT(actions.send(from, channel, {Finished{pull->clock + 1}, {}}), 0U);
    }
    if (at_server.size() == 2) actions.finish();
  };
  ScriptedMachine worker;
  worker.at_start = [](Time, Actions& actions) {
    for (const Channel channel : {Channel::control, Channel::data}) {
      actions.send(kServer, channel, {hello_of(kWorker, channel), {}});
      actions.send(kServer, channel, {Pull{channel == Channel::control ? 10U : 20U, false}, {}});
    }
  };
  worker.at_message = [&](Time, ProcessId from, Channel channel, Message message, Actions& actions) {
    EXPECT_EQ(from, kServer);
    at_worker.emplace_back(channel, std::get<Finished>(message.body).clock);
    if (at_worker.size() == 2) actions.finish();
  };
  run_both(server, worker);
  using testing::UnorderedElementsAre;
  EXPECT_THAT(at_server, UnorderedElementsAre(std::pair<Channel, Clock>(Channel::control, 10),
                                              std::pair<Channel, Clock>(Channel::data, 20)));
  EXPECT_THAT(at_worker, UnorderedElementsAre(std::pair<Channel, Clock>(Channel::control, 11),
                                              std::pair<Channel, Clock>(Channel::data, 21)));
}

TEST_F(RealRuntimeTest, PayloadsArriveWholeAndTheirMemoryIsLetGoOf) {
  constexpr std::size_t kFloats = 250'000;
  auto bytes = std::make_shared<std::vector<std::byte>>(kFloats * sizeof(float));
  for (std::size_t i = 0; i < bytes->size(); ++i) (*bytes)[i] = static_cast<std::byte>(i * 7);
  const std::vector<std::byte> expected = *bytes;
  const std::weak_ptr<const void> memory = bytes;

  ScriptedMachine server;  // sends back what it got, out of the memory in which it got it
  server.at_message = [](Time, ProcessId from, Channel channel, Message message, Actions& actions) {
    if (std::holds_alternative<Hello>(message.body)) return;
    actions.send(from, channel, std::move(message));
    actions.finish();
  };
  bool came_back = false;
  ScriptedMachine worker;
  worker.at_start = [&](Time, Actions& actions) {
    actions.send(kServer, Channel::data, {hello_of(kWorker, Channel::data), {}});
    const std::size_t small = 10;
    std::vector<Payload> payloads{Payload(bytes, std::span<const std::byte>(*bytes).first(small * 4)),
                                  Payload(bytes, *bytes)};
    bytes.reset();
    actions.send(kServer, Channel::data,
                 {Push{1, 1, {{0, 0, small, 0}, {1, 0, kFloats, 0}}}, std::move(payloads)});
  };
  worker.at_message = [&](Time now, ProcessId, Channel, Message message, Actions& actions) {
    ASSERT_EQ(message.payloads.size(), 2U);
    EXPECT_TRUE(std::ranges::equal(message.payloads[1].bytes(), expected));
    EXPECT_TRUE(std::ranges::equal(message.payloads[0].bytes(), std::span(expected).first(40)));
    came_back = true;
    actions.set_timer(TimerId::tick, now);
  };
  worker.at_timer = [&](Time now, TimerId, Actions& actions) {
    if (memory.expired()) return actions.finish();
    actions.set_timer(TimerId::tick, now + milliseconds(1));
  };
  run_both(server, worker);
  EXPECT_TRUE(came_back);
  EXPECT_TRUE(memory.expired());
}

// 1 MB/s and 2 ms: of each message it is known when it can have arrived at the earliest.
constexpr SharedLink::Options kSlowLan{.rate_bytes_per_s = 1e6, .delay = milliseconds(2)};

TEST_F(RealRuntimeTest, OnAShapedLanNothingArrivesBeforeItsTimeAndEachConnectionKeepsItsOrder) {
  using WallClock = std::chrono::steady_clock;
  constexpr std::size_t kFloats = 5000;  // 20 ms each
  constexpr Clock kMessages = 5;
  const auto bytes = std::make_shared<std::vector<std::byte>>(kFloats * sizeof(float));
  WallClock::time_point sent;
  std::vector<std::pair<Clock, WallClock::time_point>> arrived;
  std::optional<WallClock::time_point> control_arrived;

  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId, Channel, const Message& message, Actions& actions) {
    if (const auto* const push = std::get_if<Push>(&message.body))
      arrived.emplace_back(push->clock, WallClock::now());
    if (std::holds_alternative<Pull>(message.body)) control_arrived = WallClock::now();
    if (arrived.size() == kMessages && control_arrived) actions.finish();
  };
  ScriptedMachine worker;  // finishes at once: what it has said is to be heard all the same
  worker.at_start = [&](Time, Actions& actions) {
    sent = WallClock::now();
    for (const Channel channel : {Channel::control, Channel::data})
      actions.send(kServer, channel, {hello_of(kWorker, channel), {}});
    for (Clock clock = 1; clock <= kMessages; ++clock) {
      const std::size_t taken = actions.send(
          kServer, Channel::data,
          {Push{clock, 1, {{0, 0, kFloats, 0}}}, {Payload(bytes, std::span<const std::byte>(*bytes))}});
      EXPECT_GT(taken, kFloats * sizeof(float));
    }
    actions.send(kServer, Channel::control, {Pull{1, false}, {}});
    actions.finish();
  };
  guard(server);
  guard(worker);
  std::thread other([&] {
    RealRuntime::Options options = calling();
    options.lan = kSlowLan;
    EXPECT_EQ(reason(made(std::move(options), worker)->run()), "");
  });
  EXPECT_EQ(reason(made(listening(), server)->run()), "");
  other.join();

  ASSERT_EQ(arrived.size(), kMessages);
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    EXPECT_EQ(arrived[i].first, i + 1);
    EXPECT_GE(arrived[i].second - sent, milliseconds(20 * (i + 1) + 2)) << "message " << i;
  }
  ASSERT_TRUE(control_arrived);
  EXPECT_GE(*control_arrived - sent, milliseconds(2));
}

TEST_F(RealRuntimeTest, WhatAShapedLanCannotCarryInTimeAfterTheEndIsSentAllTheSame) {
  constexpr std::size_t kFloats = 1000;
  const auto bytes = std::make_shared<std::vector<std::byte>>(kFloats * sizeof(float));
  for (const bool fails : {false, true}) {
    int pushes = 0;
    bool goodbye = false;
    ScriptedMachine server;
    server.at_message = [&](Time, ProcessId, Channel, const Message& message, Actions& actions) {
      pushes += std::holds_alternative<Push>(message.body) ? 1 : 0;
      goodbye = goodbye || std::holds_alternative<Goodbye>(message.body);
      if (pushes == 3 && goodbye) actions.finish();
    };
    ScriptedMachine worker;
    worker.at_start = [&](Time, Actions& actions) {
      for (const Channel channel : {Channel::control, Channel::data})
        actions.send(kServer, channel, {hello_of(kWorker, channel), {}});
      for (Clock clock = 1; clock <= 3; ++clock) {
        actions.send(
            kServer, Channel::data,
            {Push{clock, 1, {{0, 0, kFloats, 0}}}, {Payload(bytes, std::span<const std::byte>(*bytes))}});
      }
      actions.send(kServer, Channel::control, {Goodbye{fails, "over"}, {}});
      if (fails) return actions.fail(FaultKind::failed, "on purpose");
      actions.finish();
    };
    guard(server);
    guard(worker);
    std::thread other([&] {
      RealRuntime::Options options = calling();
      options.lan = {.rate_bytes_per_s = 1.0, .delay = std::chrono::hours(1)};
      EXPECT_EQ(reason(made(std::move(options), worker)->run()), fails ? "on purpose" : "");
    });
    EXPECT_EQ(reason(made(listening(), server)->run()), "");
    other.join();
    EXPECT_EQ(pushes, 3);
    EXPECT_TRUE(goodbye);
  }
}

TEST_F(RealRuntimeTest, WhatGoesToAnotherDatacenterDoesNotCrossTheLan) {
  const ProcessId elsewhere = ProcessId::server(1, 0);
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    EXPECT_EQ(message.body, Body(hello_of(elsewhere, Channel::control)));
    actions.send(from, channel, {Heartbeat{}, {}});
    actions.finish();
  };
  ScriptedMachine caller;  // is there until it is answered: no end makes it send at once
  caller.at_start = [&](Time, Actions& actions) {
    actions.send(kServer, Channel::control, {hello_of(elsewhere, Channel::control), {}});
  };
  caller.at_message = [](Time, ProcessId, Channel, const Message&, Actions& actions) { actions.finish(); };
  guard(server);
  guard(caller);
  std::thread other([&] {
    RealRuntime::Options options = calling();
    options.self = elsewhere;
    options.lan = {.rate_bytes_per_s = 1.0, .delay = std::chrono::hours(1)};
    EXPECT_EQ(reason(made(std::move(options), caller)->run()), "");
  });
  EXPECT_EQ(reason(made(listening(), server)->run()), "");
  other.join();
}

TEST_F(RealRuntimeTest, WhoHasNotSaidHelloIsNotHeard) {
  std::vector<std::string> heard;
  std::vector<std::string> notices;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    EXPECT_EQ(from, kWorker);
    EXPECT_EQ(channel, Channel::control);
    heard.emplace_back(kind_name(message.body));
    if (heard.size() == 2) actions.finish();
  };
  server.at_malformed = [&](Time, ProcessId, const std::string& why, Actions&) { ADD_FAILURE() << why; };
  guard(server);
  RealRuntime::Options options = listening();
  options.observe = [&](Time, const Report& report) { notices.push_back(std::get<Notice>(report).text); };
  const std::unique_ptr<RealRuntime> runtime = made(std::move(options), server);

  BareSocket stranger(endpoint(Channel::control));
  stranger.send(Heartbeat{});
  stranger.send(Goodbye{true, "let us all stop"});
  stranger.send(std::vector<std::string>{""});
  stranger.send({"", "", ""});
  stranger.send({"garbage", std::string(100'000, '\xff')});
  stranger.send(std::vector<std::string>(kMaxSegments + 10, "x"));
  stranger.send(hello_of(kWorker, Channel::data));               // on the wrong socket
  stranger.send(hello_of(kWorker, Channel::control), {"more"});  // with more than a hello has
  stranger.send(hello_of(kWorker, Channel::control));
  stranger.send(Heartbeat{});
  EXPECT_EQ(reason(runtime->run()), "");
  EXPECT_THAT(heard, ElementsAre("hello", "heartbeat"));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("did not say hello (heartbeat)"))) << "told once, not each time";
}

TEST_F(RealRuntimeTest, AMalformedMessageOfAGreetedPeerReachesTheMachine) {
  std::vector<std::string> reasons;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId, Channel, const Message& message, Actions& actions) {
    if (std::holds_alternative<Heartbeat>(message.body)) actions.finish();
  };
  server.at_malformed = [&](Time, ProcessId from, const std::string& why, Actions&) {
    EXPECT_EQ(from, kWorker);
    reasons.push_back(why);
  };
  guard(server);
  const std::unique_ptr<RealRuntime> runtime = made(listening(), server);
  BareSocket peer(endpoint(Channel::data));
  peer.send(hello_of(kWorker, Channel::data));
  peer.send(std::vector<std::string>{"garbage"});
  peer.send(Push{1, 1, {{0, 0, 4, 0}}}, {"15 bytes, not 16"});
  peer.send(Push{1, 1, {{0, 0, 4, 0}}}, {"15 bytes not 16"});
  std::vector<std::string> many(kMaxSegments + 10, "four");
  peer.send(Push{1, 1, {{0, 0, 1, 0}}}, many);
  peer.send(Heartbeat{});
  EXPECT_EQ(reason(runtime->run()), "");
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("not a header"), HasSubstr("a payload of 15 bytes"),
                                   HasSubstr("4097 payloads for 1 segments")));
}

TEST_F(RealRuntimeTest, AHelloOfAnotherRunIsAnsweredWhereItCameFromAndNotRemembered) {
  std::vector<std::string> heard;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel, Message message, Actions& actions) {
    heard.emplace_back(kind_name(message.body));
    if (const auto* const hello = std::get_if<Hello>(&message.body)) {
      if (hello->run_digest != kDigest) actions.send(from, Channel::control, {Refusal{"seed=1\n"}, {}});
      return;
    }
    // The refused one gave this peer's name; what is meant for the peer must not go to it.
    actions.send(from, Channel::control, {Finished{7}, {}});
    actions.finish();
  };
  guard(server);
  std::thread running([&, runtime = made(listening(), server)]() mutable {
    EXPECT_EQ(reason(runtime->run()), "");
    runtime.reset();
  });
  BareSocket peer(endpoint(Channel::control));
  peer.send(hello_of(kWorker, Channel::control));
  BareSocket refused(endpoint(Channel::control));
  refused.send(hello_of(kWorker, Channel::control, kDigest + 1));
  EXPECT_EQ(refused.receive(), Body(Refusal{"seed=1\n"}));
  refused.send(Heartbeat{});  // dropped: it has still not said hello
  refused.send(hello_of(kWorker, Channel::control, kDigest + 2));
  EXPECT_EQ(refused.receive(), Body(Refusal{"seed=1\n"}));
  BareSocket refused_data(endpoint(Channel::data));
  refused_data.send(hello_of(kWorker, Channel::data, kDigest + 1));
  EXPECT_EQ(refused_data.receive(), Body(Refusal{"seed=1\n"}));
  peer.send(Pull{1, false});
  EXPECT_EQ(peer.receive(), Body(Finished{7}));
  running.join();
  EXPECT_THAT(heard, testing::UnorderedElementsAre("hello", "hello", "hello", "hello", "pull"));
}

TEST_F(RealRuntimeTest, ARefusalTakesTheWayOfTheHelloEvenToAPeerThatThisSideCalls) {
  // As between datacenters, where each side calls the other: the refused one reads answers where it called.
  const ProcessId far = ProcessId::server(7, 0);
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel, const Message& message, Actions& actions) {
    EXPECT_EQ(from, far);
    EXPECT_THAT(kind_name(message.body), testing::StrEq("hello"));
    actions.send(from, Channel::control, {Refusal{"seed=1\n"}, {}});
    actions.finish();
  };
  guard(server);
  RealRuntime::Options options = listening();
  options.addresses.peers[far] = {endpoint(Channel::control) + "-far", endpoint(Channel::data) + "-far"};
  std::thread running([&, runtime = made(std::move(options), server)]() mutable {
    EXPECT_EQ(reason(runtime->run()), "");
    runtime.reset();
  });
  BareSocket refused(endpoint(Channel::control));
  refused.send(hello_of(far, Channel::control, kDigest + 1));
  EXPECT_EQ(refused.receive(), Body(Refusal{"seed=1\n"}));
  running.join();
}

std::string tcp_endpoint(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }

/// Relays between one that calls and one that listens, in a thread of their own.
class BreakableConnections {
 public:
  BreakableConnections() : control_(ports_.take().value()), data_(ports_.take().value()) {
    wan::emulator::Description description;
    const double no_limit = std::numeric_limits<double>::infinity();
    description.links = {{"caller", "listener", no_limit, Time{0}},
                         {"listener", "caller", no_limit, Time{0}}};
    for (const std::uint16_t port : {control_, data_})
      description.relays.push_back({{"127.0.0.1", 0}, {"127.0.0.1", port}, 0, 1});
    emulator_ = wan::emulator::Emulator::create(description).value();
    thread_ = std::jthread([this] { emulator_->run(); });
  }
  ~BreakableConnections() { emulator_->stop(); }
  BreakableConnections(const BreakableConnections&) = delete;
  BreakableConnections& operator=(const BreakableConnections&) = delete;

  std::vector<Addresses::Listener> listeners() const {
    return {{Channel::control, tcp_endpoint(control_)}, {Channel::data, tcp_endpoint(data_)}};
  }
  Addresses::Peer called() const {
    return {tcp_endpoint(emulator_->port(0)), tcp_endpoint(emulator_->port(1))};
  }

  void break_all() {
    EXPECT_FALSE(emulator_->apply({.link = 0, .kind = wan::emulator::LinkEvent::Kind::reset}));
  }
  std::uint64_t made() const { return emulator_->counters(0).connections; }

 private:
  program::FreePorts ports_;
  std::uint16_t control_;
  std::uint16_t data_;
  std::unique_ptr<wan::emulator::Emulator> emulator_;
  std::jthread thread_;
};

constexpr ProcessId kFar = ProcessId{1, Role::server, 0};

// A caller that never stops talking, on both channels, and a listener that answers everything. Three times
// all connections break; each time both are heard again on both channels before the next break.
TEST_F(RealRuntimeTest, AfterABreakTheSameCallerIsHeardWithoutANewHelloAndHearsReplies) {
  constexpr std::uint64_t kBreaks = 3;
  constexpr int kEnough = 100;
  BreakableConnections connections;
  std::uint64_t breaks = 0;
  std::map<Channel, int> hellos;
  std::map<Channel, int> heard;  // since there were connections after the last break
  std::map<Channel, Clock> last;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    EXPECT_EQ(from, kFar);
    if (std::holds_alternative<Hello>(message.body)) ++hellos[channel];
    const auto* const pull = std::get_if<Pull>(&message.body);
    if (pull == nullptr) return;
    EXPECT_GT(pull->clock, last[channel]) << "numbers never go back";
    last[channel] = pull->clock;
    actions.send(from, channel, {Finished{pull->clock}, {}});
    if (connections.made() < 2 * (breaks + 1)) return;
    ++heard[channel];
    if (heard[Channel::control] < kEnough || heard[Channel::data] < kEnough) return;
    heard.clear();
    if (breaks == kBreaks) {
      actions.send(from, Channel::control, {Goodbye{false, ""}, {}});
      return actions.finish();
    }
    ++breaks;
    connections.break_all();
  };
  guard(server);

  Clock sent = 0;
  std::map<Channel, Clock> answered;
  std::vector<std::string> notices;
  ScriptedMachine caller;
  caller.at_start = [](Time now, Actions& actions) {
    for (const Channel channel : {Channel::control, Channel::data})
      actions.send(kServer, channel, {hello_of(kFar, channel), {}});
    actions.set_timer(TimerId::tick, now);
  };
  caller.at_timer = [&](Time now, TimerId, Actions& actions) {
    for (int i = 0; i < 5; ++i) {
      ++sent;
      for (const Channel channel : {Channel::control, Channel::data})
        actions.send(kServer, channel, {Pull{sent, false}, {}});
    }
    actions.set_timer(TimerId::tick, now + milliseconds(1));
  };
  caller.at_message = [&](Time, ProcessId, Channel channel, const Message& message, Actions& actions) {
    if (std::holds_alternative<Goodbye>(message.body)) return actions.finish();
    const Clock answer = std::get<Finished>(message.body).clock;
    EXPECT_GT(answer, answered[channel]);
    answered[channel] = answer;
  };
  guard(caller);

  std::thread other([&] {
    RealRuntime::Options options = calling();
    options.self = kFar;
    options.incarnation = 1;
    options.addresses.peers[kServer] = connections.called();
    options.observe = [&](Time, const Report& report) { notices.push_back(std::get<Notice>(report).text); };
    EXPECT_EQ(reason(made(std::move(options), caller)->run()), "");
  });
  RealRuntime::Options options = listening();
  options.addresses.listeners = connections.listeners();
  EXPECT_EQ(reason(made(std::move(options), server)->run()), "");
  other.join();

  EXPECT_EQ(breaks, kBreaks);
  EXPECT_EQ(hellos, (std::map<Channel, int>{{Channel::control, 1}, {Channel::data, 1}}));
  EXPECT_GE(answered[Channel::control], last[Channel::control] - kEnough) << "those after the last break";
  ASSERT_GE(notices.size(), 2U);
  EXPECT_EQ(notices[0], "lost the connection to datacenter 0, server 0, reconnecting");
  EXPECT_EQ(notices[1], "connected again to datacenter 0, server 0");
}

// The first hello may be what a break costs; and a listener that was started anew has never had one.
TEST_F(RealRuntimeTest, AfterABreakTheHelloIsRepeated) {
  ScriptedMachine caller;
  caller.at_start = [](Time, Actions& actions) {
    actions.send(kServer, Channel::control, {hello_of(kWorker, Channel::control), {}});
  };
  caller.at_message = [](Time, ProcessId, Channel, const Message&, Actions& actions) { actions.finish(); };
  guard(caller);
  std::thread other([&] { EXPECT_EQ(reason(made(calling(), caller)->run()), ""); });
  std::vector<std::string> callers;
  for (int start = 0; start < 2; ++start) {
    zmq::context_t context;
    zmq::socket_t listener(context, zmq::socket_type::router);
    listener.set(zmq::sockopt::linger, 10'000);
    listener.set(zmq::sockopt::rcvtimeo, 20'000);
    listener.bind(endpoint(Channel::control));
    zmq::message_t routing_id;
    zmq::message_t header;
    if (!listener.recv(routing_id) || !listener.recv(header)) break;
    callers.push_back(routing_id.to_string());
    const Result<Header> decoded =
        decode_header({static_cast<const std::byte*>(header.data()), header.size()}, {});
    EXPECT_TRUE(decoded && decoded.value().body == Body(hello_of(kWorker, Channel::control)));
    if (start == 0) continue;
    listener.send(routing_id, zmq::send_flags::sndmore);
    listener.send(zmq::buffer(encode_header(Heartbeat{})));
  }
  other.join();
  ASSERT_EQ(callers.size(), 2U);
  EXPECT_EQ(callers[0], callers[1]) << "the same caller";
}

// A worker whose connections to its server break while it talks: nothing would make up for what was lost.
TEST_F(RealRuntimeTest, ABreakInsideADatacenterEndsTheRunWithThePeersName) {
  BreakableConnections connections;
  std::atomic<bool> over = false;
  ScriptedMachine server;
  server.at_start = [](Time now, Actions& actions) { actions.set_timer(TimerId::tick, now); };
  server.at_timer = [&](Time now, TimerId, Actions& actions) {
    if (over) return actions.finish();
    actions.set_timer(TimerId::tick, now + milliseconds(1));
  };
  server.at_message = [&, broken = false](Time, ProcessId, Channel, const Message& message,
                                          Actions&) mutable {
    if (!std::holds_alternative<Heartbeat>(message.body) || std::exchange(broken, true)) return;
    connections.break_all();
  };
  guard(server);
  ScriptedMachine caller;
  caller.at_start = [](Time now, Actions& actions) {
    for (const Channel channel : {Channel::control, Channel::data}) {
      actions.send(kServer, channel, {hello_of(kWorker, channel), {}});
    }
    actions.set_timer(TimerId::tick, now);
  };
  caller.at_timer = [](Time now, TimerId, Actions& actions) {
    actions.send(kServer, Channel::control, {Heartbeat{}, {}});
    actions.set_timer(TimerId::tick, now + milliseconds(1));
  };
  guard(caller);
  RealRuntime::Options listening_options = listening();
  listening_options.addresses.listeners = connections.listeners();
  RealRuntime::Options calling_options = calling();
  calling_options.addresses.peers = {{kServer, connections.called()}};
  std::thread other([&] { EXPECT_EQ(reason(made(listening_options, server)->run()), ""); });
  EXPECT_THAT(reason(made(calling_options, caller)->run()), HasSubstr("broke; inside a datacenter"));
  over = true;
  other.join();
}

TEST_F(RealRuntimeTest, ARestartedProcessIsANewCallerAndHasToSayHello) {
  std::vector<std::string> heard;
  std::vector<std::string> notices;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    heard.emplace_back(kind_name(message.body));
    if (const auto* const pull = std::get_if<Pull>(&message.body)) {
      actions.send(from, channel, {Finished{pull->clock}, {}});
      if (pull->clock == 3) actions.finish();
    }
  };
  guard(server);
  RealRuntime::Options options = listening();
  options.observe = [&](Time, const Report& report) { notices.push_back(std::get<Notice>(report).text); };
  std::thread running([&, runtime = made(std::move(options), server)]() mutable {
    EXPECT_EQ(reason(runtime->run()), "");
    runtime.reset();
  });
  // Starts, says these things and ends with the first answer.
  const auto start = [&](std::uint64_t incarnation, const std::vector<Body>& says) {
    ScriptedMachine worker;
    worker.at_start = [&](Time, Actions& actions) {
      for (const Body& body : says) actions.send(kServer, Channel::control, {body, {}});
    };
    worker.at_message = [](Time, ProcessId, Channel, const Message&, Actions& actions) { actions.finish(); };
    guard(worker);
    RealRuntime::Options calls = calling();
    calls.incarnation = incarnation;
    EXPECT_EQ(reason(made(std::move(calls), worker)->run()), "");
  };
  const Hello hello = hello_of(kWorker, Channel::control);
  start(1, {hello, Pull{1, false}});
  start(1, {Pull{2, false}});                      // the same start, as after a break
  start(2, {Heartbeat{}, hello, Pull{3, false}});  // another one
  running.join();
  EXPECT_THAT(heard, ElementsAre("hello", "pull", "pull", "hello", "pull"));
  EXPECT_THAT(notices, ElementsAre(HasSubstr("did not say hello (heartbeat)")));
}

TEST_F(RealRuntimeTest, OfTwoStartsOfAProcessTheOneThatGreetedLastIsHeard) {
  std::vector<std::string> heard;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    heard.emplace_back(kind_name(message.body));
    if (std::holds_alternative<Goodbye>(message.body)) return actions.finish();
    actions.send(from, channel, {Finished{static_cast<Clock>(heard.size())}, {}});
  };
  guard(server);
  std::thread running([&, runtime = made(listening(), server)]() mutable {
    EXPECT_EQ(reason(runtime->run()), "");
    runtime.reset();
  });
  BareSocket first(endpoint(Channel::control), "first");
  first.send(hello_of(kWorker, Channel::control));
  EXPECT_EQ(first.receive(), Body(Finished{1}));
  BareSocket second(endpoint(Channel::control), "second");
  second.send(hello_of(kWorker, Channel::control));
  EXPECT_EQ(second.receive(), Body(Finished{2}));
  first.send(Pull{1, false});  // late: dropped
  first.send(hello_of(kFar, Channel::control));
  EXPECT_EQ(first.receive(), Body(Finished{3})) << "so the one before has been read";
  second.send(Heartbeat{});
  EXPECT_EQ(second.receive(), Body(Finished{4}));
  second.send(Goodbye{false, ""});
  running.join();
  EXPECT_THAT(heard, ElementsAre("hello", "hello", "hello", "heartbeat", "goodbye"));
}

TEST_F(RealRuntimeTest, InsideADatacenterAMessageThatABreakCostsEndsTheRunWithThePeersName) {
  std::promise<void> dropped;
  bool has_dropped = false;
  ScriptedMachine server;
  server.at_start = [](Time now, Actions& actions) { actions.set_timer(TimerId::tick, now); };
  server.at_timer = [&, greeted = false](Time now, TimerId, Actions& actions) mutable {
    const bool taken = actions.send(kWorker, Channel::control, {Heartbeat{}, {}}) > 0;
    greeted = greeted || taken;
    if (greeted && !taken && !std::exchange(has_dropped, true)) dropped.set_value();
    actions.set_timer(TimerId::tick, now + milliseconds(1));
  };
  guard(server);
  std::thread running([&, runtime = made(listening(), server)]() mutable {
    EXPECT_THAT(reason(runtime->run()), HasSubstr("messages to datacenter 0, worker 1 were lost"));
    runtime.reset();
  });
  auto caller = std::make_unique<BareSocket>(endpoint(Channel::control), "caller");
  caller->send(hello_of(kWorker, Channel::control));
  EXPECT_EQ(caller->receive(), Body(Heartbeat{}));
  caller.reset();
  EXPECT_EQ(dropped.get_future().wait_for(kDeadline), std::future_status::ready);
  const BareSocket again(endpoint(Channel::control), "caller");
  running.join();
}

// What waits for a peer in another datacenter that is not there is bounded, and nothing of it is half: once
// the peer is there it gets whole messages in their order. Inside the datacenter nothing is dropped.
TEST_F(RealRuntimeTest, TheQueueToAnUnreachableDatacenterIsBoundedAndDropsWholeMessages) {
  constexpr std::size_t kMost = RealRuntime::kMostWaitingMessages;
  constexpr std::size_t kSent = 2 * kMost;
  const Body two_parts = Push{1, 1, {{0, 0, 1, 0}, {0, 1, 1, 0}}};
  const auto memory = std::make_shared<std::vector<std::byte>>(4);
  const Payload payload(memory, *memory);
  std::vector<Clock> arrived;
  ScriptedMachine server;
  server.at_malformed = [](Time, ProcessId, const std::string& why, Actions&) { ADD_FAILURE() << why; };
  server.at_message = [&](Time, ProcessId from, Channel channel, const Message& message, Actions& actions) {
    if (std::holds_alternative<Goodbye>(message.body)) return actions.finish();
    if (const auto* const push = std::get_if<Push>(&message.body)) {
      EXPECT_EQ(message.payloads.size(), 2U);
      arrived.push_back(push->clock);
      actions.send(from, channel, {Finished{push->clock}, {}});
    }
  };
  guard(server);

  std::vector<std::string> notices;
  std::promise<void> full;
  std::size_t taken = 0;
  ScriptedMachine caller;
  caller.at_start = [&](Time, Actions& actions) {
    actions.send(kServer, Channel::data, {hello_of(kFar, Channel::data), {}});
    for (std::size_t i = 1; i <= kSent; ++i) {
      Push push = std::get<Push>(two_parts);
      push.clock = static_cast<Clock>(i);
      if (actions.send(kServer, Channel::data, {push, {payload, payload}}) > 0) ++taken;
      if (actions.send(ProcessId::server(1, 1), Channel::data, {Heartbeat{}, {}}) == 0)
        ADD_FAILURE() << "dropped inside the datacenter";
    }
    EXPECT_LE(taken, kMost);
    EXPECT_GE(taken, kMost / 2);
    full.set_value();
  };
  caller.at_message = [&](Time, ProcessId, Channel, const Message& message, Actions& actions) {
    if (std::get<Finished>(message.body).clock < taken) return;
    EXPECT_GT(actions.send(kServer, Channel::data, {Goodbye{false, ""}, {}}), 0U);
    actions.finish();
  };
  guard(caller);
  std::thread other([&] {
    RealRuntime::Options options = calling();
    options.self = kFar;
    options.addresses.peers[ProcessId::server(1, 1)] = {endpoint(Channel::control) + "-near",
                                                        endpoint(Channel::data) + "-near"};
    options.observe = [&](Time, const Report& report) { notices.push_back(std::get<Notice>(report).text); };
    EXPECT_EQ(reason(made(std::move(options), caller)->run()), "");
  });
  EXPECT_EQ(full.get_future().wait_for(kDeadline), std::future_status::ready);
  EXPECT_EQ(reason(made(listening(), server)->run()), "");
  other.join();
  ASSERT_EQ(arrived.size(), taken);
  for (std::size_t i = 0; i < arrived.size(); ++i) ASSERT_EQ(arrived[i], i + 1);
  EXPECT_THAT(notices,
              testing::Contains(HasSubstr("the queue of data messages to datacenter 0, server 0")).Times(1));
}

/// Opens a connection with a routing id that libzmq may not let one choose, and sends a heartbeat over it.
wan::emulator::TcpSocket heartbeat_with(const std::string& routing_id, std::uint16_t port) {
  const auto number = [](std::size_t value, int bytes) {
    std::string text;
    while (bytes-- > 0) text += static_cast<char>(value >> (8 * bytes) & 0xff);
    return text;
  };
  std::string greeting = "\xff" + std::string(8, '\0') + "\x7f\x03" + std::string(1, '\0') + "NULL";
  greeting.resize(64, '\0');
  const std::string ready = "\x05READY\x0bSocket-Type" + number(6, 4) + "DEALER" + "\x08Identity" +
                            number(routing_id.size(), 4) + routing_id;
  const std::vector<std::byte> header = encode_header(Heartbeat{});
  const std::string message(reinterpret_cast<const char*>(header.data()), header.size());
  wan::emulator::TcpSocket socket = wan::emulator::TcpSocket::connected(port);
  socket.send(greeting + "\x06" + number(ready.size(), 8) + ready);
  EXPECT_EQ(socket.receive_all(kAcceptBytes).size(), kAcceptBytes);
  socket.send(number(0, 1) + number(message.size(), 1) + message);
  return socket;
}

TEST_F(RealRuntimeTest, AChosenRoutingIdGivesNobodyANameAndBreaksNothing) {
  program::FreePorts ports;
  const std::uint16_t port = ports.take().value();
  std::vector<std::string> heard;
  std::vector<std::string> notices;
  std::promise<void> all_rejected;
  constexpr std::size_t kRejected = 5;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel, const Message& message, Actions& actions) {
    EXPECT_EQ(from, kWorker);
    heard.emplace_back(kind_name(message.body));
    if (heard.size() == 2) actions.finish();
  };
  guard(server);
  RealRuntime::Options options = listening();
  options.addresses.listeners = {{Channel::control, tcp_endpoint(port)}};
  options.observe = [&](Time, const Report& report) {
    notices.push_back(std::get<Notice>(report).text);
    if (notices.size() == kRejected) all_rejected.set_value();
  };
  std::thread running([&, runtime = made(std::move(options), server)]() mutable {
    EXPECT_EQ(reason(runtime->run()), "");
    runtime.reset();
  });
  // As this process's workers call themselves, but nobody has said hello.
  const std::string of_a_worker = std::string("M\0\0\0\0\1", 6) + std::string(9, '\0');
  std::vector<wan::emulator::TcpSocket> strangers;
  for (const std::string& id : {of_a_worker, std::string(255, '\xff'), std::string(70'000, 'x'),
                                std::string(1, '\0'), std::string("\0\0\0\0\1", 5)}) {
    strangers.push_back(heartbeat_with(id, port));
  }
  EXPECT_EQ(all_rejected.get_future().wait_for(kDeadline), std::future_status::ready);
  BareSocket worker(tcp_endpoint(port), of_a_worker);
  worker.send(hello_of(kWorker, Channel::control));
  worker.send(Heartbeat{});
  running.join();
  EXPECT_THAT(heard, ElementsAre("hello", "heartbeat"));
  EXPECT_THAT(notices, testing::Each(HasSubstr("did not say hello (heartbeat)")));
}

TEST_F(RealRuntimeTest, ListensAndCallsOverIpv6) {
  // Only the loopback address of this machine; machines without IPv6 cannot show it.
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) { actions.finish(); };
  RealRuntime::Options options;
  options.self = kServer;
  options.addresses.listeners = {{Channel::control, "tcp://[::1]:*"}};
  Result<std::unique_ptr<RealRuntime>> runtime = RealRuntime::create(std::move(options), machine);
  if (std::ifstream("/proc/net/if_inet6").peek() == std::ifstream::traits_type::eof()) return;
  ASSERT_TRUE(runtime.ok()) << runtime.error().message;
  EXPECT_EQ(reason(runtime.value()->run()), "");
}

TEST_F(RealRuntimeTest, WhatIsSentToWhoHasNotCalledGoesNowhere) {
  ScriptedMachine server;
  server.at_start = [](Time, Actions& actions) {
    EXPECT_EQ(actions.send(kWorker, Channel::control, {Heartbeat{}, {}}), 0U);
    actions.finish();
    EXPECT_EQ(actions.send(kWorker, Channel::control, {Heartbeat{}, {}}), 0U);
  };
  EXPECT_EQ(reason(made(listening(), server)->run()), "");
}

TEST_F(RealRuntimeTest, ItsEndDoesNotWaitForeverForAPeerThatIsNotThere) {
  ScriptedMachine worker;
  worker.at_start = [](Time, Actions& actions) {
    actions.send(kServer, Channel::control, {hello_of(kWorker, Channel::control), {}});
    actions.fail(FaultKind::failed, "nobody there");
  };
  EXPECT_EQ(reason(made(calling(), worker)->run()), "nobody there");
}

TEST_F(RealRuntimeTest, TimersFireOnceInTheirOrderAndNotEarly) {
  std::vector<TimerId> fired;
  ScriptedMachine machine;
  machine.at_start = [](Time now, Actions& actions) {
    actions.set_timer(TimerId::tick, now + milliseconds(1));
    actions.set_timer(TimerId::tick, now + milliseconds(30));  // moved
    actions.set_timer(TimerId::acknowledge, now + milliseconds(15));
    actions.set_timer(TimerId::stop_time, now + milliseconds(1));
    actions.cancel_timer(TimerId::stop_time);
  };
  machine.at_timer = [&](Time now, TimerId id, Actions& actions) {
    fired.push_back(id);
    EXPECT_GE(now, id == TimerId::tick ? milliseconds(30) : milliseconds(15));
    if (fired.size() == 2) actions.set_timer(TimerId::acknowledge, Time{0});  // long past: at once
    if (fired.size() == 3) actions.finish();
  };
  guard(machine);
  EXPECT_EQ(reason(made(listening(), machine)->run()), "");
  EXPECT_THAT(fired, ElementsAre(TimerId::acknowledge, TimerId::tick, TimerId::acknowledge));
}

TEST_F(RealRuntimeTest, ControlIsHandledWhileAComputationIsUnderWay) {
  std::promise<void> handled;
  bool handled_first = false;
  ScriptedMachine server;
  server.at_start = [&](Time, Actions& actions) {
    actions.compute({ComputationKind::gradient, Time{0}, [&, waiting = handled.get_future().share()] {
                       handled_first = waiting.wait_for(kDeadline / 2) == std::future_status::ready;
                     }});
  };
  server.at_message = [&](Time, ProcessId, Channel, const Message& message, Actions&) {
    if (std::holds_alternative<Heartbeat>(message.body)) handled.set_value();
  };
  server.at_computed = [&](Time, ComputationKind kind, Actions& actions) {
    EXPECT_EQ(kind, ComputationKind::gradient);
    actions.finish();
  };
  ScriptedMachine worker;
  worker.at_start = [](Time, Actions& actions) {
    actions.send(kServer, Channel::control, {hello_of(kWorker, Channel::control), {}});
    actions.send(kServer, Channel::control, {Heartbeat{}, {}});
    actions.finish();
  };
  run_both(server, worker);
  EXPECT_TRUE(handled_first);
}

TEST_F(RealRuntimeTest, AComputationTakesAtLeastTheTimeItIsSaidToTake) {
  Time asked{0};
  ScriptedMachine machine;
  machine.at_start = [&](Time now, Actions& actions) {
    asked = now;
    actions.compute({ComputationKind::evaluation, milliseconds(40), [] {}});
  };
  machine.at_computed = [&](Time now, ComputationKind kind, Actions& actions) {
    EXPECT_EQ(kind, ComputationKind::evaluation);
    EXPECT_GE(now - asked, milliseconds(40));
    actions.finish();
  };
  guard(machine);
  EXPECT_EQ(reason(made(listening(), machine)->run()), "");
}

TEST_F(RealRuntimeTest, WhatAComputationThrowsEndsTheRunAndThePeersAreTold) {
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.compute({ComputationKind::gradient, Time{0}, [] { throw std::runtime_error("no memory left"); }});
  };
  std::string told;
  machine.at_fault = [&](const std::string& why) { told = why; };
  guard(machine);
  EXPECT_EQ(reason(made(listening(), machine)->run()), "no memory left");
  EXPECT_EQ(told, "no memory left");
}

/// A pipe with one byte to read.
class ReadablePipe {
 public:
  ReadablePipe() {
    if (::pipe(ends_) != 0 || ::write(ends_[1], "x", 1) != 1) throw std::runtime_error("no pipe");
  }
  ~ReadablePipe() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  ReadablePipe(const ReadablePipe&) = delete;
  ReadablePipe& operator=(const ReadablePipe&) = delete;
  int fd() const { return ends_[0]; }

 private:
  int ends_[2] = {-1, -1};
};

TEST_F(RealRuntimeTest, AWatchedDescriptorInterruptsAndIsWatchedUntilItsCallbackSaysNo) {
  int calls = 0;
  const ReadablePipe pipe;
  ScriptedMachine machine;
  machine.at_interrupt = [](Time now, Actions& actions) {
    actions.set_timer(TimerId::tick, now + milliseconds(10));
  };
  machine.at_timer = [](Time, TimerId, Actions& actions) { actions.finish(); };
  guard(machine);
  const std::unique_ptr<RealRuntime> runtime = made(listening(), machine);
  runtime->watch_fd(pipe.fd(), [&] {
    if (++calls < 3) return true;  // the byte is still there
    runtime->interrupt();
    return false;
  });
  EXPECT_EQ(reason(runtime->run()), "");
  EXPECT_EQ(calls, 3);
}

TEST_F(RealRuntimeTest, AWatchedDescriptorAborts) {
  const ReadablePipe pipe;
  ScriptedMachine machine;
  machine.at_interrupt = [](Time, Actions&) { ADD_FAILURE() << "the machine was asked"; };
  guard(machine);
  const std::unique_ptr<RealRuntime> runtime = made(listening(), machine);
  runtime->watch_fd(pipe.fd(), [&] {
    runtime->abort("the launcher has gone");
    return false;
  });
  const std::optional<RealRuntime::Fault> fault = runtime->run();
  EXPECT_EQ(reason(fault), "the launcher has gone");
}

// Two machines that answer every message at once, with many on the way: their sockets are hardly ever empty.
TEST_F(RealRuntimeTest, AWatchedDescriptorGetsItsTurnWhileMessagesKeepComing) {
  constexpr int kOnTheWay = 2000;
  constexpr int kTooMany = 50'000;
  const ReadablePipe pipe;
  int handled = 0;
  std::optional<int> handled_before;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId from, Channel channel, Message message, Actions& actions) {
    if (std::holds_alternative<Hello>(message.body)) return;
    actions.send(from, channel, std::move(message));
    if (++handled == kTooMany) actions.send(from, channel, {Goodbye{false, ""}, {}});
    if (handled >= kTooMany) actions.finish();
  };
  server.at_interrupt = [&](Time, Actions& actions) {
    handled_before = handled;
    actions.send(kWorker, Channel::control, {Goodbye{false, ""}, {}});
    actions.finish();
  };
  ScriptedMachine worker;
  worker.at_start = [](Time, Actions& actions) {
    actions.send(kServer, Channel::control, {hello_of(kWorker, Channel::control), {}});
    for (int i = 0; i < kOnTheWay; ++i) actions.send(kServer, Channel::control, {Heartbeat{}, {}});
  };
  worker.at_message = [](Time, ProcessId from, Channel channel, Message message, Actions& actions) {
    if (std::holds_alternative<Goodbye>(message.body)) return actions.finish();
    actions.send(from, channel, std::move(message));
  };
  guard(server);
  guard(worker);
  std::thread other([&] { EXPECT_EQ(reason(made(calling(), worker)->run()), ""); });
  const std::unique_ptr<RealRuntime> runtime = made(listening(), server);
  runtime->watch_fd(pipe.fd(), [&] {
    if (handled < kOnTheWay) return true;
    runtime->interrupt();
    return false;
  });
  EXPECT_EQ(reason(runtime->run()), "");
  other.join();
  EXPECT_TRUE(handled_before) << "only messages had their turn";
}

// All of the data, as much as waits unread, and then the control message are sent before the receiver looks
// at any of them.
TEST_F(RealRuntimeTest, ControlOvertakesDataThatWaits) {
  constexpr int kData = RealRuntime::kMostUnreadParts - 1;  // with the hello
  constexpr std::size_t kFloats = 10'000;
  int data = 0;
  std::optional<int> data_before_control;
  ScriptedMachine server;
  server.at_message = [&](Time, ProcessId, Channel channel, const Message& message, Actions& actions) {
    if (std::holds_alternative<Hello>(message.body)) return;
    if (channel == Channel::control) data_before_control = data;
    if (channel == Channel::data) ++data;
    if (data == kData && data_before_control) actions.finish();
  };
  ScriptedMachine worker;
  worker.at_start = [&](Time, Actions& actions) {
    const auto bytes = std::make_shared<std::vector<std::byte>>(kFloats * sizeof(float));
    actions.send(kServer, Channel::control, {hello_of(kWorker, Channel::control), {}});
    actions.send(kServer, Channel::data, {hello_of(kWorker, Channel::data), {}});
    for (int i = 0; i < kData; ++i) {
      actions.send(kServer, Channel::data, {Push{1, 1, {{0, 0, kFloats, 0}}}, {Payload(bytes, *bytes)}});
    }
    actions.send(kServer, Channel::control, {Heartbeat{}, {}});
    actions.finish();
  };
  guard(server);
  const std::unique_ptr<RealRuntime> runtime = made(listening(), server);
  EXPECT_EQ(reason(made(calling(), worker)->run()), "");  // and its sockets are closed: all has been sent
  EXPECT_EQ(reason(runtime->run()), "");
  ASSERT_TRUE(data_before_control);
  EXPECT_LT(*data_before_control, kData / 2);
}

TEST_F(RealRuntimeTest, AnAddressThatCannotBeListenedAtIsNamed) {
  ScriptedMachine machine;
  RealRuntime::Options options = listening();
  options.addresses.listeners[1].endpoint = "ipc:///no/such/folder/data";
  const Result<std::unique_ptr<RealRuntime>> runtime = RealRuntime::create(std::move(options), machine);
  ASSERT_FALSE(runtime);
  EXPECT_THAT(runtime.error().message, HasSubstr("cannot listen at ipc:///no/such/folder/data"));
}

TEST_F(RealRuntimeTest, AnAddressThatCannotBeCalledIsNamed) {
  ScriptedMachine machine;
  RealRuntime::Options options = calling();
  options.addresses.peers[kServer].data = "no address";
  const Result<std::unique_ptr<RealRuntime>> runtime = RealRuntime::create(std::move(options), machine);
  ASSERT_FALSE(runtime);
  EXPECT_THAT(runtime.error().message, HasSubstr("cannot call no address"));
}

}  // namespace
}  // namespace meridian

// Goal: the real runtime carries messages, timers and computations for its machine, lets nobody in who has
// not said hello, and survives whatever arrives. Reached with machines scripted by the test, in threads of
// one process, over sockets in a temporary folder, and with a bare ZeroMQ socket as the peer that misbehaves.
// Every machine and every wait has a deadline that fails the test; nothing else depends on how long it takes.
#include "src/runtime/real/real_runtime.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <future>
#include <stdexcept>
#include <thread>
#include <zmq.hpp>

#include "src/wire/codec.h"
#include "tests/src/output/temporary_folder.h"
#include "tests/src/runtime/scripted_machine.h"

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
  explicit BareSocket(const std::string& endpoint) : socket_(context_, zmq::socket_type::dealer) {
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
    const Result<Body> body = decode_header({static_cast<const std::byte*>(frame.data()), frame.size()}, {});
    return body ? std::optional<Body>(body.value()) : std::nullopt;
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

// All of the data and then the control message are sent before the receiver looks at any of them.
TEST_F(RealRuntimeTest, ControlOvertakesDataThatWaits) {
  constexpr int kData = 400;
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

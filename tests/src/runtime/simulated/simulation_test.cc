// Goal: the simulated runtime carries out what machines ask for at exactly the virtual times that links,
// timers and computations give, the same with any number of threads, and every run ends. Reached with
// machines scripted by the test and times that can be worked out by hand.
#include "src/runtime/simulated/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/base/random.h"
#include "src/wire/codec.h"
#include "tests/src/runtime/scripted_machine.h"

namespace meridian {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr ProcessId kHere = ProcessId{0, Role::server, 0};
constexpr ProcessId kBeside = ProcessId{0, Role::worker, 0};
constexpr ProcessId kFar = ProcessId{1, Role::server, 0};

constexpr double kWanRate = 1e6;
constexpr Time kWanDelay = milliseconds(50);
constexpr double kLanRate = 1e8;
constexpr Time kLanDelay = milliseconds(1);
constexpr std::size_t kTurn = 16 * 1024;

Simulation::Options options() {
  Simulation::Options options;
  options.link = [](std::uint16_t /*from*/, std::uint16_t /*to*/) {
    return WideAreaLink::Options{
        .link = {.rate_bytes_per_s = kWanRate, .delay = kWanDelay, .turn_bytes = kTurn}};
  };
  options.lan = {.rate_bytes_per_s = kLanRate, .delay = kLanDelay, .turn_bytes = kTurn};
  return options;
}

Time serialised(std::size_t bytes, double rate) {
  return Time(std::llround(static_cast<double>(bytes) * 1e9 / rate));
}

Message push_of(Clock clock, std::size_t floats) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(floats * sizeof(float));
  return {Push{clock, 1, {{0, 0, floats, 0}}}, {Payload(bytes, *bytes)}};
}

/// A machine that is done with the first message, whenever it comes.
struct Receiver {
  ScriptedMachine machine;
  std::optional<Time> arrived;

  Receiver() {
    machine.at_message = [this](Time now, ProcessId, Channel, Message, Actions& actions) {
      arrived = now;
      actions.finish();
    };
  }
};

TEST(Simulation, AMessageTakesItsBytesOverTheRatePlusTheDelay) {
  for (const ProcessId to : {kFar, kBeside}) {
    const bool local = to == kBeside;
    std::size_t bytes = 0;
    ScriptedMachine sender;
    sender.at_start = [&](Time, Actions& actions) {
      bytes = actions.send(to, Channel::data, push_of(1, 100'000));
      actions.finish();
    };
    Receiver receiver;
    Simulation simulation(options());
    simulation.add(kHere, sender);
    simulation.add(to, receiver.machine);
    const Simulation::Outcome outcome = simulation.run();
    EXPECT_FALSE(outcome.fault);
    EXPECT_GT(bytes, 400'000U);
    const Time expected = serialised(bytes, local ? kLanRate : kWanRate) + (local ? kLanDelay : kWanDelay);
    EXPECT_EQ(receiver.arrived, expected);
    EXPECT_EQ(outcome.ended, expected);
  }
}

TEST(Simulation, TheFirstMessagesToAnotherDatacenterWaitForTheHandshakeAndKeepTheirOrder) {
  std::vector<std::size_t> sizes;
  ScriptedMachine sender;
  sender.at_start = [&](Time, Actions& actions) {
    sizes.push_back(actions.send(kFar, Channel::data, push_of(1, 1000)));
    sizes.push_back(actions.send(kFar, Channel::data, push_of(2, 2000)));
    sizes.push_back(actions.send(kBeside, Channel::data, push_of(1, 1000)));
    actions.set_timer(TimerId::tick, seconds(1));
  };
  sender.at_timer = [&](Time, TimerId, Actions& actions) {
    sizes.push_back(actions.send(kFar, Channel::data, push_of(3, 1000)));
    actions.finish();
  };
  std::vector<std::pair<Clock, Time>> arrived;
  ScriptedMachine receiver;
  receiver.at_message = [&](Time now, ProcessId, Channel, Message message, Actions& actions) {
    arrived.emplace_back(std::get<Push>(message.body).clock, now);
    if (arrived.size() == 3) actions.finish();
  };
  Receiver beside;
  Simulation::Options with_handshake = options();
  with_handshake.handshake_round_trips = 1.5;
  Simulation simulation(std::move(with_handshake));
  simulation.add(kHere, sender);
  simulation.add(kFar, receiver);
  simulation.add(kBeside, beside.machine);
  EXPECT_FALSE(simulation.run().fault);

  const Time made = 3 * kWanDelay;
  EXPECT_THAT(arrived,
              ElementsAre(std::pair(Clock{1}, made + serialised(sizes[0], kWanRate) + kWanDelay),
                          std::pair(Clock{2}, made + serialised(sizes[0] + sizes[1], kWanRate) + kWanDelay),
                          std::pair(Clock{3}, seconds(1) + serialised(sizes[3], kWanRate) + kWanDelay)));
  EXPECT_EQ(beside.arrived, serialised(sizes[2], kLanRate) + kLanDelay);
}

TEST(Simulation, BytesAreThoseOfTheFramesOnTheWire) {
  std::size_t bytes = 0;
  ScriptedMachine sender;
  sender.at_start = [&](Time, Actions& actions) {
    bytes = actions.send(kFar, Channel::data, push_of(1, 1000));
    actions.finish();
  };
  Receiver receiver;
  Simulation simulation(options());
  simulation.add(kHere, sender);
  simulation.add(kFar, receiver.machine);
  simulation.run();
  const Message message = push_of(1, 1000);
  EXPECT_EQ(bytes, wire_bytes(encode_header(message.body, message.position).size(), message.payloads));
}

TEST(Simulation, MessagesOfOneConnectionArriveInOrderOneAfterTheOther) {
  std::vector<std::size_t> bytes;
  ScriptedMachine sender;
  sender.at_start = [&](Time, Actions& actions) {
    for (Clock clock = 1; clock <= 3; ++clock) {
      bytes.push_back(actions.send(kFar, Channel::data, push_of(clock, clock * 1000)));
    }
    actions.finish();
  };
  std::vector<std::pair<Clock, Time>> arrived;
  ScriptedMachine receiver;
  receiver.at_message = [&](Time now, ProcessId from, Channel channel, Message message, Actions& actions) {
    EXPECT_EQ(from, kHere);
    EXPECT_EQ(channel, Channel::data);
    arrived.emplace_back(std::get<Push>(message.body).clock, now);
    EXPECT_EQ(message.payloads.at(0).size(), std::get<Push>(message.body).clock * 4000U);
    if (arrived.size() == 3) actions.finish();
  };
  Simulation simulation(options());
  simulation.add(kHere, sender);
  simulation.add(kFar, receiver);
  simulation.run();
  const auto at = [&](std::size_t sum) { return serialised(sum, kWanRate) + kWanDelay; };
  EXPECT_THAT(arrived, ElementsAre(std::pair<Clock, Time>(1, at(bytes[0])),
                                   std::pair<Clock, Time>(2, at(bytes[0] + bytes[1])),
                                   std::pair<Clock, Time>(3, at(bytes[0] + bytes[1] + bytes[2]))));
}

TEST(Simulation, ControlWaitsForNoMoreThanATurnOfData) {
  std::size_t control_bytes = 0;
  ScriptedMachine sender;
  sender.at_start = [&](Time, Actions& actions) {
    actions.send(kFar, Channel::data, push_of(1, 1'000'000));  // four seconds of the link
    actions.set_timer(TimerId::tick, milliseconds(500));
  };
  sender.at_timer = [&](Time, TimerId, Actions& actions) {
    control_bytes = actions.send(kFar, Channel::control, {Heartbeat{}, {}});
    actions.finish();
  };
  std::optional<Time> arrived;
  ScriptedMachine receiver;
  receiver.at_message = [&](Time now, ProcessId, Channel channel, Message, Actions& actions) {
    if (channel == Channel::data) return actions.finish();
    arrived = now;
  };
  Simulation simulation(options());
  simulation.add(kHere, sender);
  simulation.add(kFar, receiver);
  simulation.run();
  ASSERT_TRUE(arrived);
  EXPECT_GE(*arrived, milliseconds(500) + kWanDelay + serialised(control_bytes, kWanRate));
  EXPECT_LE(*arrived, milliseconds(500) + kWanDelay + serialised(kTurn + control_bytes, kWanRate) + Time{1});
}

TEST(Simulation, ATimerFiresOnceAtItsTimeAndSettingItAgainMovesIt) {
  std::vector<std::pair<TimerId, Time>> fired;
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.set_timer(TimerId::tick, seconds(1));
    actions.set_timer(TimerId::tick, seconds(3));  // later than before
    actions.set_timer(TimerId::acknowledge, seconds(4));
    actions.set_timer(TimerId::acknowledge, seconds(2));  // earlier than before
    actions.set_timer(TimerId::drain_deadline, seconds(1));
    actions.cancel_timer(TimerId::drain_deadline);
    actions.set_timer(TimerId::stop_time, seconds(9));
  };
  machine.at_timer = [&](Time now, TimerId id, Actions& actions) {
    fired.emplace_back(id, now);
    if (id == TimerId::stop_time) actions.finish();
  };
  Simulation simulation(options());
  simulation.add(kHere, machine);
  EXPECT_EQ(simulation.run().ended, seconds(9));
  EXPECT_THAT(fired, ElementsAre(std::pair<TimerId, Time>(TimerId::acknowledge, seconds(2)),
                                 std::pair<TimerId, Time>(TimerId::tick, seconds(3)),
                                 std::pair<TimerId, Time>(TimerId::stop_time, seconds(9))));
}

TEST(Simulation, ATimerInThePastFiresNow) {
  std::vector<Time> fired;
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(5)); };
  machine.at_timer = [&](Time now, TimerId, Actions& actions) {
    fired.push_back(now);
    if (fired.size() == 2) return actions.finish();
    actions.set_timer(TimerId::tick, seconds(1));
  };
  Simulation simulation(options());
  simulation.add(kHere, machine);
  simulation.run();
  EXPECT_THAT(fired, ElementsAre(Time(seconds(5)), Time(seconds(5))));
}

TEST(Simulation, EventsOfEqualTimeComeInTheOrderInWhichTheyWereMade) {
  std::vector<std::string> order;
  const auto script = [&](ScriptedMachine& machine, const std::string& name, std::vector<TimerId> timers) {
    machine.at_start = [timers](Time, Actions& actions) {
      for (const TimerId id : timers) actions.set_timer(id, seconds(1));
    };
    machine.at_timer = [&order, name, last = timers.back()](Time, TimerId id, Actions& actions) {
      order.push_back(name + std::to_string(static_cast<int>(id)));
      if (id == last) actions.finish();
    };
  };
  ScriptedMachine first;
  ScriptedMachine second;
  script(first, "first", {TimerId::stop_time, TimerId::tick});
  script(second, "second", {TimerId::acknowledge, TimerId::tick});
  Simulation simulation(options());
  simulation.add(kFar, first);
  simulation.add(kHere, second);
  simulation.run();
  EXPECT_THAT(order, ElementsAre("first3", "first0", "second1", "second0"));
}

TEST(Simulation, AComputationIsReallyDoneAndTakesTheTimeItIsSaidToTake) {
  bool done = false;
  std::optional<Time> computed;
  ScriptedMachine machine;
  machine.at_timer = [&](Time, TimerId, Actions& actions) {
    actions.compute({ComputationKind::evaluation, milliseconds(250), [&done] { done = true; }});
  };
  machine.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(1)); };
  machine.at_computed = [&](Time now, ComputationKind kind, Actions& actions) {
    EXPECT_TRUE(done);
    EXPECT_EQ(kind, ComputationKind::evaluation);
    computed = now;
    actions.finish();
  };
  Simulation simulation(options());
  simulation.add(kHere, machine);
  simulation.run();
  EXPECT_EQ(computed, milliseconds(1250));
}

TEST(Simulation, MessagesAreHandledWhileAComputationIsUnderWay) {
  std::vector<std::string> order;
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.compute({ComputationKind::gradient, seconds(10), [] {}});
  };
  machine.at_message = [&](Time, ProcessId, Channel, Message, Actions&) { order.emplace_back("message"); };
  machine.at_computed = [&](Time, ComputationKind, Actions& actions) {
    order.emplace_back("computed");
    actions.finish();
  };
  ScriptedMachine sender;
  sender.at_start = [](Time, Actions& actions) {
    actions.send(kFar, Channel::control, {Heartbeat{}, {}});
    actions.finish();
  };
  Simulation simulation(options());
  simulation.add(kFar, machine);
  simulation.add(kHere, sender);
  simulation.run();
  EXPECT_THAT(order, ElementsAre("message", "computed"));
}

TEST(Simulation, TwoComputationsOfOneMachineAtOnceAreAFault) {
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.compute({ComputationKind::gradient, seconds(1), [] {}});
    actions.compute({ComputationKind::gradient, seconds(1), [] {}});
  };
  Simulation simulation(options());
  simulation.add(kHere, machine);
  EXPECT_THROW(simulation.run(), BrokenInvariant);
}

TEST(Simulation, WhatAComputationThrowsComesOutOfTheRun) {
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.compute(
        {ComputationKind::gradient, seconds(1), [] { throw std::runtime_error("no memory left"); }});
  };
  Simulation simulation(options());
  simulation.add(kHere, machine);
  EXPECT_THROW(simulation.run(), std::runtime_error);
}

/// Eight machines in two datacenters that compute, then write to each other what they computed and whatever
/// else they have heard: a small run in which every time and value hangs on the others.
std::string history_of_a_busy_run(unsigned threads, std::uint64_t seed,
                                  Simulation::Options with_threads = options()) {
  constexpr std::uint16_t kMachines = 8;
  constexpr Clock kRounds = 30;
  const auto id_of = [](std::uint64_t i) {
    return ProcessId::worker(static_cast<std::uint16_t>(i % 2), static_cast<std::uint16_t>(i / 2));
  };
  struct Peer {
    ScriptedMachine machine;
    std::uint64_t computed = 0;
    std::uint64_t heard = 0;
    Clock round = 0;
  };
  std::array<Peer, kMachines> peers;
  std::string history;
  with_threads.threads = threads;
  with_threads.observe = [&](Time now, ProcessId from, const Report& report) {
    history += std::to_string(now.count()) + " " + std::to_string(from.datacenter) + "/" +
               std::to_string(from.index) + " " + std::get<Notice>(report).text + "\n";
  };
  Simulation simulation(with_threads);
  for (std::uint16_t i = 0; i < kMachines; ++i) {
    Peer& peer = peers.at(i);
    const auto compute = [&peer, i, seed](Time, Actions& actions) {
      const Clock round = ++peer.round;
      Random random = Random::for_parts(seed, {i, round});
      actions.compute(
          {ComputationKind::gradient, milliseconds(1 + random.below(20)), [&peer, random]() mutable {
             for (int step = 0; step < 2000; ++step) peer.computed ^= random.next();
           }});
    };
    peer.machine.at_start = compute;
    peer.machine.at_message = [&peer](Time now, ProcessId, Channel, Message message, Actions& actions) {
      const auto& push = std::get<Push>(message.body);
      peer.heard = mix_bits(peer.heard ^ push.samples ^ static_cast<std::uint64_t>(now.count()));
      actions.report(Notice{std::to_string(peer.heard)});
    };
    peer.machine.at_computed = [&peer, i, id_of, compute](Time now, ComputationKind, Actions& actions) {
      const std::uint64_t to = (i + 1 + peer.computed % (kMachines - 1)) % kMachines;
      Message push = push_of(peer.round, 1 + peer.computed % 5000);
      std::get<Push>(push.body).samples = peer.computed ^ peer.heard;
      actions.send(id_of(to), peer.computed % 3 == 0 ? Channel::control : Channel::data, std::move(push));
      if (peer.round == kRounds) return actions.finish();
      compute(now, actions);
    };
    simulation.add(id_of(i), peer.machine);
  }
  const Simulation::Outcome outcome = simulation.run();
  EXPECT_FALSE(outcome.fault);
  return history + std::to_string(outcome.ended.count()) + " " + std::to_string(outcome.events);
}

TEST(Simulation, IsAFunctionOfItsInputWhateverTheNumberOfThreads) {
  const std::string history = history_of_a_busy_run(1, 5);
  EXPECT_GT(history.size(), 1000U);
  EXPECT_EQ(history_of_a_busy_run(1, 5), history);
  EXPECT_EQ(history_of_a_busy_run(4, 5), history);
  EXPECT_NE(history_of_a_busy_run(4, 6), history);
}

TEST(Simulation, FaultsAndNoiseAreAFunctionOfTheirInputTooWhateverTheNumberOfThreads) {
  const auto with = [](std::uint64_t link_seed) {
    Simulation::Options faulty = options();
    faulty.faults = {
        LinkCut{0, 1, milliseconds(50), milliseconds(70)},
        LinkDegradation{1, 0, milliseconds(20), milliseconds(200), {.rate_factor = 0.25}},
        ConnectionReset{0, 1, milliseconds(190), true, true, std::nullopt, std::nullopt},
        ProcessPause{ProcessGroup::only(ProcessId::worker(0, 1)), milliseconds(30), milliseconds(90)},
        ProcessKill{ProcessGroup::only(ProcessId::worker(1, 2)), milliseconds(150)}};
    faulty.link = [link = faulty.link](std::uint16_t from, std::uint16_t to) {
      WideAreaLink::Options noisy = link(from, to);
      noisy.variation = {.kind = DelayVariation::Kind::uniform, .width = milliseconds(10)};
      noisy.repeats = {0.2, milliseconds(30)};
      return noisy;
    };
    faulty.link_seed = link_seed;
    return faulty;
  };
  const std::string history = history_of_a_busy_run(1, 5, with(1));
  EXPECT_NE(history, history_of_a_busy_run(1, 5));
  EXPECT_EQ(history_of_a_busy_run(1, 5, with(1)), history);
  EXPECT_EQ(history_of_a_busy_run(4, 5, with(1)), history);
  EXPECT_NE(history_of_a_busy_run(4, 5, with(2)), history);
}

TEST(Simulation, TheFirstFaultEndsTheRun) {
  ScriptedMachine failing;
  failing.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(2)); };
  failing.at_timer = [](Time, TimerId, Actions& actions) {
    actions.fail(FaultKind::drain_timeout, "tokyo did not answer");
    actions.fail(FaultKind::failed, "and another thing");
    actions.send(kHere, Channel::control, {Heartbeat{}, {}});
  };
  ScriptedMachine other;
  bool heard = false;
  other.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(3)); };
  other.at_timer = [&](Time, TimerId, Actions&) { heard = true; };
  other.at_message = [&](Time, ProcessId, Channel, Message, Actions&) { heard = true; };
  Simulation simulation(options());
  simulation.add(kHere, other);
  simulation.add(kFar, failing);
  const Simulation::Outcome outcome = simulation.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->process, kFar);
  EXPECT_EQ(outcome.fault->kind, FaultKind::drain_timeout);
  EXPECT_EQ(outcome.fault->reason, "tokyo did not answer");
  EXPECT_EQ(outcome.ended, seconds(2));
  EXPECT_FALSE(heard) << "events after the end";
}

TEST(Simulation, AFinishedMachineGetsNoFurtherEvents) {
  int events = 0;
  ScriptedMachine finished;
  finished.at_start = [](Time, Actions& actions) {
    actions.set_timer(TimerId::tick, seconds(1));
    actions.finish();
    actions.set_timer(TimerId::acknowledge, seconds(1));
    EXPECT_EQ(actions.send(kFar, Channel::control, {Heartbeat{}, {}}), 0U);
  };
  finished.at_message = [&](Time, ProcessId, Channel, Message, Actions&) { ++events; };
  finished.at_timer = [&](Time, TimerId, Actions&) { ++events; };
  ScriptedMachine other;
  other.at_start = [](Time, Actions& actions) {
    actions.send(kHere, Channel::control, {Heartbeat{}, {}});
    actions.set_timer(TimerId::tick, seconds(5));
  };
  other.at_message = [&](Time, ProcessId, Channel, Message, Actions&) { ++events; };
  other.at_timer = [](Time, TimerId, Actions& actions) { actions.finish(); };
  Simulation simulation(options());
  simulation.add(kHere, finished);
  simulation.add(kFar, other);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_EQ(events, 0);
}

TEST(Simulation, ARunInWhichNoClockClosesIsEndedAsStalled) {
  ScriptedMachine idle;
  idle.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(1)); };
  idle.at_timer = [](Time now, TimerId, Actions& actions) {
    if (now <= seconds(100)) actions.report(Progress{.clock = 1});  // then nothing more
    actions.set_timer(TimerId::tick, now + seconds(1));
  };
  Simulation::Options soon = options();
  soon.stalled_after = seconds(60);
  Simulation simulation(soon);
  simulation.add(kHere, idle);
  const Simulation::Outcome outcome = simulation.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_THAT(outcome.fault->reason, HasSubstr("no clock closed for 60 virtual seconds"));
  EXPECT_EQ(outcome.ended, seconds(161));
}

TEST(Simulation, AskingForDataThatNeverComesIsNoProgress) {
  ScriptedMachine asking;
  asking.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(1)); };
  asking.at_timer = [](Time now, TimerId, Actions& actions) {
    actions.send(kFar, Channel::data, {Probe{1}, {}});
    actions.set_timer(TimerId::tick, now + seconds(1));
  };
  ScriptedMachine asked;
  Simulation::Options soon = options();
  soon.stalled_after = seconds(60);
  Simulation simulation(soon);
  simulation.add(kHere, asking);
  simulation.add(kFar, asked);
  const Simulation::Outcome outcome = simulation.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_THAT(outcome.fault->reason, HasSubstr("no clock closed for 60 virtual seconds"));
}

TEST(Simulation, ARunInWhichNothingIsLeftToHappenIsEndedAsStalled) {
  ScriptedMachine waiting;  // for a message that nobody sends
  ScriptedMachine finished;
  finished.at_start = [](Time, Actions& actions) { actions.finish(); };
  Simulation simulation(options());
  simulation.add(kFar, finished);
  simulation.add(kHere, waiting);
  const Simulation::Outcome outcome = simulation.run();
  ASSERT_TRUE(outcome.fault);
  EXPECT_EQ(outcome.fault->process, kHere);
  EXPECT_THAT(outcome.fault->reason, HasSubstr("nothing is left to happen"));
}

TEST(Simulation, AnInterruptReachesEveryMachineThatIsStillThereOnce) {
  std::array<int, 2> interrupts{};
  std::array<ScriptedMachine, 2> machines;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    machines.at(i).at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(1)); };
    machines.at(i).at_timer = [](Time now, TimerId id, Actions& actions) {
      if (id == TimerId::drain_deadline) return actions.finish();
      actions.set_timer(TimerId::tick, now + seconds(1));
    };
    machines.at(i).at_interrupt = [&interrupts, i](Time, Actions& actions) {
      ++interrupts.at(i);
      actions.set_timer(TimerId::drain_deadline, seconds(10));
    };
  }
  ScriptedMachine gone;
  bool told = false;
  gone.at_start = [](Time, Actions& actions) { actions.finish(); };
  gone.at_interrupt = [&](Time, Actions&) { told = true; };
  Simulation::Options interrupted = options();
  int asked = 0;
  interrupted.interrupted = [&asked] { return ++asked > 8; };
  Simulation simulation(interrupted);
  simulation.add(ProcessId::worker(1, 1), gone);
  simulation.add(kHere, machines[0]);
  simulation.add(kFar, machines[1]);
  const Simulation::Outcome outcome = simulation.run();
  EXPECT_FALSE(outcome.fault);
  EXPECT_EQ(outcome.ended, seconds(10));
  EXPECT_THAT(interrupts, ElementsAre(1, 1));
  EXPECT_FALSE(told);
}

TEST(Simulation, AMessageWhosePayloadDoesNotFitItsHeaderReachesOnMalformed) {
  ScriptedMachine sender;
  sender.at_start = [](Time, Actions& actions) {
    Message push = push_of(1, 10);
    push.payloads.clear();
    actions.send(kFar, Channel::data, std::move(push));
    actions.finish();
  };
  std::string told;
  ScriptedMachine receiver;
  receiver.at_malformed = [&](Time, ProcessId from, const std::string& why, Actions& actions) {
    EXPECT_EQ(from, kHere);
    told = why;
    actions.finish();
  };
  Simulation simulation(options());
  simulation.add(kHere, sender);
  simulation.add(kFar, receiver);
  simulation.run();
  EXPECT_THAT(told, HasSubstr("0 payloads for 1 segments"));
}

TEST(Simulation, HasNoRoomForTwoOfOneName) {
  ScriptedMachine machine;
  Simulation simulation(options());
  simulation.add(kHere, machine);
  EXPECT_THROW(simulation.add(kHere, machine), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

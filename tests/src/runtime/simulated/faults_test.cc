// Goal: each scheduled fault does to a simulated run what it says, at its time, and nothing else. Reached
// with machines scripted by the test and times that can be worked out by hand.
#include "src/runtime/simulated/faults.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/runtime/simulated/simulation.h"
#include "tests/src/runtime/scripted_machine.h"

namespace meridian {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

constexpr ProcessId kHere = ProcessId{0, Role::server, 0};
constexpr ProcessId kBeside = ProcessId{0, Role::worker, 0};
constexpr ProcessId kFar = ProcessId{1, Role::server, 0};
constexpr ProcessId kFarToo = ProcessId{1, Role::server, 1};

constexpr double kRate = 1e6;
constexpr Time kDelay = milliseconds(50);

Simulation::Options options_with(std::vector<ScheduledFault> faults) {
  Simulation::Options options;
  options.link = [](std::uint16_t /*from*/, std::uint16_t /*to*/) {
    return WideAreaLink::Options{.link = {.rate_bytes_per_s = kRate, .delay = kDelay}};
  };
  options.lan = {.rate_bytes_per_s = 1e8, .delay = milliseconds(1)};
  options.faults = std::move(faults);
  return options;
}

Time serialised(std::size_t bytes, double rate = kRate) {
  return Time(std::llround(static_cast<double>(bytes) * 1e9 / rate));
}

Message push_of(Clock clock, std::size_t floats) {
  const auto bytes = std::make_shared<std::vector<std::byte>>(floats * sizeof(float));
  return {Push{clock, 1, {{0, 0, floats, 0}}}, {Payload(bytes, *bytes)}};
}

/// A machine that sends numbered messages at given times and notes what it gets until the last moment of the
/// test, when it is done.
struct Peer {
  struct Planned {
    Time at{0};
    ProcessId to;
    Channel channel = Channel::control;
    std::size_t floats = 0;
  };

  ScriptedMachine machine;
  std::vector<Planned> plan;
  std::vector<std::size_t> sent_bytes;
  std::vector<std::pair<Clock, Time>> got;  // number and time
  std::vector<ProcessId> got_from;

  explicit Peer(std::vector<Planned> planned = {}) : plan(std::move(planned)) {
    machine.at_start = [this](Time, Actions& actions) {
      actions.set_timer(TimerId::stop_time, kEnd);
      set_timer(actions);
    };
    machine.at_timer = [this](Time, TimerId id, Actions& actions) {
      if (id == TimerId::stop_time) return actions.finish();
      const Planned& next = plan[sent_bytes.size()];
      const auto number = static_cast<Clock>(sent_bytes.size() + 1);
      sent_bytes.push_back(actions.send(next.to, next.channel, push_of(number, next.floats)));
      set_timer(actions);
    };
    machine.at_message = [this](Time now, ProcessId from, Channel, Message message, Actions&) {
      got.emplace_back(std::get<Push>(message.body).clock, now);
      got_from.push_back(from);
    };
  }

  static constexpr Time kEnd = std::chrono::minutes(1);

 private:
  void set_timer(Actions& actions) {
    if (sent_bytes.size() < plan.size()) actions.set_timer(TimerId::tick, plan[sent_bytes.size()].at);
  }
};

std::vector<Clock> numbers(const Peer& peer) {
  std::vector<Clock> all;
  for (const auto& [number, at] : peer.got) all.push_back(number);
  return all;
}

TEST(Faults, ACutPutsOffOneDirectionByItsLength) {
  Peer here({{seconds(0), kFar, Channel::data, 100'000}, {seconds(5), kFar, Channel::data, 1000}});
  Peer far({{seconds(0), kHere, Channel::data, 100'000}});
  Simulation simulation(options_with({LinkCut{0, 1, milliseconds(100), seconds(2)}}));
  simulation.add(kHere, here.machine);
  simulation.add(kFar, far.machine);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_THAT(far.got,
              ElementsAre(std::pair<Clock, Time>(1, serialised(here.sent_bytes[0]) + kDelay + seconds(2)),
                          std::pair<Clock, Time>(2, seconds(5) + serialised(here.sent_bytes[1]) + kDelay)));
  EXPECT_THAT(here.got, ElementsAre(std::pair<Clock, Time>(1, serialised(far.sent_bytes[0]) + kDelay)));
}

TEST(Faults, WhatIsSentDuringACutStartsAtItsEnd) {
  Peer here({{seconds(1), kFar, Channel::data, 1000}});
  Peer far;
  Simulation simulation(options_with({LinkCut{0, 1, Time{0}, seconds(2)}}));
  simulation.add(kHere, here.machine);
  simulation.add(kFar, far.machine);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_THAT(far.got,
              ElementsAre(std::pair<Clock, Time>(1, seconds(2) + serialised(here.sent_bytes[0]) + kDelay)));
}

TEST(Faults, ASlowdownHoldsForTheBytesSerialisedWhileItLasts) {
  Peer here({{seconds(0), kFar, Channel::data, 100'000}});
  Peer far;
  Simulation simulation(
      options_with({LinkDegradation{0, 1, milliseconds(100), milliseconds(1000), {.rate_factor = 0.25}}}));
  simulation.add(kHere, here.machine);
  simulation.add(kFar, far.machine);
  EXPECT_FALSE(simulation.run().fault);
  // 750 ms of the slow second are worth nothing.
  EXPECT_THAT(far.got, ElementsAre(std::pair<Clock, Time>(
                           1, serialised(here.sent_bytes[0]) + milliseconds(750) + kDelay)));
}

TEST(Faults, AResetLosesWhatIsOnTheWayAndWhatComesLaterArrives) {
  struct Case {
    bool control = true;
    bool data = true;
    std::vector<Clock> arrive;
  };
  for (const Case& one :
       {Case{true, true, {1, 5}}, Case{true, false, {1, 3, 4, 5}}, Case{false, true, {1, 2, 5}}}) {
    Peer here({{seconds(0), kFar, Channel::data, 10},
               {milliseconds(480), kFar, Channel::control, 10},  // propagating at the reset
               {milliseconds(481), kFar, Channel::data, 10'000},
               {milliseconds(499), kFar, Channel::data, 10'000},
               {milliseconds(500), kFar, Channel::data, 10}});
    Peer far({{milliseconds(480), kHere, Channel::data, 10}});
    Simulation simulation(options_with(
        {ConnectionReset{0, 1, milliseconds(500), one.control, one.data, std::nullopt, std::nullopt}}));
    simulation.add(kHere, here.machine);
    simulation.add(kFar, far.machine);
    EXPECT_FALSE(simulation.run().fault);
    EXPECT_EQ(numbers(far), one.arrive);
    EXPECT_THAT(here.got.size(), 1U) << "the other direction goes on";
  }
}

TEST(Faults, AResetOfOnePairLeavesTheOthersAlone) {
  Peer here({{milliseconds(490), kFar, Channel::data, 10}, {milliseconds(490), kFarToo, Channel::data, 10}});
  Peer beside({{milliseconds(490), kFar, Channel::data, 10}});
  Peer far;
  Peer far_too;
  Simulation simulation(options_with({ConnectionReset{0, 1, milliseconds(500), true, true, kHere, kFar}}));
  simulation.add(kHere, here.machine);
  simulation.add(kBeside, beside.machine);
  simulation.add(kFar, far.machine);
  simulation.add(kFarToo, far_too.machine);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_THAT(far.got_from, ElementsAre(kBeside));
  EXPECT_THAT(far_too.got_from, ElementsAre(kHere));
}

TEST(Faults, APausedProcessGetsItsEventsInOrderAtTheEnd) {
  std::vector<std::pair<std::string, Time>> order;
  ScriptedMachine machine;
  machine.at_start = [](Time, Actions& actions) {
    actions.set_timer(TimerId::tick, milliseconds(900));  // before the pause
    actions.set_timer(TimerId::acknowledge, milliseconds(2000));
    actions.set_timer(TimerId::drain_deadline, milliseconds(3500));
    actions.set_timer(TimerId::stop_time, milliseconds(4500));  // after the pause
    actions.compute({ComputationKind::gradient, milliseconds(2500), [] {}});
  };
  machine.at_timer = [&](Time now, TimerId id, Actions& actions) {
    order.emplace_back("timer" + std::to_string(static_cast<int>(id)), now);
    if (id == TimerId::stop_time) actions.finish();
  };
  machine.at_computed = [&](Time now, ComputationKind, Actions&) { order.emplace_back("computed", now); };
  machine.at_message = [&](Time now, ProcessId, Channel, Message message, Actions& actions) {
    order.emplace_back("message" + std::to_string(std::get<Push>(message.body).clock), now);
    actions.cancel_timer(TimerId::drain_deadline);  // is due already, and waits as well
  };
  Peer far({{milliseconds(1500), kHere, Channel::data, 10}, {milliseconds(2200), kHere, Channel::data, 10}});
  Simulation simulation(options_with({ProcessPause{ProcessGroup::only(kHere), seconds(1), seconds(3)},
                                      ProcessPause{ProcessGroup::only(kHere), seconds(2), seconds(1)}}));
  simulation.add(kHere, machine);
  simulation.add(kFar, far.machine);
  EXPECT_FALSE(simulation.run().fault);
  const Time end = seconds(4);
  EXPECT_THAT(order, ElementsAre(std::pair<std::string, Time>("timer0", milliseconds(900)),
                                 std::pair<std::string, Time>("message1", end),
                                 std::pair<std::string, Time>("timer1", end),
                                 std::pair<std::string, Time>("message2", end),
                                 std::pair<std::string, Time>("computed", end),
                                 std::pair<std::string, Time>("timer3", milliseconds(4500))));
}

TEST(Faults, APauseFromTheFirstMomentPutsOffTheStartOfAWholeDatacenter) {
  std::vector<Time> started;
  const auto script = [&started](ScriptedMachine& machine) {
    machine.at_start = [&started](Time now, Actions& actions) {
      started.push_back(now);
      actions.finish();
    };
  };
  ScriptedMachine here;
  ScriptedMachine beside;
  ScriptedMachine far;
  script(here);
  script(beside);
  script(far);
  Simulation simulation(options_with({ProcessPause{ProcessGroup{0, {}, {}}, Time{0}, seconds(3)}}));
  simulation.add(kHere, here);
  simulation.add(kBeside, beside);
  simulation.add(kFar, far);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_THAT(started, ElementsAre(Time{0}, Time{seconds(3)}, Time{seconds(3)}));
}

TEST(Faults, AnInterruptWaitsForTheEndOfAPause) {
  std::optional<Time> interrupted;
  ScriptedMachine machine;
  machine.at_interrupt = [&](Time now, Actions& actions) {
    interrupted = now;
    actions.finish();
  };
  Peer far({{seconds(2), kHere, Channel::data, 10}});
  Simulation::Options options =
      options_with({ProcessPause{ProcessGroup::only(kHere), seconds(1), seconds(3)}});
  options.interrupted = [&] { return !far.sent_bytes.empty(); };
  Simulation simulation(options);
  simulation.add(kHere, machine);
  simulation.add(kFar, far.machine);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_EQ(interrupted, seconds(4));
}

TEST(Faults, AKilledProcessGetsAndSendsNothingMoreAndTheRunDoesNotWaitForIt) {
  Peer here({{milliseconds(999), kFar, Channel::data, 10},  // on the way when it dies
             {milliseconds(1500), kFar, Channel::data, 10}});
  Peer far({{milliseconds(500), kHere, Channel::data, 10}, {seconds(2), kHere, Channel::data, 10}});
  Simulation simulation(options_with({ProcessKill{ProcessGroup::only(kHere), seconds(1)}}));
  simulation.add(kHere, here.machine);
  simulation.add(kFar, far.machine);
  const Simulation::Outcome outcome = simulation.run();
  EXPECT_FALSE(outcome.fault);
  EXPECT_EQ(outcome.ended, Peer::kEnd);
  EXPECT_EQ(here.sent_bytes.size(), 1U);
  EXPECT_THAT(numbers(here), ElementsAre(1));
  EXPECT_THAT(numbers(far), ElementsAre(1));
  EXPECT_GT(far.sent_bytes.at(1), 0U) << "its peers cannot tell";
}

TEST(Faults, AKilledProcessInTheMidstOfAPauseOrAComputationEndsToo) {
  int events = 0;
  ScriptedMachine here;
  here.at_start = [](Time, Actions& actions) {
    actions.compute({ComputationKind::gradient, seconds(2), [] {}});
    actions.set_timer(TimerId::tick, milliseconds(1500));
  };
  here.at_timer = [&](Time, TimerId, Actions&) { ++events; };
  here.at_computed = [&](Time, ComputationKind, Actions&) { ++events; };
  Simulation simulation(options_with({ProcessPause{ProcessGroup::only(kHere), seconds(1), seconds(3)},
                                      ProcessKill{ProcessGroup{0, {}, {}}, milliseconds(1800)}}));
  simulation.add(kHere, here);
  const Simulation::Outcome outcome = simulation.run();
  EXPECT_FALSE(outcome.fault);
  EXPECT_EQ(outcome.ended, milliseconds(1800)) << "no one is left";
  EXPECT_EQ(events, 0);
}

TEST(Faults, AGroupIsADatacenterARoleOrOneProcess) {
  const ProcessGroup datacenter{1, {}, {}};
  EXPECT_TRUE(datacenter.contains(kFar));
  EXPECT_TRUE(datacenter.contains(ProcessId::worker(1, 3)));
  EXPECT_FALSE(datacenter.contains(kHere));
  const ProcessGroup servers{1, Role::server, {}};
  EXPECT_TRUE(servers.contains(kFarToo));
  EXPECT_FALSE(servers.contains(ProcessId::worker(1, 0)));
  EXPECT_TRUE(ProcessGroup::only(kFar).contains(kFar));
  EXPECT_FALSE(ProcessGroup::only(kFar).contains(kFarToo));
}

TEST(Faults, WhatIsSentToAnAbsentProcessIsLostAndToAnUnknownOneIsAMistake) {
  Peer here({{seconds(1), kFar, Channel::data, 10}});
  Simulation::Options options = options_with({});
  options.absent = {kFar};
  Simulation simulation(options);
  simulation.add(kHere, here.machine);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_THAT(here.sent_bytes, ElementsAre(0U));

  Peer mistaken({{seconds(1), kFarToo, Channel::data, 10}});
  Simulation wrong(options);
  wrong.add(kHere, mistaken.machine);
  EXPECT_THROW(wrong.run(), BrokenInvariant);
}

TEST(Faults, NoiseRepeatsAndDelaysMessagesBetweenDatacentersButNoHello) {
  ScriptedMachine sender;
  sender.at_start = [](Time, Actions& actions) {
    actions.send(kFar, Channel::control, {Hello{}, {}});
    actions.send(kFar, Channel::control, {Heartbeat{}, {}});
    actions.send(kBeside, Channel::control, {Heartbeat{}, {}});
    actions.finish();
  };
  int hellos = 0;
  int heartbeats = 0;
  int beside_heartbeats = 0;
  std::vector<Time> arrived;
  const auto receive = [](ScriptedMachine& machine, int& heard, int& greeted, std::vector<Time>* times) {
    machine.at_start = [](Time, Actions& actions) { actions.set_timer(TimerId::tick, seconds(10)); };
    machine.at_timer = [](Time, TimerId, Actions& actions) { actions.finish(); };
    machine.at_message = [&heard, &greeted, times](Time now, ProcessId, Channel, const Message& message,
                                                   Actions&) {
      ++(std::holds_alternative<Hello>(message.body) ? greeted : heard);
      if (times != nullptr) times->push_back(now);
    };
  };
  ScriptedMachine far;
  ScriptedMachine beside;
  receive(far, heartbeats, hellos, &arrived);
  receive(beside, beside_heartbeats, hellos, nullptr);
  Simulation::Options options = options_with({});
  options.link = [](std::uint16_t from, std::uint16_t to) {
    EXPECT_EQ(std::pair(from, to), std::pair(std::uint16_t{0}, std::uint16_t{1}));
    return WideAreaLink::Options{
        .link = {.rate_bytes_per_s = kRate, .delay = kDelay + milliseconds(500)},
        .variation = {.kind = DelayVariation::Kind::uniform, .width = milliseconds(500)},
        .repeats = {1.0, seconds(1)}};
  };
  options.link_seed = 3;
  Simulation simulation(options);
  simulation.add(kHere, sender);
  simulation.add(kFar, far);
  simulation.add(kBeside, beside);
  EXPECT_FALSE(simulation.run().fault);
  EXPECT_EQ(hellos, 1);
  EXPECT_EQ(heartbeats, 2);
  EXPECT_EQ(beside_heartbeats, 1);
  EXPECT_GT(arrived.back(), milliseconds(100)) << "noise of seconds on a link of 50 ms";
}

TEST(Faults, TimesBeforeTheStartAreAMistake) {
  EXPECT_THROW(Simulation(options_with({ProcessKill{ProcessGroup::only(kHere), -seconds(1)}})),
               BrokenInvariant);
  EXPECT_THROW(Simulation(options_with({LinkCut{0, 1, seconds(1), -seconds(1)}})), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

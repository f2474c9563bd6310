// Goal: what crosses a network takes what arithmetic says, to the nanosecond where nothing is drawn by
// chance: alone, in company, through several links, behind caps, over a trace. Loss slows down as TCP's does,
// and neither it nor a change of delay loses or reorders anything. Reached by formulas that know nothing of
// how the network is made, in virtual time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "src/base/random.h"
#include "src/network/congestion_window.h"
#include "src/network/network.h"

namespace meridian {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kRate = 7.25e6;  // 58 Mb/s
constexpr double kCap = 6.25e6;
constexpr Time kDelay = milliseconds(40);
constexpr std::size_t kMegabyte = 1'000'000;
constexpr std::size_t kTurn = SharedLink::kTurnBytes;

WideAreaLink::Options link_of(double rate, Time delay = kDelay) {
  return {.link = {.rate_bytes_per_s = rate, .delay = delay}};
}

Time serialised(double bytes, double rate) { return from_seconds(bytes / rate); }

struct Timed {
  Network::Arrival what;
  Time at{0};
};

/// From event to event, up to `until`.
void run_to(Network& network, Time until, std::vector<Timed>& out) {
  std::vector<Network::Arrival> arrived;
  while (const auto next = network.next_event()) {
    if (*next > until) break;
    arrived.clear();
    network.advance(*next, arrived);
    for (const Network::Arrival& one : arrived) out.push_back({one, *next});
  }
}

/// When each message arrived, by its cookie.
std::map<std::uint64_t, Time> run(Network& network) {
  std::vector<Timed> all;
  run_to(network, Time::max(), all);
  std::map<std::uint64_t, Time> times;
  for (const Timed& one : all) times[one.what.cookie] = one.at;
  return times;
}

/// Each stage on the way rounds once.
void expect_time(Time measured, Time formula, int stages = 1) {
  EXPECT_LE(std::abs((measured - formula).count()), stages)
      << measured.count() << " ns, and by the formula " << formula.count();
}

TEST(NetworkClosedForms, OneTransferTakesItsBytesAndTheDelay) {
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{1447}, kTurn, kTurn + 1, kMegabyte, 77 * kMegabyte}) {
    Network network;
    network.send(seconds(3), network.add_link(link_of(kRate), 1), 0, bytes, 0);
    expect_time(run(network).at(0), seconds(3) + serialised(static_cast<double>(bytes), kRate) + kDelay);
  }
}

TEST(NetworkClosedForms, TwoThatShareALinkAlternateInTurns) {
  Network network;
  const auto link = network.add_link(link_of(kRate), 1);
  network.send(Time{0}, link, 0, 10 * kTurn, 0);
  network.send(Time{0}, link, 1, 30 * kTurn, 1);
  const auto times = run(network);
  expect_time(times.at(0), serialised(19 * kTurn, kRate) + kDelay);
  expect_time(times.at(1), serialised(40 * kTurn, kRate) + kDelay);
}

TEST(NetworkClosedForms, OneThatComesLaterSharesFromThenOn) {
  Network network;
  const auto link = network.add_link(link_of(kRate), 1);
  network.send(Time{0}, link, 0, 100 * kTurn, 0);
  // In the middle of the sixth turn: it waits for that turn's end, then they alternate.
  network.send(serialised(5.5 * kTurn, kRate), link, 1, 10 * kTurn, 1);
  const auto times = run(network);
  expect_time(times.at(1), serialised((6 + 19) * kTurn, kRate) + kDelay);
  expect_time(times.at(0), serialised(110 * kTurn, kRate) + kDelay);
}

TEST(NetworkClosedForms, APipelineIsAsFastAsItsSlowestLink) {
  constexpr std::size_t kMessages = 50;
  constexpr std::size_t kBytes = 20'000;
  for (const auto& [first_rate, second_rate] : {std::pair{kRate, kRate / 3}, std::pair{kRate / 3, kRate}}) {
    Network network;
    const auto first = network.add_link(link_of(first_rate), 1);
    const auto second = network.add_link(link_of(second_rate, milliseconds(7)), 2);
    for (std::size_t i = 0; i < kMessages; ++i) network.send(Time{0}, first, 0, kBytes, i);
    std::map<std::uint64_t, Time> there;
    std::vector<Network::Arrival> arrived;
    while (const auto next = network.next_event()) {
      arrived.clear();
      network.advance(*next, arrived);
      for (const Network::Arrival& one : arrived) {
        if (one.link == first) network.send(*next, second, 0, one.bytes, one.cookie);
        if (one.link == second) there[one.cookie] = *next;
      }
    }
    ASSERT_EQ(there.size(), kMessages);
    for (const auto& [message, time] : there) {
      const double through_both = kBytes / first_rate + kBytes / second_rate;
      const double in_the_slower = static_cast<double>(message) * kBytes / std::min(first_rate, second_rate);
      expect_time(time, from_seconds(through_both + in_the_slower) + kDelay + milliseconds(7), 3);
    }
  }
}

TEST(NetworkClosedForms, TwoLinksOutOfADatacenterShareItsCap) {
  Network network;
  const auto cap = network.add_cap(kCap);
  network.send(Time{0}, network.add_link(link_of(kRate), 1, cap), 0, 60 * kTurn, 0);
  network.send(Time{0}, network.add_link(link_of(2 * kRate), 2, cap), 0, 60 * kTurn, 1);
  const auto times = run(network);
  // The cap is always busy, and the links, which are faster, keep none of its pieces waiting.
  expect_time(times.at(0), serialised(119 * kTurn, kCap) + serialised(kTurn, kRate) + kDelay, 2);
  expect_time(times.at(1), serialised(120 * kTurn, kCap) + serialised(kTurn, 2 * kRate) + kDelay, 2);
}

TEST(NetworkClosedForms, TwoLinksIntoADatacenterShareItsCap) {
  Network network;
  const auto cap = network.add_cap(kCap);
  network.send(Time{0}, network.add_link(link_of(kRate), 1, std::nullopt, cap), 0, 60 * kTurn, 0);
  network.send(Time{0}, network.add_link(link_of(kRate), 2, std::nullopt, cap), 0, 60 * kTurn, 1);
  const auto times = run(network);
  const Time first_pieces = serialised(kTurn, kRate) + kDelay;
  expect_time(times.at(0), first_pieces + serialised(119 * kTurn, kCap), 2);
  expect_time(times.at(1), first_pieces + serialised(120 * kTurn, kCap), 2);
}

TEST(NetworkClosedForms, ALinkSlowerThanItsCapsIsWhatCounts) {
  Network network;
  const auto egress = network.add_cap(2 * kRate);
  const auto ingress = network.add_cap(4 * kRate);
  network.send(Time{0}, network.add_link(link_of(kRate), 1, egress, ingress), 0, 60 * kTurn, 0);
  expect_time(
      run(network).at(0),
      serialised(kTurn, 2 * kRate) + serialised(60 * kTurn, kRate) + serialised(kTurn, 4 * kRate) + kDelay,
      3);
}

TEST(NetworkClosedForms, ATraceChangesTheRateAtItsSteps) {
  auto options = link_of(1e6);
  options.trace.steps = {{seconds(1), 2e6}, {seconds(2), 0.5e6}, {seconds(4), 4e6}};
  Network network;
  const auto link = network.add_link(options, 1);
  network.start_traces(Time{0});
  // 1, 2 and 2 x 0.5 MB by the fourth second, then 4 MB each second.
  const std::map<std::uint64_t, Time> expected{{0, milliseconds(500)},   // 0.5 MB
                                               {1, milliseconds(1500)},  // 2 MB
                                               {2, milliseconds(3000)},  // 3.5 MB
                                               {3, milliseconds(4000)},  // 4 MB
                                               {4, milliseconds(4250)}};
  const std::vector<std::size_t> bytes{500'000, 1'500'000, 1'500'000, 500'000, 1'000'000};
  for (std::size_t i = 0; i < bytes.size(); ++i) network.send(Time{0}, link, 0, bytes[i], i);
  const auto times = run(network);
  ASSERT_EQ(times.size(), expected.size());
  for (const auto& [message, time] : expected) expect_time(times.at(message), time + kDelay, 3);
}

TEST(NetworkClosedForms, ATraceThatRepeatsBeginsAnew) {
  auto options = link_of(1e6);
  options.trace = {.steps = {{Time{0}, 1e6}, {seconds(1), 3e6}}, .repeats_after = seconds(2)};
  Network network;
  const auto link = network.add_link(options, 1);
  network.start_traces(Time{0});
  network.send(Time{0}, link, 0, 4 * kMegabyte, 0);                      // one round of the trace
  network.send(Time{0}, link, 0, 4'000 * kMegabyte + kMegabyte / 2, 1);  // a thousand more, and half a second
  const auto times = run(network);
  expect_time(times.at(0), seconds(2) + kDelay, 2);
  expect_time(times.at(1), seconds(2002) + milliseconds(500) + kDelay, 2004);
}

TEST(NetworkClosedForms, AChangeOfDelayNeverReordersAConnection) {
  Network network;
  const auto link = network.add_link(link_of(kRate), 1);
  Random random(11);
  std::vector<Timed> arrived;
  constexpr std::uint64_t kMessages = 2000;
  for (std::uint64_t i = 0; i < kMessages; ++i) {
    const Time now = milliseconds(1) * static_cast<Time::rep>(i);
    run_to(network, now, arrived);
    if (i % 50 == 49) network.change(now, link, {.delay = milliseconds(random.below(200))});
    network.send(now, link, 0, 1000, i);
  }
  run_to(network, Time::max(), arrived);
  ASSERT_EQ(arrived.size(), kMessages);
  for (std::uint64_t i = 0; i < kMessages; ++i) ASSERT_EQ(arrived[i].what.cookie, i);

  const Time now = seconds(10);
  network.change(now, link, {.delay = milliseconds(3)});
  network.send(now, link, 0, 1000, 0);
  expect_time(run(network).at(0), now + serialised(1000, kRate) + milliseconds(3));
}

class NetworkUnderLoss : public testing::TestWithParam<std::tuple<double, int>> {};

TEST_P(NetworkUnderLoss, EverythingArrivesInOrderAboutAsFastAsMathisSays) {
  const auto [loss, rtt_ms] = GetParam();
  constexpr std::size_t kMessage = 10'000;
  constexpr Time kLasting = seconds(300);
  const Time one_way = microseconds(500) * rtt_ms;
  auto options = link_of(125e6, one_way);
  options.loss = loss;
  options.return_delay = one_way;
  Network network;
  const auto link = network.add_link(options, 7);
  // As much is always waiting as a socket would hold.
  std::uint64_t sent = 0;
  for (; sent < 400; ++sent) network.send(Time{0}, link, 0, kMessage, sent);
  std::uint64_t expected = 0;
  std::vector<Network::Arrival> arrived;
  double bytes = 0;
  while (const auto next = network.next_event()) {
    arrived.clear();
    network.advance(*next, arrived);
    for (const Network::Arrival& one : arrived) {
      ASSERT_EQ(one.cookie, expected++);
      ASSERT_EQ(one.bytes, kMessage);
      if (*next >= kLasting) continue;
      bytes += static_cast<double>(kMessage);
      network.send(*next, link, 0, kMessage, sent++);
    }
  }
  EXPECT_EQ(expected, sent);
  EXPECT_GT(network.link(link).losses(), 100U);
  const double formula = 1.22 * CongestionWindow::kSegmentBytes / (rtt_ms / 1e3) / std::sqrt(loss);
  EXPECT_GT(bytes / to_seconds(kLasting), formula / 2);
  EXPECT_LT(bytes / to_seconds(kLasting), formula * 2);
}

INSTANTIATE_TEST_SUITE_P(LossAndRoundTrip, NetworkUnderLoss,
                         testing::Combine(testing::Values(0.001, 0.005, 0.02), testing::Values(20, 100)));

}  // namespace
}  // namespace meridian

// Goal: SharedLink gives every unit the time that the description of a shared link gives it, and that time
// depends on the arrivals alone. Reached by closed forms where there are some, and otherwise by seeded
// schedules that are compared with a plain model that takes turn after turn, and with themselves under other
// rhythms of calls. Cuts, changes of rate and drops likewise: a cut is the same schedule with time standing
// still.
#include "src/network/shared_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <map>

#include "src/base/check.h"
#include "src/base/random.h"

namespace meridian {
namespace {

using Delivery = SharedLink::Delivery;
using ConnectionId = SharedLink::ConnectionId;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr std::size_t kTurn = 16 * 1024;

SharedLink::Options options(double rate_bytes_per_s, Time delay = Time{0}) {
  return {.rate_bytes_per_s = rate_bytes_per_s, .delay = delay};
}

std::vector<Delivery> advanced(SharedLink& link, Time now) {
  std::vector<Delivery> out;
  link.advance(now, out);
  return out;
}

struct Arrival {
  Time at{0};
  ConnectionId connection = 0;
  std::size_t bytes = 0;
};

// The same rules, turn by turn, with all arrivals known beforehand.
std::vector<Delivery> plain_model(const SharedLink::Options& options, const std::vector<Arrival>& arrivals) {
  std::map<ConnectionId, std::deque<std::pair<std::uint64_t, std::size_t>>> waiting;  // cookie, bytes left
  std::deque<ConnectionId> round;
  std::vector<Delivery> out;
  std::size_t arrived = 0;
  Time start{0};
  Time free_at{0};
  std::uint64_t served = 0;
  std::optional<ConnectionId> serving;
  const auto at = [&] {
    return start + Time{std::llround(static_cast<double>(served) * 1e9 / options.rate_bytes_per_s)};
  };
  const auto arrive = [&](const Arrival& arrival) {
    auto& queue = waiting[arrival.connection];
    if (queue.empty() && serving != arrival.connection) round.push_back(arrival.connection);
    queue.emplace_back(arrived++, arrival.bytes);
  };
  while (arrived < arrivals.size() || !round.empty()) {
    if (round.empty()) {
      if (arrivals[arrived].at > free_at) {
        start = free_at = arrivals[arrived].at;
        served = 0;
      }
      arrive(arrivals[arrived]);
    }
    serving = round.front();
    round.pop_front();
    auto& queue = waiting[*serving];
    std::size_t left = kTurn;
    while (!queue.empty()) {
      auto& [cookie, bytes_left] = queue.front();
      const std::size_t part = std::min(left, bytes_left);
      left -= part;
      bytes_left -= part;
      served += part;
      if (bytes_left > 0) break;
      out.push_back({cookie, *serving, arrivals[cookie].bytes, at() + options.delay});
      queue.pop_front();
    }
    free_at = at();
    while (arrived < arrivals.size() && arrivals[arrived].at < free_at) arrive(arrivals[arrived]);
    if (!queue.empty()) round.push_back(*serving);
    serving.reset();
  }
  return out;
}

std::vector<Arrival> seeded_arrivals(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<Arrival> arrivals;
  Time now{0};
  const std::uint64_t connections = 1 + random.below(5);
  for (std::size_t i = 0; i < count; ++i) {
    if (random.below(3) > 0)
      now += Time{static_cast<std::int64_t>(random.below(random.below(10) == 0 ? 400'000'000 : 9'000'000))};
    const std::uint64_t kind = random.below(10);
    const std::size_t bytes = kind == 0   ? 0
                              : kind == 1 ? kTurn * (1 + random.below(8))
                              : kind < 4  ? random.below(300'000)
                                          : 1 + random.below(2'000);
    arrivals.push_back({now, static_cast<ConnectionId>(random.below(connections)), bytes});
  }
  return arrivals;
}

// Calls advance() whenever next_event() asks for it, and at seeded moments between, as often as `extra_calls`
// says.
std::vector<Delivery> play(const SharedLink::Options& options, const std::vector<Arrival>& arrivals,
                           Random random, std::uint64_t extra_calls, bool follow_events) {
  SharedLink link(options);
  std::vector<Delivery> out;
  Time now{0};
  const auto run_to = [&](Time until) {
    for (std::uint64_t i = 0; i < extra_calls; ++i) {
      const Time step{
          static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>((until - now).count()) + 1))};
      now += step;
      link.advance(now, out);
    }
    while (follow_events) {
      const auto next = link.next_event();
      if (!next || *next >= until) break;
      const bool later = *next > now;
      const std::size_t delivered = out.size();
      now = *next;
      link.advance(now, out);
      ASSERT_TRUE(later || out.size() > delivered) << "an event that neither moves on nor delivers";
    }
    now = until;
  };
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    run_to(arrivals[i].at);
    if (follow_events) link.advance(now, out);
    link.enqueue(now, arrivals[i].connection, arrivals[i].bytes, i);
  }
  run_to(now + hours(1));
  link.advance(now, out);
  EXPECT_EQ(link.next_event(), std::nullopt);
  return out;
}

TEST(SharedLink, OneTransferTakesItsBytesOverTheRatePlusTheDelay) {
  SharedLink link(options(1e6, milliseconds(40)));
  link.enqueue(seconds(1), 0, 2'500'000, 7);
  const Time expected = seconds(1) + milliseconds(2500) + milliseconds(40);
  EXPECT_EQ(link.next_event(), expected);
  EXPECT_TRUE(advanced(link, expected - nanoseconds(1)).empty());
  EXPECT_THAT(advanced(link, expected), testing::ElementsAre(Delivery{7, 0, 2'500'000, expected}));
  EXPECT_EQ(link.next_event(), std::nullopt);
}

TEST(SharedLink, TwoConnectionsGetHalfEach) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 1000 * kTurn, 1);
  link.enqueue(seconds(0), 1, 500 * kTurn, 2);
  // The shorter one ends when both had 500 turns; the longer one after all bytes of both.
  const Time turn{16'384'000};
  EXPECT_THAT(advanced(link, hours(1)), testing::ElementsAre(Delivery{2, 1, 500 * kTurn, 1000 * turn},
                                                             Delivery{1, 0, 1000 * kTurn, 1500 * turn}));
}

TEST(SharedLink, AConnectionThatJoinsLateSharesFromThen) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 1000 * kTurn, 1);
  const Time turn{16'384'000};
  link.enqueue(300 * turn, 1, 100 * kTurn, 2);  // comes as turn 301 starts, and takes turn about from there
  EXPECT_THAT(advanced(link, hours(1)), testing::ElementsAre(Delivery{2, 1, 100 * kTurn, 501 * turn - turn},
                                                             Delivery{1, 0, 1000 * kTurn, 1100 * turn}))
      << "turns 301, 303, ... 499 are the first connection's, 302, 304, ... 500 the second's";
}

TEST(SharedLink, ASmallMessageWaitsAtMostOneTurnOfEachBusyConnection) {
  constexpr std::uint64_t kBulk = 3;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    SharedLink link(options(1e6));
    for (ConnectionId bulk = 0; bulk < kBulk; ++bulk) link.enqueue(seconds(0), bulk, 100'000'000, bulk);
    const Time at{static_cast<std::int64_t>(random.below(100'000'000'000))};
    link.enqueue(at, kBulk, 40, 99);
    const auto out = advanced(link, at + seconds(1));
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].cookie, 99U);
    EXPECT_LE(out[0].at - at, kBulk * Time{16'384'000} + Time{40'001});
    EXPECT_GE(out[0].at - at, Time{40'000});
  }
}

TEST(SharedLink, ALonelyBulkTransferDoesNotDelayASmallMessageBeyondItsCurrentTurn) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 100'000'000, 1);
  const Time turn{16'384'000};
  link.enqueue(1000 * turn + Time{5}, 1, 40, 2);
  EXPECT_THAT(advanced(link, 1002 * turn),
              testing::ElementsAre(Delivery{2, 1, 40, 1001 * turn + Time{40'000}}));
}

TEST(SharedLink, APipelineOfUnitsNeverDriftsFromItsRate) {
  // 3 bytes/ns would be exact; 7 bytes at 3e6 bytes/s take 2333.33 ns. Each unit is offered when the one
  // before is through, for ten million units.
  const double rate = 3e6;
  SharedLink link(options(rate));
  std::vector<Delivery> out;
  Time now{0};
  constexpr std::uint64_t kUnits = 10'000'000;
  for (std::uint64_t i = 0; i < kUnits; ++i) {
    link.enqueue(now, 0, 7, i);
    out.clear();
    now = *link.next_event();
    link.advance(now, out);
    ASSERT_EQ(out.size(), 1U);
  }
  EXPECT_EQ(now, Time{std::llround(7.0 * kUnits / rate * 1e9)});
  EXPECT_EQ(link.busy_time(), now);
  EXPECT_EQ(link.carried_bytes(), 7 * kUnits);
}

TEST(SharedLink, AQueuedPipelineHasEachUnitAtItsOwnTime) {
  SharedLink link(options(1e9, milliseconds(1)));
  for (std::uint64_t i = 0; i < 1000; ++i) link.enqueue(seconds(0), 0, 100 + i, i);
  const auto out = advanced(link, seconds(1));
  ASSERT_EQ(out.size(), 1000U);
  Time through{0};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    through += Time{static_cast<std::int64_t>(100 + i)};
    EXPECT_EQ(out[i].cookie, i);
    EXPECT_EQ(out[i].at, through + milliseconds(1));
  }
}

TEST(SharedLink, AnInfiniteRateLeavesTheDelayOnly) {
  SharedLink link(options(std::numeric_limits<double>::infinity(), milliseconds(3)));
  link.enqueue(seconds(1), 0, 1'000'000'000, 1);
  link.enqueue(seconds(1), 1, 10, 2);
  EXPECT_THAT(advanced(link, seconds(2)),
              testing::ElementsAre(Delivery{1, 0, 1'000'000'000, seconds(1) + milliseconds(3)},
                                   Delivery{2, 1, 10, seconds(1) + milliseconds(3)}));
  EXPECT_EQ(link.busy_time(), Time{0});

  SharedLink nothing(options(std::numeric_limits<double>::infinity()));
  nothing.enqueue(seconds(1), 0, 5, 1);
  EXPECT_EQ(nothing.next_event(), Time{seconds(1)});
  EXPECT_EQ(advanced(nothing, seconds(1)).size(), 1U);
}

TEST(SharedLink, AUnitOfNoBytesKeepsItsPlaceAndTakesNoTime) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 1000, 1);
  link.enqueue(seconds(0), 0, 0, 2);
  link.enqueue(seconds(0), 0, 1000, 3);
  EXPECT_THAT(advanced(link, seconds(1)),
              testing::ElementsAre(Delivery{1, 0, 1000, milliseconds(1)}, Delivery{2, 0, 0, milliseconds(1)},
                                   Delivery{3, 0, 1000, milliseconds(2)}));
}

TEST(SharedLink, TimesFollowFromTheArrivalsHoweverOftenItIsCalled) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    const auto arrivals = seeded_arrivals(seed, 200);
    const auto link = options(seed % 3 == 0   ? 1e6
                              : seed % 3 == 1 ? 7'250'000.7
                                              : 333'333.3,
                              milliseconds(seed % 2 * 50));
    const auto expected = plain_model(link, arrivals);
    ASSERT_EQ(expected.size(), arrivals.size());
    EXPECT_EQ(play(link, arrivals, Random(seed), 0, false), expected) << "advanced once, at the end";
    EXPECT_EQ(play(link, arrivals, Random(seed), 0, true), expected) << "advanced at each event";
    EXPECT_EQ(play(link, arrivals, Random(seed), 1, true), expected) << "advanced now and then besides";
    EXPECT_EQ(play(link, arrivals, Random(seed), 40, false), expected) << "advanced all the time";
  }
}

TEST(SharedLink, EventsOfALongSharedTransferAreFarFewerThanItsTurns) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 100'000'000, 1);
  link.enqueue(seconds(0), 1, 100'000'000, 2);
  std::vector<Delivery> out;
  int events = 0;
  while (const auto next = link.next_event()) {
    link.advance(*next, out);
    ++events;
  }
  EXPECT_EQ(out.size(), 2U);
  EXPECT_LT(events, 40) << "of 12,208 turns";
}

TEST(SharedLink, CountsWhatWaitsWhatIsOnTheWayAndWhatArrived) {
  SharedLink link(options(1e6, milliseconds(100)));
  link.enqueue(seconds(0), 2, 10'000, 1);
  link.enqueue(seconds(0), 2, 20'000, 2);
  EXPECT_EQ(link.waiting_bytes(2), 20'000U) << "the first unit was alone when its turn came";
  EXPECT_EQ(link.bytes_on_the_way(2), 30'000U);
  advanced(link, milliseconds(40));
  EXPECT_EQ(link.waiting_bytes(2), 0U);
  EXPECT_EQ(link.bytes_on_the_way(2), 30'000U);
  EXPECT_EQ(link.busy_time(), Time{milliseconds(30)});
  advanced(link, milliseconds(110));
  EXPECT_EQ(link.bytes_on_the_way(2), 20'000U);
  EXPECT_EQ(link.carried_bytes(), 10'000U);
  link.enqueue(milliseconds(200), 0, 5'000, 3);
  advanced(link, milliseconds(202));
  EXPECT_EQ(link.busy_time(), Time{milliseconds(32)});
  EXPECT_EQ(link.bytes_on_the_way(9), 0U) << "a connection never seen";
}

TEST(SharedLink, TimeThatRunsBackwardsIsABrokenInvariant) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(2), 0, 10, 1);
  EXPECT_THROW(link.enqueue(seconds(1), 0, 10, 2), BrokenInvariant);
  EXPECT_THROW(SharedLink(options(0)), BrokenInvariant);
}

TEST(SharedLink, ACutPutsOffWhatWaitsWhatIsSerialisedAndWhatPropagatesByItsLength) {
  SharedLink link(options(1e6, milliseconds(40)));
  link.enqueue(seconds(0), 0, 10'000, 1);  // propagating at 15 ms
  link.enqueue(seconds(0), 1, 10'000, 2);  // half through at 15 ms
  link.enqueue(seconds(0), 0, 10'000, 3);  // waiting
  link.pause(milliseconds(15));
  EXPECT_TRUE(link.paused());
  EXPECT_EQ(link.next_event(), std::nullopt);
  link.enqueue(milliseconds(500), 1, 10'000, 4);
  EXPECT_TRUE(advanced(link, milliseconds(900)).empty());
  EXPECT_EQ(link.busy_time(), Time{milliseconds(15)});
  link.resume(milliseconds(1015));
  EXPECT_FALSE(link.paused());
  EXPECT_EQ(link.next_event(), Time{milliseconds(1050)});
  EXPECT_THAT(advanced(link, seconds(2)), testing::ElementsAre(Delivery{1, 0, 10'000, milliseconds(1050)},
                                                               Delivery{2, 1, 10'000, milliseconds(1060)},
                                                               Delivery{3, 0, 10'000, milliseconds(1070)},
                                                               Delivery{4, 1, 10'000, milliseconds(1080)}));
  EXPECT_EQ(link.busy_time(), Time{milliseconds(40)});
}

TEST(SharedLink, WhatIsDueAtTheVeryStartOfACutIsDelivered) {
  for (const bool late : {false, true}) {
    SharedLink link(options(1e6, milliseconds(5)));
    link.enqueue(seconds(0), 0, 10'000, 1);
    link.enqueue(seconds(0), 0, 1, 2);
    link.pause(milliseconds(15));
    EXPECT_EQ(link.next_event(), Time{milliseconds(15)});
    if (late) link.resume(seconds(1));
    EXPECT_EQ(advanced(link, seconds(1)).at(0), (Delivery{1, 0, 10'000, milliseconds(15)}));
    EXPECT_EQ(link.next_event().has_value(), late) << "the other unit comes with the end of the cut";
  }
}

TEST(SharedLink, WhatComesDuringACutStartsAtItsEndEvenWhereNothingTakesTime) {
  SharedLink link(options(std::numeric_limits<double>::infinity()));
  link.pause(seconds(1));
  link.enqueue(seconds(1), 0, 5, 1);
  link.enqueue(seconds(2), 1, 5, 2);
  EXPECT_TRUE(advanced(link, seconds(2)).empty());
  link.resume(seconds(3));
  EXPECT_THAT(advanced(link, seconds(3)),
              testing::ElementsAre(Delivery{1, 0, 5, seconds(3)}, Delivery{2, 1, 5, seconds(3)}));
}

TEST(SharedLink, AChangeOfRateHoldsForTheBytesThatAreNotThroughYet) {
  SharedLink link(options(1e6, milliseconds(40)));
  link.enqueue(seconds(0), 0, 10'000, 1);
  link.enqueue(seconds(0), 0, 100'000, 2);
  link.set_rate(milliseconds(60), 1e5);  // 50,000 of the second unit are through, in the midst of a turn
  EXPECT_EQ(link.options().rate_bytes_per_s, 1e5);
  link.enqueue(milliseconds(60), 0, 1000, 3);
  EXPECT_THAT(advanced(link, seconds(2)), testing::ElementsAre(Delivery{1, 0, 10'000, milliseconds(50)},
                                                               Delivery{2, 0, 100'000, milliseconds(600)},
                                                               Delivery{3, 0, 1000, milliseconds(610)}));
  EXPECT_EQ(link.busy_time(), Time{milliseconds(570)});
  link.set_rate(seconds(3), 1e6);
  link.enqueue(seconds(3), 0, 10'000, 4);
  EXPECT_THAT(advanced(link, seconds(4)),
              testing::ElementsAre(Delivery{4, 0, 10'000, seconds(3) + milliseconds(50)}));
}

TEST(SharedLink, AChangeOfRateCountsPartsOfBytes) {
  SharedLink link(options(10));
  link.enqueue(seconds(0), 0, 10, 1);
  link.set_rate(milliseconds(50), 1);  // half a byte is through
  link.set_rate(milliseconds(550), 10);
  EXPECT_THAT(advanced(link, seconds(9)), testing::ElementsAre(Delivery{1, 0, 10, milliseconds(1450)}));
}

TEST(SharedLink, AnInfiniteRateGetsEverythingThroughAtOnceAndBack) {
  SharedLink link(options(1e6));
  link.enqueue(seconds(0), 0, 1'000'000, 1);
  link.set_rate(milliseconds(100), std::numeric_limits<double>::infinity());
  EXPECT_THAT(advanced(link, milliseconds(100)),
              testing::ElementsAre(Delivery{1, 0, 1'000'000, milliseconds(100)}));
  link.enqueue(milliseconds(100), 0, 1'000'000, 2);
  link.set_rate(milliseconds(100), 1e6);
  link.enqueue(milliseconds(100), 0, 1'000, 3);
  EXPECT_THAT(advanced(link, seconds(1)), testing::ElementsAre(Delivery{2, 0, 1'000'000, milliseconds(100)},
                                                               Delivery{3, 0, 1'000, milliseconds(101)}));
}

TEST(SharedLink, ADropTakesWhatWaitsAndWhatIsOnTheWayAndFreesTheLink) {
  SharedLink link(options(1e6, milliseconds(40)));
  // The first unit's turn ends at 10 ms; then turns of the other connection and of this one alternate. The
  // second unit propagates at the time of the drop, and the third is in the midst of a turn.
  const Time turn{16'384'000};
  const Time drop_at = milliseconds(10) + 3 * turn + turn / 2;
  link.enqueue(seconds(0), 0, 10'000, 1);
  link.enqueue(seconds(0), 0, 10'000, 2);
  link.enqueue(seconds(0), 0, 100'000, 3);
  link.enqueue(seconds(0), 1, 100'000, 4);
  link.enqueue(milliseconds(30), 0, 5, 5);
  std::vector<std::uint64_t> dropped;
  link.drop(drop_at, 0, dropped);
  EXPECT_THAT(dropped, testing::ElementsAre(2, 3, 5));
  EXPECT_EQ(link.waiting_bytes(0), 0U);
  EXPECT_EQ(link.bytes_on_the_way(0), 10'000U) << "was due at 50 ms, and is not handed out yet";
  const Time rest{(100'000 - 2 * kTurn) * 1000};
  EXPECT_THAT(advanced(link, seconds(1)),
              testing::ElementsAre(Delivery{1, 0, 10'000, milliseconds(50)},
                                   Delivery{4, 1, 100'000, drop_at + rest + milliseconds(40)}));
  EXPECT_EQ(link.carried_bytes(), 110'000U);
  EXPECT_EQ(link.bytes_on_the_way(0), 0U);

  link.enqueue(seconds(2), 0, 10'000, 6);
  EXPECT_THAT(advanced(link, seconds(3)),
              testing::ElementsAre(Delivery{6, 0, 10'000, seconds(2) + milliseconds(50)}));
}

TEST(SharedLink, ADropOfAConnectionThatWaitsForItsTurnLeavesTheOthersRoundAsItIs) {
  SharedLink link(options(1e6));
  for (ConnectionId id = 0; id < 4; ++id) link.enqueue(seconds(0), id, kTurn, id);
  std::vector<std::uint64_t> dropped;
  link.drop(milliseconds(1), 3, dropped);
  link.drop(milliseconds(2), 1, dropped);
  link.drop(milliseconds(2), 77, dropped);
  EXPECT_THAT(dropped, testing::ElementsAre(3, 1));
  link.enqueue(milliseconds(3), 1, kTurn, 9);
  const Time turn{16'384'000};
  EXPECT_THAT(advanced(link, seconds(1)),
              testing::ElementsAre(Delivery{0, 0, kTurn, turn}, Delivery{2, 2, kTurn, 2 * turn},
                                   Delivery{9, 1, kTurn, 3 * turn}));
}

TEST(SharedLink, ACutIsTheSameScheduleWithTimeStandingStill) {
  // Arrivals that fall into a cut come when it starts, for a link on which time stands still from then.
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    const auto shape = options(seed % 2 == 0 ? 1e6 : 7'250'000.7, milliseconds(seed % 3 * 50));
    auto arrivals = seeded_arrivals(seed, 200);
    Random random = Random::for_parts(seed, {1});
    const Time cut{static_cast<std::int64_t>(random.below(2'000'000'000))};
    const Time length{static_cast<std::int64_t>(1 + random.below(1'000'000'000))};
    auto without_cut = arrivals;
    for (Arrival& arrival : without_cut) {
      if (arrival.at >= cut) arrival.at = std::max(cut, arrival.at - length);
    }
    auto expected = plain_model(shape, without_cut);
    for (Delivery& delivery : expected) {
      const bool arrived_later = arrivals[delivery.cookie].at >= cut;
      if (delivery.at > cut || arrived_later) delivery.at += length;
    }

    SharedLink link(shape);
    std::vector<Delivery> out;
    bool is_cut = false;
    bool is_over = false;
    for (std::size_t i = 0; i < arrivals.size(); ++i) {
      if (!is_cut && arrivals[i].at >= cut) {
        link.pause(cut);
        is_cut = true;
      }
      if (is_cut && !is_over && arrivals[i].at >= cut + length) {
        link.resume(cut + length);
        is_over = true;
      }
      if (random.below(2) == 0) link.advance(arrivals[i].at, out);
      link.enqueue(arrivals[i].at, arrivals[i].connection, arrivals[i].bytes, i);
    }
    if (is_cut && !is_over) link.resume(std::max(cut + length, arrivals.back().at));
    link.advance(hours(1), out);
    EXPECT_EQ(out, expected);
  }
}

// Seeded arrivals among which the link is cut, changes its rate and loses connections; advance() is called as
// next_event() asks and `extra_calls` times besides between two arrivals.
std::vector<Delivery> play_with_faults(std::uint64_t seed, std::uint64_t extra_calls, bool follow_events,
                                       std::vector<std::uint64_t>& dropped) {
  SharedLink link(options(1e6, milliseconds(seed % 2 * 50)));
  Random faults = Random::for_parts(seed, {2});
  Random calls = Random::for_parts(seed, {3, extra_calls});
  std::vector<Delivery> out;
  Time now{0};
  const auto arrivals = seeded_arrivals(seed, 200);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    for (std::uint64_t call = 0; call < extra_calls; ++call) {
      now += Time{static_cast<std::int64_t>(
          calls.below(static_cast<std::uint64_t>((arrivals[i].at - now).count()) + 1))};
      link.advance(now, out);
    }
    while (follow_events) {
      const auto next = link.next_event();
      if (!next || *next >= arrivals[i].at) break;
      now = *next;
      link.advance(now, out);
    }
    now = arrivals[i].at;
    const std::uint64_t fault = faults.below(20);
    if (fault == 0) link.drop(now, static_cast<ConnectionId>(faults.below(5)), dropped);
    if (fault == 1) link.set_rate(now, 1e5 * static_cast<double>(1 + faults.below(100)));
    if (fault == 2 && !link.paused()) link.pause(now);
    if (fault > 16 && link.paused()) link.resume(now);
    link.enqueue(now, arrivals[i].connection, arrivals[i].bytes, i);
  }
  if (link.paused()) link.resume(now);
  link.advance(now + hours(1), out);
  EXPECT_EQ(link.next_event(), std::nullopt);
  for (ConnectionId id = 0; id < 5; ++id) EXPECT_EQ(link.bytes_on_the_way(id), 0U);
  return out;
}

TEST(SharedLink, TimesFollowFromArrivalsAndFaultsHoweverOftenItIsCalled) {
  std::size_t lost = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::vector<std::uint64_t> dropped;
    const auto once = play_with_faults(seed, 0, false, dropped);
    EXPECT_EQ(once.size() + dropped.size(), 200U) << "each is delivered or dropped, once";
    EXPECT_TRUE(std::is_sorted(once.begin(), once.end(),
                               [](const Delivery& a, const Delivery& b) { return a.at < b.at; }));
    lost += dropped.size();
    for (const auto& [extra_calls, follow_events] : {std::pair{0U, true}, {1U, true}, {40U, false}}) {
      std::vector<std::uint64_t> dropped_then;
      EXPECT_EQ(play_with_faults(seed, extra_calls, follow_events, dropped_then), once);
      EXPECT_EQ(dropped_then, dropped);
    }
  }
  EXPECT_GT(lost, 300U);
}

TEST(SharedLink, CutsOutOfPlaceAreBrokenInvariants) {
  SharedLink link(options(1e6));
  EXPECT_THROW(link.resume(seconds(1)), BrokenInvariant);
  EXPECT_THROW(link.set_rate(seconds(1), 0), BrokenInvariant);
  link.pause(seconds(1));
  EXPECT_THROW(link.pause(seconds(2)), BrokenInvariant);
}

}  // namespace
}  // namespace meridian

// Goal: variation, loss, traces, cuts and degradations do to what crosses a link what they are said to do and
// nothing else. Reached by closed forms, and by comparing a seeded run with the same run without the fault.
#include "src/network/wide_area_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include "src/base/check.h"

namespace meridian {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

using Arrival = WideAreaLink::Arrival;

constexpr SharedLink::Options kLink{.rate_bytes_per_s = 1e6, .delay = milliseconds(40)};
constexpr SharedLink::Options kNoRate{.rate_bytes_per_s = std::numeric_limits<double>::infinity(),
                                      .delay = milliseconds(40)};

// A delay of 40 to 60 ms.
const WideAreaLink::Options kJittery{
    .link = {.rate_bytes_per_s = std::numeric_limits<double>::infinity(), .delay = milliseconds(50)},
    .variation = {.kind = DelayVariation::Kind::uniform, .width = milliseconds(10)}};

struct Timed {
  std::uint64_t cookie = 0;
  Time at{0};
  bool last = true;

  bool operator==(const Timed&) const = default;
};

/// Runs the link from event to event up to `until`.
void run_to(WideAreaLink& link, Time until, std::vector<Timed>& out) {
  while (const auto next = link.next_event()) {
    if (*next > until) break;
    std::vector<Arrival> arrivals;
    link.advance(*next, arrivals);
    for (const Arrival& arrival : arrivals) out.push_back({arrival.cookie, *next, arrival.last});
  }
}

std::vector<Timed> run(WideAreaLink& link, Time until = hours(1)) {
  std::vector<Timed> out;
  run_to(link, until, out);
  return out;
}

constexpr std::uint64_t kMessages = 3000;

Time sent_at(std::uint64_t message) { return microseconds(100) * message; }

/// Message i goes out on connection i % 3. Returns what arrives before the last one is out.
std::vector<Timed> send_many(WideAreaLink& link, std::uint64_t count = kMessages) {
  std::vector<Timed> out;
  for (std::uint64_t i = 0; i < count; ++i) {
    run_to(link, sent_at(i), out);
    link.send(sent_at(i), static_cast<SharedLink::ConnectionId>(i % 3), 10, i, i % 2 == 0);
  }
  return out;
}

TEST(WideAreaLink, WithoutNoiseAndFaultsItIsASharedLink) {
  WideAreaLink link({.link = kLink}, 1);
  link.send(seconds(1), 0, 10'000, 7, true);
  EXPECT_EQ(link.next_event(), Time{milliseconds(1050)});
  EXPECT_THAT(run(link), ElementsAre(Timed{7, milliseconds(1050), true}));
}

TEST(WideAreaLink, JitterDelaysWithinItsBoundAndNeverReordersAConnection) {
  WideAreaLink link(kJittery, 5);
  constexpr std::uint64_t kMany = 4 * kMessages;
  auto arrived = send_many(link, kMany);
  run_to(link, hours(1), arrived);
  ASSERT_EQ(arrived.size(), kMany);
  std::map<std::uint64_t, std::uint64_t> last_of;
  std::uint64_t overtaking = 0;
  Time least = Time::max();
  Time most{0};
  for (std::size_t i = 0; i < arrived.size(); ++i) {
    const std::uint64_t cookie = arrived[i].cookie;
    const auto [last, is_first] = last_of.emplace(cookie % 3, cookie);
    EXPECT_TRUE(is_first || last->second < cookie) << "one connection's message overtook another";
    last->second = cookie;
    if (i > 0 && arrived[i - 1].cookie > cookie) ++overtaking;
    const Time extra = arrived[i].at - sent_at(cookie) - milliseconds(40);
    least = std::min(least, extra);
    most = std::max(most, extra);
  }
  EXPECT_GT(overtaking, 100U) << "those of different connections do overtake";
  EXPECT_GE(least, Time{0});
  EXPECT_GT(most, milliseconds(19));
  EXPECT_LE(most, milliseconds(20));
}

TEST(WideAreaLink, JitterOfMessagesFarApartIsUniform) {
  WideAreaLink link(kJittery, 6);
  double sum = 0.0;
  Time least = Time::max();
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const Time now = seconds(1) * i;
    link.send(now, 0, 10, i, true);
    const auto arrived = run(link);
    ASSERT_EQ(arrived.size(), 1U);
    const Time extra = arrived[0].at - now - milliseconds(40);
    least = std::min(least, extra);
    sum += to_seconds(extra);
  }
  EXPECT_NEAR(sum / 2000, 0.010, 0.0005);
  EXPECT_LT(least, microseconds(100));
}

TEST(WideAreaLink, ARepeatedMessageArrivesOnceMoreWithinItsBound) {
  WideAreaLink link({.link = kNoRate, .repeats = {1.0, milliseconds(5)}}, 7);
  auto all = send_many(link, 500);
  run_to(link, hours(1), all);
  std::map<std::uint64_t, std::vector<Timed>> arrived;
  std::uint64_t before_a_copy = 0;
  std::uint64_t newest = 0;
  for (const Timed& one : all) {
    arrived[one.cookie].push_back(one);
    if (one.cookie < newest) ++before_a_copy;
    newest = std::max(newest, one.cookie);
  }
  ASSERT_EQ(arrived.size(), 500U);
  for (const auto& [cookie, times] : arrived) {
    ASSERT_EQ(times.size(), cookie % 2 == 0 ? 2U : 1U);
    EXPECT_EQ(times[0].at, sent_at(cookie) + milliseconds(40)) << "the first comes as ever";
    EXPECT_EQ(times[0].last, times.size() == 1);
    EXPECT_TRUE(times.back().last);
    EXPECT_LE(times.back().at - times[0].at, milliseconds(5));
  }
  EXPECT_GT(before_a_copy, 200U) << "a copy holds up no one";
}

TEST(WideAreaLink, ARepeatProbabilityIsThatOfEachMessage) {
  WideAreaLink link({.link = kNoRate, .repeats = {0.25, milliseconds(5)}}, 8);
  auto arrived = send_many(link);
  run_to(link, hours(1), arrived);
  const auto copies = static_cast<double>(arrived.size() - kMessages);
  EXPECT_NEAR(copies / (kMessages / 2.0), 0.25, 0.03) << "half of them may be repeated";
}

TEST(WideAreaLink, ACutPutsOffWhatTheNoiseHoldsUpToo) {
  WideAreaLink::Options noise = kJittery;
  noise.repeats = {0.3, milliseconds(30)};
  WideAreaLink undisturbed(noise, 9);
  auto expected = send_many(undisturbed);
  run_to(undisturbed, hours(1), expected);
  const Time cut = sent_at(kMessages) + milliseconds(5);  // after the last one went out
  for (Timed& one : expected) {
    if (one.at > cut) one.at += seconds(2);
  }

  WideAreaLink link(noise, 9);
  auto arrived = send_many(link);
  run_to(link, cut, arrived);
  EXPECT_LT(arrived.size(), expected.size());
  link.begin_cut(cut, 1);
  EXPECT_EQ(link.next_event(), std::nullopt);
  link.end_cut(cut + seconds(2), 1);
  run_to(link, hours(1), arrived);
  EXPECT_EQ(arrived, expected);
}

TEST(WideAreaLink, CutsThatOverlapEndWithTheLastOne) {
  WideAreaLink link({.link = kLink}, 1);
  link.send(seconds(0), 0, 10'000, 1, true);
  link.begin_cut(milliseconds(20), 8);
  link.begin_cut(milliseconds(100), 9);
  link.end_cut(milliseconds(200), 8);
  EXPECT_EQ(link.next_event(), std::nullopt);
  link.end_cut(milliseconds(320), 9);
  EXPECT_THAT(run(link), ElementsAre(Timed{1, milliseconds(350), true}));
  link.end_cut(seconds(2), 9);  // over already
}

TEST(WideAreaLink, FactorsOfDegradationsThatOverlapMultiplyAndTheRateComesBack) {
  WideAreaLink link({.link = kLink}, 1);
  link.send(seconds(0), 0, 30'000, 1, true);
  link.begin_degradation(milliseconds(10), 4, {.rate_factor = 0.5});  // 10,000 bytes through
  link.begin_degradation(milliseconds(20), 9, {.rate_factor = 0.1});  // 15,000
  link.end_degradation(milliseconds(70), 4);                          // 17,500
  link.end_degradation(milliseconds(95), 9);  // 20,000, and 10,000 more at the whole rate
  EXPECT_THAT(run(link), ElementsAre(Timed{1, milliseconds(145), true}));
}

TEST(WideAreaLink, AResetLosesWhatIsOnTheWayOnItsConnectionCopiesIncluded) {
  WideAreaLink::Options noise = kJittery;
  noise.repeats = {1.0, milliseconds(30)};
  WideAreaLink undisturbed(noise, 10);
  auto all = send_many(undisturbed);
  run_to(undisturbed, hours(1), all);
  const Time reset = sent_at(kMessages);

  WideAreaLink link(noise, 10);
  auto arrived = send_many(link);
  run_to(link, reset, arrived);
  std::vector<std::uint64_t> lost;
  std::vector<Arrival> none;
  link.advance(reset, none);
  EXPECT_TRUE(none.empty());
  link.reset(reset, 1, lost);
  std::vector<Timed> after;
  run_to(link, hours(1), after);

  std::vector<std::uint64_t> expected_lost;
  for (const Timed& one : all) {
    const bool was_due = one.at <= reset;
    const bool of_connection = one.cookie % 3 == 1;
    if (of_connection && !was_due && one.last) expected_lost.push_back(one.cookie);
    EXPECT_EQ(std::count(after.begin(), after.end(), one), was_due || of_connection ? 0 : 1);
  }
  std::sort(lost.begin(), lost.end());
  std::sort(expected_lost.begin(), expected_lost.end());
  EXPECT_EQ(lost, expected_lost);
  EXPECT_GT(lost.size(), 100U);

  link.send(seconds(10), 1, 10, kMessages, false);
  EXPECT_EQ(run(link).size(), 1U) << "what is sent later travels as ever";
}

}  // namespace
}  // namespace meridian

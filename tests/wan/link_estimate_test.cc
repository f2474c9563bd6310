// Goal: the estimate finds a link's rate and round trip from what a sender sees, follows their changes, and
// is not misled by traffic that does not fill the link, by held acknowledgements or by its own queue. Reached
// in virtual time over the shared link of the simulator, with a sender that sizes chunks and window by the
// estimate and a receiver that holds acknowledgements for two chunks or 100 ms.
#include "wan/link_estimate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "src/network/shared_link.h"

namespace meridian::wan {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kMegabyte = 1e6;

class Journey {
 public:
  Journey(LinkEstimate estimate, double bytes_per_s, Time one_way)
      : estimate_(std::move(estimate)), one_way_(one_way) {
    change_link(bytes_per_s, one_way);
  }

  void change_link(double bytes_per_s, Time one_way) {
    SharedLink::Options options;
    options.rate_bytes_per_s = bytes_per_s;
    options.delay = one_way;
    links_.emplace_back(options);
    one_way_ = one_way;
  }

  void limit_window(std::size_t bytes) { most_window_ = bytes; }
  void add_backlog(std::size_t bytes) { backlog_ += bytes; }

  /// Without a backlog, nothing is sent.
  void run_for(Time time) {
    for (const Time end = now_ + time; now_ < end; now_ += microseconds(200)) step();
  }

  /// The backlog never ends.
  void saturate_for(Time time) {
    const std::size_t before = std::exchange(backlog_, std::size_t{1} << 50);
    run_for(time);
    backlog_ = before;
  }

  /// `bytes` are due every `period`.
  void burst(std::size_t bytes, Time period, int times) {
    for (int i = 0; i < times; ++i) {
      add_backlog(bytes);
      run_for(period);
    }
  }

  void interrupt() {
    estimate_.interrupted();
    acknowledgements_.clear();
    ignored_up_to_ = next_number_ - 1;
    arrived_up_to_ = acknowledged_up_to_ = ignored_up_to_;
  }

  Time now() const { return now_; }
  const LinkEstimate& estimate() const { return estimate_; }

 private:
  void step() {
    std::vector<SharedLink::Delivery> delivered;
    for (SharedLink& link : links_) link.advance(now_, delivered);
    for (const SharedLink::Delivery& each : delivered) {
      if (each.cookie > ignored_up_to_) out_of_order_.insert(each.cookie);
    }
    while (out_of_order_.erase(arrived_up_to_ + 1) > 0) arrived(++arrived_up_to_);
    if (held_since_ && now_ - *held_since_ >= milliseconds(100)) acknowledge();
    while (!acknowledgements_.empty() && acknowledgements_.begin()->first <= now_) {
      estimate_.acknowledged(now_, acknowledgements_.begin()->second);
      acknowledgements_.erase(acknowledgements_.begin());
    }
    send();
  }

  void arrived(std::uint64_t number) {
    if (!held_since_) held_since_ = now_;
    if (number - acknowledged_up_to_ >= 2) acknowledge();
  }

  void acknowledge() {
    held_since_.reset();
    acknowledged_up_to_ = arrived_up_to_;
    acknowledgements_.emplace(now_ + one_way_, arrived_up_to_);
  }

  void send() {
    while (backlog_ > 0) {
      const std::size_t chunk = estimate_.chunk_bytes();
      const std::size_t window = std::min(estimate_.window_bytes(), most_window_);
      if (estimate_.on_the_way_bytes() + std::min(chunk, backlog_) > window) return;
      const std::size_t bytes = std::min(chunk, backlog_);
      backlog_ -= bytes;
      links_.back().enqueue(now_, 0, bytes, next_number_);
      estimate_.sent(now_, next_number_++, bytes, backlog_ > 0);
    }
  }

  LinkEstimate estimate_;
  std::vector<SharedLink> links_;
  Time one_way_;
  Time now_{0};
  std::size_t backlog_ = 0;
  std::size_t most_window_ = std::numeric_limits<std::size_t>::max();
  std::uint64_t next_number_ = 1;
  std::uint64_t ignored_up_to_ = 0;
  std::uint64_t arrived_up_to_ = 0;
  std::uint64_t acknowledged_up_to_ = 0;
  std::set<std::uint64_t> out_of_order_;
  std::optional<Time> held_since_;
  std::multimap<Time, std::uint64_t> acknowledgements_;
};

void expect_rate(const Journey& journey, double bytes_per_s) {
  EXPECT_NEAR(journey.estimate().bytes_per_s() / bytes_per_s, 1, 0.1);
}

// Too long by at most what two chunks, or one and its held acknowledgement, take.
void expect_round_trip(const Journey& journey, Time round_trip) {
  EXPECT_GE(journey.estimate().round_trip(), round_trip);
  EXPECT_LE(journey.estimate().round_trip(), round_trip + milliseconds(160));
}

struct Path {
  double bytes_per_s;
  Time one_way;
};

class Paths : public testing::TestWithParam<Path> {};

TEST_P(Paths, AFullLinkFiveTimesSlowerThanTheFirstGuess) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(5 * rate, 2 * one_way), rate, one_way);
  journey.saturate_for(seconds(30));
  expect_rate(journey, rate);
}

TEST_P(Paths, AFullLinkFiveTimesFasterThanTheFirstGuess) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(rate / 5, 2 * one_way), rate, one_way);
  journey.saturate_for(seconds(30));
  expect_rate(journey, rate);
}

TEST_P(Paths, FollowsTheRateDownAndUp) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(rate, 2 * one_way), rate, one_way);
  journey.saturate_for(seconds(10));
  journey.change_link(rate / 4, one_way);
  journey.saturate_for(seconds(40));
  expect_rate(journey, rate / 4);
  journey.change_link(rate, one_way);
  journey.saturate_for(seconds(20));
  expect_rate(journey, rate);
}

TEST_P(Paths, BurstsThatFitIntoTheWindowShowASlowLink) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(5 * rate, 2 * one_way), rate, one_way);
  // Each takes 2 s; at the first guess it would fit into a window of 0.4 s and more.
  journey.burst(static_cast<std::size_t>(2 * rate), seconds(4), 10);
  expect_rate(journey, rate);
}

TEST_P(Paths, TrafficBelowTheRateDoesNotPullItDown) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(rate, 2 * one_way), rate, one_way);
  // Small chunks at a tenth of the rate, alone and in little bursts.
  journey.burst(static_cast<std::size_t>(rate * 0.004), milliseconds(40), 500);
  EXPECT_GE(journey.estimate().bytes_per_s(), rate);
  journey.burst(static_cast<std::size_t>(rate * 0.09), milliseconds(900), 40);
  EXPECT_GE(journey.estimate().bytes_per_s(), rate);
  expect_rate(journey, rate);
}

TEST_P(Paths, RoundTripOfIdleAndOfFullLinks) {
  const auto& [rate, one_way] = GetParam();
  Journey journey(LinkEstimate(rate, seconds(2)), rate, one_way);
  journey.burst(static_cast<std::size_t>(rate * 0.2), seconds(1), 20);
  expect_round_trip(journey, 2 * one_way);
  // The queue of a link that is full for long is not the path's.
  journey.saturate_for(seconds(60));
  expect_round_trip(journey, 2 * one_way);
}

TEST_P(Paths, FollowsALongerAndAShorterWay) {
  const auto& [rate, one_way] = GetParam();
  const Time longer = one_way + milliseconds(250);
  Journey journey(LinkEstimate(rate, 2 * one_way), rate, one_way);
  journey.burst(static_cast<std::size_t>(rate * 0.2), seconds(1), 5);
  journey.change_link(rate, longer);
  journey.burst(static_cast<std::size_t>(rate * 0.2), seconds(2), 10);
  expect_round_trip(journey, 2 * longer);
  journey.change_link(rate, one_way);
  journey.burst(static_cast<std::size_t>(rate * 0.2), seconds(1), 3);
  expect_round_trip(journey, 2 * one_way);
}

INSTANTIATE_TEST_SUITE_P(LinkEstimate, Paths,
                         testing::Values(Path{0.125 * kMegabyte, milliseconds(100)},
                                         Path{2 * kMegabyte, milliseconds(5)},
                                         Path{2 * kMegabyte, milliseconds(30)},
                                         Path{12 * kMegabyte, milliseconds(60)},
                                         Path{12 * kMegabyte, milliseconds(160)}));

TEST(LinkEstimate, ALongerWayShowsEvenOnAFullLink) {
  const double rate = 2 * kMegabyte;
  Journey journey(LinkEstimate(rate, milliseconds(40)), rate, milliseconds(20));
  journey.saturate_for(seconds(20));
  journey.change_link(rate, milliseconds(500));
  journey.saturate_for(seconds(60));
  // Long enough that a window of two round trips fills the link.
  EXPECT_GE(journey.estimate().round_trip(), milliseconds(500));
  EXPECT_LE(journey.estimate().round_trip(), milliseconds(1160));
  expect_rate(journey, rate);
}

TEST(LinkEstimate, AWindowTooSmallForTheLinkDoesNotStarveIt) {
  const double rate = 2 * kMegabyte;
  Journey journey(LinkEstimate(rate, milliseconds(200)), rate, milliseconds(100));
  journey.limit_window(160'000);  // less than the 400,000 bytes that are on the way when the link is full
  journey.saturate_for(seconds(60));
  EXPECT_GE(journey.estimate().bytes_per_s(), 160'000 / 0.4) << "what passes";
  EXPECT_LE(journey.estimate().bytes_per_s(), 1.1 * rate);
}

TEST(LinkEstimate, KeepsTheFirstGuessUntilThereIsASample) {
  const LinkEstimate estimate(3e6, milliseconds(80));
  EXPECT_EQ(estimate.bytes_per_s(), 3e6);
  EXPECT_EQ(estimate.round_trip(), milliseconds(80));
  EXPECT_EQ(estimate.on_the_way_bytes(), 0U);
  EXPECT_EQ(estimate.utilization(seconds(5)), 0);
}

TEST(LinkEstimate, CountsWhatIsOnTheWay) {
  LinkEstimate estimate(1e6, milliseconds(100));
  estimate.sent(Time(0), 1, 1000, true);
  estimate.sent(Time(0), 2, 200, true);
  estimate.sent(milliseconds(1), 5, 30, false);
  EXPECT_EQ(estimate.on_the_way_bytes(), 1230U);
  estimate.acknowledged(milliseconds(120), 2);
  EXPECT_EQ(estimate.on_the_way_bytes(), 30U);
  estimate.acknowledged(milliseconds(121), 1);
  estimate.acknowledged(milliseconds(121), 4);
  EXPECT_EQ(estimate.on_the_way_bytes(), 30U);
  estimate.acknowledged(milliseconds(130), 99);
  EXPECT_EQ(estimate.on_the_way_bytes(), 0U);
}

TEST(LinkEstimate, ManySmallChunksTakeLittleMemoryAndAreAllCounted) {
  LinkEstimate estimate(1e6, milliseconds(100));
  for (std::uint64_t number = 1; number <= 100'000; ++number) {
    estimate.sent(microseconds(number), number, 10, true);
  }
  EXPECT_EQ(estimate.on_the_way_bytes(), 1'000'000U);
  estimate.acknowledged(seconds(1), 100'000);
  EXPECT_EQ(estimate.on_the_way_bytes(), 0U);
}

TEST(LinkEstimate, AfterABreakNothingOnTheWayCounts) {
  const double rate = 2 * kMegabyte;
  Journey journey(LinkEstimate(rate, milliseconds(100)), rate, milliseconds(50));
  journey.saturate_for(seconds(10));
  const double bytes_per_s = journey.estimate().bytes_per_s();
  const Time round_trip = journey.estimate().round_trip();
  journey.interrupt();
  EXPECT_EQ(journey.estimate().on_the_way_bytes(), 0U);
  journey.run_for(seconds(60));
  EXPECT_EQ(journey.estimate().bytes_per_s(), bytes_per_s);
  EXPECT_EQ(journey.estimate().round_trip(), round_trip);
  journey.saturate_for(seconds(10));
  expect_rate(journey, rate);
  expect_round_trip(journey, milliseconds(100));
}

TEST(LinkEstimate, NumbersMayBeginAnewAfterABreak) {
  LinkEstimate estimate(1e6, milliseconds(100));
  estimate.sent(Time(0), 7, 1000, true);
  estimate.interrupted();
  estimate.acknowledged(seconds(50), 7);
  EXPECT_EQ(estimate.round_trip(), milliseconds(100)) << "a late word about the old session";
  estimate.sent(seconds(60), 3, 1000, true);
  estimate.acknowledged(seconds(60) + milliseconds(70), 3);
  EXPECT_EQ(estimate.round_trip(), milliseconds(70));
}

TEST(LinkEstimate, AHeldAcknowledgementDoesNotMakeTheLinkLookFast) {
  // 1 MB/s and 50 ms one way. The second chunk comes 101 ms after the first, just too late for it.
  LinkEstimate estimate(0.9e6, milliseconds(100));
  for (std::uint64_t number = 1; number <= 4; ++number) estimate.sent(Time(0), number, 101'000, true);
  estimate.acknowledged(milliseconds(301), 1);
  estimate.sent(milliseconds(301), 5, 101'000, true);
  estimate.acknowledged(milliseconds(403), 3);
  estimate.acknowledged(milliseconds(605), 5);
  EXPECT_LE(estimate.bytes_per_s(), 1.02e6);
}

TEST(LinkEstimate, AcknowledgementsInAHeapDoNotMakeTheLinkLookFast) {
  LinkEstimate estimate(1e6, milliseconds(100));
  for (std::uint64_t number = 1; number <= 20; ++number) {
    if (number > 2 && number <= 10 && number % 2 == 0) {
      estimate.acknowledged(milliseconds(50 * number), number - 2);
    }
    if (number == 20) estimate.acknowledged(milliseconds(1000), 10);
    estimate.sent(milliseconds(50 * number), number, 50'000, true);
  }
  estimate.acknowledged(milliseconds(1100), 20);
  EXPECT_LE(estimate.bytes_per_s(), 1.1e6);
}

TEST(LinkEstimate, AnIdleLinkBetweenFullWindowsIsNotASlowOne) {
  LinkEstimate estimate(1e6, milliseconds(100));
  for (std::uint64_t pair = 0; pair < 50; ++pair) {
    estimate.sent(milliseconds(200 * pair), 2 * pair + 1, 50'000, true);
    estimate.sent(milliseconds(200 * pair), 2 * pair + 2, 50'000, true);
    estimate.acknowledged(milliseconds(200 * pair + 200), 2 * pair + 2);
  }
  EXPECT_EQ(estimate.bytes_per_s(), 1e6);
}

TEST(LinkEstimate, LittleTrafficOnAWayThatGetsLongerIsNotASlowLink) {
  LinkEstimate estimate(1e6, milliseconds(20));
  for (std::uint64_t number = 1; number <= 4; ++number) {
    estimate.sent(milliseconds(100 * number), number, 10'000, false);
    estimate.acknowledged(milliseconds(100 * number + 20), number);
  }
  for (std::uint64_t number = 5; number <= 60; ++number) {
    const std::uint64_t now_ms = 500 + 60 * number;
    if (number >= 14 && number % 2 == 0) estimate.acknowledged(milliseconds(now_ms - 1), number - 8);
    estimate.sent(milliseconds(now_ms), number, 10'000, false);
  }
  EXPECT_EQ(estimate.bytes_per_s(), 1e6);
}

TEST(LinkEstimate, FollowsTheRateWithinOneLongTrain) {
  LinkEstimate estimate(1e6, milliseconds(100));
  for (std::uint64_t number = 1; number <= 500; ++number) estimate.sent(Time(0), number, 50'000, true);
  std::uint64_t now_ms = 100;
  for (std::uint64_t number = 2; number <= 500; number += 2) {
    now_ms += number <= 400 ? 100 : 400;
    estimate.acknowledged(milliseconds(now_ms), number);
  }
  EXPECT_NEAR(estimate.bytes_per_s(), 0.25e6, 0.025e6);
}

TEST(LinkEstimate, UtilizationIsTheShareOfTheLastSecond) {
  const double rate = 2 * kMegabyte;
  Journey journey(LinkEstimate(rate, milliseconds(60)), rate, milliseconds(30));
  journey.burst(static_cast<std::size_t>(rate * 0.01), milliseconds(40), 100);
  EXPECT_NEAR(journey.estimate().utilization(journey.now()), 0.25, 0.03);
  EXPECT_EQ(journey.estimate().utilization(journey.now() + seconds(2)), 0);
  journey.saturate_for(seconds(10));
  EXPECT_GE(journey.estimate().utilization(journey.now()), 0.9);
  EXPECT_LE(journey.estimate().utilization(journey.now()), 1);
}

}  // namespace
}  // namespace meridian::wan

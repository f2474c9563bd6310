// Goal: a scrape gets a snapshot that was made after it asked; nobody makes one while nobody asks; a stuck
// owner is seen by the age of what it said last; the last snapshot is seen before a process that ended by a
// fault goes.
#include "src/monitoring/scrape_gate.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <future>
#include <map>
#include <thread>

namespace meridian::monitoring {
namespace {

using namespace std::chrono_literals;
using Families = std::vector<prometheus::MetricFamily>;

constexpr int kDeadlineMs = 60'000;

Families snapshot(double loss) {
  MetricSet set({});
  set.add("meridian_loss", loss);
  return set.take();
}

double value_of(const Families& families, const std::string& name) {
  for (const auto& family : families) {
    if (family.name == name) return family.metric.at(0).gauge.value;
  }
  ADD_FAILURE() << "no " << name;
  return -1.0;
}

bool readable(const ScrapeGate& gate, int timeout_ms) {
  pollfd item{gate.fd(), POLLIN, 0};
  return ::poll(&item, 1, timeout_ms) == 1;
}

std::shared_ptr<ScrapeGate> make_gate() { return std::move(ScrapeGate::create({{"run", "demo"}})).value(); }

TEST(ScrapeGate, AScrapeGetsWhatIsSaidAfterItAsked) {
  const auto gate = make_gate();
  gate->answer(snapshot(1.0));
  EXPECT_FALSE(readable(*gate, 0)) << "nobody asks";
  auto scraped = std::async(std::launch::async, [&] { return gate->Collect(); });
  ASSERT_TRUE(readable(*gate, kDeadlineMs));
  gate->answer(snapshot(2.0));
  const Families families = scraped.get();
  EXPECT_EQ(value_of(families, "meridian_loss"), 2.0);
  EXPECT_GE(value_of(families, "meridian_snapshot_age_seconds"), 0.0);
  EXPECT_EQ(families.back().metric.at(0).label.at(0).value, "demo");
  EXPECT_FALSE(readable(*gate, 0)) << "that ask is answered";
}

TEST(ScrapeGate, AStuckOwnerIsSeenByTheAgeOfItsLastWord) {
  const auto gate = make_gate();
  gate->answer(snapshot(1.0));
  const Families families = gate->Collect();
  EXPECT_EQ(value_of(families, "meridian_loss"), 1.0);
  EXPECT_GE(value_of(families, "meridian_snapshot_age_seconds"),
            std::chrono::duration<double>(ScrapeGate::kLongestWait).count());
}

TEST(ScrapeGate, AfterTheEndTheLastWordIsThereAtOnce) {
  const auto gate = make_gate();
  gate->close(snapshot(1.0));
  EXPECT_EQ(value_of(gate->Collect(), "meridian_loss"), 1.0);
  EXPECT_FALSE(readable(*gate, 0)) << "nobody has to answer any more";
}

TEST(LookRhythm, ALookIsExpectedWhereSomebodyLooksNowAndThen) {
  LookRhythm rhythm;
  EXPECT_EQ(rhythm.expected_within(0s, 1h), 0s) << "nobody has looked";
  rhythm.looked(10s);
  EXPECT_EQ(rhythm.expected_within(10s, 1h), 0s) << "one look says nothing of the next";
  rhythm.looked(15s);
  rhythm.looked(16s);
  EXPECT_EQ(rhythm.expected_within(16s, 1h), 6s) << "the longest span counts, whoever else looks more often";
  EXPECT_EQ(rhythm.expected_within(16s, 1ms), 1ms);
  EXPECT_EQ(rhythm.expected_within(26s, 1h), 6s);
  EXPECT_EQ(rhythm.expected_within(27s, 1h), 0s) << "two looks should have come by now";
  for (int look = 17; look < 25; ++look) rhythm.looked(std::chrono::seconds(look));
  EXPECT_EQ(rhythm.expected_within(24s, 1h), 1200ms) << "spans of long ago are forgotten";
}

TEST(ScrapeGate, ExpectsWhoHasAskedTwice) {
  const auto gate = make_gate();
  gate->close(snapshot(0.0));
  EXPECT_EQ(gate->expected_within(1h), 0ms);
  (void)gate->Collect();
  EXPECT_EQ(gate->expected_within(1h), 0ms);
}

TEST(ScrapeGate, ManyScrapesAtOnceAreAllAnswered) {
  const auto gate = make_gate();
  std::atomic<int> left{200};
  std::vector<std::jthread> lookers;
  for (int i = 0; i < 4; ++i) {
    lookers.emplace_back([&] {
      while (left-- > 0) EXPECT_EQ(gate->Collect().size(), 2U);
    });
  }
  double round = 0.0;
  while (left > 0) {
    if (readable(*gate, 10)) gate->answer(snapshot(++round));
  }
  gate->close(snapshot(0.0));
}

}  // namespace
}  // namespace meridian::monitoring

// Goal: whatever the delays, all datacenters end at one clock that none of them has passed, for the same
// reason, and never for a target that was not met everywhere at one evaluation clock; who left is not waited
// for, and what a peer missed can be told again without harm. Reached by a small
// model of datacenters that close clocks at their own pace and hear each other late, over thousands of seeds.
#include "wan/stop_agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <variant>

#include "src/base/random.h"
#include "wan/wait.h"

namespace meridian::wan {
namespace {

constexpr Clock kEvaluateEvery = 3;

/// Whether datacenter `d` has met the target at `clock`: late, and not for good.
bool meets(std::uint64_t seed, std::size_t d, Clock clock) {
  return clock > 12 && Random::for_parts(seed, {d, clock}).below(3) != 0;
}

struct Told {
  int arrives_at = 0;
  std::variant<std::pair<Clock, double>, StopProposal> what;  // an evaluation or a proposal
};

struct Modelled {
  explicit Modelled(const StopAgreement::Options& options) : stop(options) {}

  StopAgreement stop;
  Clock closed = 0;
  std::optional<Clock> served;
  std::optional<Clock> ended;
  std::vector<std::deque<Told>> hears;  // from each other one, in order
};

struct Wish {
  std::size_t datacenter = 0;
  int at = 0;
  StopReason reason = StopReason::none;
};

class Model {
 public:
  Model(std::uint64_t seed, std::size_t datacenters, std::optional<Clock> clocks, bool target,
        std::vector<Wish> wishes)
      : seed_(seed), random_(seed), wishes_(std::move(wishes)) {
    for (std::size_t d = 0; d < datacenters; ++d) {
      StopAgreement::Options options{.datacenters = datacenters, .own = d, .clocks = clocks, .target = {}};
      if (target) options.target = 0.5;
      datacenters_.emplace_back(options);
      datacenters_.back().hears.resize(datacenters);
      pace_.push_back(1 + static_cast<int>(random_.below(6)));
    }
  }

  /// Runs until all have ended; false where that does not happen.
  bool run() {
    constexpr int kLongest = 20'000;
    for (int now = 0; now < kLongest; ++now) {
      for (const Wish& wish : wishes_) {
        if (wish.at != now) continue;
        datacenters_[wish.datacenter].stop.wish(wish.reason);
        propose(wish.datacenter, now);
      }
      for (std::size_t d = 0; d < datacenters_.size(); ++d) {
        listen(d, now);
        step(d, now);
      }
      if (std::all_of(datacenters_.begin(), datacenters_.end(), [](const Modelled& d) { return d.ended; })) {
        // Whoever has ended still listens until the drain is over.
        for (std::size_t d = 0; d < datacenters_.size(); ++d) listen(d, kLongest);
        for (std::size_t d = 0; d < datacenters_.size(); ++d) listen(d, 2 * kLongest);
        return true;
      }
    }
    return false;
  }

  const std::vector<Modelled>& datacenters() const { return datacenters_; }

 private:
  void tell(std::size_t from, int now, const std::variant<std::pair<Clock, double>, StopProposal>& what) {
    for (std::size_t to = 0; to < datacenters_.size(); ++to) {
      if (to == from) continue;
      auto& queue = datacenters_[to].hears[from];
      const int earliest = queue.empty() ? now : std::max(now, queue.back().arrives_at);
      queue.push_back({earliest + static_cast<int>(random_.below(40)), what});
    }
  }

  void propose(std::size_t d, int now) {
    Modelled& own = datacenters_[d];
    if (const auto proposal = own.stop.propose(own.served ? *own.served + 1 : 0)) {
      // Nobody offers a clock that it has already left behind.
      EXPECT_GE(proposal->clock, own.served ? *own.served + 1 : 0);
      tell(d, now, *proposal);
    }
  }

  void listen(std::size_t d, int now) {
    Modelled& own = datacenters_[d];
    for (std::size_t from = 0; from < own.hears.size(); ++from) {
      auto& queue = own.hears[from];
      while (!queue.empty() && queue.front().arrives_at <= now) {
        const Told told = queue.front();
        queue.pop_front();
        if (const auto* evaluation = std::get_if<std::pair<Clock, double>>(&told.what)) {
          own.stop.evaluated(from, evaluation->first, evaluation->second);
        } else {
          own.stop.proposed(from, std::get<StopProposal>(told.what));
        }
        propose(d, now);
      }
    }
  }

  void step(std::size_t d, int now) {
    Modelled& own = datacenters_[d];
    if (own.ended) return;
    // A read at the closed clock, as soon as it may be served.
    if (!own.served || *own.served < own.closed) {
      if (own.stop.ends_at(own.closed)) {
        own.ended = own.closed;
      } else if (own.stop.holds(own.closed)) {
        return;
      }
      own.served = own.closed;
      propose(d, now);
      if (own.closed > 0 && own.closed % kEvaluateEvery == 0) {
        const double objective = meets(seed_, d, own.closed) ? 1.0 : 0.0;
        own.stop.evaluated(d, own.closed, objective);
        tell(d, now, std::make_pair(own.closed, objective));
        propose(d, now);
      }
      return;
    }
    if (random_.below(static_cast<std::uint64_t>(pace_[d])) == 0) ++own.closed;
  }

  std::uint64_t seed_;
  Random random_;
  std::vector<Wish> wishes_;
  std::vector<Modelled> datacenters_;
  std::vector<int> pace_;
};

/// The first evaluation clock at which all meet the target, up to `most`.
std::optional<Clock> first_met(std::uint64_t seed, std::size_t datacenters, Clock most) {
  for (Clock clock = kEvaluateEvery; clock <= most; clock += kEvaluateEvery) {
    bool all = true;
    for (std::size_t d = 0; d < datacenters; ++d) all = all && meets(seed, d, clock);
    if (all) return clock;
  }
  return std::nullopt;
}

TEST(StopAgreement, AllEndAtOneClockForOneReason) {
  int ended_by_target = 0;
  int ended_by_clocks = 0;
  int ended_by_wish = 0;
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    Random random = Random::for_parts(seed, {77});
    const std::size_t datacenters = 1 + random.below(5);
    std::optional<Clock> clocks;
    if (random.below(2) == 0) clocks = static_cast<Clock>(1 + random.below(60));
    const bool target = random.below(2) == 0;
    std::vector<Wish> wishes;
    for (std::uint64_t i = random.below(3); i > 0 || (!clocks && !target && wishes.empty());
         i = i > 0 ? i - 1 : 0) {
      wishes.push_back({random.below(datacenters), static_cast<int>(random.below(300)),
                        random.below(2) == 0 ? StopReason::time : StopReason::interrupted});
    }
    Model model(seed, datacenters, clocks, target, wishes);
    ASSERT_TRUE(model.run());
    const Modelled& first = model.datacenters().front();
    const StopReason reason = first.stop.reason();
    for (const Modelled& each : model.datacenters()) {
      ASSERT_EQ(each.ended, first.ended);
      ASSERT_EQ(each.closed, first.closed);
      ASSERT_EQ(each.stop.reason(), reason);
      ASSERT_FALSE(each.stop.holds(each.closed + 1) && !each.stop.ends_at(each.closed + 1));
    }
    const std::optional<Clock> met = target ? first_met(seed, datacenters, *first.ended) : std::nullopt;
    ASSERT_LE(*first.ended, clocks.value_or(kClockDone));
    ASSERT_TRUE(reason != StopReason::target || met);
    ASSERT_TRUE(reason == StopReason::clocks || met || !wishes.empty());
    ASSERT_TRUE(reason != StopReason::clocks || first.ended == clocks);
    ended_by_target += reason == StopReason::target ? 1 : 0;
    ended_by_clocks += reason == StopReason::clocks ? 1 : 0;
    ended_by_wish += reason == StopReason::time || reason == StopReason::interrupted ? 1 : 0;
  }
  EXPECT_GT(ended_by_target, 200);
  EXPECT_GT(ended_by_clocks, 200);
  EXPECT_GT(ended_by_wish, 200);
}

TEST(StopAgreement, TheTargetCountsAtOneEvaluationClockOnly) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = {}, .target = 0.8});
  stop.evaluated(0, 10, 0.9);
  stop.evaluated(1, 10, 0.7);
  stop.evaluated(0, 20, 0.7);
  stop.evaluated(1, 20, 0.9);
  EXPECT_FALSE(stop.propose(21));
  stop.evaluated(1, 30, 0.8);
  EXPECT_FALSE(stop.propose(31));
  stop.evaluated(0, 30, 0.8);
  EXPECT_EQ(stop.propose(31), (StopProposal{31, StopReason::target}));
  EXPECT_FALSE(stop.propose(32));  // once
  EXPECT_FALSE(stop.ends_at(100));
  EXPECT_FALSE(stop.holds(30));
  EXPECT_TRUE(stop.holds(31));
  stop.proposed(1, {35, StopReason::target});
  EXPECT_FALSE(stop.holds(34));
  EXPECT_FALSE(stop.ends_at(34));
  EXPECT_TRUE(stop.ends_at(35));
}

TEST(StopAgreement, ASmallerObjectiveMayBeTheBetterOne) {
  StopAgreement stop({.datacenters = 1, .own = 0, .clocks = {}, .target = 0.8, .larger_is_better = false});
  stop.evaluated(0, 10, 0.9);
  EXPECT_FALSE(stop.propose(11));
  stop.evaluated(0, 20, 0.8);
  EXPECT_TRUE(stop.propose(21));
  EXPECT_TRUE(stop.ends_at(21));
}

TEST(StopAgreement, TheLargestReasonCounts) {
  StopAgreement stop({.datacenters = 3, .own = 0, .clocks = 50, .target = {}});
  EXPECT_EQ(stop.reason(), StopReason::clocks);
  stop.wish(StopReason::time);
  EXPECT_EQ(stop.reason(), StopReason::time);
  stop.proposed(1, {9, StopReason::interrupted});
  EXPECT_EQ(stop.reason(), StopReason::interrupted);
  stop.wish(StopReason::time);
  EXPECT_EQ(stop.reason(), StopReason::interrupted);
  stop.proposed(2, {9, StopReason::target});
  EXPECT_EQ(stop.reason(), StopReason::target);
}

TEST(StopAgreement, FixedClocksNeedNobodysConsent) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = 7, .target = {}});
  EXPECT_FALSE(stop.ends_at(6));
  EXPECT_TRUE(stop.ends_at(7));
  stop.wish(StopReason::time);
  EXPECT_TRUE(stop.propose(7));
  EXPECT_FALSE(stop.holds(7));
  EXPECT_TRUE(stop.ends_at(7));
}

TEST(StopAgreement, WhoLeftIsNotAskedUnlessItIsBack) {
  StopAgreement stop({.datacenters = 3, .own = 0, .clocks = {}, .target = 0.5});
  stop.evaluated(0, 10, 0.9);
  stop.evaluated(1, 10, 0.9);
  EXPECT_FALSE(stop.propose(11)) << "the third one has not measured yet";
  stop.left(2, true);
  EXPECT_TRUE(stop.has_left(2));
  EXPECT_EQ(stop.propose(11), (StopProposal{11, StopReason::target}));
  EXPECT_TRUE(stop.holds(11)) << "the second one has to say something";
  stop.proposed(1, {12, StopReason::target, 1});
  EXPECT_FALSE(stop.holds(12));
  EXPECT_TRUE(stop.ends_at(12));
  // What was agreed stands: some may have acted on it when it returns.
  stop.left(2, false);
  EXPECT_FALSE(stop.has_left(2));
  stop.proposed(2, {14, StopReason::target, 2});
  stop.proposed(1, {20, StopReason::target, 1});
  EXPECT_FALSE(stop.holds(12));
  EXPECT_TRUE(stop.ends_at(12));
}

TEST(StopAgreement, WhatOneWhoLeftHadProposedStands) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = {}, .target = {}});
  stop.proposed(1, {14, StopReason::interrupted, 1});
  stop.left(1, true);
  EXPECT_EQ(stop.propose(3), (StopProposal{3, StopReason::interrupted}));
  EXPECT_FALSE(stop.ends_at(13));
  EXPECT_TRUE(stop.ends_at(14));
}

TEST(StopAgreement, TellsAPeerThatMissedItWhatMayStillMatter) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = {}, .target = 0.5});
  for (const Clock clock : {10U, 20U, 30U}) stop.evaluated(0, clock, 0.1);
  stop.evaluated(1, 10, 0.9);
  stop.evaluated(1, 20, 0.2);
  // 10 and 20 are decided; the last of them may not have been heard by everybody.
  const std::vector<Evaluation> own = {{20, 0.1, 0}, {30, 0.1, 0}};
  EXPECT_EQ(stop.evaluations_of(0), own);
  EXPECT_EQ(stop.evaluations_of(1), (std::vector<Evaluation>{{20, 0.2, 1}}));
  EXPECT_TRUE(stop.evaluations_of(2).empty()) << "there is none";
  EXPECT_FALSE(stop.proposal_of(0));
  stop.wish(StopReason::time);
  const auto proposal = stop.propose(31);
  EXPECT_TRUE(proposal);
  EXPECT_EQ(stop.proposal_of(0), proposal);
  stop.proposed(1, {33, StopReason::time, 1});
  EXPECT_EQ(stop.proposal_of(1), (StopProposal{33, StopReason::time, 1}));
}

// A peer that was cut off says again what all have long decided about.
TEST(StopAgreement, EvaluationsThatAreToldAgainOpenNothing) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = {}, .target = 0.5});
  for (const Clock clock : {10U, 20U}) {
    stop.evaluated(0, clock, 0.1);
    stop.evaluated(1, clock, 0.9);
  }
  const std::vector<Evaluation> before = stop.evaluations_of(1);
  stop.evaluated(1, 10, 0.9);
  stop.evaluated(1, 20, 0.9);
  EXPECT_EQ(stop.evaluations_of(1), before);
  // Nor does it count for another clock, or as somebody else's.
  stop.evaluated(0, 30, 0.9);
  EXPECT_FALSE(stop.propose(31));
  stop.evaluated(1, 30, 0.9);
  stop.evaluated(1, 30, 0.9);
  EXPECT_TRUE(stop.propose(31));
}

TEST(StopAgreement, WhatConcernsNobodyIsIgnored) {
  StopAgreement stop({.datacenters = 2, .own = 0, .clocks = {}, .target = 0.5});
  stop.evaluated(2, 10, 1.0);
  stop.proposed(2, {1, StopReason::interrupted});
  stop.proposed(0, {1, StopReason::interrupted});  // its own comes from propose() only
  EXPECT_EQ(stop.reason(), StopReason::none);
  EXPECT_FALSE(stop.propose(1));
}

}  // namespace
}  // namespace meridian::wan

// Goal: a link numbers its chunks without gaps, never has more than its window on the way, leaves what does
// not fit in a backlog and loses none of it, calls a clock complete only when all of it is in numbered
// chunks, releases an announcement only with the chunk that completes it, and after a hole goes on from what
// the receiver has. Reached by a link driven by hand, then by drawn offers, losses, acknowledgements and
// epochs against a plain sum.
#include "wan/outgoing_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "src/base/random.h"
#include "tests/wan/owned_sums.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using Answer = OutgoingLink::Answer;

const std::vector<TableRange> kOwned = {{100, 1100}, {0, 20}};
const std::vector<TableRange> kShared = {{300, 900}, {0, 20}};

OutgoingLink link_of(std::size_t chunk_bytes, std::size_t window_bytes, bool clocks_apart = false) {
  return OutgoingLink({.owned = kOwned,
                       .shared = kShared,
                       .limits = {chunk_bytes, window_bytes},
                       .encoding = Encoding::plain,
                       .clocks_apart = clocks_apart});
}

/// `count` neighbouring entries of table 0 from `offset`, each of `value`.
Selection run_of(std::size_t offset, std::size_t count, float value) {
  Selection selection(kOwned.size());
  for (std::size_t i = 0; i < count; ++i) selection[0].add(offset + i, value);
  return selection;
}

std::vector<FloatBuffer> zeros() { return zeros_over(kOwned); }

void add_chunks(const std::vector<UpdateChunk>& chunks, std::vector<FloatBuffer>& sums) {
  for (const UpdateChunk& chunk : chunks) add_chunk_to(chunk, kOwned, sums);
}

TEST(OutgoingLink, SizesSuitTheLink) {
  constexpr std::size_t kSharedBytes = 4'000'000;
  const Time round_trip = std::chrono::milliseconds(200);
  // 1 MB/s: 50 ms are 50 kB; twice 1 MB/s x 200 ms are 400 kB.
  EXPECT_EQ(limits_for(1e6, round_trip, kSharedBytes), (LinkLimits{50'000, 400'000}));
  // A slow link: the smallest chunk, two of them.
  EXPECT_EQ(limits_for(1e3, round_trip, kSharedBytes), (LinkLimits{4096, 8192}));
  // A long one: two clocks' updates at most, and room for a whole chunk.
  EXPECT_EQ(limits_for(1e6, round_trip, 110'000), (LinkLimits{50'000, 270'000}));
  // A fast one: a chunk is no message without end.
  EXPECT_EQ(limits_for(1e12, round_trip, 1'000), (LinkLimits{4 << 20, 8 << 20}));
}

TEST(OutgoingLink, NumbersChunksInOrderAndKeepsWithinTheWindow) {
  OutgoingLink link = link_of(400, 1000);  // chunks of 100 entries, two of them
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 150, 1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].header.number, 1U);
  EXPECT_EQ(out[1].header.number, 2U);
  EXPECT_EQ(out[0].header.clock, 1U);
  EXPECT_EQ(link.unacknowledged_bytes(), 600U);
  EXPECT_FALSE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_EQ(link.last_number(), 2U);

  out.clear();
  link.offer(2, run_of(200, 300, 1.0F), out);  // one more chunk would exceed 1000 bytes only at 700 and above
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(link.unacknowledged_bytes(), 1000U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
}

TEST(OutgoingLink, WhatDoesNotFitMergesAndGoesOutWhenThereIsRoom) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  std::vector<FloatBuffer> arrived = zeros();
  for (Clock clock = 1; clock <= 50; ++clock) link.offer(clock, run_of(200, 200, 1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  add_chunks(out, arrived);

  // Fifty clocks, yet no more than one buffer's worth is left: two further chunks hold all of it.
  out.clear();
  EXPECT_EQ(link.acknowledged(1, 1, out), Answer::taken);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_EQ(link.acknowledged(1, 3, out), Answer::taken);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_FALSE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 50U);
  EXPECT_EQ(link.last_number(), 4U);
  EXPECT_EQ(out[1].header.clock, 50U);
  add_chunks(out, arrived);
  for (std::size_t i = 200; i < 400; ++i) EXPECT_EQ(arrived[0][i], 50.0F);
  EXPECT_FALSE(link.all_acknowledged());
  EXPECT_EQ(link.acknowledged(1, 4, out), Answer::taken);
  EXPECT_TRUE(link.all_acknowledged());
  EXPECT_EQ(link.unacknowledged_bytes(), 0U);
}

TEST(OutgoingLink, AnEmptyClockIsCompleteAtOnceUnlessSomethingWaits) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, Selection(kOwned.size()), out);
  EXPECT_EQ(link.complete_clock(), 1U);
  EXPECT_EQ(link.last_number(), 0U);
  link.offer(2, run_of(200, 300, 1.0F), out);
  link.offer(3, Selection(kOwned.size()), out);
  EXPECT_EQ(link.complete_clock(), 1U);
}

TEST(OutgoingLink, RefusesAcknowledgementsOfWhatWasNeverSent) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  EXPECT_EQ(link.acknowledged(1, 0, out), Answer::taken);
  EXPECT_EQ(link.acknowledged(1, 1, out), Answer::impossible);
  link.offer(1, run_of(200, 100, 1.0F), out);
  EXPECT_EQ(link.acknowledged(1, 2, out), Answer::impossible);
  EXPECT_EQ(link.acknowledged(2, 1, out), Answer::stale) << "what asks for that epoch may have got lost";
  EXPECT_FALSE(link.all_acknowledged());
  EXPECT_EQ(link.acknowledged(1, 1, out), Answer::taken);
  // Again, and an older one: both say nothing new.
  EXPECT_EQ(link.acknowledged(1, 1, out), Answer::taken);
  EXPECT_EQ(link.acknowledged(1, 0, out), Answer::taken);
  EXPECT_TRUE(link.all_acknowledged());
}

TEST(OutgoingLink, MagnitudesDoNotCancel) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 200, 3.0F), out);
  link.offer(2, run_of(200, 1, -5.0F), out);
  link.offer(3, run_of(200, 1, 1.0F), out);
  std::vector<FloatBuffer> plain = zeros();
  std::vector<FloatBuffer> magnitudes = zeros();
  link.add_outstanding_to(plain, 0, /*magnitudes=*/false);
  link.add_outstanding_to(magnitudes, 0, /*magnitudes=*/true);
  EXPECT_EQ(plain[0][200], -1.0F);
  EXPECT_EQ(magnitudes[0][200], 7.0F);  // 3 on the way, -4 in the backlog
  std::vector<FloatBuffer> later = zeros();
  link.add_outstanding_to(later, 1, /*magnitudes=*/false);
  EXPECT_EQ(later[0][200], -4.0F);
}

/// A link and a receiver that loses chunks now and then, beside plain sums. All values are above zero, so
/// that what is missing shows.
class LossyLink {
 public:
  LossyLink(std::uint64_t seed, bool clocks_apart) : random_(seed), clocks_apart_(clocks_apart) {
    const LinkLimits limits = drawn_limits();
    link_ = std::make_unique<OutgoingLink>(link_of(limits.chunk_bytes, limits.window_bytes, clocks_apart));
    offered_at_.push_back(zeros());
  }

  void run() {
    for (int step = 0; step < 120 && !testing::Test::HasFatalFailure(); ++step) {
      take_step(random_.below(9));
      check();
    }
    if (!testing::Test::HasFatalFailure()) finish();
  }

 private:
  void take_step(std::uint64_t event) {
    if (event < 3) return offer();
    if (event < 6) return deliver();
    if (event < 7) return acknowledge(acknowledged_ + random_.below(applied_ - acknowledged_ + 1));
    if (event < 8) return random_.below(3) == 0 ? resume() : deliver();
    // Chunks that return keep the size that they have where clocks are told apart.
    if (!clocks_apart_) link_->set_limits(drawn_limits());
  }

  LinkLimits drawn_limits() {
    const std::size_t chunk_bytes = 16 + random_.below(600);
    return {chunk_bytes, 2 * chunk_bytes + random_.below(1000)};
  }

  void offer() {
    Selection selection(kOwned.size());
    for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
      if (random_.below(10) == 0) selection[table].add(offset, static_cast<float>(1 + random_.below(3)));
    });
    offered_at_.push_back(clone(offered_at_.back()));
    add_selection_to(selection, kOwned, kShared, offered_at_.back());
    link_->offer(++clock_, selection, out_);
    take_out();
  }

  /// What the link sends, at the moment that it does.
  void take_out() {
    for (UpdateChunk& chunk : out_) {
      ASSERT_EQ(chunk.header.number, ++number_);
      ASSERT_LE(chunk.payload.size(), link_->limits().chunk_bytes);
      ASSERT_FALSE(check_chunk(chunk, kShared));
      ASSERT_TRUE(clocks_apart_ || chunk.header.clock == clock_);
      on_the_way_.push_back(std::move(chunk));
    }
    ASSERT_TRUE(out_.empty() || link_->unacknowledged_bytes() <= link_->limits().window_bytes);
    out_.clear();
  }

  void deliver() {
    if (on_the_way_.empty()) return;
    const UpdateChunk chunk = std::move(on_the_way_.front());
    on_the_way_.pop_front();
    ASSERT_EQ(chunk.header.number, ++applied_);
    add_chunk_to(chunk, kOwned, arrived_);
    if (!clocks_apart_) return;
    // One clock after the other, and none has more than was offered for it.
    ASSERT_GE(chunk.header.clock, arrived_clock_);
    arrived_clock_ = chunk.header.clock;
    ASSERT_EQ(entries_above(arrived_, offered_at_[arrived_clock_]), 0U);
  }

  static std::size_t entries_above(const std::vector<FloatBuffer>& sums,
                                   const std::vector<FloatBuffer>& others) {
    std::size_t above = 0;
    for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
      if (sums[table][offset] > others[table][offset]) ++above;
    });
    return above;
  }

  void acknowledge(std::uint64_t number) {
    acknowledged_ = number;
    ASSERT_EQ(link_->acknowledged(link_->epoch(), number, out_), Answer::taken);
    take_out();
  }

  void resume() {
    on_the_way_.clear();
    acknowledged_ = number_ = applied_;
    ASSERT_EQ(link_->resume(link_->epoch() + 1, applied_, out_), Answer::taken);
    take_out();
  }

  void check() {
    ASSERT_EQ(link_->last_number(), number_);
    ASSERT_EQ(link_->acknowledged_number(), acknowledged_);
    ASSERT_EQ(link_->complete_clock() == clock_, !link_->has_backlog());
    std::vector<FloatBuffer> sums = clone(arrived_);
    link_->add_outstanding_to(sums, applied_, /*magnitudes=*/false);
    ASSERT_EQ(entries_above(sums, offered_at_[clock_]) + entries_above(offered_at_[clock_], sums), 0U);
    if (applied_ < link_->complete_number()) return;
    ASSERT_EQ(entries_above(offered_at_[link_->complete_clock()], arrived_), 0U);
  }

  void finish() {
    for (int round = 0; round < 5000 && !link_->all_acknowledged(); ++round) {
      while (!on_the_way_.empty() && !testing::Test::HasFatalFailure()) deliver();
      acknowledge(applied_);
    }
    EXPECT_TRUE(link_->all_acknowledged());
    EXPECT_FALSE(link_->has_backlog());
    EXPECT_EQ(link_->complete_clock(), clock_);
    check();
  }

  Random random_;
  bool clocks_apart_;
  std::unique_ptr<OutgoingLink> link_;
  std::vector<UpdateChunk> out_;
  Clock clock_ = 0;
  std::vector<std::vector<FloatBuffer>> offered_at_;  // in all, by clock
  std::uint64_t number_ = 0;
  std::deque<UpdateChunk> on_the_way_;
  std::uint64_t applied_ = 0;
  std::uint64_t acknowledged_ = 0;
  Clock arrived_clock_ = 0;
  std::vector<FloatBuffer> arrived_ = zeros();
};

TEST(OutgoingLink, NothingIsLostWhateverTheOrderOfOffersLossesAndAcknowledgements) {
  for (std::uint64_t seed = 1; seed <= 150; ++seed) {
    for (const bool clocks_apart : {false, true}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << (clocks_apart ? ", clocks apart" : ""));
      LossyLink(seed, clocks_apart).run();
      if (HasFailure()) return;
    }
  }
}

TEST(OutgoingLink, GoesOnInANewEpochFromWhatTheReceiverHas) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 150, 1.0F), out);
  link.offer(2, run_of(200, 300, 1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(link.complete_clock(), 1U);
  // The receiver has the first one only; it need not have acknowledged it.
  std::vector<FloatBuffer> arrived = zeros();
  add_chunks({out.front()}, arrived);
  out.clear();
  EXPECT_EQ(link.resume(2, 1, out), Answer::taken);
  EXPECT_EQ(link.epoch(), 2U);
  EXPECT_EQ(link.complete_clock(), 0U) << "what completed the clock was lost";
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out.front().header.number, 2U);
  EXPECT_EQ(link.acknowledged(2, 3, out), Answer::taken);
  EXPECT_EQ(link.complete_clock(), 2U);
  EXPECT_EQ(link.complete_number(), 4U);
  add_chunks(out, arrived);
  for (std::size_t i = 200; i < 500; ++i) EXPECT_EQ(arrived[0][i], i < 350 ? 2.0F : 1.0F) << i;
}

TEST(OutgoingLink, TakesNoAnswerOfAnotherEpochAndGoesOnFromNothingImpossible) {
  OutgoingLink link = link_of(400, 1200);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 300, 1.0F), out);
  EXPECT_EQ(link.acknowledged(1, 2, out), Answer::taken);
  EXPECT_EQ(link.resume(1, 2, out), Answer::stale) << "the epoch that it is in";
  EXPECT_EQ(link.resume(2, 4, out), Answer::impossible) << "never sent";
  EXPECT_EQ(link.resume(2, 1, out), Answer::impossible) << "it has acknowledged more";
  EXPECT_EQ(link.epoch(), 1U);
  EXPECT_EQ(link.resume(7, 2, out), Answer::taken) << "epochs in between may have been lost";
  EXPECT_EQ(link.acknowledged(1, 3, out), Answer::stale);
  EXPECT_FALSE(link.all_acknowledged());
  EXPECT_EQ(link.resume(2, 3, out), Answer::stale);
  EXPECT_EQ(link.acknowledged(7, 3, out), Answer::taken);
  EXPECT_TRUE(link.all_acknowledged());
}

TEST(OutgoingLink, AnAnnouncementIsReleasedWithTheChunkThatCompletesIt) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  for (Clock clock = 1; clock <= 2; ++clock) link.offer(clock, run_of(200, 200, 1.0F), out);
  link.announced(1, out);
  ASSERT_EQ(out.size(), 2U) << "the window is full, and the release waits for its entries";
  EXPECT_EQ(link.acknowledged(1, 1, out), Answer::taken);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[2].header.released, 0U);
  EXPECT_EQ(link.acknowledged(1, 2, out), Answer::taken);
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(out[3].header.released, 1U);
  EXPECT_EQ(link.acknowledged_release(), 0U);
  EXPECT_EQ(link.acknowledged(1, 4, out), Answer::taken);
  EXPECT_EQ(link.acknowledged_release(), 1U);
}

TEST(OutgoingLink, WhatWasAnnouncedAndCameToNothingIsReleasedByAnEmptyChunk) {
  OutgoingLink link = link_of(400, 800);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 200, 1.0F), out);
  link.offer(2, run_of(200, 9, 1.0F), out);
  link.announced(1, out);
  link.offer(3, run_of(200, 9, -1.0F), out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(link.acknowledged(1, 2, out), Answer::taken);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_TRUE(out[2].header.segments.empty());
  EXPECT_EQ(out[2].header.released, 1U);
  // One that nothing stands behind is released at once.
  link.announced(2, out);
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(out[3].header.released, 2U);
}

TEST(OutgoingLink, AReleaseThatWasLostIsToldAgainAfterItsEntries) {
  OutgoingLink link = link_of(400, 1200);
  std::vector<UpdateChunk> out;
  link.offer(1, run_of(200, 150, 1.0F), out);
  link.announced(1, out);
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[2].header.released, 1U);
  // The receiver has nothing: the release waits once more for all its entries.
  out.clear();
  EXPECT_EQ(link.resume(2, 0, out), Answer::taken);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].header.released, 0U);
  EXPECT_EQ(out[1].header.released, 1U);
  // It has the entries, and only the word was lost.
  OutgoingLink other = link_of(400, 1200);
  out.clear();
  other.offer(1, run_of(200, 150, 1.0F), out);
  other.announced(1, out);
  out.clear();
  EXPECT_EQ(other.resume(2, 2, out), Answer::taken);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_TRUE(out[0].header.segments.empty());
  EXPECT_EQ(out[0].header.released, 1U);
}

TEST(OutgoingLink, WhatIsWithheldGoesWithTheNextExchange) {
  OutgoingLink link = link_of(400, 1000);
  std::vector<UpdateChunk> out;
  link.withhold(1, run_of(200, 10, 1.0F));
  EXPECT_TRUE(out.empty());
  EXPECT_TRUE(link.has_backlog());
  EXPECT_EQ(link.complete_clock(), 0U);
  // An acknowledgement makes room, but no exchange.
  EXPECT_EQ(link.acknowledged(1, 0, out), Answer::taken);
  EXPECT_TRUE(out.empty());
  link.offer(2, run_of(200, 10, 2.0F), out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out.front().header.clock, 2U);
  EXPECT_EQ(link.complete_clock(), 2U);
  for_each_entry(out.front(), [](std::size_t, std::size_t, float value) { EXPECT_EQ(value, 3.0F); });
}

}  // namespace
}  // namespace meridian::wan

// Goal: a merge by exchanges contributes at due clocks, sends subtree sums and totals to whom they are for,
// says that all clocks before the next exchange are applied, opens no more exchanges than it may, and ends
// with one exchange of everything at a clock that nobody's reports have spoken of. Reached by one datacenter
// whose links take notes, and by two that exchange whole trainings.
#include "wan/exchange_merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "tests/wan/owned_sums.h"
#include "wan/exact_sum.h"

namespace meridian::wan {
namespace {

using datacenter::ParameterStore;
using datacenter::TableRange;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<TableRange> kRanges = {{10, 14}, {0, 3}};

/// Links that take notes.
class NotedOutlets final : public Outlets {
 public:
  struct Note {
    std::size_t neighbour = 0;
    Clock clock = 0;
    float first = 0.0F;  ///< the first entry of the first table
  };

  void offer(std::size_t neighbour, Clock clock, const Selection& selection) override {
    const bool any = selection[0].size() > 0 && selection[0].offsets.front() == 0;
    notes.push_back({neighbour, clock, any ? selection[0].values.front() : 0.0F});
    selections.push_back(selection);
  }
  void withhold(std::size_t, Clock, const Selection&) override { ADD_FAILURE() << "exchanges come whole"; }
  double threshold_scale(std::size_t) const override { return 1.0; }

  std::vector<Note> notes;
  std::vector<Selection> selections;
};

bool operator==(const NotedOutlets::Note& a, const NotedOutlets::Note& b) {
  return a.neighbour == b.neighbour && a.clock == b.clock && a.first == b.first;
}

using Note = NotedOutlets::Note;

/// A datacenter "m" with neighbours "a", "b", ... and an exact sum.
struct Node {
  explicit Node(const std::vector<Relation>& relations, Clock h = 1, std::size_t max_open = 1)
      : store(kRanges), progress(relations.size()), when(h) {
    MergePlace place{.store = &store,
                     .own_name = "m",
                     .weight = 0.5,
                     .neighbours = {},
                     .columns = {1, 1},
                     .table_names = {"weights", "biases"},
                     .learning_rate = {},
                     .thresholds_differ = false};
    for (const Relation relation : relations) {
      const char name = static_cast<char>('a' + place.neighbours.size());
      place.neighbours.push_back({std::string(1, name), relation, 1});
    }
    merge = std::make_unique<ExchangeMerge>(std::move(place), what, when, std::make_unique<ExactSum>(kRanges),
                                            max_open);
  }

  /// The own step of the next clock: `value` for every entry.
  void close(float value) {
    ++clock;
    for (std::size_t table = 0; table < kRanges.size(); ++table) {
      const std::vector<float> step(kRanges[table].size(), value);
      merge->own_step(clock, table, 0, store.change(table), step);
    }
    EXPECT_FALSE(merge->own_clock_closed(clock, outlets));
  }

  /// A neighbour's part of an exchange, `value` for every entry, and the word that this was all up to
  /// `complete`.
  void receive(std::size_t neighbour, Clock at, float value, Clock complete) {
    Selection selection(kRanges.size());
    for_each_owned(kRanges, [&](std::size_t table, std::size_t i) { selection[table].add(i, value); });
    receive(neighbour, at, selection);
    this->complete(neighbour, complete);
  }
  void receive(std::size_t neighbour, Clock at, const Selection& selection) const {
    for (ChunkCutter cutter(selection, kRanges, kRanges); !cutter.done();) {
      UpdateChunk chunk = cutter.next(16);
      chunk.header.clock = at;
      const Failure wrong = merge->remote_chunk(neighbour, std::move(chunk));
      EXPECT_FALSE(wrong) << wrong->message;
    }
  }
  void complete(std::size_t neighbour, Clock at) {
    progress[neighbour].complete = std::max(progress[neighbour].complete, at);
    EXPECT_FALSE(merge->progressed(progress, outlets));
  }
  void drain() { EXPECT_FALSE(merge->drain(clock, outlets)); }

  ParameterStore store;
  NotedOutlets outlets;
  std::vector<NeighbourProgress> progress;
  SendAll what;
  EveryClocks when;
  std::unique_ptr<ExchangeMerge> merge;
  Clock clock = 0;
};

TEST(ExchangeMerge, OnlyTheTotalChangesTheReplica) {
  Node node({Relation::peer});
  EXPECT_EQ(node.merge->step_scale(), 0.5F);
  EXPECT_TRUE(node.merge->clocks_apart());
  node.close(1.0F);
  EXPECT_THAT(node.store.values(0), Each(0.0F));
  EXPECT_THAT(node.outlets.notes, ElementsAre(Note{0, 1, 1.0F}));
  EXPECT_EQ(node.merge->applied(0), 0U);
  node.receive(0, 1, 2.0F, 1);
  EXPECT_THAT(node.store.values(0), Each(3.0F));
  EXPECT_THAT(node.store.values(1), Each(3.0F));
  EXPECT_EQ(node.merge->applied(0), 1U);
}

TEST(ExchangeMerge, SubtreeSumsGoUpAndAcrossTotalsGoDown) {
  // A hub: "a" is a peer, "b" a child.
  Node hub({Relation::peer, Relation::child});
  hub.close(1.0F);
  EXPECT_THAT(hub.outlets.notes, IsEmpty()) << "the child's part is missing";
  hub.receive(1, 1, 2.0F, 1);
  EXPECT_THAT(hub.outlets.notes, ElementsAre(Note{0, 1, 3.0F}));
  hub.receive(0, 1, 4.0F, 1);
  EXPECT_THAT(hub.outlets.notes, ElementsAre(Note{0, 1, 3.0F}, Note{1, 1, 7.0F}));
  EXPECT_THAT(hub.store.values(0), Each(7.0F));
  // A leaf under "a": what the parent sends is the total, the own part in it.
  Node leaf({Relation::parent});
  leaf.close(1.0F);
  EXPECT_THAT(leaf.outlets.notes, ElementsAre(Note{0, 1, 1.0F}));
  leaf.receive(0, 1, 9.0F, 1);
  EXPECT_THAT(leaf.store.values(0), Each(9.0F));
  EXPECT_THAT(leaf.outlets.notes.size(), 1U);
}

// Between two exchanges nothing is owed.
TEST(ExchangeMerge, AllClocksBeforeTheNextExchangeCountAsAppliedAndComplete) {
  Node node({Relation::peer}, /*h=*/5);
  EXPECT_EQ(node.merge->applied(0), 4U);
  for (int i = 0; i < 4; ++i) node.close(1.0F);
  EXPECT_THAT(node.outlets.notes, IsEmpty());
  EXPECT_EQ(node.merge->complete_through(0), 4U);
  EXPECT_EQ(node.merge->complete_through(4), 4U);
  node.close(1.0F);
  EXPECT_THAT(node.outlets.notes, ElementsAre(Note{0, 5, 5.0F}));
  EXPECT_EQ(node.merge->complete_through(5), 9U);
  EXPECT_EQ(node.merge->applied(0), 4U);
  node.receive(0, 5, 1.0F, 9);
  EXPECT_THAT(node.store.values(0), Each(6.0F));
  EXPECT_EQ(node.merge->applied(0), 9U);
}

TEST(ExchangeMerge, OpensNoMoreExchangesThanItMay) {
  Node node({Relation::peer}, /*h=*/1, /*max_open=*/2);
  EXPECT_TRUE(node.merge->takes_next());
  node.close(1.0F);
  EXPECT_TRUE(node.merge->takes_next());
  node.close(1.0F);
  EXPECT_FALSE(node.merge->takes_next());
  node.receive(0, 1, 1.0F, 1);
  EXPECT_TRUE(node.merge->takes_next());
  EXPECT_EQ(node.merge->applied(0), 1U);
}

TEST(ExchangeMerge, TheDrainIsOneExchangeOfEverythingAtTheNextDueClock) {
  Node node({Relation::peer}, /*h=*/5);
  for (int i = 0; i < 7; ++i) {
    if (i == 5) node.receive(0, 5, 1.0F, 9);
    node.close(1.0F);
  }
  EXPECT_EQ(node.merge->complete_through(7), 9U);
  EXPECT_FALSE(node.merge->settled());
  node.drain();
  EXPECT_EQ(node.outlets.notes.back(), (Note{0, 10, 2.0F})) << "at a clock that was never reported complete";
  EXPECT_EQ(node.merge->complete_through(10), 10U) << "now it may be";
  EXPECT_FALSE(node.merge->settled());
  EXPECT_FALSE(node.merge->drained_towards(0));
  node.receive(0, 10, 4.0F, 10);
  EXPECT_THAT(node.store.values(0), Each(12.0F));
  EXPECT_TRUE(node.merge->settled());
  EXPECT_TRUE(node.merge->drained_towards(0));
}

TEST(ExchangeMerge, TheDrainOfAClockThatWasDueIsTheNextOne) {
  Node node({Relation::peer}, /*h=*/5);
  for (int i = 0; i < 5; ++i) node.close(1.0F);
  node.receive(0, 5, 1.0F, 9);
  node.drain();
  EXPECT_EQ(node.outlets.notes.back(), (Note{0, 10, 0.0F}));
}

TEST(ExchangeMerge, TheDrainWaitsForRoom) {
  Node node({Relation::peer});
  node.close(1.0F);
  node.drain();
  EXPECT_EQ(node.outlets.notes.size(), 1U) << "the exchange of clock 1 is open";
  node.receive(0, 1, 1.0F, 1);
  ASSERT_EQ(node.outlets.notes.size(), 2U);
  EXPECT_EQ(node.outlets.notes.back().clock, 2U);
  EXPECT_FALSE(node.merge->settled());
  node.complete(0, 2);
  EXPECT_TRUE(node.merge->settled()) << "a part without updates is a part";
}

TEST(ExchangeMerge, RefusesWhatNoNeighbourInStepCanSend) {
  Node node({Relation::peer});
  node.close(1.0F);
  node.receive(0, 1, 1.0F, 1);
  Selection selection(kRanges.size());
  selection[0].add(0, 1.0F);
  UpdateChunk chunk = ChunkCutter(selection, kRanges, kRanges).next(64);
  chunk.header.clock = 1;
  EXPECT_TRUE(node.merge->remote_chunk(0, std::move(chunk))) << "that exchange is over";
}

TEST(ExchangeMerge, SaysWhereASumIsNotFinite) {
  const float most = std::numeric_limits<float>::max();
  Node own({Relation::peer});
  const std::vector<float> step(kRanges[1].size(), std::numeric_limits<float>::infinity());
  own.merge->own_step(1, 1, 0, own.store.change(1), step);
  Failure wrong = own.merge->own_clock_closed(1, own.outlets);
  ASSERT_TRUE(wrong);
  EXPECT_THAT(wrong->message, HasSubstr("table biases at clock 1"));
  Node total({Relation::peer});
  total.close(most);
  Selection selection(kRanges.size());
  selection[0].add(2, most);
  total.receive(0, 1, selection);
  total.progress[0].complete = 1;
  wrong = total.merge->progressed(total.progress, total.outlets);
  ASSERT_TRUE(wrong);
  EXPECT_THAT(wrong->message, HasSubstr("table weights at clock 1"));
}

TEST(ExchangeMerge, WhatWasNotContributedIsOwedToAll) {
  Node node({Relation::peer, Relation::peer}, /*h=*/3);
  node.close(-2.0F);
  for (const std::size_t n : {0U, 1U}) {
    std::vector<FloatBuffer> sums = zeros_over(kRanges);
    node.merge->add_residual_to(n, sums, /*magnitudes=*/false);
    EXPECT_THAT(sums[1].span(), Each(-2.0F));
    node.merge->add_residual_to(n, sums, /*magnitudes=*/true);
    EXPECT_THAT(sums[1].span(), Each(0.0F));
  }
}

// Two peers that hear each other at once, for every h and end: the replicas are the sum of all steps.
TEST(ExchangeMerge, TwoThatTrainToAnEndHaveTheSameSum) {
  for (const Clock h : {1U, 2U, 5U}) {
    for (Clock last = 1; last <= 11; ++last) {
      SCOPED_TRACE(testing::Message() << "h " << h << ", " << last << " clocks");
      Node left({Relation::peer}, h);
      Node right({Relation::peer}, h);
      std::size_t heard_left = 0;
      std::size_t heard_right = 0;
      const auto hear = [](Node& to, const Node& from, std::size_t& heard) {
        while (heard < from.outlets.notes.size()) {
          const std::size_t at = heard++;
          to.receive(0, from.outlets.notes[at].clock, from.outlets.selections[at]);
          to.complete(0, from.merge->complete_through(from.outlets.notes[at].clock));
        }
      };
      for (Clock clock = 1; clock <= last; ++clock) {
        left.close(1.0F);
        right.close(0.25F);
        hear(left, right, heard_left);
        hear(right, left, heard_right);
      }
      left.drain();
      right.drain();
      hear(left, right, heard_left);
      hear(right, left, heard_right);
      EXPECT_TRUE(left.merge->settled() && right.merge->settled());
      EXPECT_THAT(left.store.values(0), Each(1.25F * static_cast<float>(last)));
      EXPECT_THAT(right.store.values(1), Each(1.25F * static_cast<float>(last)));
    }
  }
}

}  // namespace
}  // namespace meridian::wan

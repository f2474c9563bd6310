// Goal: an eager sum adds what it is given to the replica at once, and owes each link exactly its own steps
// and what others sent that this link is due, no sooner than all of a clock is here and until the last of it
// is drained. Reached by one datacenter in the middle of an overlay, whose links only take notes, driven by
// hand and then by drawn steps, chunks and reports beside plain sums.
#include "wan/eager_sum.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>

#include "src/base/random.h"
#include "tests/wan/owned_sums.h"
#include "wan/significance_filter.h"

namespace meridian::wan {
namespace {

using datacenter::ParameterStore;
using datacenter::TableRange;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::vector<TableRange> kRanges = {{10, 16}, {0, 3}};

/// Links that take notes.
class NotedOutlets final : public Outlets {
 public:
  struct Note {
    Clock clock = 0;
    bool due = false;
    Selection selection;
  };

  explicit NotedOutlets(std::size_t neighbours) : notes(neighbours), scales(neighbours, 1.0) {}

  void offer(std::size_t neighbour, Clock clock, const Selection& selection) override {
    notes.at(neighbour).push_back({clock, true, selection});
  }
  void withhold(std::size_t neighbour, Clock clock, const Selection& selection) override {
    notes.at(neighbour).push_back({clock, false, selection});
  }
  double threshold_scale(std::size_t neighbour) const override { return scales.at(neighbour); }

  /// The clocks of this neighbour's passes, due or not.
  std::vector<Clock> clocks(std::size_t neighbour, bool due = true) const {
    std::vector<Clock> found;
    for (const Note& note : notes[neighbour]) {
      if (note.due == due) found.push_back(note.clock);
    }
    return found;
  }
  /// All that this neighbour was given.
  std::vector<FloatBuffer> given(std::size_t neighbour) const {
    std::vector<FloatBuffer> sums = zeros_over(kRanges);
    for (const Note& note : notes[neighbour]) add_selection_to(note.selection, kRanges, kRanges, sums);
    return sums;
  }

  std::vector<std::vector<Note>> notes;
  std::vector<double> scales;
};

MergeNeighbour neighbour_of(Relation relation, std::size_t sources = 1) { return {"", relation, sources}; }

/// A datacenter, its merge and its links.
struct Node {
  explicit Node(std::vector<MergeNeighbour> neighbours, std::unique_ptr<What> filter = nullptr, Clock h = 1,
                bool thresholds_differ = false, bool by_row = false)
      : store(kRanges),
        outlets(neighbours.size()),
        progress(neighbours.size()),
        what(filter ? std::move(filter) : std::make_unique<SendAll>()),
        when(h),
        merge({.store = &store,
               .own_name = "tokyo",
               .weight = 0.5,
               .neighbours = std::move(neighbours),
               .columns = {1, 1},
               .table_names = {"weights", "biases"},
               .by_row = {by_row, false},
               .learning_rate = {},
               .thresholds_differ = thresholds_differ},
              *what, when) {}

  /// The own step of a clock: `value` for every entry.
  void close(float value) {
    for (std::size_t table = 0; table < kRanges.size(); ++table) {
      const std::vector<float> step(kRanges[table].size(), value);
      merge.own_step(clock + 1, table, 0, store.change(table), step);
    }
    const Failure wrong = merge.own_clock_closed(++clock, outlets);
    EXPECT_FALSE(wrong) << wrong->message;
  }

  /// A chunk of one value at the first entry of the first table.
  void receive(std::size_t neighbour, float value) {
    Selection selection(kRanges.size());
    selection[0].add(0, value);
    receive(neighbour, selection);
  }
  void receive(std::size_t neighbour, const Selection& selection) {
    for (ChunkCutter cutter(selection, kRanges, kRanges); !cutter.done();) {
      EXPECT_FALSE(merge.remote_chunk(neighbour, cutter.next(24)));
    }
  }
  void progressed() {
    const Failure wrong = merge.progressed(progress, outlets);
    EXPECT_FALSE(wrong) << wrong->message;
  }
  void complete(std::size_t neighbour, Clock at) {
    progress[neighbour].complete = at;
    progressed();
  }
  void drain() { EXPECT_FALSE(merge.drain(clock, outlets)); }

  float owed(std::size_t neighbour, bool magnitudes = false) const {
    std::vector<FloatBuffer> sums = zeros_over(kRanges);
    merge.add_residual_to(neighbour, sums, magnitudes);
    return sums[0][0];
  }
  float given(std::size_t neighbour) const { return outlets.given(neighbour)[0][0]; }

  ParameterStore store;
  NotedOutlets outlets;
  std::vector<NeighbourProgress> progress;
  std::unique_ptr<What> what;
  EveryClocks when;
  EagerSum merge;
  Clock clock = 0;
};

std::unique_ptr<What> filter_of(double v0) {
  return std::make_unique<SignificanceFilter>(v0, Schedule::constant);
}

// A step that comes in parts is owed from the first part on, and nothing goes out before the clock is closed.
TEST(EagerSum, AStepMayComeInParts) {
  Node node({neighbour_of(Relation::peer)}, std::make_unique<SignificanceFilter>(0.5, Schedule::constant));
  const std::vector<float> large(2, 1.0F);
  const std::vector<float> small(kRanges[0].size() - 2, 0.0F);
  node.merge.own_step(1, 0, 0, node.store.change(0).first(2), large);
  EXPECT_EQ(node.owed(0), 1.0F) << "significant, and not gone yet";
  EXPECT_EQ(node.owed(0, /*magnitudes=*/true), 1.0F);
  EXPECT_EQ(node.given(0), 0.0F);
  node.merge.own_step(1, 0, 2, node.store.change(0).subspan(2), small);
  node.merge.own_step(1, 1, 0, node.store.change(1), std::vector<float>(kRanges[1].size(), 0.0F));
  EXPECT_FALSE(node.merge.own_clock_closed(1, node.outlets));
  EXPECT_EQ(node.given(0), 1.0F);
  EXPECT_EQ(node.owed(0), 0.0F);
  EXPECT_THAT(node.store.values(0).first(2), Each(1.0F));
}

// Of a table that is read by row, entries that nothing changes are passed over; others' updates change some.
TEST(EagerSum, WhatOthersMakeSignificantGoesOut) {
  Node node({neighbour_of(Relation::peer)}, filter_of(0.1), 1, /*thresholds_differ=*/false, /*by_row=*/true);
  std::ranges::fill(node.store.change(0), 1.0F);
  node.close(0.05F);
  EXPECT_EQ(node.given(0), 0.0F) << "5 % of a value is below 10 %";
  EXPECT_FALSE(node.merge.own_clock_closed(++node.clock, node.outlets));
  node.receive(0, -0.9F);
  EXPECT_FALSE(node.merge.own_clock_closed(++node.clock, node.outlets));
  EXPECT_EQ(node.given(0), 0.05F) << "and a third of a small one";
  EXPECT_EQ(node.outlets.given(0)[0][1], 0.0F);
}

TEST(EagerSum, WhatIsRelayedGoesOutOfATableThatIsReadByRow) {
  Node node({neighbour_of(Relation::child), neighbour_of(Relation::child)}, filter_of(0.1), 1,
            /*thresholds_differ=*/true, /*by_row=*/true);
  std::ranges::fill(node.store.change(0), 1.0F);
  node.close(0.0F);
  node.receive(0, 0.5F);
  node.complete(0, 1);
  node.complete(1, 1);
  EXPECT_EQ(node.given(1), 0.5F);
  EXPECT_EQ(node.given(0), 0.0F);
}

TEST(EagerSum, WhatIsSaidAfterADrainMovesNothing) {
  for (const bool by_row : {false, true}) {
    Node node({neighbour_of(Relation::child), neighbour_of(Relation::child)}, nullptr, 1,
              /*thresholds_differ=*/true, by_row);
    node.close(1.0F);
    node.drain();
    node.progress[0] = node.progress[1] = {1, true, false};
    node.progressed();
    EXPECT_EQ(node.given(1), 1.0F);
    node.progress[0] = {5, false, false};  // as after a hole: there may be more to come
    node.progressed();
    EXPECT_EQ(node.given(1), 1.0F);
  }
}

TEST(EagerSum, AddsEverythingAtOnce) {
  Node node({neighbour_of(Relation::peer)});
  EXPECT_EQ(node.merge.step_scale(), 0.5F) << "its share of all samples";
  node.close(2.0F);
  EXPECT_THAT(node.store.values(0), Each(2.0F));
  Selection selection(kRanges.size());
  for (std::size_t i = 0; i < 3; ++i) selection[1].add(i, 0.5F);
  node.receive(0, selection);
  EXPECT_THAT(node.store.values(1), Each(2.5F));
  node.complete(0, 7);
  EXPECT_EQ(node.merge.applied(0), 7U);
  EXPECT_TRUE(node.merge.settled());
  EXPECT_FALSE(node.merge.clocks_apart());
}

TEST(AddChunk, AddsDenseAndSparseSegmentsWhereTheyBelong) {
  ParameterStore store(kRanges);
  Selection selection(kRanges.size());
  selection[0].add(0, 1.0F);
  selection[0].add(5, 2.0F);
  selection[1].add(1, 4.0F);
  ChunkCutter cutter(selection, kRanges, kRanges);
  add_chunk(cutter.next(4096), store);
  EXPECT_THAT(store.values(0), ElementsAre(1, 0, 0, 0, 0, 2));
  EXPECT_THAT(store.values(1), ElementsAre(0, 4, 0));
}

TEST(EagerSum, OwesAllPeersTheSameAndNothingOfEachOther) {
  Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)}, filter_of(0.6));
  node.close(1.0F);  // the residual is the whole value: it goes
  node.receive(0, 3.0F);
  node.close(1.0F);  // half of the value, or less: it stays
  for (const std::size_t n : {0U, 1U}) {
    EXPECT_THAT(node.outlets.clocks(n), ElementsAre(1, 2));
    EXPECT_THAT(node.outlets.given(n)[0].span(), Each(1.0F));
    EXPECT_EQ(node.owed(n), 1.0F);
  }
}

TEST(EagerSum, WithoutRelaysNobodyIsWaitedFor) {
  Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)});
  node.close(1.0F);
  node.close(1.0F);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(1, 2));
  node.complete(0, 9);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(1, 2)) << "others' progress is no pass";
}

TEST(EagerSum, EachLinkHasAThresholdOfItsOwn) {
  Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)}, filter_of(0.6), 1,
            /*thresholds_differ=*/true);
  node.store.change(0)[0] = 1.0F;
  node.outlets.scales = {0.5, 1.0};
  node.close(1.0F);  // half of the value
  EXPECT_EQ(node.given(0), 1.0F);
  EXPECT_EQ(node.owed(0), 0.0F);
  EXPECT_EQ(node.given(1), 0.0F);
  EXPECT_EQ(node.owed(1), 1.0F);
}

TEST(EagerSum, AThresholdOfItsOwnHoldsForAnOnlyLink) {
  Node node({neighbour_of(Relation::peer)}, filter_of(0.6), 1, /*thresholds_differ=*/true);
  node.store.change(0)[0] = 1.0F;
  node.outlets.scales = {0.5};
  node.close(1.0F);
  EXPECT_EQ(node.given(0), 1.0F);
}

// What is held back for four datacenters together is no more than what is held back for one.
TEST(EagerSum, TheThresholdOfARelayIsThatOfItsLink) {
  for (const double scale : {1.0, 0.5}) {
    Node node({neighbour_of(Relation::parent, 4), neighbour_of(Relation::child)}, filter_of(0.1));
    node.outlets.scales = {scale, 1.0};
    const auto passes = [&](float share) {
      node.progress[1].complete = node.clock + 1;
      for (float& value : node.store.change(0)) value = 1.0F - share;
      const std::size_t before = node.outlets.notes[0].size();
      node.close(share);  // to the value 1
      node.progressed();
      EXPECT_EQ(node.outlets.notes[0].size(), before + 1);
      const bool went = node.outlets.notes[0].back().selection[0].size() > 0;
      Selection all(kRanges.size());
      for (std::size_t i = 0; i < kRanges[0].size(); ++i) all[0].add(i, 0.0F);
      node.merge.take(0, all);
      return went;
    };
    EXPECT_FALSE(passes(static_cast<float>(0.09 * scale))) << scale;
    EXPECT_TRUE(passes(static_cast<float>(0.11 * scale))) << scale;
  }
}

TEST(EagerSum, PassesOnByRelationAndNeverBack) {
  // Two peers and two children.
  Node hub({neighbour_of(Relation::peer, 3), neighbour_of(Relation::peer, 3),
            neighbour_of(Relation::child, 4), neighbour_of(Relation::child, 4)},
           filter_of(1e9));
  const auto owed = [&](Node& node, std::size_t from) {
    std::vector<float> before;
    std::vector<float> rise;
    for (std::size_t n = 0; n < node.progress.size(); ++n) before.push_back(node.owed(n));
    node.receive(from, 1.0F);
    for (std::size_t n = 0; n < node.progress.size(); ++n) rise.push_back(node.owed(n) - before[n]);
    return rise;
  };
  EXPECT_THAT(owed(hub, 0), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(owed(hub, 1), ElementsAre(0, 0, 1, 1));
  EXPECT_THAT(owed(hub, 2), ElementsAre(1, 1, 0, 1));
  EXPECT_THAT(owed(hub, 3), ElementsAre(1, 1, 1, 0));
  Node inner(
      {neighbour_of(Relation::parent, 3), neighbour_of(Relation::child, 3), neighbour_of(Relation::child, 3)},
      filter_of(1e9));
  EXPECT_THAT(owed(inner, 0), ElementsAre(0, 1, 1));
  EXPECT_THAT(owed(inner, 1), ElementsAre(1, 0, 1));
}

TEST(EagerSum, PassesAClockOnOnceAllOfItIsHere) {
  // The peer is due what both children send, each child what the other two send.
  Node node(
      {neighbour_of(Relation::peer, 3), neighbour_of(Relation::child, 3), neighbour_of(Relation::child, 3)});
  for (int i = 0; i < 4; ++i) node.close(1.0F);
  EXPECT_THAT(node.outlets.clocks(0), IsEmpty());
  node.complete(1, 3);
  EXPECT_THAT(node.outlets.clocks(0), IsEmpty()) << "the other child lags";
  node.receive(2, 8.0F);
  node.complete(2, 2);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(2));
  EXPECT_EQ(node.given(0), 12.0F);
  EXPECT_THAT(node.outlets.clocks(1), IsEmpty()) << "the peer's are missing";
  node.complete(0, 9);
  EXPECT_THAT(node.outlets.clocks(1), ElementsAre(2)) << "the other child's";
  EXPECT_THAT(node.outlets.clocks(2), ElementsAre(3)) << "that child is not a source of its own";
  node.complete(1, 9);
  node.complete(2, 9);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(2, 4)) << "not further than the own clock";
  // Who is left out, or has sent its last, is not waited for.
  node.progress[1].left = true;
  node.progress[2].drained = true;
  node.progressed();
  for (int i = 0; i < 8; ++i) node.close(1.0F);
  EXPECT_EQ(node.outlets.clocks(0).back(), 12U);
}

TEST(EagerSum, BetweenTwoExchangesNothingIsTakenOut) {
  for (const bool separate : {false, true}) {
    Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)}, nullptr, /*h=*/3, separate);
    for (int i = 0; i < 7; ++i) node.close(1.0F);
    EXPECT_THAT(node.outlets.clocks(1), ElementsAre(3, 6));
    EXPECT_THAT(node.outlets.clocks(1, /*due=*/false), ElementsAre(1, 2, 4, 5, 7));
    EXPECT_EQ(node.given(1), 6.0F);
    EXPECT_EQ(node.owed(1), 1.0F);
    for (const NotedOutlets::Note& note : node.outlets.notes[1]) {
      EXPECT_EQ(note.selection[0].size(), note.due ? kRanges[0].size() : 0U);
    }
  }
}

// A relay that skips over due clocks, because all of them were complete at once, has an exchange all the
// same.
TEST(EagerSum, AnExchangeThatFellDueMeanwhileIsMadeUpFor) {
  Node node({neighbour_of(Relation::parent, 2), neighbour_of(Relation::child)}, nullptr, /*h=*/3);
  for (int i = 0; i < 8; ++i) node.close(1.0F);
  EXPECT_THAT(node.outlets.notes[0], IsEmpty());
  node.complete(1, 4);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(4));
  EXPECT_EQ(node.given(0), 8.0F);
  node.complete(1, 5);
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(4));
}

TEST(EagerSum, DrainsAllAtOnceWhereNothingIsPassedOn) {
  Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)}, filter_of(1e9));
  node.close(1.0F);
  EXPECT_EQ(node.given(0), 0.0F);
  EXPECT_FALSE(node.merge.drained_towards(0));
  node.drain();
  for (const std::size_t n : {0U, 1U}) {
    EXPECT_TRUE(node.merge.drained_towards(n));
    EXPECT_EQ(node.given(n), 1.0F) << "whatever its size";
    EXPECT_EQ(node.owed(n), 0.0F);
    EXPECT_THAT(node.outlets.clocks(n), ElementsAre(1, 1));
  }
}

TEST(EagerSum, DrainsALinkOnceItsSourcesAreDrained) {
  Node node(
      {neighbour_of(Relation::parent, 3), neighbour_of(Relation::child, 3), neighbour_of(Relation::child, 3)},
      filter_of(1e9));
  const auto drained = [&] {
    return std::vector<bool>{node.merge.drained_towards(0), node.merge.drained_towards(1),
                             node.merge.drained_towards(2)};
  };
  node.close(1.0F);
  node.drain();
  EXPECT_THAT(drained(), ElementsAre(false, false, false));
  node.receive(1, 2.0F);
  node.progress[1] = {.complete = 1, .drained = true};
  node.progressed();
  EXPECT_THAT(drained(), ElementsAre(false, false, false));
  node.receive(2, 4.0F);
  node.progress[2] = {.complete = 1, .drained = true};
  node.progressed();
  EXPECT_THAT(drained(), ElementsAre(true, false, false));
  EXPECT_EQ(node.given(0), 7.0F);
  node.receive(0, 8.0F);
  node.progress[0] = {.complete = 1, .left = true};
  node.progressed();
  EXPECT_THAT(drained(), ElementsAre(true, true, true)) << "who left owes nothing more";
  EXPECT_EQ(node.given(1), 13.0F);
  EXPECT_EQ(node.given(2), 11.0F);
  const std::size_t notes = node.outlets.notes[0].size();
  node.progressed();
  EXPECT_EQ(node.outlets.notes[0].size(), notes) << "it is drained once";
}

TEST(EagerSum, WhatIsAnnouncedIsTakenOutWhateverItsSize) {
  Node node({neighbour_of(Relation::parent, 2), neighbour_of(Relation::child)}, filter_of(1e9));
  node.close(1.0F);
  Selection entries(kRanges.size());
  entries[0].add(2, 0.0F);
  entries[0].add(5, 0.0F);
  const Selection taken = node.merge.take(0, entries);
  EXPECT_THAT(taken[0].offsets, ElementsAre(2, 5));
  EXPECT_THAT(taken[0].values, ElementsAre(1.0F, 1.0F));
  EXPECT_THAT(taken[1].offsets, IsEmpty());
  EXPECT_THAT(node.merge.take(0, entries)[0].offsets, IsEmpty()) << "it has been taken";
  std::vector<FloatBuffer> owed = zeros_over(kRanges);
  node.merge.add_residual_to(0, owed, /*magnitudes=*/false);
  EXPECT_THAT(owed[0].span(), ElementsAre(1, 1, 0, 1, 1, 0));
  EXPECT_EQ(node.owed(1), 1.0F) << "the other link's residual is its own";
}

TEST(EagerSum, WhoSendsNothingOwesNothingAndIsInStepAllTheSame) {
  Node node({neighbour_of(Relation::peer)}, std::make_unique<SendNothing>());
  node.close(1.0F);
  EXPECT_THAT(node.store.values(0), Each(1.0F));
  EXPECT_THAT(node.outlets.clocks(0), ElementsAre(1));
  EXPECT_EQ(node.owed(0), 0.0F);
  node.drain();
  EXPECT_TRUE(node.merge.drained_towards(0));
  EXPECT_EQ(node.given(0), 0.0F);
  EXPECT_THAT(node.merge.take(0, Selection(kRanges.size()))[0].offsets, IsEmpty());
}

TEST(EagerSum, SaysWhereAResidualIsNotFinite) {
  for (const bool separate : {false, true}) {
    Node node({neighbour_of(Relation::peer), neighbour_of(Relation::peer)}, nullptr, 1, separate);
    node.close(1.0F);
    const std::vector<float> step(kRanges[1].size(), std::numeric_limits<float>::infinity());
    node.merge.own_step(2, 1, 0, node.store.change(1), step);
    const Failure wrong = node.merge.own_clock_closed(2, node.outlets);
    ASSERT_TRUE(wrong);
    EXPECT_THAT(wrong->message, HasSubstr("table biases at clock 2"));
  }
}

TEST(EagerSum, MagnitudesAreAbsoluteValues) {
  Node node({neighbour_of(Relation::peer)}, filter_of(1e9));
  node.close(-2.0F);
  EXPECT_EQ(node.owed(0), -2.0F);
  EXPECT_EQ(node.owed(0, /*magnitudes=*/true), 2.0F);
}

/// Drawn relations, steps, chunks and reports. Values are whole numbers, so that sums are exact.
class DrawnNode {
 public:
  explicit DrawnNode(std::uint64_t seed) : random_(seed) {
    draw_neighbours();
    node_ = std::make_unique<Node>(neighbours_, random_.below(2) == 0 ? filter_of(0.3) : nullptr,
                                   static_cast<Clock>(1 + random_.below(3)), random_.below(2) == 0);
    for (std::size_t n = 0; n < neighbours_.size(); ++n) due_.push_back(zeros_over(kRanges));
  }

  void run() {
    for (int step = 0; step < 80 && !testing::Test::HasFatalFailure(); ++step) {
      const std::uint64_t event = random_.below(6);
      const std::size_t n = random_.below(neighbours_.size());
      if (event < 2) {
        close();
      } else if (event < 4) {
        receive(n);
      } else if (event < 5) {
        node_->complete(n, node_->progress[n].complete + static_cast<Clock>(random_.below(4)));
      } else {
        take(n);
      }
      check();
    }
    drain();
  }

 private:
  /// A mesh, a hub's peers and children, or a parent and children.
  void draw_neighbours() {
    const bool has_parent = random_.below(3) == 0;
    if (has_parent) neighbours_.push_back(neighbour_of(Relation::parent));
    const std::uint64_t count = 1 + random_.below(4);
    const bool with_children = random_.below(2) == 0;
    while (neighbours_.size() < count) {
      const bool child = has_parent || (with_children && random_.below(2) == 0);
      neighbours_.push_back(neighbour_of(child ? Relation::child : Relation::peer));
    }
    for (std::size_t to = 0; to < neighbours_.size(); ++to) {
      for (std::size_t from = 0; from < neighbours_.size(); ++from) {
        if (passes_on(from, to)) ++neighbours_[to].sources;
      }
    }
  }

  bool passes_on(std::size_t from, std::size_t to) const {
    return from != to &&
           (neighbours_[from].relation == Relation::child || neighbours_[to].relation == Relation::child);
  }

  void close() {
    const auto value = static_cast<float>(random_.below(9)) - 4.0F;
    node_->close(value);
    for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
      all_[table][i] += value;
      for (auto& due : due_) due[table][i] += value;
    });
  }

  void receive(std::size_t from) {
    Selection selection(kRanges.size());
    for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
      if (random_.below(2) == 0) selection[table].add(i, 1.0F + static_cast<float>(random_.below(4)));
    });
    node_->receive(from, selection);
    add_selection_to(selection, kRanges, kRanges, all_);
    for (std::size_t to = 0; to < neighbours_.size(); ++to) {
      if (passes_on(from, to)) add_selection_to(selection, kRanges, kRanges, due_[to]);
    }
  }

  /// As for an announcement that is passed on; where links are owed the same, nothing is.
  void take(std::size_t n) {
    if (neighbours_[n].sources == 1) return;
    Selection entries(kRanges.size());
    for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
      if (random_.below(3) == 0) entries[table].add(i, 0.0F);
    });
    node_->outlets.offer(n, node_->clock, node_->merge.take(n, entries));
  }

  void check() {
    for (std::size_t n = 0; n < neighbours_.size(); ++n) {
      std::vector<FloatBuffer> sums = node_->outlets.given(n);
      node_->merge.add_residual_to(n, sums, /*magnitudes=*/false);
      for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
        ASSERT_EQ(sums[table][i], due_[n][table][i]) << "neighbour " << n;
      });
    }
    for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
      ASSERT_EQ(node_->store.values(table)[i], all_[table][i]);
    });
  }

  void drain() {
    node_->drain();
    for (std::size_t from = 0; from < neighbours_.size(); ++from) {
      receive(from);
      node_->progress[from].drained = true;
      node_->progressed();
      check();
    }
    for (std::size_t n = 0; n < neighbours_.size(); ++n) {
      EXPECT_TRUE(node_->merge.drained_towards(n));
      const std::vector<FloatBuffer> given = node_->outlets.given(n);
      for_each_owned(kRanges, [&](std::size_t table, std::size_t i) {
        ASSERT_EQ(given[table][i], due_[n][table][i]) << "neighbour " << n;
      });
    }
  }

  Random random_;
  std::vector<MergeNeighbour> neighbours_;
  std::unique_ptr<Node> node_;
  std::vector<FloatBuffer> all_ = zeros_over(kRanges);
  std::vector<std::vector<FloatBuffer>> due_;  // to each neighbour: what it was given and is owed
};

TEST(EagerSum, WhatALinkIsGivenAndOwedIsWhatItIsDue) {
  for (std::uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    DrawnNode(seed).run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace meridian::wan

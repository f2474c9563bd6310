// Goal: a read of announced entries waits until exactly the values arrive that were announced when it was
// asked, and never for ever; over a relay, and over breaks of the session, too. Reached by short stories told
// to one end, and by drawn schedules of updates, announcements, chunks, losses and reads over a chain of two
// links, each with its session, beside a plain model of what must have arrived.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>

#include "src/base/random.h"
#include "tests/wan/owned_sums.h"
#include "wan/incoming_barrier.h"
#include "wan/incoming_link.h"
#include "wan/outgoing_barrier.h"
#include "wan/outgoing_link.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;
using std::chrono::seconds;

const std::vector<TableRange> kOwned = {{100, 140}, {0, 30}};

AnnouncedEntries entries_of(const std::vector<std::size_t>& flats) {
  AnnouncedEntries entries(kOwned);
  for (const std::size_t flat : flats) entries.add(0, flat);
  return entries;
}

Segment rows(std::size_t first, std::size_t count, std::uint16_t table = 0) {
  return {table, first, count, 0};
}

// ---- the sending end --------------------------------------------------------------------------------------

TEST(OutgoingBarrier, AnnouncesOnlyWhatIsNotOpen) {
  OutgoingBarrier barrier(kOwned);
  EXPECT_EQ(barrier.announce(entries_of({101, 102}))->number, 1U);
  EXPECT_EQ(barrier.announce(entries_of({102})), nullptr);
  const OutgoingBarrier::Open* const second = barrier.announce(entries_of({102, 103}));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->number, 2U);
  EXPECT_EQ(second->entries, entries_of({103}));
  EXPECT_EQ(barrier.ready(), 2U) << "they wait for the link only";
  // Once the receiver has it, its next update is news again.
  barrier.released(1);
  EXPECT_EQ(barrier.announce(entries_of({101, 103}))->entries, entries_of({101}));
}

TEST(OutgoingBarrier, WhatItPassesOnWaitsForItsSource) {
  OutgoingBarrier barrier(kOwned);
  EXPECT_EQ(barrier.announce(entries_of({100}))->number, 1U);
  EXPECT_EQ(barrier.relay(entries_of({101, 102}), {4, 7})->number, 2U);
  EXPECT_EQ(barrier.relay(entries_of({102, 103}), {4, 8})->number, 3U);
  EXPECT_EQ(barrier.announce(entries_of({110}))->number, 4U);
  EXPECT_EQ(barrier.ready(), 1U) << "releases are by number, so what comes later waits, too";
  EXPECT_TRUE(barrier.source_released(3, 9).empty()) << "another session";
  EXPECT_TRUE(barrier.source_released(4, 6).empty()) << "an older announcement";
  EXPECT_EQ(barrier.ready(), 1U);
  EXPECT_EQ(barrier.source_released(4, 7), entries_of({101, 102}));
  EXPECT_EQ(barrier.ready(), 2U);
  EXPECT_EQ(barrier.source_released(4, 9), entries_of({102, 103}));
  EXPECT_EQ(barrier.ready(), 4U);
  EXPECT_TRUE(barrier.source_released(4, 9).empty()) << "once";
  EXPECT_EQ(barrier.relay(AnnouncedEntries(kOwned), {4, 10}), nullptr) << "nothing to pass on";
}

TEST(OutgoingBarrier, WhatComesFromElsewhereIsAnnouncedThoughItIsOpen) {
  OutgoingBarrier barrier(kOwned);
  barrier.announce(entries_of({101}));
  EXPECT_EQ(barrier.relay(entries_of({101}), {0, 1})->entries, entries_of({101}));
  EXPECT_EQ(barrier.announce(entries_of({101})), nullptr);
  barrier.released(1);
  EXPECT_EQ(barrier.announce(entries_of({101}))->entries, entries_of({101})) << "and the other way round";
}

TEST(OutgoingBarrier, KeepsWhatIsToBeMadeAgain) {
  OutgoingBarrier barrier(kOwned);
  barrier.announce(entries_of({101}));
  barrier.announce(entries_of({102}));
  barrier.relay(entries_of({103}), {0, 1});
  barrier.released(1);
  ASSERT_EQ(barrier.open().size(), 2U);
  EXPECT_EQ(barrier.open()[0].number, 2U);
  EXPECT_EQ(barrier.open()[0].entries, entries_of({102}));
  EXPECT_EQ(barrier.open()[1].number, 3U);
  barrier.released(9);
  EXPECT_TRUE(barrier.open().empty());
  EXPECT_EQ(barrier.announce(entries_of({101}))->number, 4U) << "numbers go on rising";
}

TEST(OutgoingBarrier, TheNewestMergeWhenTooManyAreOpen) {
  OutgoingBarrier barrier(kOwned);
  const std::size_t most = OutgoingBarrier::kMaxOpen;
  for (std::size_t i = 0; i < most + 3; ++i)
    EXPECT_EQ(barrier.announce(entries_of({100 + i}))->number, i + 1);
  ASSERT_EQ(barrier.open().size(), most);
  EXPECT_EQ(barrier.open().back().entries, entries_of({99 + most, 100 + most, 101 + most, 102 + most}));
  // What is passed on waits for something of its own, and whatever merges with it waits too.
  const std::uint64_t own = barrier.ready();
  EXPECT_EQ(own, most + 3);
  barrier.relay(entries_of({101}), {0, 1});
  barrier.relay(entries_of({102}), {1, 2});
  barrier.announce(entries_of({139}));
  EXPECT_EQ(barrier.open().size(), most);
  EXPECT_TRUE(barrier.open().back().entries.contains(0, 139));
  EXPECT_EQ(barrier.ready(), own);
  EXPECT_TRUE(barrier.source_released(0, 1).empty()) << "another source is not there";
  EXPECT_EQ(barrier.ready(), own);
  EXPECT_TRUE(barrier.source_released(1, 2).contains(0, 102));
  EXPECT_EQ(barrier.ready(), most + 6);
}

// ---- the receiving end ------------------------------------------------------------------------------------

TEST(IncomingBarrier, HoldsReadsOfExactlyTheEntriesUntilTheirRelease) {
  IncomingBarrier barrier(kOwned);
  EXPECT_FALSE(barrier.holds({}, 100));
  EXPECT_EQ(barrier.announced(seconds(1), 1, 1, entries_of({110, 111})), entries_of({110, 111}));
  const std::vector<Segment> announced = {rows(100, 4), rows(111, 9)};
  const std::vector<Segment> others = {rows(100, 10), rows(112, 28), rows(0, 30, 1)};
  EXPECT_TRUE(barrier.holds(announced, 1));
  EXPECT_TRUE(barrier.holds({}, 1));
  EXPECT_FALSE(barrier.holds(others, 1));
  EXPECT_FALSE(barrier.holds(announced, 0)) << "asked before";
  EXPECT_FALSE(barrier.holds({}, 0));
  EXPECT_EQ(barrier.open_since(), seconds(1));
  EXPECT_TRUE(barrier.released(1));
  EXPECT_FALSE(barrier.released(1));
  EXPECT_FALSE(barrier.holds(announced, 1));
  EXPECT_FALSE(barrier.open_since());
}

TEST(IncomingBarrier, AReadWaitsOnlyForWhatWasKnownWhenItWasAsked) {
  IncomingBarrier barrier(kOwned);
  barrier.announced(seconds(1), 5, 1, entries_of({110}));
  barrier.announced(seconds(2), 9, 2, entries_of({110, 120}));
  const std::vector<Segment> read = {rows(110, 1)};
  EXPECT_TRUE(barrier.holds(read, 5));
  EXPECT_TRUE(barrier.holds(read, 9));
  barrier.released(1);
  EXPECT_FALSE(barrier.holds(read, 5));
  EXPECT_FALSE(barrier.holds(read, 8));
  EXPECT_TRUE(barrier.holds(read, 9));
}

TEST(IncomingBarrier, AnAnnouncementOfSeveralMessagesIsKnownFromItsFirst) {
  IncomingBarrier barrier(kOwned);
  barrier.announced(seconds(1), 1, 1, entries_of({110}));
  EXPECT_EQ(barrier.announced(seconds(2), 2, 1, entries_of({110, 120})), entries_of({120}));
  EXPECT_TRUE(barrier.holds(std::vector{rows(120, 1)}, 1));
  EXPECT_EQ(barrier.open(), 1U);
}

TEST(IncomingBarrier, AReleaseMayOvertakeItsAnnouncement) {
  IncomingBarrier barrier(kOwned);
  barrier.released(2);
  EXPECT_TRUE(barrier.announced(seconds(1), 1, 2, entries_of({110})).empty()) << "nothing to pass on";
  EXPECT_FALSE(barrier.holds({}, 1));
  barrier.announced(seconds(1), 2, 3, entries_of({110}));
  EXPECT_TRUE(barrier.holds({}, 2));
}

TEST(IncomingBarrier, NoReadSlipsThroughWhenAnnouncementsAreMadeAgain) {
  IncomingBarrier barrier(kOwned);
  barrier.announced(seconds(1), 1, 1, entries_of({110}));
  const std::vector<Segment> read = {rows(110, 1)};
  EXPECT_TRUE(barrier.holds(read, 1));
  // The new epoch: the first one again, then one that the hole had swallowed.
  EXPECT_TRUE(barrier.announced(seconds(9), 2, 1, entries_of({110})).empty()) << "it was passed on already";
  EXPECT_TRUE(barrier.holds(read, 1));
  EXPECT_EQ(barrier.open_since(), seconds(1));
  EXPECT_EQ(barrier.announced(seconds(9), 3, 2, entries_of({120})), entries_of({120}));
  EXPECT_FALSE(barrier.holds(std::vector{rows(120, 1)}, 2));
  EXPECT_TRUE(barrier.holds(std::vector{rows(120, 1)}, 3));
}

TEST(IncomingBarrier, OpensWhenItsDeadlineHasPassed) {
  IncomingBarrier barrier(kOwned);
  barrier.announced(seconds(1), 1, 1, entries_of({110}));
  barrier.open_all();
  EXPECT_FALSE(barrier.holds({}, 1));
  EXPECT_FALSE(barrier.open_since());
  // The sender is back and makes it again: it holds new reads, and none of those from before.
  EXPECT_EQ(barrier.announced(seconds(50), 2, 1, entries_of({110})), entries_of({110}));
  EXPECT_FALSE(barrier.holds({}, 1));
  EXPECT_TRUE(barrier.holds({}, 2));
}

TEST(IncomingBarrier, TheOldestMergeWhenTooManyAreOpenAndHoldLongerNotShorter) {
  IncomingBarrier barrier(kOwned);
  const std::size_t many = IncomingBarrier::kMaxOpen + 4;
  for (std::size_t i = 0; i < many; ++i) barrier.announced(seconds(i), i + 1, i + 1, entries_of({100 + i}));
  EXPECT_EQ(barrier.open(), IncomingBarrier::kMaxOpen);
  EXPECT_EQ(barrier.open_entries(), many);
  EXPECT_EQ(barrier.open_since(), seconds(0));
  EXPECT_TRUE(barrier.holds(std::vector{rows(100, 1)}, 1));
  EXPECT_TRUE(barrier.announced(seconds(99), 99, 2, entries_of({101})).empty()) << "it is among the merged";
  barrier.released(4);
  EXPECT_TRUE(barrier.holds(std::vector{rows(100, 1)}, 1)) << "together with 5";
  barrier.released(5);
  EXPECT_FALSE(barrier.holds(std::vector{rows(100, 5)}, many));
  EXPECT_TRUE(barrier.holds(std::vector{rows(105, 1)}, many));
}

// ---- both ends, over a chain of two links -----------------------------------------------------------------

// Datacenter 0 sends to datacenter 1 (a hub), which sends its own updates and those of datacenter 0 on to
// datacenter 2. Updates are counted: one of datacenter 0 adds 1 to an entry, one of the hub kHub.
constexpr float kHub = 4096.0F;
constexpr std::size_t kOrigins = 2;
using Entry = std::pair<std::size_t, std::size_t>;  // table and flat index
using Amount = std::array<int, kOrigins>;           // updates of each origin

Amount amount_of(const std::vector<FloatBuffer>& sums, Entry entry) {
  const auto all = static_cast<int>(sums[entry.first][entry.second - kOwned[entry.first].begin]);
  return {all % static_cast<int>(kHub), all / static_cast<int>(kHub)};
}

/// What whoever knew of an announcement must find: at least so many updates of each origin.
using Demand = std::map<Entry, Amount>;

void raise(Amount& amount, const Amount& to) {
  for (std::size_t origin = 0; origin < kOrigins; ++origin)
    amount[origin] = std::max(amount[origin], to[origin]);
}

void raise(Demand& demand, const Demand& to) {
  for (const auto& [entry, amount] : to) raise(demand[entry], amount);
}

struct ControlMessage {
  SessionPosition position;
  std::uint64_t number = 0;  // of an announcement; 0: something else
  AnnouncedEntries entries{kOwned};
};

struct DataMessage {
  std::uint32_t epoch = 0;
  std::variant<UpdateChunk, Probe> body;
};

/// One link: what both ends keep of its session, and the channels between them.
struct Link {
  explicit Link(LinkLimits limits)
      : out({.owned = kOwned,
             .shared = kOwned,
             .limits = limits,
             .encoding = Encoding::plain,
             .clocks_apart = false}) {}

  // The sender's.
  OutgoingLink out;
  OutgoingBarrier barrier_out{kOwned};
  std::uint32_t control_sequence = 0;
  Clock clock = 0;
  // On the way.
  std::deque<ControlMessage> control;
  std::deque<DataMessage> data;
  std::deque<std::variant<Acknowledgement, Resume>> back;
  // The receiver's.
  IncomingLink in;
  IncomingBarrier barrier_in{kOwned};
  // The model's.
  std::vector<FloatBuffer> offered = zeros_over(kOwned);
  std::vector<FloatBuffer> applied = zeros_over(kOwned);
  std::map<std::uint64_t, Demand> demands;  // by announcement

  void send(std::vector<UpdateChunk> chunks) {
    for (UpdateChunk& chunk : chunks) data.push_back({out.epoch(), std::move(chunk)});
  }

  void offer(const Selection& selection) {
    add_selection_to(selection, kOwned, kOwned, offered);
    std::vector<UpdateChunk> chunks;
    out.offer(++clock, selection, chunks);
    send(std::move(chunks));
  }

  void withhold(const Selection& selection) {
    add_selection_to(selection, kOwned, kOwned, offered);
    out.withhold(++clock, selection);
  }

  /// Makes an announcement, with what the model demands once it is released.
  void announce(const OutgoingBarrier::Open& open, Demand demand, bool merged) {
    if (merged) raise(demand, demands.at(open.number - 1));
    demands[open.number] = std::move(demand);
    tell(open);
  }

  void tell(const OutgoingBarrier::Open& open) {
    control.push_back({{out.epoch(), ++control_sequence}, open.number, open.entries});
  }

  void releasable() {
    std::vector<UpdateChunk> chunks;
    out.announced(barrier_out.ready(), chunks);
    send(std::move(chunks));
  }

  /// Now and then: what makes a loss at the end show.
  void tick() {
    if (!out.all_acknowledged()) data.push_back({out.epoch(), Probe{out.last_number()}});
    control.push_back({{out.epoch(), ++control_sequence}, 0, AnnouncedEntries(kOwned)});
    if (in.awaiting()) back.emplace_back(in.resume());
  }

  void hear_back() {
    if (back.empty()) return;
    const auto answer = back.front();
    back.pop_front();
    std::vector<UpdateChunk> chunks;
    if (const auto* acknowledged = std::get_if<Acknowledgement>(&answer)) {
      ASSERT_NE(out.acknowledged(acknowledged->epoch, acknowledged->number, chunks),
                OutgoingLink::Answer::impossible);
      barrier_out.released(out.acknowledged_release());
    } else {
      const Resume& resume = std::get<Resume>(answer);
      const auto taken = out.resume(resume.epoch, resume.number, chunks);
      ASSERT_NE(taken, OutgoingLink::Answer::impossible);
      if (taken == OutgoingLink::Answer::taken) {
        control_sequence = 0;
        for (const OutgoingBarrier::Open& open : barrier_out.open()) tell(open);
      }
    }
    send(std::move(chunks));
  }

  /// True where the message is what comes next.
  bool admits(IncomingLink::Arrival arrival) {
    EXPECT_NE(arrival, IncomingLink::Arrival::wrong);
    if (arrival == IncomingLink::Arrival::hole) back.emplace_back(in.open_epoch());
    return arrival == IncomingLink::Arrival::next;
  }
};

/// A read at one end of the chain, and beside it what the plain model says it waits for.
struct Reader {
  std::uint64_t stamp = 0;
  std::vector<Segment> ranges;
  std::set<std::uint64_t> known;  // announcements that were open, over this link, when it was asked
};

bool touches(const std::vector<Segment>& ranges, Entry entry) {
  if (ranges.empty()) return true;
  return std::any_of(ranges.begin(), ranges.end(), [&](const Segment& range) {
    return range.table == entry.first && entry.second >= range.first &&
           entry.second < range.first + range.count;
  });
}

class Chain {
 public:
  explicit Chain(std::uint64_t seed)
      : random_(seed), seed_(seed), links_{Link(drawn_limits()), Link(drawn_limits())} {}

  void run() {
    // Some schedules deliver much less than they announce, so that announcements merge.
    const std::uint64_t delivers = random_.below(6) + 1;
    for (int step = 0; step < 500; ++step) {
      Link& link = links_[random_.below(2)];
      take_step(link, random_.below(12 + delivers));
      look_after_readers();
      ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed_ << " at step " << step;
    }
    finish();
  }

  std::size_t holds() const { return holds_; }
  std::size_t merges() const { return merges_; }
  std::size_t breaks() const { return links_[0].in.breaks() + links_[1].in.breaks(); }

 private:
  void take_step(Link& link, std::uint64_t event) {
    if (event < 2) return update(/*hub=*/event == 1);
    if (event < 3) return pass();
    if (event < 5) return announce(link);
    if (event < 7) return deliver_control(link);
    if (event < 8) return link.hear_back();
    if (event < 10) return ask(random_.below(2));
    if (event < 11) return random_.below(4) == 0 ? lose(link) : link.tick();
    return deliver_data(link);
  }

  LinkLimits drawn_limits() {
    const std::size_t chunk_bytes = 8 + random_.below(60);
    return {chunk_bytes, 2 * chunk_bytes + random_.below(200)};
  }

  Entry drawn_entry() {
    const std::size_t table = random_.below(2);
    return {table, kOwned[table].begin + random_.below(kOwned[table].size())};
  }

  /// A part of what is there.
  Selection drawn_part(std::vector<FloatBuffer>& residual, std::uint64_t one_of) {
    Selection selection(kOwned.size());
    for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
      float& value = residual[table][offset];
      if (value != 0.0F && random_.below(one_of) == 0) {
        selection[table].add(offset, std::exchange(value, 0.0F));
      }
    });
    return selection;
  }

  /// Some of datacenter 0's go out, some of the hub's wait in its residual.
  void update(bool hub) {
    std::vector<FloatBuffer> step = zeros_over(kOwned);
    for (std::uint64_t i = random_.below(10) + 1; i > 0; --i) {
      const auto [table, flat] = drawn_entry();
      (hub ? residual_ : step)[table][flat - kOwned[table].begin] += hub ? kHub : 1.0F;
    }
    if (hub) return;
    const Selection selection = drawn_part(step, 1);
    random_.below(8) == 0 ? links_[0].withhold(selection) : links_[0].offer(selection);
  }

  void pass() { links_[1].offer(drawn_part(residual_, 2)); }

  /// Of what waits on the link, a part.
  void announce(Link& link) {
    const Selection waiting = link.out.backlog_entries();
    AnnouncedEntries entries(kOwned);
    for (std::size_t table = 0; table < waiting.size(); ++table) {
      for (const std::uint32_t offset : waiting[table].offsets) {
        if (random_.below(2) == 0) entries.add(table, kOwned[table].begin + offset);
      }
    }
    const std::size_t open = link.barrier_out.open().size();
    const OutgoingBarrier::Open* const made = link.barrier_out.announce(entries);
    if (made == nullptr) return;
    Demand demand;
    made->entries.for_each([&](std::size_t table, std::size_t flat) {
      if (entries.contains(table, flat)) demand[{table, flat}] = amount_of(link.offered, {table, flat});
    });
    link.announce(*made, std::move(demand), link.barrier_out.open().size() == open);
    link.releasable();
  }

  void deliver_control(Link& link) {
    if (link.control.empty()) return;
    const ControlMessage message = link.control.front();
    link.control.pop_front();
    if (!link.admits(link.in.classify_control(message.position)) || message.number == 0) return;
    const AnnouncedEntries fresh =
        link.barrier_in.announced(seconds(1), ++order_, message.number, message.entries);
    if (message.number <= link.barrier_in.released_number()) return;
    Demand& known = known_[index_of(link)][message.number];
    const Demand& demand = link.demands.at(message.number);
    message.entries.for_each([&](std::size_t table, std::size_t flat) {
      const auto found = demand.find({table, flat});
      raise(known[{table, flat}], found == demand.end() ? Amount{} : found->second);
    });
    if (link.barrier_in.open() < known_[index_of(link)].size()) ++merges_;
    if (&link != &links_[0]) return;
    const OutgoingBarrier::Open* const relayed = links_[1].barrier_out.relay(fresh, {0, message.number});
    if (relayed == nullptr) return;
    Demand passed_on;
    fresh.for_each([&](std::size_t table, std::size_t flat) {
      passed_on[{table, flat}][0] = known[{table, flat}][0];
    });
    links_[1].announce(*relayed, std::move(passed_on), /*merged=*/false);
  }

  void deliver_data(Link& link) {
    if (link.data.empty()) return;
    const DataMessage message = std::move(link.data.front());
    link.data.pop_front();
    if (const auto* probe = std::get_if<Probe>(&message.body)) {
      link.admits(link.in.classify(message.epoch, *probe));
      link.back.emplace_back(Acknowledgement{link.in.epoch(), link.in.applied_number()});
      return;
    }
    const auto& chunk = std::get<UpdateChunk>(message.body);
    if (!link.admits(link.in.classify(message.epoch, chunk.header))) return;
    link.in.applied(chunk.header);
    add_chunk_to(chunk, kOwned, link.applied);
    if (&link == &links_[0]) add_chunk_to(chunk, kOwned, residual_);
    if (random_.below(2) == 0) {
      link.back.emplace_back(Acknowledgement{link.in.epoch(), link.in.applied_number()});
    }
    if (link.barrier_in.released(chunk.header.released)) release(link, chunk.header.released);
  }

  void release(Link& link, std::uint64_t number) {
    auto& known = known_[index_of(link)];
    for (auto at = known.begin(); at != known.end() && at->first <= number; at = known.erase(at)) {
      check_arrived(link, at->first, at->second);
    }
    if (&link != &links_[0]) return;
    Selection owed(kOwned.size());
    links_[1].barrier_out.source_released(0, number).for_each([&](std::size_t table, std::size_t flat) {
      const std::size_t offset = flat - kOwned[table].begin;
      float& value = residual_[table][offset];
      if (value != 0.0F) owed[table].add(offset, std::exchange(value, 0.0F));
    });
    links_[1].offer(owed);
    links_[1].releasable();
  }

  /// Everything that an announcement promised has been applied.
  static void check_arrived(const Link& link, std::uint64_t number, const Demand& demand) {
    for (const auto& [entry, amount] : demand) {
      const Amount got = amount_of(link.applied, entry);
      for (std::size_t origin = 0; origin < kOrigins; ++origin)
        EXPECT_GE(got[origin], amount[origin]) << "entry " << entry.second << " of announcement " << number;
    }
  }

  /// What is next on one of the channels, or some of it, gets lost.
  void lose(Link& link) {
    for (std::uint64_t i = random_.below(3) + 1; i > 0; --i) {
      const std::uint64_t channel = random_.below(3);
      if (channel == 0 && !link.control.empty()) link.control.pop_front();
      if (channel == 1 && !link.data.empty()) link.data.pop_front();
      if (channel == 2 && !link.back.empty()) link.back.pop_front();
    }
  }

  void ask(std::size_t at) {
    Reader reader{order_, {}, {}};
    for (const auto& [number, demand] : known_[at]) reader.known.insert(number);
    if (random_.below(3) != 0) {
      const Entry first = drawn_entry();
      const std::size_t count =
          std::min<std::size_t>(random_.below(6) + 1, kOwned[first.first].end - first.second);
      reader.ranges.push_back(rows(first.second, count, static_cast<std::uint16_t>(first.first)));
    }
    readers_[at].push_back(std::move(reader));
  }

  /// Whom the barriers let through is whom the plain model lets through.
  void look_after_readers() {
    for (std::size_t at = 0; at < links_.size(); ++at) {
      const Link& link = links_[at];
      // What merged once may hold longer than the plain model until all of it is released.
      if (link.barrier_in.open() == 0) merged_[at] = false;
      if (link.barrier_in.open() < known_[at].size()) merged_[at] = true;
      std::erase_if(readers_[at], [&](const Reader& reader) {
        const bool waits = std::any_of(reader.known.begin(), reader.known.end(), [&](std::uint64_t number) {
          const auto found = known_[at].find(number);
          if (found == known_[at].end()) return false;
          return std::any_of(found->second.begin(), found->second.end(),
                             [&](const auto& one) { return touches(reader.ranges, one.first); });
        });
        const bool held = link.barrier_in.holds(reader.ranges, reader.stamp);
        if (held) ++holds_;
        EXPECT_TRUE(held || !waits) << "let through before the values came";
        EXPECT_TRUE(waits || !held || merged_[at]) << "held for nothing";
        return !held;
      });
    }
  }

  /// No more updates: in the end everything has arrived and nobody waits.
  void finish() {
    for (Link& link : links_) link.offer(Selection(kOwned.size()));
    for (int round = 0; round < 300 && !testing::Test::HasFailure(); ++round) {
      pass();
      for (Link& link : links_) {
        link.tick();
        while (!link.control.empty() || !link.data.empty() || !link.back.empty()) {
          deliver_control(link);
          deliver_data(link);
          link.hear_back();
          look_after_readers();
        }
      }
    }
    for (std::size_t at = 0; at < links_.size(); ++at) {
      SCOPED_TRACE(testing::Message() << "seed " << seed_ << ", link " << at);
      Link& link = links_[at];
      EXPECT_EQ(link.barrier_in.open(), 0U);
      EXPECT_TRUE(link.barrier_out.open().empty());
      EXPECT_TRUE(readers_[at].empty());
      EXPECT_TRUE(link.out.all_acknowledged());
      for_each_owned(kOwned, [&](std::size_t table, std::size_t offset) {
        EXPECT_EQ(link.applied[table][offset], link.offered[table][offset]);
      });
    }
  }

  std::size_t index_of(const Link& link) const { return &link == links_.data() ? 0 : 1; }

  Random random_;
  std::uint64_t seed_;
  std::array<Link, 2> links_;
  std::vector<FloatBuffer> residual_ = zeros_over(kOwned);  // of the hub, towards datacenter 2
  std::array<std::map<std::uint64_t, Demand>, 2> known_;    // announcements that came in and are open
  std::array<std::vector<Reader>, 2> readers_;
  std::array<bool, 2> merged_{};
  std::uint64_t order_ = 0;
  std::size_t holds_ = 0;
  std::size_t merges_ = 0;
};

TEST(Barrier, HoldsWhatItMustOverARelayAndBreaksAndNothingElse) {
  std::size_t holds = 0;
  std::size_t merges = 0;
  std::size_t breaks = 0;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Chain chain(seed);
    chain.run();
    if (HasFailure()) return;
    holds += chain.holds();
    merges += chain.merges();
    breaks += chain.breaks();
  }
  EXPECT_GT(holds, 10'000U) << "the schedules must make readers wait";
  EXPECT_GT(merges, 0U);
  EXPECT_GT(breaks, 300U);
}

}  // namespace
}  // namespace meridian::wan

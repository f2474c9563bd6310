// Goal: a server sums exactly what its workers push, in whole clocks, serves reads when both the clock and
// its replication allow it, says what each reader waited for, ends the run in order, and stops it with a name
// when somebody does what the protocol does not allow. Reached by events given to one server whose actions
// are recorded, over a replication that does what the test says.
#include "datacenter/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <tuple>

#include "src/wire/float_bytes.h"
#include "tests/datacenter/least_squares_workload.h"
#include "tests/src/runtime/recorded_actions.h"

namespace meridian::datacenter {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr std::size_t kTables = 2;

/// Merges own steps at once; decides as the test says; remembers what it was told.
class ScriptedReplication final : public Replication {
 public:
  float step_scale() const override { return 0.5F; }
  bool own_steps_merge_at_once() const override { return merges_at_once; }
  bool steps_every_entry() const override { return false; }
  void merge_own_step(Clock clock, std::size_t table, std::size_t /*first*/, std::span<float> values,
                      std::span<const float> step) override {
    merged.emplace_back(clock, table);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += step[i];
  }
  void clock_closed(Time, Clock clock, Actions&) override { closed.push_back(clock); }
  std::uint64_t read_asked() override { return ++reads_asked; }
  ReadDecision may_read(const Read& read) const override {
    last_read = {read.clock, read.stamp, read.asked};
    const bool touched = std::any_of(read.ranges.begin(), read.ranges.end(), [&](const Segment& range) {
      return announced && range.table == announced->table &&
             range.first < announced->first + announced->count &&
             announced->first < range.first + range.count;
    });
    if (touched || (announced && read.ranges.empty())) return ReadDecision::hold_selective_barrier;
    return decision;
  }
  void read_served(Time, Clock clock, Actions&) override { served.push_back(clock); }
  void evaluated(Time, Clock clock, double objective, Actions&) override {
    evaluations.emplace_back(clock, objective);
  }
  void wish_to_stop(Time, StopReason reason, Actions&) override { wishes.push_back(reason); }
  void drain(Time, Clock clock, Actions&) override { drained_from = clock; }
  bool drained() const override { return is_drained; }
  bool may_leave() const override { return is_free_to_leave; }
  ReplicationCounters counters() const override { return {100, 10, {{1, 7, 8}}}; }
  double measure_difference() override { return 0.25; }
  StopReason stop_reason() const override { return StopReason::target; }

  bool merges_at_once = true;
  ReadDecision decision = ReadDecision::serve;
  std::optional<Segment> announced;  // reads that touch it are held
  std::uint64_t reads_asked = 0;
  mutable std::tuple<Clock, std::uint64_t, Time> last_read;  // clock, stamp, asked
  bool is_drained = false;
  bool is_free_to_leave = true;
  std::vector<std::pair<Clock, std::size_t>> merged;
  std::vector<Clock> closed;
  std::vector<Clock> served;
  std::vector<std::pair<Clock, double>> evaluations;
  std::vector<StopReason> wishes;
  std::optional<Clock> drained_from;
};

/// A server of a datacenter with two workers, three samples a clock each.
struct Host {
  explicit Host(std::size_t index = 0, std::size_t servers = 1, const LearningRate& schedule = {},
                std::size_t part_bytes = kMaxTransferBytes)
      : self(ProcessId::server(0, static_cast<std::uint16_t>(index))),
        shards(workload.tables(), 4),
        store(shards.server_ranges(index, servers)),
        membership({.self = self,
                    .name = "paris-server",
                    .run_digest = 1,
                    .incarnation = 1,
                    .configuration = "",
                    .explain_difference = {}},
                   {}),
        server({.self = self,
                .datacenter_name = "paris",
                .workers = 2,
                .servers = servers,
                .evaluate_every = 2,
                .stop_time = seconds(60),
                .optimizer = {"sgd", /*learning_rate=*/0.25, 0.0, schedule},
                .part_bytes = part_bytes},
               workload, shards, membership, store, replication) {
    for (std::uint16_t worker = 0; worker < 2; ++worker) greet(ProcessId::worker(0, worker));
    for (std::size_t other = 0; other < servers; ++other) {
      if (other != index) greet(ProcessId::server(0, static_cast<std::uint16_t>(other)));
    }
    for (std::size_t table = 0; table < kTables; ++table) {
      for (float& value : store.change(table)) value = 1.0F;
    }
  }

  void greet(ProcessId peer) {
    membership.expect(peer, process_name("paris", peer), /*answer=*/false);
    for (const Channel channel : {Channel::control, Channel::data}) {
      membership.on_message(seconds(0), peer, channel, Hello{kProtocolVersion, 1, peer, 1, channel}, actions);
    }
  }

  /// `peer` leaves in good order.
  void depart(ProcessId peer) {
    membership.on_message(seconds(1), peer, Channel::control, Goodbye{false, "done"}, actions);
    server.resume(seconds(1), actions);
  }

  void receive(ProcessId from, Body body, std::vector<Payload> payloads = {}, Time now = seconds(1)) {
    server.on_message(now, from, {std::move(body), std::move(payloads)}, actions);
  }
  void open() { server.open(seconds(0), actions); }

  /// A push of the whole range, every entry the same, in messages of `max_bytes`.
  std::vector<Message> push_of(Clock clock, float value, std::size_t samples = 3,
                               std::size_t max_bytes = kMaxTransferBytes) const {
    std::vector<Message> messages;
    for (const std::vector<Segment>& segments : transfer_plan(store.ranges(), max_bytes)) {
      Message message{Push{clock, samples, segments}, {}};
      for (const Segment& segment : segments) {
        const auto values = std::make_shared<FloatBuffer>(segment.count);
        std::fill_n(values->data(), segment.count, value);
        message.payloads.push_back(payload_of(values, 0, segment.count));
      }
      messages.push_back(std::move(message));
    }
    return messages;
  }

  void push(std::uint16_t worker, Clock clock, float value, Time now = seconds(1)) {
    for (const Message& message : push_of(clock, value)) {
      server.on_message(now, ProcessId::worker(0, worker), message, actions);
    }
  }
  void pull(std::uint16_t worker, Clock clock, Time now = seconds(1)) {
    receive(ProcessId::worker(0, worker), Pull{clock, false}, {}, now);
  }

  void pull_ranges(std::uint16_t worker, Clock clock, std::vector<Segment> ranges, Time now = seconds(1)) {
    receive(ProcessId::worker(0, worker), Pull{clock, false, std::move(ranges)}, {}, now);
  }

  /// Both workers push and pull `clock`.
  void finish_clock(Clock clock) {
    for (const std::uint16_t worker : {std::uint16_t{0}, std::uint16_t{1}}) {
      push(worker, clock, 0.0F);
      pull(worker, clock);
    }
  }

  std::vector<float> all_values() const {
    std::vector<float> all;
    for (std::size_t table = 0; table < kTables; ++table) {
      all.insert(all.end(), store.values(table).begin(), store.values(table).end());
    }
    return all;
  }

  ProcessId self;
  LeastSquaresWorkload workload{{3, 3}};
  ShardMap shards;
  RecordedActions actions;
  ParameterStore store;
  Membership membership;
  ScriptedReplication replication;
  Server server;
};

constexpr ProcessId kWorker0 = ProcessId{0, Role::worker, 0};
constexpr ProcessId kWorker1 = ProcessId{0, Role::worker, 1};
constexpr ProcessId kServer0 = ProcessId{0, Role::server, 0};
constexpr ProcessId kServer1 = ProcessId{0, Role::server, 1};

TEST(Server, AWaitForTheOwnUpdateIsNoWaitForOtherWorkers) {
  Host host;
  host.open();
  host.pull(0, 0);
  host.pull(1, 0);
  host.actions.sent.clear();
  const auto count = [&](Server::WaitingFor cause) {
    return host.server.held_reads().at(static_cast<std::size_t>(cause));
  };
  // The read overtakes the update: control before data.
  host.pull(0, 1, seconds(2));
  EXPECT_EQ(count(Server::WaitingFor::push), 1U);
  host.push(0, 1, 0.0F, seconds(3));
  EXPECT_EQ(count(Server::WaitingFor::push), 0U);
  EXPECT_EQ(count(Server::WaitingFor::local_barrier), 1U);
  const auto held = host.server.held_time(seconds(5));
  EXPECT_EQ(held.at(static_cast<std::size_t>(Server::WaitingFor::push)), seconds(1));
  EXPECT_EQ(held.at(static_cast<std::size_t>(Server::WaitingFor::local_barrier)), seconds(2))
      << "it still waits";
  host.push(1, 1, 0.0F, seconds(7));
  const auto replies = host.actions.sent_of<PullReply>(kWorker0);
  ASSERT_THAT(replies, SizeIs(1));
  Waits waits;
  waits.push = seconds(1);
  waits.local_barrier = seconds(4);
  EXPECT_EQ(replies[0].waits, waits);
}

TEST(Server, APushMayAskForTheModelAfterIt) {
  Host host;
  host.open();
  host.pull(0, 0);
  host.pull(1, 0);
  host.actions.sent.clear();
  for (const ProcessId worker : {kWorker0, kWorker1}) {
    Message push = host.push_of(1, 6.0F).at(0);
    std::get<Push>(push.body).pulls = true;
    host.server.on_message(seconds(1), worker, push, host.actions);
  }
  for (const ProcessId worker : {kWorker0, kWorker1}) {
    const auto replies = host.actions.sent_of<PullReply>(worker);
    ASSERT_THAT(replies, SizeIs(1));
    EXPECT_EQ(replies[0].clock, 1U);
    EXPECT_EQ(replies[0].waits, Waits{});
  }
}

/// Pushes and replies in messages of one entry each; the first of a push asks for the next model.
struct HostOfParts : Host {
  HostOfParts() : Host(0, 1, {}, sizeof(float)) {
    open();
    pull(0, 0);
    pull(1, 0);
    actions.sent.clear();
  }
  std::vector<Message> push_in_parts(Clock clock, float value) const {
    std::vector<Message> parts = push_of(clock, value, 3, sizeof(float));
    std::get<Push>(parts.at(0).body).pulls = true;
    return parts;
  }
  void push_all(ProcessId worker, Clock clock, float value) {
    for (const Message& part : push_in_parts(clock, value))
      server.on_message(seconds(1), worker, part, actions);
  }
  std::size_t parts_sent_to(ProcessId worker) const { return actions.sent_of<PullReply>(worker).size(); }
};

TEST(Server, AskedOnceByAPushItServesOneModel) {
  HostOfParts host;
  Message again = host.push_in_parts(1, 6.0F).at(1);
  std::get<Push>(again.body).pulls = true;
  host.server.on_message(seconds(1), kWorker0, host.push_in_parts(1, 6.0F).at(0), host.actions);
  ASSERT_FALSE(host.actions.fault);
  host.server.on_message(seconds(1), kWorker0, again, host.actions);
  EXPECT_THAT(host.actions.failure(), HasSubstr("a pull of clock 1 out of turn"));
}

TEST(Server, PartsOfTheNextModelGoOutWhileTheRestOfThePushIsOnItsWay) {
  HostOfParts host;
  const auto parts = host.push_in_parts(1, 6.0F);
  ASSERT_GT(parts.size(), 2U);
  host.push_all(kWorker1, 1, 6.0F);
  EXPECT_EQ(host.parts_sent_to(kWorker1), 0U) << "the other worker has pushed nothing";
  for (std::size_t part = 0; part + 1 < parts.size(); ++part) {
    host.server.on_message(seconds(1), kWorker0, parts[part], host.actions);
    EXPECT_EQ(host.parts_sent_to(kWorker0), part + 1);
    EXPECT_EQ(host.parts_sent_to(kWorker1), part + 1);
  }
  EXPECT_THAT(host.replication.closed, IsEmpty());
  EXPECT_THAT(host.replication.served, ElementsAre(0U));
  host.server.on_message(seconds(1), kWorker0, parts.back(), host.actions);
  EXPECT_THAT(host.replication.served, ElementsAre(0U, 1U));
  for (const ProcessId worker : {kWorker0, kWorker1}) {
    const auto replies = host.actions.sent_of<PullReply>(worker);
    ASSERT_EQ(replies.size(), parts.size()) << "the last part comes once the clock is closed, and once";
    for (std::size_t part = 0; part < replies.size(); ++part) {
      EXPECT_EQ(replies[part].clock, 1U);
      EXPECT_EQ(replies[part].segments, std::get<Push>(parts[part].body).segments);
      EXPECT_EQ(replies[part].last, part + 1 == replies.size());
    }
  }
  // 1 - 0.5 * 0.25 * (6 + 6) / 6
  for (const auto& sent : host.actions.sent) {
    if (!std::holds_alternative<PullReply>(sent.message.body)) continue;
    float value = 0.0F;
    copy_floats({&value, 1}, sent.message.payloads.at(0).bytes());
    EXPECT_FLOAT_EQ(value, 0.75F) << "a part went out before its step";
  }
}

TEST(Server, AValueThatIsNotFiniteStopsTheRunBeforeItsPartGoesOut) {
  HostOfParts host;
  host.store.change(0)[0] = -std::numeric_limits<float>::max();
  host.push_all(kWorker1, 1, 1.5e38F);
  host.server.on_message(seconds(1), kWorker0, host.push_in_parts(1, 1.5e38F).at(0), host.actions);
  ASSERT_TRUE(host.actions.fault);
  EXPECT_EQ(host.actions.fault->kind, FaultKind::not_finite);
  EXPECT_THAT(host.actions.failure(), HasSubstr("at clock 1"));
  EXPECT_EQ(host.parts_sent_to(kWorker0), 0U);
}

TEST(Server, NothingGoesOutAheadBeforeEverybodyIsThere) {
  Host host(0, 1, {}, sizeof(float));
  for (const ProcessId worker : {kWorker1, kWorker0}) {
    for (const Message& part : host.push_of(1, 6.0F, 3, sizeof(float))) {
      Message asking = part;
      std::get<Push>(asking.body).pulls = std::get<Push>(part.body).segments.at(0).first == 0 &&
                                          std::get<Push>(part.body).segments.at(0).table == 0;
      host.server.on_message(seconds(1), worker, asking, host.actions);
    }
  }
  EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  EXPECT_FALSE(host.actions.fault);
}

TEST(Server, TrainingDoesNotEndInTheMiddleOfAPush) {
  HostOfParts host;
  host.server.on_message(seconds(1), kWorker0, host.push_in_parts(1, 6.0F).at(0), host.actions);
  host.receive(kWorker0, Finished{0});
  EXPECT_THAT(host.actions.failure(), HasSubstr("the end of training"));
}

TEST(Server, TrainingDoesNotEndBetweenAPushAndItsClock) {
  HostOfParts host;
  host.push_all(kWorker0, 1, 6.0F);
  host.receive(kWorker0, Finished{0});
  EXPECT_THAT(host.actions.failure(), HasSubstr("the end of training"));
}

TEST(Server, NoPushFollowsTheEndOfTraining) {
  HostOfParts host;
  host.receive(kWorker0, Finished{0});
  ASSERT_FALSE(host.actions.fault);
  host.server.on_message(seconds(1), kWorker0, host.push_in_parts(1, 6.0F).at(0), host.actions);
  EXPECT_THAT(host.actions.failure(), HasSubstr("a push of clock 1"));
}

TEST(Server, WhatIsMergedLaterDoesNotGoOutAhead) {
  HostOfParts host;
  host.replication.merges_at_once = false;
  host.push_all(kWorker1, 1, 6.0F);
  const auto parts = host.push_in_parts(1, 6.0F);
  for (std::size_t part = 0; part + 1 < parts.size(); ++part)
    host.server.on_message(seconds(1), kWorker0, parts[part], host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker1), 0U);
  host.server.on_message(seconds(1), kWorker0, parts.back(), host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker1), parts.size());
}

TEST(Server, WhatIsAnnouncedDoesNotGoOutAhead) {
  HostOfParts host;
  const auto parts = host.push_in_parts(1, 6.0F);
  host.replication.announced = std::get<Push>(parts.at(1).body).segments.at(0);
  host.push_all(kWorker1, 1, 6.0F);
  host.push_all(kWorker0, 1, 6.0F);
  EXPECT_EQ(host.parts_sent_to(kWorker0), 1U) << "what comes before it";
  host.replication.announced.reset();
  host.server.resume(seconds(2), host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker0), parts.size());
}

TEST(Server, AfterACopyNoMorePartsGoAheadUntilTheClockIsClosed) {
  HostOfParts host;
  const auto parts = host.push_in_parts(1, 6.0F);
  host.push_all(kWorker1, 1, 6.0F);
  host.server.on_message(seconds(1), kWorker0, parts.at(0), host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker0), 1U);
  const std::uint64_t copies = host.store.copies();
  host.store.change(0, 0, 1)[0] += 100.0F;  // an update from elsewhere, while that part is on its way
  EXPECT_EQ(host.store.copies(), copies + 1);
  for (std::size_t part = 1; part + 1 < parts.size(); ++part)
    host.server.on_message(seconds(1), kWorker0, parts[part], host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker0), 1U) << "the rest waits, and may be changed in place";
  host.store.change(0, 0, 1)[0] += 100.0F;
  EXPECT_EQ(host.store.copies(), copies + 1);
  host.server.on_message(seconds(1), kWorker0, parts.back(), host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker0), parts.size());

  // What is copied for the rest of the reply does not keep the next clock's parts back.
  host.store.change(0, 1, 1)[0] += 100.0F;
  EXPECT_EQ(host.store.copies(), copies + 2);
  host.push_all(kWorker1, 2, 6.0F);
  host.server.on_message(seconds(1), kWorker0, host.push_in_parts(2, 6.0F).at(0), host.actions);
  EXPECT_EQ(host.parts_sent_to(kWorker0), parts.size() + 1);
}

TEST(Server, ServesNoReadBeforeEverybodyIsThere) {
  Host host;
  host.pull(0, 0);
  EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  EXPECT_THAT(host.actions.reports, IsEmpty());
  host.server.open(seconds(9), host.actions);
  const auto replies = host.actions.sent_of<PullReply>(kWorker0);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].waits, Waits{}) << "the start is no wait of the training's";
  EXPECT_THAT(host.actions.reports_of<TrainingStarted>(), SizeIs(1));
  EXPECT_THAT(host.replication.served, ElementsAre(0U));
  EXPECT_EQ(host.actions.timers.at(static_cast<std::size_t>(TimerId::stop_time)), seconds(69));
  host.pull(1, 0);
  EXPECT_THAT(host.actions.reports_of<TrainingStarted>(), SizeIs(1)) << "it starts once";
  EXPECT_THAT(host.replication.served, ElementsAre(0U));
}

TEST(Server, SumsAClockAndTakesOneScaledStepOfTheMean) {
  Host host;
  host.open();
  host.push(0, 1, 4.0F);
  EXPECT_EQ(host.server.closed(), 0U);
  EXPECT_THAT(host.all_values(), Each(1.0F));
  host.push(1, 1, 8.0F);
  EXPECT_EQ(host.server.closed(), 1U);
  // 1 - learning rate 0.25 * (4 + 8) / 6 samples * scale 0.5
  EXPECT_THAT(host.all_values(), Each(0.75F));
  EXPECT_THAT(host.replication.merged, ElementsAre(std::pair(1U, 0U), std::pair(1U, 1U)));
  EXPECT_THAT(host.replication.closed, ElementsAre(1U));
  host.push(1, 2, 12.0F);
  host.push(0, 2, 0.0F);
  EXPECT_THAT(host.all_values(), Each(0.5F)) << "the sum begins anew with each clock";
}

TEST(Server, StepsAPartOnceAllWorkersHavePushedIt) {
  Host host;
  host.open();
  const std::vector<Message> four = host.push_of(1, 4.0F, 3, /*max_bytes=*/16);
  const std::vector<Message> eight = host.push_of(1, 8.0F, 3, /*max_bytes=*/16);
  ASSERT_GT(four.size(), 2U);
  for (const Message& part : four) host.server.on_message(seconds(1), kWorker0, part, host.actions);
  EXPECT_THAT(host.all_values(), Each(1.0F));
  host.server.on_message(seconds(1), kWorker1, eight[0], host.actions);
  EXPECT_EQ(host.server.closed(), 0U);
  EXPECT_THAT(host.replication.closed, IsEmpty());
  const std::vector<float> values = host.all_values();
  EXPECT_THAT(std::vector<float>(values.begin(), values.begin() + 4), Each(0.75F));
  EXPECT_THAT(std::vector<float>(values.begin() + 4, values.end()), Each(1.0F));
  for (std::size_t i = 1; i < eight.size(); ++i)
    host.server.on_message(seconds(1), kWorker1, eight[i], host.actions);
  EXPECT_EQ(host.server.closed(), 1U);
  EXPECT_THAT(host.all_values(), Each(0.75F));
}

TEST(Server, EachClockHasItsOwnLearningRate) {
  Host host(0, 1, LearningRate::make({.name = "step", .every = 2, .factor = 0.5}).value());
  host.open();
  // Steps of rate * (6 + 6) / 6 samples * scale 0.5; the rate is 0.25 at clocks 1 and 2, then 0.125.
  for (const auto& [clock, value] :
       std::vector<std::pair<Clock, float>>{{1, 0.75F}, {2, 0.5F}, {3, 0.375F}, {4, 0.25F}, {5, 0.1875F}}) {
    host.push(0, clock, 6.0F);
    host.push(1, clock, 6.0F);
    EXPECT_THAT(host.all_values(), Each(value)) << clock;
  }
}

TEST(Server, TakesAPushInPartsMixedWithAnothers) {
  Host host;
  host.open();
  const std::vector<Message> first = host.push_of(1, 4.0F, 3, 16);
  const std::vector<Message> second = host.push_of(1, 8.0F, 3, 16);
  ASSERT_GT(first.size(), 3U);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(host.server.closed(), 0U);
    host.server.on_message(seconds(1), kWorker0, first[i], host.actions);
    host.server.on_message(seconds(1), kWorker1, second[i], host.actions);
  }
  EXPECT_EQ(host.server.closed(), 1U);
  EXPECT_THAT(host.all_values(), Each(0.75F));
}

TEST(Server, AReplyHoldsTheValuesOfItsClockWhateverComesLater) {
  Host host;
  host.open();
  host.pull(0, 0);
  host.push(0, 1, 4.0F);
  host.push(1, 1, 8.0F);
  host.pull(0, 1);
  std::vector<float> read;
  for (const RecordedActions::Sent& sent : host.actions.sent) {
    if (!std::holds_alternative<PullReply>(sent.message.body)) continue;
    EXPECT_EQ(sent.channel, Channel::data);
    read.push_back(load_float(sent.message.payloads.at(0).bytes().data()));
  }
  EXPECT_THAT(read, ElementsAre(1.0F, 0.75F));
}

struct WrongPush {
  const char* what;
  std::function<void(Host& host)> send;
  const char* reason;
};

TEST(Server, RefusesPushesThatCannotBe) {
  const auto send = [](Host& host, const Message& message) {
    host.server.on_message(seconds(1), kWorker1, message, host.actions);
  };
  const WrongPush wrong[] = {
      {"a clock ahead", [&](Host& host) { send(host, host.push_of(2, 1.0F)[0]); },
       "a push of clock 2 while clock 1 is open"},
      {"clock 0", [&](Host& host) { send(host, host.push_of(0, 1.0F)[0]); }, "a push of clock 0"},
      {"the same clock twice",
       [&](Host& host) {
         send(host, host.push_of(1, 1.0F)[0]);
         send(host, host.push_of(1, 1.0F)[0]);
       },
       "a push of clock 1 while clock 1 is open"},
      {"other samples", [&](Host& host) { send(host, host.push_of(1, 1.0F, 4)[0]); },
       "a push over 4 samples where 3 belong"},
      {"parts out of order", [&](Host& host) { send(host, host.push_of(1, 1.0F, 3, 16)[1]); },
       "not what comes next"},
      {"a part twice",
       [&](Host& host) {
         send(host, host.push_of(1, 1.0F, 3, 16)[0]);
         send(host, host.push_of(1, 1.0F, 3, 16)[0]);
       },
       "not what comes next"},
  };
  for (const WrongPush& one : wrong) {
    Host host;
    host.open();
    one.send(host);
    EXPECT_THAT(host.actions.failure(), AllOf(HasSubstr("paris-worker-1 sent"), HasSubstr(one.reason)))
        << one.what;
    EXPECT_THAT(host.actions.sent_of<Goodbye>(), SizeIs(2)) << one.what;
    host.push(0, 1, 1.0F);
    EXPECT_THAT(host.replication.merged, IsEmpty()) << one.what << ", and the run went on";
  }
  Host host(0, 2);
  host.open();
  host.server.on_message(seconds(1), kServer1, host.push_of(1, 1.0F)[0], host.actions);
  EXPECT_THAT(host.actions.failure(), HasSubstr("paris-server-1 sent a push")) << "a server pushes nothing";
}

TEST(Server, StopsForAGradientThatIsNotFiniteAndSaysWhere) {
  for (const float spoilt :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Host host;
    host.open();
    host.finish_clock(1);
    std::vector<Message> push = host.push_of(2, 1.0F, 3, 16);
    const auto values = std::make_shared<FloatBuffer>(push.back().payloads.back().size() / sizeof(float));
    (*values)[0] = spoilt;
    push.back().payloads.back() = payload_of(values, 0, values->size());
    for (const Message& message : push) host.server.on_message(seconds(1), kWorker0, message, host.actions);
    EXPECT_EQ(host.actions.failure(), "");
    host.actions.sent.clear();
    host.push(1, 2, 1.0F);
    EXPECT_THAT(host.actions.failure(),
                AllOf(HasSubstr("table bias"), HasSubstr("clock 2"), HasSubstr("datacenter paris")));
    EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  }
}

TEST(Server, SaysWhatAReaderWaitedForWithoutCountingATimeTwice) {
  Host host;
  host.open();
  host.push(0, 1, 0.0F, seconds(10));
  host.pull(0, 1, seconds(10));  // for the other worker, until 14
  host.replication.decision = ReadDecision::hold_mirror_clock;
  host.server.resume(seconds(12), host.actions);  // an event in between changes nothing
  host.push(1, 1, 0.0F, seconds(14));             // for other datacenters' clocks, until 17
  host.pull(1, 1, seconds(15));
  host.replication.decision = ReadDecision::hold_selective_barrier;
  host.server.resume(seconds(17), host.actions);  // for announced values, until 19
  EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  host.replication.decision = ReadDecision::serve;
  host.server.resume(seconds(19), host.actions);
  const auto first = host.actions.sent_of<PullReply>(kWorker0);
  const auto second = host.actions.sent_of<PullReply>(kWorker1);
  ASSERT_THAT(first, SizeIs(1));
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(first[0].waits, (Waits{seconds(4), seconds(2), seconds(3)}));
  EXPECT_EQ(second[0].waits, (Waits{seconds(0), seconds(2), seconds(2)}));
  EXPECT_THAT(host.replication.served, ElementsAre(1U)) << "told once for each clock";
}

TEST(Server, ARangedPullGetsExactlyThoseEntries) {
  Host host(1, 2);
  host.open();
  for (std::size_t table = 0; table < kTables; ++table) {
    const std::span<float> values = host.store.change(table);
    std::iota(values.begin(), values.end(),
              static_cast<float>(1000 * table + host.store.ranges()[table].begin));
  }
  const TableRange weights = host.store.ranges()[0];
  const TableRange bias = host.store.ranges()[1];
  ASSERT_GE(weights.size(), 6U);
  const std::vector<Segment> ranges = {
      {0, weights.begin, 1, 0}, {0, weights.end - 3, 3, 0}, {1, bias.end - 1, 1, 0}};
  host.pull_ranges(0, 0, ranges);
  const auto replies = host.actions.sent_of<PullReply>(kWorker0);
  ASSERT_THAT(replies, SizeIs(1));
  EXPECT_EQ(replies[0].segments, ranges);
  EXPECT_TRUE(replies[0].last);
  const std::vector<Payload>& payloads = host.actions.sent.back().message.payloads;
  ASSERT_THAT(payloads, SizeIs(3));
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    ASSERT_EQ(payloads[i].size(), ranges[i].count * sizeof(float));
    for (std::size_t entry = 0; entry < ranges[i].count; ++entry) {
      EXPECT_EQ(load_float(payloads[i].bytes().data() + entry * sizeof(float)),
                static_cast<float>(1000U * ranges[i].table + ranges[i].first + entry));
    }
  }
  host.pull(0, 0);
  EXPECT_EQ(host.actions.sent_of<PullReply>(kWorker0).back().segments, transfer_plan(host.store.ranges())[0])
      << "no ranges: everything";
}

TEST(Server, RefusesRangesThatItDoesNotOwn) {
  const Host model(1, 2);
  const TableRange weights = model.store.ranges()[0];
  const TableRange bias = model.store.ranges()[1];
  constexpr std::uint64_t kHuge = std::numeric_limits<std::uint64_t>::max();
  const std::vector<std::pair<std::vector<Segment>, const char*>> wrong = {
      {{{0, weights.begin - 1, 2, 0}}, "are owned"},
      {{{0, weights.end - 1, 2, 0}}, "are owned"},
      {{{0, weights.begin, 0, 0}}, "are owned"},
      {{{0, weights.begin, 2, 1}}, "are owned"},
      {{{0, kHuge, 1, 0}}, "are owned"},
      {{{0, weights.begin, kHuge, 0}}, "are owned"},
      {{{2, 0, 1, 0}}, "a range of table 2"},
      {{{0, weights.begin, 2, 0}, {0, weights.begin + 1, 1, 0}}, "do not rise"},
      {{{1, bias.begin, 1, 0}, {0, weights.begin, 1, 0}}, "do not rise"},
      {std::vector<Segment>(5000, Segment{0, weights.begin, 1, 0}), "5000 ranges"},
  };
  for (const auto& [ranges, reason] : wrong) {
    Host host(1, 2);
    host.open();
    host.pull_ranges(0, 0, ranges);
    EXPECT_THAT(host.actions.failure(), AllOf(HasSubstr("paris-worker-0 sent a pull of"), HasSubstr(reason)));
    EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  }
}

TEST(Server, HoldsTheReadOfAnnouncedEntriesAndNoOther) {
  Host host;
  host.open();
  host.replication.announced = Segment{0, 4, 2, 0};
  host.pull_ranges(0, 0, {{0, 5, 3, 0}}, seconds(10));
  EXPECT_EQ(host.replication.last_read, std::tuple(0U, 1U, seconds(10)));
  EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty());
  host.pull_ranges(1, 0, {{0, 0, 4, 0}, {0, 6, 1, 0}, {1, 0, 1, 0}}, seconds(12));
  EXPECT_EQ(host.replication.last_read, std::tuple(0U, 2U, seconds(12)));
  const auto other = host.actions.sent_of<PullReply>(kWorker1);
  ASSERT_THAT(other, SizeIs(1));
  EXPECT_EQ(other[0].waits, Waits{});
  EXPECT_THAT(host.actions.sent_of<PullReply>(kWorker0), IsEmpty());

  // It keeps the stamp and the time of when it was asked.
  host.server.resume(seconds(13), host.actions);
  EXPECT_EQ(host.replication.last_read, std::tuple(0U, 1U, seconds(10)));
  host.replication.announced.reset();
  host.server.resume(seconds(17), host.actions);
  const auto held = host.actions.sent_of<PullReply>(kWorker0);
  ASSERT_THAT(held, SizeIs(1));
  EXPECT_EQ(held[0].segments, (std::vector{Segment{0, 5, 3, 0}}));
  EXPECT_EQ(held[0].waits, (Waits{seconds(0), seconds(7), seconds(0)}));
}

TEST(Server, RefusesReadsOutOfTurn) {
  {
    Host host;
    host.open();
    host.pull(0, 2);
    EXPECT_THAT(host.actions.failure(), HasSubstr("paris-worker-0 sent a pull of clock 2 out of turn"));
  }
  {
    Host host;
    host.open();
    host.pull(0, 1);  // its push of clock 1 may still be on the way
    EXPECT_EQ(host.actions.failure(), "");
    host.pull(0, 1);
    EXPECT_THAT(host.actions.failure(), HasSubstr("out of turn"));
  }
  {
    Host host(1, 3);
    host.open();
    host.receive(ProcessId::server(0, 2), Pull{0, true});
    EXPECT_THAT(host.actions.failure(), HasSubstr("out of turn")) << "only the first server reads a server";
  }
}

TEST(Server, MeasuresItsReplicaAtEvaluationClocks) {
  Host host;
  host.open();
  host.finish_clock(1);
  host.receive(kWorker0, EvaluationPart{2, {8.0, 4.0, 1}, false, {seconds(1), {}, {}}});
  host.finish_clock(2);
  EXPECT_THAT(host.actions.reports_of<Measured>(), IsEmpty());
  host.receive(kWorker1, EvaluationPart{2, {8.0, 4.0, 3}, false, {seconds(2), {}, {}}});
  const auto measured = host.actions.reports_of<Measured>();
  ASSERT_THAT(measured, SizeIs(1));
  EXPECT_EQ(measured[0].clock, 2U);
  EXPECT_FALSE(measured[0].final);
  EXPECT_DOUBLE_EQ(measured[0].objective, 2.0);  // sqrt(16 / 4)
  EXPECT_DOUBLE_EQ(measured[0].loss, 2.0);       // 8 / 4
  EXPECT_EQ(measured[0].waits.local_barrier, seconds(3));
  EXPECT_EQ(measured[0].wan_bytes, 15U);
  EXPECT_EQ(measured[0].entries_considered, 100U);
  EXPECT_EQ(measured[0].entries_sent, 10U);
  EXPECT_EQ(measured[0].difference_bound, 0.25);
  EXPECT_THAT(host.replication.evaluations, ElementsAre(std::pair(2U, 2.0)));
}

TEST(Server, RefusesMessagesWhereTheyDoNotBelong) {
  const auto failure_of = [](std::size_t index, ProcessId from, Body body) {
    Host host(index, 2);
    host.open();
    host.receive(from, std::move(body));
    return host.actions.failure();
  };
  EXPECT_THAT(failure_of(0, kWorker0, Update{}),
              HasSubstr("paris-worker-0 sent a update where none belongs"));
  EXPECT_THAT(failure_of(1, kWorker0, EvaluationPart{}), HasSubstr("evaluation part where none belongs"));
  EXPECT_THAT(failure_of(0, kServer1, EvaluationPart{}), HasSubstr("evaluation part where none belongs"));
  EXPECT_THAT(failure_of(0, kWorker0, ServerSample{}), HasSubstr("server sample where none belongs"));
  EXPECT_THAT(failure_of(0, kServer1, PullReply{}), HasSubstr("a pull reply that nobody asked for"));
  EXPECT_THAT(failure_of(1, kServer0, StopProposal{}), HasSubstr("stop proposal where none belongs"));
}

TEST(Server, StopsDrainsAndOnlyThenServesTheFinalReads) {
  Host host;
  host.open();
  host.push(0, 1, 0.0F);
  host.push(1, 1, 0.0F);
  host.replication.decision = ReadDecision::serve_and_stop;
  host.pull(0, 1);
  host.pull(1, 1);
  for (const PullReply& reply : host.actions.sent_of<PullReply>()) EXPECT_TRUE(reply.stop);
  host.receive(kWorker0, Finished{1});
  host.receive(kWorker0, Pull{1, true});
  EXPECT_FALSE(host.replication.drained_from) << "the other one has not finished";
  host.receive(kWorker1, Finished{1});
  EXPECT_EQ(host.replication.drained_from, 1U);
  ASSERT_THAT(host.actions.reports_of<TrainingStopped>(), SizeIs(1));
  EXPECT_EQ(host.actions.reports_of<TrainingStopped>()[0].clock, 1U);
  host.actions.sent.clear();
  host.receive(kWorker1, Pull{1, true});
  EXPECT_THAT(host.actions.sent_of<PullReply>(), IsEmpty()) << "not drained";

  // What the drain brings is in the final reads.
  for (std::size_t table = 0; table < kTables; ++table) {
    for (float& value : host.store.change(table)) value = 5.0F;
  }
  host.replication.is_drained = true;
  host.server.resume(seconds(30), host.actions);
  EXPECT_THAT(host.actions.sent_of<PullReply>(kWorker0), SizeIs(1));
  EXPECT_THAT(host.actions.sent_of<PullReply>(kWorker1), SizeIs(1));
  EXPECT_EQ(host.actions.sent_of<PullReply>(kWorker1)[0].waits, Waits{}) << "the drain is no wait";
  for (const std::span<const float> table : host.server.final_tables()) EXPECT_THAT(table, Each(5.0F));
  EXPECT_FALSE(host.actions.finished);

  host.receive(kWorker0, EvaluationPart{1, {1.0, 1.0, 1}, true, {}});
  host.receive(kWorker1, EvaluationPart{1, {1.0, 1.0, 1}, true, {}});
  const auto measured = host.actions.reports_of<Measured>();
  ASSERT_THAT(measured, SizeIs(1));
  EXPECT_TRUE(measured[0].final);
  EXPECT_EQ(measured[0].stop_reason, StopReason::target);
  EXPECT_TRUE(host.actions.finished);
  EXPECT_THAT(host.actions.sent_of<Goodbye>(), Each(Goodbye{false, "done"}));
  EXPECT_EQ(host.actions.failure(), "");
}

TEST(Server, DrainsOnlyAfterItsLastEvaluation) {
  Host host;
  host.open();
  host.finish_clock(1);
  host.finish_clock(2);
  host.receive(kWorker0, EvaluationPart{2, {1.0, 1.0, 1}, false, {}});
  host.receive(kWorker0, Finished{2});
  host.receive(kWorker1, Finished{2});
  EXPECT_FALSE(host.replication.drained_from);
  host.receive(kWorker1, EvaluationPart{2, {1.0, 1.0, 1}, false, {}});
  EXPECT_EQ(host.replication.drained_from, 2U);
}

TEST(Server, RefusesAnEndThatCannotBe) {
  {
    Host host;
    host.open();
    host.receive(kWorker0, Finished{3});
    EXPECT_THAT(host.actions.failure(), HasSubstr("paris-worker-0 sent the end of training at clock 3"));
  }
  {
    Host host;
    host.open();
    host.receive(kWorker0, Finished{0});
    host.receive(kWorker0, Finished{0});
    EXPECT_THAT(host.actions.failure(), HasSubstr("the end of training"));
  }
  {
    Host host(0, 2);
    host.open();
    host.receive(kServer1, Finished{0});
    EXPECT_THAT(host.actions.failure(), HasSubstr("paris-server-1 sent the end of training"));
  }
}

TEST(Server, TheFirstOneCollectsTheWholeModelFromTheOthers) {
  Host host(0, 2);
  host.open();
  host.receive(kWorker0, Finished{0});
  host.receive(kWorker1, Finished{0});
  host.replication.is_drained = true;
  host.server.resume(seconds(2), host.actions);
  EXPECT_THAT(host.actions.sent_of<Pull>(kServer1), ElementsAre(Pull{0, true}));
  const auto plan = transfer_plan(host.shards.server_ranges(1, 2));
  std::vector<Payload> payloads;
  for (const Segment& segment : plan[0]) {
    const auto values = std::make_shared<FloatBuffer>(segment.count);
    std::fill_n(values->data(), segment.count, 3.0F);
    payloads.push_back(payload_of(values, 0, segment.count));
  }
  host.receive(kServer1, PullReply{0, 0, true, true, {}, plan[0]}, payloads);
  EXPECT_EQ(host.actions.failure(), "");
  const auto tables = host.server.final_tables();
  for (std::size_t table = 0; table < kTables; ++table) {
    const TableRange own = host.shards.server_ranges(0, 2)[table];
    for (std::size_t i = 0; i < tables[table].size(); ++i)
      EXPECT_EQ(tables[table][i], i < own.end ? 1.0F : 3.0F);
  }
  for (const ProcessId worker : {kWorker0, kWorker1}) {
    host.receive(worker, Pull{0, true});
    host.receive(worker, EvaluationPart{0, {1.0, 1.0, 1}, true, {}});
  }
  EXPECT_FALSE(host.actions.finished) << "a sample is missing";
  host.receive(kServer1, ServerSample{0, true, 1, 1, 0.5, {}});
  EXPECT_TRUE(host.actions.finished);
}

// All that its own datacenter asks of it is done, but another datacenter may still ask.
TEST(Server, StaysUntilItsReplicationNeedsItNoMore) {
  Host first;
  first.replication.is_free_to_leave = false;
  first.open();
  for (const ProcessId worker : {kWorker0, kWorker1}) first.receive(worker, Finished{0});
  first.replication.is_drained = true;
  first.server.resume(seconds(2), first.actions);
  for (const ProcessId worker : {kWorker0, kWorker1}) {
    first.receive(worker, Pull{0, true});
    first.receive(worker, EvaluationPart{0, {1.0, 1.0, 1}, true, {}});
  }
  EXPECT_THAT(first.actions.reports_of<Measured>(), SizeIs(1)) << "the result does not wait";
  EXPECT_FALSE(first.actions.finished);
  EXPECT_THAT(first.actions.sent_of<Goodbye>(), IsEmpty());
  first.replication.is_free_to_leave = true;
  first.server.resume(seconds(3), first.actions);
  EXPECT_TRUE(first.actions.finished);
  EXPECT_THAT(first.actions.sent_of<Goodbye>(kWorker0), ElementsAre(Goodbye{false, "done"}));
  EXPECT_THAT(first.actions.reports_of<Measured>(), SizeIs(1));

  Host second(1, 2);
  second.replication.is_free_to_leave = false;
  second.replication.is_drained = true;
  second.open();
  for (const ProcessId worker : {kWorker0, kWorker1}) second.receive(worker, Finished{0});
  for (const ProcessId reader : {kWorker0, kWorker1, kServer0}) {
    second.receive(reader, Pull{0, true});
    second.depart(reader);
  }
  EXPECT_FALSE(second.actions.finished);
  second.replication.is_free_to_leave = true;
  second.server.resume(seconds(3), second.actions);
  EXPECT_TRUE(second.actions.finished);
}

TEST(Server, AnotherOneSendsItsSamplesToTheFirstAndLeavesWhenAllHaveReadIt) {
  Host host(1, 2);
  host.open();
  host.finish_clock(1);
  host.finish_clock(2);
  EXPECT_THAT(host.actions.sent_of<ServerSample>(kServer0),
              ElementsAre(ServerSample{2, false, 100, 10, 0.25, {{1, 7, 8}}}));
  host.receive(kWorker0, Finished{2});
  host.receive(kWorker1, Finished{2});
  EXPECT_EQ(host.replication.drained_from, 2U);
  EXPECT_THAT(host.actions.reports_of<TrainingStopped>(), IsEmpty()) << "the first server tells";
  host.replication.is_drained = true;
  host.receive(kWorker0, Pull{2, true});
  host.receive(kServer0, Pull{2, true});
  EXPECT_THAT(host.actions.sent_of<ServerSample>(kServer0), SizeIs(1));
  host.receive(kWorker1, Pull{2, true});
  EXPECT_THAT(host.actions.sent_of<ServerSample>(kServer0), SizeIs(2));
  EXPECT_TRUE(host.actions.sent_of<ServerSample>(kServer0)[1].final);
  // A reply may still be on its way: who has read it says goodbye.
  for (const ProcessId reader : {kWorker0, kWorker1, kServer0}) {
    EXPECT_FALSE(host.actions.finished);
    host.depart(reader);
  }
  EXPECT_TRUE(host.actions.finished);
  EXPECT_THAT(host.actions.sent_of<ServerSample>(kServer0), SizeIs(2));
}

TEST(Server, PassesOnWhoWishesToStop) {
  {
    Host host;
    host.server.on_interrupt(seconds(1), host.actions);
    EXPECT_THAT(host.actions.failure(), HasSubstr("interrupted before the training began"));
  }
  {
    Host host;
    host.open();
    host.pull(0, 0);
    host.server.on_interrupt(seconds(1), host.actions);
    host.server.on_stop_time(seconds(2), host.actions);
    host.receive(kWorker1, StopProposal{0, StopReason::interrupted});
    EXPECT_THAT(host.replication.wishes,
                ElementsAre(StopReason::interrupted, StopReason::time, StopReason::interrupted));
    EXPECT_EQ(host.actions.failure(), "");
  }
  {
    Host host(1, 2);
    host.open();
    host.pull(0, 0);
    EXPECT_FALSE(host.actions.timers.at(static_cast<std::size_t>(TimerId::stop_time)));
    host.server.on_interrupt(seconds(1), host.actions);
    EXPECT_THAT(host.actions.sent_of<StopProposal>(kServer0), SizeIs(1));
    EXPECT_THAT(host.replication.wishes, IsEmpty()) << "the first server decides";
  }
}

}  // namespace
}  // namespace meridian::datacenter

// Goal: a worker pulls, computes and pushes clock after clock, measures at evaluation clocks, leaves in order
// when it is told to stop, and ends the run with a name when a server does what the protocol does not allow.
// Reached by events given to one worker of two servers whose actions are recorded.
#include "datacenter/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

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

constexpr ProcessId kSelf = ProcessId{0, Role::worker, 1};
constexpr ProcessId kServer0 = ProcessId{0, Role::server, 0};
constexpr ProcessId kServer1 = ProcessId{0, Role::server, 1};
constexpr std::size_t kServers = 2;

class WorkerTest : public testing::Test {
 protected:
  void join() {
    worker_.start(seconds(0), actions_);
    for (const ProcessId server : {kServer0, kServer1}) {
      for (const Channel channel : {Channel::control, Channel::data}) {
        EXPECT_THAT(actions_.sent_of<Pull>(), IsEmpty()) << "not everybody is there";
        worker_.on_message(seconds(0), server, channel, {Hello{kProtocolVersion, 1, server, 1, channel}, {}},
                           actions_);
      }
    }
  }

  void receive(ProcessId from, Body body, std::vector<Payload> payloads = {}) {
    worker_.on_message(seconds(1), from, Channel::data, {std::move(body), std::move(payloads)}, actions_);
  }

  /// A server's whole reply, every entry `value`.
  void reply(std::uint16_t server, Clock clock, float value = 0.5F, bool stop = false, Waits waits = {}) {
    const auto plan = transfer_plan(shards_.server_ranges(server, kServers));
    for (std::size_t part = 0; part < plan.size(); ++part) {
      std::vector<Payload> payloads;
      for (const Segment& segment : plan[part]) {
        const auto values = std::make_shared<FloatBuffer>(segment.count);
        std::fill_n(values->data(), segment.count, value);
        payloads.push_back(payload_of(values, 0, segment.count));
      }
      receive(ProcessId::server(0, server),
              PullReply{clock, static_cast<std::uint16_t>(part), part + 1 == plan.size(), stop, waits,
                        plan[part]},
              std::move(payloads));
    }
  }

  void reply_both(Clock clock, bool stop = false) {
    reply(0, clock, 0.5F, stop);
    reply(1, clock, 0.5F, stop);
  }

  /// Does what the worker asked to be computed and tells it.
  void compute(ComputationKind expected) {
    ASSERT_TRUE(actions_.computation);
    ASSERT_EQ(actions_.computation->kind, expected);
    const Computation computation = *std::exchange(actions_.computation, std::nullopt);
    computation.work();
    worker_.on_computed(seconds(2), computation.kind, actions_);
  }

  static constexpr ComputeTime kComputeTime{
      .seed = 3, .seconds_per_clock = 0.01, .spread = 0.5, .seconds_per_evaluation = 0.004};

  const LeastSquaresWorkload workload_{{3, 5}};
  const ShardMap shards_{workload_.tables(), 4};
  RecordedActions actions_;
  Worker worker_{
      {.datacenter_name = "paris", .servers = kServers, .evaluate_every = 2, .compute_time = kComputeTime},
      {.self = kSelf,
       .name = "paris-worker-1",
       .run_digest = 1,
       .incarnation = 1,
       .configuration = "",
       .explain_difference = {}},
      {},
      workload_,
      shards_};
};

TEST_F(WorkerTest, GreetsEveryServerAndPullsOnceAllHaveAnswered) {
  join();
  EXPECT_THAT(actions_.sent_of<Hello>(kServer0), SizeIs(2));
  EXPECT_THAT(actions_.sent_of<Hello>(kServer1), SizeIs(2));
  EXPECT_THAT(actions_.sent_of<Pull>(kServer0), ElementsAre(Pull{0, false}));
  EXPECT_THAT(actions_.sent_of<Pull>(kServer1), ElementsAre(Pull{0, false}));
  EXPECT_EQ(actions_.timers.at(static_cast<std::size_t>(TimerId::tick)), PeerWatch::kTick);
}

TEST_F(WorkerTest, PushesItsGradientToWhomEachPartBelongsAndAsksForTheNextModel) {
  join();
  reply(0, 0, 0.5F);
  EXPECT_FALSE(actions_.computation) << "half a model";
  reply(1, 0, 0.25F);
  ASSERT_TRUE(actions_.computation);
  EXPECT_EQ(actions_.computation->at_least, kComputeTime.gradient({0, 1}, 1));
  actions_.sent.clear();
  compute(ComputationKind::gradient);

  // The same gradient, computed here.
  std::vector<FloatBuffer> model;
  std::vector<FloatBuffer> expected;
  std::vector<std::span<const float>> parameters;
  std::vector<std::span<float>> gradient;
  for (std::size_t table = 0; table < 2; ++table) {
    const TableRange first = shards_.server_ranges(0, kServers)[table];
    model.emplace_back(shards_.tables()[table].size());
    for (std::size_t i = 0; i < model[table].size(); ++i) model[table][i] = i < first.end ? 0.5F : 0.25F;
    expected.emplace_back(model[table].size());
  }
  for (std::size_t table = 0; table < 2; ++table) {
    parameters.push_back(std::as_const(model[table]).span());
    gradient.push_back(expected[table].span());
  }
  (void)workload_.compute_gradient({0, 1}, 1, parameters, gradient);

  std::size_t pushed = 0;
  for (const RecordedActions::Sent& sent : actions_.sent) {
    const auto* const push = std::get_if<Push>(&sent.message.body);
    if (push == nullptr) continue;
    EXPECT_EQ(sent.channel, Channel::data);
    EXPECT_EQ(push->clock, 1U);
    EXPECT_EQ(push->samples, 5U);
    EXPECT_TRUE(push->pulls) << "a push of one message asks for the next model";
    for (std::size_t i = 0; i < push->segments.size(); ++i) {
      const Segment& segment = push->segments[i];
      const TableRange owned = shards_.server_ranges(sent.to.index, kServers)[segment.table];
      EXPECT_GE(segment.first, owned.begin);
      EXPECT_LE(segment.first + segment.count, owned.end);
      std::vector<float> values(segment.count);
      copy_floats(values, sent.message.payloads.at(i).bytes());
      for (std::size_t e = 0; e < segment.count; ++e) {
        EXPECT_EQ(values[e], expected[segment.table][segment.first + e]);
      }
      pushed += segment.count;
    }
  }
  EXPECT_EQ(pushed, expected[0].size() + expected[1].size());
  EXPECT_THAT(actions_.sent_of<Pull>(), IsEmpty());
}

/// One table that takes three messages to cross.
class LargeTable final : public Workload {
 public:
  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t /*table*/, std::span<float> values) const override {
    std::fill(values.begin(), values.end(), 0.0F);
  }
  std::size_t samples_per_clock(WorkerPlace /*place*/) const override { return 1; }
  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    return std::make_unique<ForwardingLearner<LargeTable>>(*this, place, 1);
  }
  UpdateReport compute_gradient(WorkerPlace /*place*/, Clock /*clock*/, TablesView /*parameters*/,
                                TablesSpan gradient) const {
    std::fill(gradient[0].begin(), gradient[0].end(), 1.0F);
    return {1, 0.0};
  }
  EvaluationSums evaluate(std::size_t /*part*/, std::size_t /*parts*/, TablesView /*parameters*/) const {
    return {};
  }
  double objective(const EvaluationSums& /*sums*/) const override { return 0.0; }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

 private:
  std::vector<TableSpec> tables_{{"large", 5 * kMaxTransferBytes / 2 / sizeof(float), 1}};
};

TEST(LargeModel, TheFirstPartOfAPushAsksForTheNextModel) {
  const LargeTable workload;
  const ShardMap shards(workload.tables(), 1);
  RecordedActions actions;
  const ProcessId self = ProcessId::worker(0, 0);
  Worker worker({.datacenter_name = "paris", .servers = 1, .evaluate_every = 9, .compute_time = {}},
                {.self = self,
                 .name = "paris-worker-0",
                 .run_digest = 1,
                 .incarnation = 1,
                 .configuration = "",
                 .explain_difference = {}},
                {}, workload, shards);
  worker.start(seconds(0), actions);
  for (const Channel channel : {Channel::control, Channel::data})
    worker.on_message(seconds(0), kServer0, channel, {Hello{kProtocolVersion, 1, kServer0, 1, channel}, {}},
                      actions);
  const auto plan = transfer_plan(shards.server_ranges(0, 1));
  ASSERT_THAT(plan, SizeIs(3));
  for (std::size_t part = 0; part < plan.size(); ++part) {
    const auto values = std::make_shared<FloatBuffer>(plan[part][0].count);
    worker.on_message(
        seconds(1), kServer0, Channel::data,
        {PullReply{0, static_cast<std::uint16_t>(part), part + 1 == plan.size(), false, {}, plan[part]},
         {payload_of(values, 0, values->size())}},
        actions);
  }
  ASSERT_TRUE(actions.computation);
  const Computation computation = *std::exchange(actions.computation, std::nullopt);
  computation.work();
  actions.sent.clear();
  worker.on_computed(seconds(2), computation.kind, actions);
  const auto pushes = actions.sent_of<Push>();
  ASSERT_THAT(pushes, SizeIs(3));
  for (std::size_t part = 0; part < pushes.size(); ++part) EXPECT_EQ(pushes[part].pulls, part == 0);
  EXPECT_THAT(actions.sent_of<Pull>(kServer0), IsEmpty());
}

TEST_F(WorkerTest, MeasuresAtEvaluationClocksBeforeItGoesOn) {
  join();
  for (const Clock clock : {Clock{0}, Clock{1}}) {
    reply_both(clock);
    compute(ComputationKind::gradient);
  }
  const Waits waits{seconds(1), seconds(2), seconds(3)};
  reply(0, 2, 0.5F, false, {seconds(9), seconds(9), seconds(9)});
  reply(1, 2, 0.5F, false, waits);  // came last: the one that was waited for
  ASSERT_TRUE(actions_.computation);
  EXPECT_EQ(actions_.computation->at_least, kComputeTime.evaluation());
  compute(ComputationKind::evaluation);
  const auto parts = actions_.sent_of<EvaluationPart>();
  ASSERT_THAT(parts, SizeIs(1));
  EXPECT_THAT(actions_.sent_of<EvaluationPart>(kServer0), SizeIs(1));
  EXPECT_EQ(parts[0].clock, 2U);
  EXPECT_FALSE(parts[0].final);
  EXPECT_EQ(parts[0].waits, waits);
  std::vector<FloatBuffer> model;
  std::vector<std::span<const float>> parameters;
  for (const TableSpec& table : shards_.tables()) {
    model.emplace_back(table.size());
    std::fill_n(model.back().data(), table.size(), 0.5F);
  }
  for (const FloatBuffer& table : model) parameters.push_back(table.span());
  EXPECT_EQ(parts[0].sums, workload_.evaluate(1, 2, parameters));
  compute(ComputationKind::gradient);
  EXPECT_EQ(actions_.sent_of<Push>().back().clock, 3U);
}

TEST_F(WorkerTest, StopsWhenToldMeasuresTheFinalModelAndLeaves) {
  join();
  reply_both(0);
  compute(ComputationKind::gradient);
  reply(0, 1, 0.5F, /*stop=*/false);
  reply(1, 1, 0.5F, /*stop=*/true);
  EXPECT_FALSE(actions_.computation) << "no further clock";
  EXPECT_THAT(actions_.sent_of<Finished>(kServer0), ElementsAre(Finished{1}));
  EXPECT_THAT(actions_.sent_of<Finished>(kServer1), ElementsAre(Finished{1}));
  EXPECT_EQ(actions_.sent_of<Pull>(kServer0).back(), (Pull{1, true}));
  EXPECT_EQ(actions_.sent_of<Pull>(kServer1).back(), (Pull{1, true}));
  reply_both(1);
  compute(ComputationKind::evaluation);
  ASSERT_THAT(actions_.sent_of<EvaluationPart>(), SizeIs(1));
  EXPECT_TRUE(actions_.sent_of<EvaluationPart>()[0].final);
  EXPECT_TRUE(actions_.finished);
  EXPECT_THAT(actions_.sent_of<Goodbye>(), AllOf(SizeIs(2), Each(Goodbye{false, "done"})));
  EXPECT_EQ(actions_.failure(), "");
}

TEST_F(WorkerTest, MeasuresTheLastClockTooWhereItIsAnEvaluationClock) {
  join();
  for (const Clock clock : {Clock{0}, Clock{1}}) {
    reply_both(clock);
    compute(ComputationKind::gradient);
  }
  reply_both(2, /*stop=*/true);
  EXPECT_THAT(actions_.sent_of<Finished>(), IsEmpty());
  compute(ComputationKind::evaluation);
  EXPECT_THAT(actions_.sent_of<Finished>(), SizeIs(2));
  reply_both(2);
  compute(ComputationKind::evaluation);
  const auto parts = actions_.sent_of<EvaluationPart>();
  ASSERT_THAT(parts, SizeIs(2));
  EXPECT_FALSE(parts[0].final);
  EXPECT_TRUE(parts[1].final);
}

TEST_F(WorkerTest, RefusesRepliesThatCannotBe) {
  join();
  reply(0, 1);
  EXPECT_THAT(actions_.failure(), AllOf(HasSubstr("paris-server-0 sent a malformed message"),
                                        HasSubstr("clock 1 where 0 was asked")));
  EXPECT_THAT(actions_.sent_of<Goodbye>(), SizeIs(2));
}

TEST_F(WorkerTest, RefusesARepeatedReply) {
  join();
  reply(0, 0);
  reply(0, 0);
  EXPECT_THAT(actions_.failure(), HasSubstr("nobody asked for"));
}

TEST_F(WorkerTest, RefusesAReplyWhileItComputes) {
  join();
  reply_both(0);
  reply(1, 0);
  EXPECT_THAT(actions_.failure(), AllOf(HasSubstr("paris-server-1"), HasSubstr("nobody asked for")));
}

TEST_F(WorkerTest, RefusesMessagesThatAreNotForWorkers) {
  join();
  receive(kServer1, Pull{1, false});
  EXPECT_THAT(actions_.failure(), HasSubstr("paris-server-1 sent a malformed message: a pull where none"));
}

TEST_F(WorkerTest, DropsWhatComesFromWhoHasNotGreeted) {
  worker_.start(seconds(0), actions_);
  reply(0, 0);
  receive(ProcessId::server(7, 7), Push{});
  EXPECT_EQ(actions_.failure(), "");
  EXPECT_FALSE(actions_.computation);
}

TEST_F(WorkerTest, PassesOnMalformedMessagesAsAFaultWithTheirSender) {
  join();
  worker_.on_malformed(seconds(1), kServer1, "not a header", actions_);
  EXPECT_THAT(actions_.failure(), HasSubstr("paris-server-1 sent a malformed message: not a header"));
}

TEST_F(WorkerTest, AnInterruptIsPassedOnToTheFirstServer) {
  join();
  worker_.on_interrupt(seconds(1), actions_);
  EXPECT_THAT(actions_.sent_of<StopProposal>(kServer0), SizeIs(1));
  EXPECT_THAT(actions_.sent_of<StopProposal>(), SizeIs(1));
  EXPECT_EQ(actions_.failure(), "");
}

TEST_F(WorkerTest, AnInterruptBeforeTheTrainingEndsTheRun) {
  worker_.start(seconds(0), actions_);
  worker_.on_interrupt(seconds(1), actions_);
  EXPECT_THAT(actions_.failure(), HasSubstr("interrupted before the training began"));
}

TEST_F(WorkerTest, TicksWatchThePeers) {
  worker_.start(seconds(0), actions_);
  worker_.on_timer(seconds(30), TimerId::tick, actions_);
  EXPECT_THAT(actions_.failure(), HasSubstr("paris-server-0 and paris-server-1 did not join"));
}

TEST_F(WorkerTest, KnowsWhereItsTimeWentFromTheFirstModelOn) {
  join();  // pulls at 0 s
  const auto at = [&](int second, std::uint16_t server, Clock clock, const Waits& waits) {
    const auto plan = transfer_plan(shards_.server_ranges(server, kServers));
    for (std::size_t part = 0; part < plan.size(); ++part) {
      std::vector<Payload> payloads;
      for (const Segment& segment : plan[part])
        payloads.push_back(payload_of(std::make_shared<FloatBuffer>(segment.count), 0, segment.count));
      const PullReply reply{
          clock, static_cast<std::uint16_t>(part), part + 1 == plan.size(), false, waits, plan[part]};
      worker_.on_message(seconds(second), ProcessId::server(0, server), Channel::data,
                         {reply, std::move(payloads)}, actions_);
    }
  };
  const auto computed_at = [&](int second) {
    ASSERT_TRUE(actions_.computation);
    const Computation computation = *std::exchange(actions_.computation, std::nullopt);
    computation.work();
    worker_.on_computed(seconds(second), computation.kind, actions_);
  };
  at(10, 0, 0, {});
  at(10, 1, 0, {});
  EXPECT_EQ(worker_.figures().work, WorkTime{}) << "the wait for everybody to join does not count";
  computed_at(13);  // 3 s of computing, then push and pull
  Waits waits;
  waits.push = seconds(1);
  waits.local_barrier = seconds(2);
  waits.mirror_clock = seconds(4);
  at(14, 0, 1, {});
  at(22, 1, 1, waits);  // 9 s, of which 7 were waits; the reply that came last counts
  const WorkerFigures figures = worker_.figures();
  EXPECT_EQ(figures.clocks, 1U);
  EXPECT_EQ(figures.samples, 5U);
  EXPECT_EQ(figures.work.compute, seconds(3));
  EXPECT_EQ(figures.work.pull, seconds(2));
  EXPECT_EQ(figures.waits, waits);
}

}  // namespace
}  // namespace meridian::datacenter

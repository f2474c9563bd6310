// Goal: control overtakes data. However much waits for a slow link, a clock report arrives within one round
// trip plus twice the time of one chunk. Reached in exact virtual time: with two training datacenters over a
// 1 Mb/s link for several distances, and with a server to which one clock gave 100 MB to send.
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <vector>

#include "datacenter/transfer.h"
#include "tests/src/runtime/scripted_machine.h"
#include "tests/wan/drawn_deployment.h"
#include "tests/wan/overheard.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"

namespace meridian::wan {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr double kMegabit = 1e6 / 8;
constexpr double kChunkSeconds = 0.050;

constexpr double kHeaderBytes = 64;  // of a chunk's message, framing included, at most
constexpr double kReportBytes = 40;

/// One round trip and twice the time of one chunk.
Time most(Time round_trip) {
  const double chunk_bytes = kChunkSeconds * kMegabit + kHeaderBytes;
  return round_trip + from_seconds((2 * chunk_bytes + kReportBytes) / kMegabit);
}

/// Two datacenters, each of whose clocks brings 8 s of sending.
DeploymentOptions over_a_megabit(const std::string& mode, Time round_trip) {
  DeploymentOptions options;
  options.datacenters.assign(2, {.workers = 1, .servers = 1, .seconds_per_clock = 0.3});
  options.mode = mode;
  options.parameters.ds = 1000;
  options.parameters.filter.defaults.v0 = 0.0;
  options.optimizer.learning_rate = 0.02;
  options.clocks = 10;
  options.link = [delay = round_trip / 2](std::size_t, std::size_t) -> SharedLink::Options {
    return {.rate_bytes_per_s = kMegabit, .delay = delay};
  };
  return options;
}

class ControlOvertakes : public testing::TestWithParam<std::tuple<std::string, Time>> {};

TEST_P(ControlOvertakes, ReportsArriveInTimeWhateverWaits) {
  const auto& [mode, round_trip] = GetParam();
  const DeploymentOptions options = over_a_megabit(mode, round_trip);
  const QuadraticWorkload workload({.seed = 1, .workers = {1, 1}, .tables = {{"a", 500, 500}}});
  std::map<std::pair<ProcessId, ProcessId>, std::deque<Time>> on_the_way;
  std::size_t reports_behind_data = 0;
  Time longest{0};
  const SimulatedDeployment* watched = nullptr;
  SimulatedDeployment::Taps taps;
  taps.on_send = [&](Time now, ProcessId from, ProcessId to, const Message& message) {
    if (!std::holds_alternative<ClockReport>(message.body)) return;
    on_the_way[{from, to}].push_back(now);
    const Session& session = watched->server(from).mirror().session_with(to);
    // Most of a clock's megabyte has not even been handed to the connection.
    Selection waiting = session.out.backlog_entries();
    if (session.out.has_backlog() && waiting[0].size() > 125'000) ++reports_behind_data;
  };
  taps.before_message = [&](Time now, ProcessId to, ProcessId from, const Message& message) {
    if (!std::holds_alternative<ClockReport>(message.body)) return;
    longest = std::max(longest, now - on_the_way[{from, to}].front());
    on_the_way[{from, to}].pop_front();
  };
  SimulatedDeployment deployment(options, workload, taps);
  watched = &deployment;
  const Simulation::Outcome outcome = deployment.run();
  ASSERT_FALSE(outcome.fault) << outcome.fault->reason;
  EXPECT_GE(reports_behind_data, 10U);
  EXPECT_LE(longest, most(round_trip));
  EXPECT_GT(longest, round_trip / 2);
}

INSTANTIATE_TEST_SUITE_P(Distances, ControlOvertakes,
                         testing::Combine(testing::Values("gaia", "ssp"),
                                          testing::Values(Time(microseconds(200)), Time(milliseconds(10)),
                                                          Time(milliseconds(60)), Time(milliseconds(150)),
                                                          Time(milliseconds(300)))));

/// A table whose values nobody computes.
class BigTable final : public Workload {
 public:
  explicit BigTable(std::size_t entries) : tables_{{"big", entries, 1}} {}

  const std::vector<TableSpec>& tables() const override { return tables_; }
  void fill_initial_values(std::size_t, std::span<float> values) const override {
    std::fill(values.begin(), values.end(), 1.0F);
  }
  std::size_t samples_per_clock(WorkerPlace) const override { return 1; }
  std::unique_ptr<Learner> make_learner(WorkerPlace) const override { return nullptr; }
  double objective(const EvaluationSums&) const override { return 0.0; }
  const char* metric_name() const override { return "loss"; }
  bool larger_is_better() const override { return false; }

 private:
  std::vector<TableSpec> tables_;
};

constexpr ProcessId kServer = ProcessId{0, Role::server, 0};
constexpr ProcessId kWorker = ProcessId{0, Role::worker, 0};
constexpr ProcessId kPeer = ProcessId{1, Role::server, 0};

void greet(ProcessId self, ProcessId to, Actions& actions) {
  for (const Channel channel : {Channel::control, Channel::data})
    actions.send(to, channel, {Hello{kProtocolVersion, 1, self, 1, channel}, {}});
}

/// Pushes the same gradient for every entry, clock by clock, with a pause between.
class PushingWorker {
 public:
  explicit PushingWorker(std::size_t entries) : entries_(entries) {
    machine_.at_start = [](Time now, Actions& actions) {
      greet(kWorker, kServer, actions);
      actions.set_timer(TimerId::tick, now + milliseconds(1));
    };
    machine_.at_timer = [](Time, TimerId, Actions& actions) {
      actions.send(kServer, Channel::control, {Pull{0, false, {{0, 0, 1, 0}}}, {}});
    };
    machine_.at_message = [](Time, ProcessId, Channel, const Message& message, Actions& actions) {
      if (!std::holds_alternative<PullReply>(message.body)) return;
      actions.compute({ComputationKind::gradient, seconds(2), [] {}});
    };
    machine_.at_computed = [this](Time, ComputationKind, Actions& actions) { push(actions); };
  }

  Machine& machine() { return machine_; }

 private:
  void push(Actions& actions) {
    ++clock_;
    const auto values = std::make_shared<std::vector<float>>(datacenter::kMaxTransferBytes / 4, 0.5F);
    for (const auto& part : datacenter::transfer_plan({{0, entries_}})) {
      std::vector<Payload> payloads;
      for (const Segment& segment : part)
        payloads.emplace_back(values, std::as_bytes(std::span(*values)).first(segment.count * 4));
      actions.send(kServer, Channel::data, {Push{clock_, 1, part}, std::move(payloads)});
    }
    actions.send(kServer, Channel::control, {Pull{clock_, false, {{0, 0, 1, 0}}}, {}});
  }

  std::size_t entries_;
  Clock clock_ = 0;
  ScriptedMachine machine_;
};

TEST(ControlOvertakes, AHundredMegabytes) {
  constexpr std::size_t kEntries = 25'000'000;
  const Time round_trip = milliseconds(100);
  const BigTable workload(kEntries);
  const datacenter::ShardMap shards(workload.tables(), 4);
  MirroredServer::Options server;
  server.server = {.self = kServer,
                   .datacenter_name = "here",
                   .workers = 1,
                   .servers = 1,
                   .evaluate_every = 1000,
                   .stop_time = {},
                   .optimizer = {"sgd", 0.0625, 0.0}};
  server.mirror.self = kServer;
  server.mirror.datacenter_name = "here";
  server.mirror.table_names = {"big"};
  server.mirror.neighbours = {{.name = "there",
                               .datacenter = 1,
                               .servers = 1,
                               .bytes_per_s = kMegabit,
                               .round_trip = round_trip,
                               .relation = Relation::peer,
                               .behind = {1},
                               .sources = 1}};
  server.mirror.stop = {.datacenters = 2, .own = 0, .clocks = 1000, .target = {}, .larger_is_better = false};
  server.mode = parts_of("ssp");
  server.mode_parameters.ds = 1000;
  server.weight = 0.5;
  const auto mirrored =
      std::move(
          MirroredServer::create(std::move(server),
                                 {.self = kServer,
                                  .name = "here-server-0",
                                  .run_digest = 1,
                                  .incarnation = 1,
                                  .configuration = "",
                                  .explain_difference = [](const std::string&) { return std::string(); }},
                                 {std::chrono::hours(1), std::chrono::hours(1)}, workload, shards))
          .value();

  std::map<Clock, Time> sent;
  std::map<Clock, std::size_t> waiting;  // bytes that nobody has acknowledged when a report goes
  Overheard overheard(*mirrored, [&](Time now, ProcessId to, const Message& message) {
    const auto* report = std::get_if<ClockReport>(&message.body);
    if (report == nullptr || to != kPeer || sent.contains(report->clock)) return;
    sent[report->clock] = now;
    const Session& session = mirrored->mirror().session_with(kPeer);
    waiting[report->clock] = 4 * session.out.backlog_entries()[0].size() + session.out.unacknowledged_bytes();
  });
  PushingWorker worker(kEntries);
  std::map<Clock, Time> arrived;
  std::uint64_t chunks = 0;
  std::uint32_t sequence = 0;
  ScriptedMachine peer;
  peer.at_start = [](Time, Actions& actions) { greet(kPeer, kServer, actions); };
  peer.at_message = [&](Time now, ProcessId, Channel, const Message& message, Actions& actions) {
    if (const auto* update = std::get_if<Update>(&message.body); update != nullptr && ++chunks % 2 == 0) {
      actions.send(kServer, Channel::control, {Acknowledgement{1, update->number}, {}, {1, ++sequence}});
    }
    const auto* report = std::get_if<ClockReport>(&message.body);
    if (report == nullptr) return;
    arrived.emplace(report->clock, now);
    if (report->clock >= 3) actions.fail(FaultKind::failed, "enough seen");
  };
  Simulation simulation({.link = [&](std::uint16_t, std::uint16_t) -> WideAreaLink::Options {
                           return {.link = {.rate_bytes_per_s = kMegabit, .delay = round_trip / 2}};
                         },
                         .lan = {.rate_bytes_per_s = 1e9, .delay = microseconds(50)}});
  simulation.add(kServer, overheard);
  simulation.add(kWorker, worker.machine());
  simulation.add(kPeer, peer);
  const Simulation::Outcome outcome = simulation.run();
  ASSERT_TRUE(outcome.fault);
  ASSERT_EQ(outcome.fault->reason, "enough seen");
  for (const Clock clock : {1U, 2U, 3U}) {
    SCOPED_TRACE(testing::Message() << "clock " << clock);
    ASSERT_TRUE(arrived.contains(clock));
    EXPECT_GE(waiting[clock], 99'000'000U);
    EXPECT_LE(arrived[clock] - sent[clock], most(round_trip));
  }
}

}  // namespace
}  // namespace meridian::wan

// Goal: the protocol does over real sockets what the simulator shows in virtual time: a run whose connections
// break again and again ends well, with every update in every replica exactly once; and a clock report
// overtakes the data that waits for a slow link. Reached by servers and workers in one process, each with a
// runtime on a thread of its own, over the emulator's relays. Nothing depends on how long things take, but
// for the machines' own deadlines, which end a run that hangs.
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <map>
#include <mutex>
#include <thread>

#include "datacenter/worker.h"
#include "src/program/free_ports.h"
#include "src/runtime/real/real_runtime.h"
#include "tests/src/output/temporary_folder.h"
#include "tests/wan/overheard.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "wan/emulator/emulator.h"
#include "wan/mirrored_server.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct RealOptions {
  std::size_t datacenters = 2;
  std::string mode = "gaia";
  ModeParameters parameters = {.ds = 10};
  Clock clocks = 36;
  double seconds_per_clock = 0.005;
  double rate_bytes_per_s = std::numeric_limits<double>::infinity();
  Time delay = milliseconds(5);
};

/// A server and a worker for each datacenter, in a mesh.
class RealDeployment {
 public:
  /// `workload` must outlive it.
  RealDeployment(RealOptions options, const Workload& workload)
      : options_(std::move(options)), shards_(workload.tables(), 4) {
    for (std::size_t d = 0; d < options_.datacenters; ++d) {
      ports_.push_back({free_ports_.take().value(), free_ports_.take().value()});
      add_server(d, workload);
      add_worker(d, workload);
    }
    make_relays();
  }

  /// Listeners on what server `d` sends and gets; they are called in its thread.
  void listen(std::size_t d, Overheard::Listener on_send, Overheard::Listener on_arrival) {
    overheard_[d] = std::make_unique<Overheard>(*servers_[d], std::move(on_send), std::move(on_arrival));
  }
  std::function<void(ProcessId, const Report&)> observe = [](ProcessId, const Report&) {};

  /// Breaks all connections between two datacenters.
  void break_connections(std::size_t a, std::size_t b) {
    const std::size_t link = emulator_->find_link(name_of(a), name_of(b)).value();
    EXPECT_FALSE(emulator_->apply({.link = link, .kind = wan::emulator::LinkEvent::Kind::reset}));
  }

  /// Runs everything to its end; every process must end well.
  void run() {
    std::jthread relaying([this] { emulator_->run(); });
    {
      std::vector<std::jthread> processes;
      for (std::size_t d = 0; d < options_.datacenters; ++d) {
        const auto datacenter = static_cast<std::uint16_t>(d);
        const auto listened = overheard_.find(d);
        Machine& server =
            listened == overheard_.end() ? static_cast<Machine&>(*servers_[d]) : *listened->second;
        processes.emplace_back([this, datacenter, &server] {
          run_process(ProcessId::server(datacenter, 0), server_addresses(datacenter), server);
        });
        processes.emplace_back([this, datacenter] {
          Addresses addresses;
          addresses.peers[ProcessId::server(datacenter, 0)] = {lan(datacenter, Channel::control),
                                                               lan(datacenter, Channel::data)};
          run_process(ProcessId::worker(datacenter, 0), addresses, *workers_[datacenter]);
        });
      }
    }
    emulator_->stop();
  }

  const MirroredServer& server(std::size_t d) const { return *servers_[d]; }
  double weight() const { return options_.datacenters == 2 ? 0.5 : 0.25; }

 private:
  struct Ports {
    std::uint16_t control = 0;
    std::uint16_t data = 0;
  };

  static std::string name_of(std::size_t d) { return "dc" + std::to_string(d); }
  static std::string tcp(std::uint16_t port) { return "tcp://127.0.0.1:" + std::to_string(port); }
  std::string lan(std::size_t d, Channel channel) const {
    return "ipc://" + (folder_.path() / (name_of(d) + to_string(channel))).string();
  }
  static Identity identity(ProcessId id) {
    return {.self = id,
            .name = process_name(name_of(id.datacenter), id),
            .run_digest = 1,
            .incarnation = 1,
            .configuration = "",
            .explain_difference = [](const std::string&) { return std::string(); }};
  }
  static PeerWatch::Deadlines deadlines() { return {seconds(60), seconds(20)}; }

  void add_server(std::size_t d, const Workload& workload) {
    const ProcessId self = ProcessId::server(static_cast<std::uint16_t>(d), 0);
    MirroredServer::Options server;
    server.server = {.self = self,
                     .datacenter_name = name_of(d),
                     .workers = 1,
                     .servers = 1,
                     .evaluate_every = 1000,
                     .stop_time = {},
                     .optimizer = {"sgd", 0.0625, 0.0}};
    server.mirror.self = self;
    server.mirror.datacenter_name = name_of(d);
    for (const TableSpec& table : workload.tables()) server.mirror.table_names.push_back(table.name);
    const Overlay overlay = Overlay::mesh(options_.datacenters);
    for (const OverlayNeighbour& neighbour : overlay.neighbours(d)) {
      server.mirror.neighbours.push_back({.name = name_of(neighbour.datacenter),
                                          .datacenter = neighbour.datacenter,
                                          .servers = 1,
                                          .bytes_per_s = std::min(options_.rate_bytes_per_s, 1e6),
                                          .round_trip = 2 * options_.delay,
                                          .relation = neighbour.relation,
                                          .behind = neighbour.behind,
                                          .sources = 1});
    }
    server.mirror.stop = {.datacenters = options_.datacenters,
                          .own = d,
                          .clocks = options_.clocks,
                          .target = {},
                          .larger_is_better = workload.larger_is_better()};
    server.mirror.absence.silence = seconds(20);
    server.mirror.drain_deadline = seconds(60);
    server.mode = parts_of(options_.mode);
    server.mode_parameters = options_.parameters;
    server.weight = weight();
    servers_.push_back(
        std::move(MirroredServer::create(std::move(server), identity(self), deadlines(), workload, shards_))
            .value());
  }

  void add_worker(std::size_t d, const Workload& workload) {
    workers_.push_back(std::make_unique<datacenter::Worker>(
        datacenter::WorkerOptions{.datacenter_name = name_of(d),
                                  .servers = 1,
                                  .evaluate_every = 1000,
                                  .compute_time = {.seed = 1,
                                                   .seconds_per_clock = options_.seconds_per_clock,
                                                   .spread = 0.0,
                                                   .seconds_per_evaluation = 0.0}},
        identity(ProcessId::worker(static_cast<std::uint16_t>(d), 0)), deadlines(), workload, shards_));
  }

  void make_relays() {
    emulator::Description description;
    std::map<std::pair<std::size_t, std::size_t>, std::size_t> links;
    for (std::size_t a = 0; a < options_.datacenters; ++a) {
      for (std::size_t b = 0; b < options_.datacenters; ++b) {
        if (a == b) continue;
        links[{a, b}] = description.links.size();
        description.links.push_back({name_of(a), name_of(b), options_.rate_bytes_per_s, options_.delay});
      }
    }
    for (const auto& [ends, link] : links) {
      const auto& [from, to] = ends;
      relays_[ends] = description.relays.size();
      for (const std::uint16_t port : {ports_[to].control, ports_[to].data}) {
        description.relays.push_back({{"127.0.0.1", 0}, {"127.0.0.1", port}, link, links.at({to, from})});
      }
    }
    description.connect_deadline = seconds(60);
    emulator_ = std::move(emulator::Emulator::create(description)).value();
  }

  Addresses server_addresses(std::size_t d) const {
    Addresses addresses;
    addresses.listeners = {{Channel::control, lan(d, Channel::control)},
                           {Channel::data, lan(d, Channel::data)},
                           {Channel::control, tcp(ports_[d].control), /*wide_area=*/true},
                           {Channel::data, tcp(ports_[d].data), /*wide_area=*/true}};
    for (const auto& [ends, relay] : relays_) {
      if (ends.first != d) continue;
      addresses.peers[ProcessId::server(static_cast<std::uint16_t>(ends.second), 0)] = {
          tcp(emulator_->port(relay)), tcp(emulator_->port(relay + 1))};
    }
    return addresses;
  }

  void run_process(ProcessId self, const Addresses& addresses, Machine& machine) {
    RealRuntime::Options options;
    options.self = self;
    options.run_digest = 1;
    options.incarnation = 1;
    options.addresses = addresses;
    options.observe = [this, self](Time, const Report& report) { observe(self, report); };
    const auto fault = RealRuntime::create(std::move(options), machine).value()->run();
    EXPECT_FALSE(fault) << process_name(name_of(self.datacenter), self) << ": " << fault->reason;
  }

  RealOptions options_;
  datacenter::ShardMap shards_;
  output::TemporaryFolder folder_;
  program::FreePorts free_ports_;
  std::vector<Ports> ports_;
  std::vector<std::unique_ptr<MirroredServer>> servers_;
  std::vector<std::unique_ptr<datacenter::Worker>> workers_;
  std::map<std::size_t, std::unique_ptr<Overheard>> overheard_;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> relays_;  // the control one; data is the next
  std::unique_ptr<emulator::Emulator> emulator_;
};

class RealRuns : public testing::TestWithParam<std::tuple<std::string, std::size_t>> {};

TEST_P(RealRuns, EndWithEveryUpdateEverywhereOnceWhateverBreaks) {
  RealOptions options;
  options.mode = std::get<0>(GetParam());
  options.datacenters = std::get<1>(GetParam());
  if (options.mode == "bsp") options.parameters.ds = 0;
  const CountingWorkload workload({.seed = 4,
                                   .workers = std::vector<std::size_t>(options.datacenters, 1),
                                   .tables = {{"wide", 200, 50}, {"narrow", 7, 1}},
                                   .poison = {}});
  RealDeployment deployment(options, workload);
  std::atomic<int> breaks{0};
  deployment.observe = [&](ProcessId from, const Report& report) {
    // One datacenter's clocks say when.
    const auto* progress = std::get_if<Progress>(&report);
    if (progress == nullptr || from != ProcessId::server(0, 0)) return;
    if (progress->clock % 12 != 6) return;
    deployment.break_connections(0, 1);
    deployment.break_connections(options.datacenters - 1, 0);
    ++breaks;
  };
  deployment.run();
  EXPECT_EQ(breaks.load(), 3);
  for (std::size_t d = 0; d < options.datacenters; ++d) {
    const datacenter::ParameterStore& store = deployment.server(d).store();
    EXPECT_EQ(deployment.server(d).server().closed(), options.clocks);
    for (std::size_t table = 0; table < workload.tables().size(); ++table) {
      for (std::size_t entry = 0; entry < workload.tables()[table].size(); ++entry) {
        float expected = workload.initial_value(table, entry);
        for (Clock clock = 1; clock <= options.clocks; ++clock) {
          expected -= static_cast<float>(0.0625 * deployment.weight() / CountingWorkload::kSamples *
                                         workload.gradient_sum(table, entry, clock));
        }
        ASSERT_EQ(store.values(table)[entry], expected) << "datacenter " << d << ", entry " << entry;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Modes, RealRuns,
    testing::Values(std::tuple("gaia", std::size_t{2}), std::tuple("gaia", std::size_t{3}),
                    std::tuple("bsp", std::size_t{3}), std::tuple("async", std::size_t{3})),
    [](const auto& each) { return std::get<0>(each.param) + "_" + std::to_string(std::get<1>(each.param)); });

// What waits for the link takes seconds; the report of the same clock passes it. Told by bytes: between the
// moment at which the report goes and the moment at which it comes, most of what waited has not come.
TEST(RealControl, AReportOvertakesTheDataThatWaits) {
  RealOptions options;
  options.mode = "ssp";
  options.parameters.ds = 1000;
  options.clocks = 4;
  options.seconds_per_clock = 0.02;
  options.rate_bytes_per_s = 1e6 / 8;
  const QuadraticWorkload workload({.seed = 1, .workers = {1, 1}, .tables = {{"a", 500, 250}}});
  RealDeployment deployment(options, workload);
  struct AtReport {
    std::size_t waiting = 0;
    std::size_t come_when_sent = 0;
  };
  std::atomic<std::size_t> come{0};
  std::mutex mutex;
  std::map<Clock, AtReport> sent;
  int overtaken = 0;
  deployment.listen(
      0,
      [&](Time, ProcessId to, const Message& message) {
        const auto* report = std::get_if<ClockReport>(&message.body);
        if (report == nullptr) return;
        const OutgoingLink& out = deployment.server(0).mirror().session_with(to).out;
        const std::lock_guard lock(mutex);
        sent.emplace(report->clock,
                     AtReport{4 * out.backlog_entries()[0].size() + out.unacknowledged_bytes(), come.load()});
      },
      {});
  deployment.listen(1, {}, [&](Time, ProcessId from, const Message& message) {
    if (from.datacenter == 0 && std::holds_alternative<Update>(message.body) && !message.payloads.empty()) {
      come += message.payloads.front().size();
    }
    const auto* report = std::get_if<ClockReport>(&message.body);
    if (report == nullptr || from.datacenter != 0) return;
    const std::lock_guard lock(mutex);
    // Later reports of the same clock say more of what has come.
    const AtReport then = std::exchange(sent.at(report->clock), AtReport{});
    if (then.waiting < 400'000) return;
    ++overtaken;
    EXPECT_LT(come.load() - then.come_when_sent, then.waiting / 2) << "clock " << report->clock;
  });
  deployment.run();
  EXPECT_GE(overtaken, 1);
}

}  // namespace
}  // namespace meridian::wan

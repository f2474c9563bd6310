// One server of datacenter 0 whose workers and counterparts are played by a test: events go in numbered as a
// session wants them, and what the server asks for is written down.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datacenter/transfer.h"
#include "tests/src/runtime/recorded_actions.h"
#include "tests/wan/simulated_deployment.h"
#include "tests/wan/synthetic_workload.h"
#include "wan/announced_entries.h"
#include "wan/mirrored_server.h"
#include "wan/reads_first.h"
#include "wan/update_chunk.h"

namespace meridian::wan {

struct HandDrivenOptions {
  Overlay overlay = Overlay::mesh(2);
  std::size_t workers = 2;
  ModeParts parts = {};
  ModeParameters parameters = {.ds = 1000};
  Absences::Options absence = {};
  BarrierPolicy on_barrier = BarrierPolicy::stop;
  Time barrier_deadline = std::chrono::seconds(30);
  double bytes_per_s = 1e6;
  std::uint32_t evaluate_every = 1000;
  Time round_trip = std::chrono::milliseconds(100);
  std::vector<TableSpec> tables = {{"wide", 50, 8}};
  bool reads_first = false;  ///< what comes from elsewhere waits for reads that `actions` still has
};

class HandDrivenServer {
 public:
  static ProcessId worker(std::uint16_t index) { return ProcessId::worker(0, index); }
  static ProcessId peer(std::uint16_t datacenter) { return ProcessId::server(datacenter, 0); }
  static std::string name_of(std::size_t datacenter) { return "dc" + std::to_string(datacenter); }

  explicit HandDrivenServer(HandDrivenOptions options = {})
      : options_(std::move(options)),
        workload_({.workers = std::vector<std::size_t>(options_.overlay.datacenters(), options_.workers),
                   .tables = options_.tables,
                   .poison = {}}),
        shards_(workload_.tables(), 4) {
    MirroredServer::Options server;
    const ProcessId self = ProcessId::server(0, 0);
    server.server = {.self = self,
                     .datacenter_name = name_of(0),
                     .workers = options_.workers,
                     .servers = 1,
                     .evaluate_every = options_.evaluate_every,
                     .stop_time = {},
                     .optimizer = {"sgd", 0.0625, 0.0}};
    server.mirror.self = self;
    server.mirror.datacenter_name = name_of(0);
    for (const TableSpec& table : workload_.tables()) server.mirror.table_names.push_back(table.name);
    for (const OverlayNeighbour& neighbour : options_.overlay.neighbours(0)) {
      server.mirror.neighbours.push_back({.name = name_of(neighbour.datacenter),
                                          .datacenter = neighbour.datacenter,
                                          .servers = 1,
                                          .bytes_per_s = options_.bytes_per_s,
                                          .round_trip = options_.round_trip,
                                          .relation = neighbour.relation,
                                          .behind = neighbour.behind,
                                          .sources = options_.overlay.sources(0, neighbour.datacenter)});
    }
    server.mirror.stop = {.datacenters = options_.overlay.datacenters(),
                          .own = 0,
                          .clocks = 1'000'000,
                          .target = {},
                          .larger_is_better = true};
    server.mirror.absence = options_.absence;
    server.mirror.on_barrier = options_.on_barrier;
    server.mirror.barrier_deadline = options_.barrier_deadline;
    server.mode = options_.parts;
    server.mode_parameters = options_.parameters;
    server.mode_parameters.encoding = Encoding::plain;  // as the payloads below are
    server.weight = 0.5;
    server_ = std::move(MirroredServer::create(
                            std::move(server),
                            {.self = self,
                             .name = process_name(name_of(0), self),
                             .run_digest = 1,
                             .incarnation = 1,
                             .configuration = "",
                             .explain_difference = [](const std::string&) { return std::string(); }},
                            {std::chrono::hours(1), std::chrono::hours(1)}, workload_, shards_))
                  .value();
    reads_first_ = std::make_unique<ReadsFirst>(*server_, *server_);
    machine().start(now, actions);
    for (std::size_t w = 0; w < options_.workers; ++w) greet(worker(static_cast<std::uint16_t>(w)), 1);
    for (const OverlayNeighbour& neighbour : options_.overlay.neighbours(0)) {
      greet(peer(static_cast<std::uint16_t>(neighbour.datacenter)), 1);
    }
  }

  void greet(ProcessId from, std::uint64_t incarnation) {
    for (const Channel channel : {Channel::control, Channel::data}) {
      machine().on_message(now, from, channel, {Hello{kProtocolVersion, 1, from, incarnation, channel}, {}},
                           actions);
    }
  }

  /// A control message of a counterpart, as the next one of its epoch.
  void hear(ProcessId from, Body body, std::vector<Payload> payloads = {}) {
    const SessionPosition position{1, ++control_sequences_[from]};
    machine().on_message(now, from, Channel::control, {std::move(body), std::move(payloads), position},
                         actions);
  }

  /// The next chunk of a counterpart: `values` from entry `first` of table 0 on. `released`: announcements.
  void hear_chunk(ProcessId from, std::size_t first, const std::vector<float>& values,
                  std::uint64_t released = 0) {
    Update update{++chunk_numbers_[from], 1, {}, released};
    std::vector<Payload> payloads;
    if (!values.empty()) {
      update.segments.push_back({0, first, values.size(), 0});
      payloads.push_back(payload_of(values));
    }
    machine().on_message(now, from, Channel::data, {std::move(update), std::move(payloads), {1, 0}}, actions);
  }

  /// The next chunk of a counterpart gets lost.
  void lose_chunk(ProcessId from) { ++chunk_numbers_[from]; }

  /// Announcement `number` of a counterpart, of entries [first, first + count) of table 0.
  void hear_announcement(ProcessId from, std::uint64_t number, std::size_t first, std::size_t count) {
    AnnouncedEntries entries(server_->store().ranges());
    for (std::size_t entry = first; entry < first + count; ++entry) entries.add(0, entry);
    for (AnnouncementMessage& message : encode_announcement(number, 1, entries, 4096)) {
      hear(from, std::move(message.header), {std::move(message.payload)});
    }
  }

  /// A worker reads entries [first, first + count) of table 0; none: everything.
  void pull(std::uint16_t index, Clock clock, std::size_t first = 0, std::size_t count = 0) {
    Pull pull{clock, false, {}};
    if (count > 0) pull.segments.push_back({0, first, count, 0});
    machine().on_message(now, worker(index), Channel::control, {std::move(pull), {}}, actions);
  }

  /// A worker's gradients of `clock`, all of this value.
  void push(std::uint16_t index, Clock clock, float value = 1.0F) {
    for (const std::vector<Segment>& part : datacenter::transfer_plan(server_->store().ranges())) {
      Push push{clock, workload_.samples_per_clock({0, index}), part};
      std::vector<Payload> payloads;
      for (const Segment& segment : part) payloads.push_back(payload_of(std::vector(segment.count, value)));
      machine().on_message(now, worker(index), Channel::data, {std::move(push), std::move(payloads)},
                           actions);
    }
  }

  void tick(TimerId id = TimerId::tick) { machine().on_timer(now, id, actions); }

  /// The replies that a worker has got so far.
  std::vector<PullReply> replies(std::uint16_t index) const {
    return actions.sent_of<PullReply>(worker(index));
  }

  static Payload payload_of(const std::vector<float>& values) {
    auto bytes = std::make_shared<std::vector<std::byte>>(values.size() * sizeof(float));
    std::memcpy(bytes->data(), values.data(), bytes->size());
    const std::span<const std::byte> view(*bytes);
    return {std::move(bytes), view};
  }

  const MirroredServer& server() const { return *server_; }
  const ReadsFirst& reads_first() const { return *reads_first_; }
  const CountingWorkload& workload() const { return workload_; }

  Time now{0};
  RecordedActions actions;

 private:
  Machine& machine() { return options_.reads_first ? static_cast<Machine&>(*reads_first_) : *server_; }

  HandDrivenOptions options_;
  CountingWorkload workload_;
  datacenter::ShardMap shards_;
  std::unique_ptr<MirroredServer> server_;
  std::unique_ptr<ReadsFirst> reads_first_;
  std::map<ProcessId, std::uint32_t> control_sequences_;
  std::map<ProcessId, std::uint64_t> chunk_numbers_;
};

}  // namespace meridian::wan

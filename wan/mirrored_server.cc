#include "wan/mirrored_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace meridian::wan {

MirroredServer::MirroredServer(Options options, Identity identity, PeerWatch::Deadlines deadlines,
                               const datacenter::ShardMap& shards)
    : options_(std::move(options)),
      membership_(std::move(identity), deadlines),
      store_(shards.server_ranges(options_.server.self.index, options_.server.servers)) {}

Result<std::unique_ptr<MirroredServer>> MirroredServer::create(Options options, Identity identity,
                                                               PeerWatch::Deadlines deadlines,
                                                               const Workload& workload,
                                                               const datacenter::ShardMap& shards) {
  std::unique_ptr<MirroredServer> made(
      new MirroredServer(std::move(options), std::move(identity), deadlines, shards));
  const datacenter::ServerOptions& server = made->options_.server;
  for (std::size_t table = 0; table < made->store_.tables(); ++table) {
    const datacenter::TableRange range = made->store_.ranges()[table];
    const std::span<float> values = made->store_.change(table);
    if (range.size() == shards.tables()[table].size()) {
      workload.fill_initial_values(table, values);
      continue;
    }
    FloatBuffer whole(shards.tables()[table].size());
    workload.fill_initial_values(table, whole.span());
    std::copy_n(whole.data() + range.begin, range.size(), values.data());
  }
  Result<Mode> mode = make_mode(made->options_.registry, made->options_.mode, made->options_.mode_parameters,
                                made->merge_place(shards));
  if (!mode) return mode.error();

  Membership& membership = made->membership_;
  made->options_.mirror.learning_rate = made->options_.learning_rate;
  made->mirror_ = std::make_unique<Mirror>(made->options_.mirror, std::move(mode).value(), shards, membership,
                                           made->store_);
  made->server_ = std::make_unique<datacenter::Server>(server, workload, shards, membership, made->store_,
                                                       *made->mirror_);

  for (std::size_t index = 0; index < server.workers; ++index) {
    const ProcessId id = ProcessId::worker(server.self.datacenter, static_cast<std::uint16_t>(index));
    membership.expect(id, process_name(server.datacenter_name, id), /*answer=*/true);
  }
  // The other servers of the datacenter connect to its first one.
  for (std::size_t index = 0; index < server.servers; ++index) {
    if (index == server.self.index || (index != 0 && server.self.index != 0)) continue;
    const ProcessId id = ProcessId::server(server.self.datacenter, static_cast<std::uint16_t>(index));
    membership.expect(id, process_name(server.datacenter_name, id), /*answer=*/server.self.index == 0);
  }
  for (const ProcessId id : made->mirror_->counterparts()) {
    const auto neighbour =
        std::find_if(made->options_.mirror.neighbours.begin(), made->options_.mirror.neighbours.end(),
                     [&](const Neighbour& n) { return n.datacenter == id.datacenter; });
    membership.expect(id, process_name(neighbour->name, id), /*answer=*/false,
                      Membership::WhenLost::policy_decides);
  }
  membership.count_sent_with(
      [mirror = made->mirror_.get()](ProcessId to, Channel channel, std::size_t bytes) {
        mirror->count_sent(to, channel, bytes);
      });
  membership.number_with([mirror = made->mirror_.get()](ProcessId to, Channel channel, const Body& body) {
    return mirror->next_position(to, channel, body);
  });
  membership.decide_losses_with(
      [mirror = made->mirror_.get()](Time now, ProcessId peer, const std::string& why, Actions& actions) {
        return mirror->on_lost(now, peer, why, actions);
      });
  return made;
}

MergePlace MirroredServer::merge_place(const datacenter::ShardMap& shards) {
  MergePlace place{.store = &store_,
                   .own_name = options_.mirror.datacenter_name,
                   .weight = options_.weight,
                   .neighbours = {},
                   .columns = {},
                   .table_names = options_.mirror.table_names,
                   .learning_rate = options_.learning_rate};
  for (const Neighbour& neighbour : options_.mirror.neighbours) {
    place.neighbours.push_back({neighbour.name, neighbour.relation, neighbour.sources});
  }
  for (const TableSpec& table : shards.tables()) {
    place.columns.push_back(table.columns);
    place.rules.push_back(table.rule);
    place.by_row.push_back(table.by_row);
  }
  return place;
}

void MirroredServer::start(Time now, Actions& actions) {
  for (const ProcessId id : mirror_->counterparts()) membership_.greet(now, id, actions);
  if (options_.server.self.index != 0) {
    membership_.greet(now, ProcessId::server(options_.server.self.datacenter, 0), actions);
  }
  actions.set_timer(TimerId::tick, now + membership_.tick());
}

void MirroredServer::on_message(Time now, ProcessId from, Channel channel, Message message,
                                Actions& actions) {
  const bool elsewhere = from.datacenter != options_.server.self.datacenter;
  const bool greets =
      std::holds_alternative<Hello>(message.body) || std::holds_alternative<Refusal>(message.body);
  if (elsewhere && !greets) {
    if (!membership_.has_greeted(from, channel)) return;
    if (!mirror_->admits(now, from, channel, message, actions)) return;
  }
  if (membership_.on_message(now, from, channel, message.body, actions)) {
    if (!opened_ && membership_.complete()) {
      opened_ = true;
      server_->open(now, actions);
    }
    // A peer that has left may be what the end waits for.
    if (const auto* goodbye = std::get_if<Goodbye>(&message.body)) {
      if (elsewhere && !goodbye->failed) mirror_->on_goodbye(now, from, actions);
      server_->resume(now, actions);
    }
    return;
  }
  if (!membership_.has_greeted(from, channel)) return;
  if (!elsewhere) {
    server_->on_message(now, from, message, actions);
    return;
  }
  mirror_->on_message(now, from, std::move(message), actions);
  server_->resume(now, actions);
}

void MirroredServer::on_timer(Time now, TimerId id, Actions& actions) {
  switch (id) {
    case TimerId::tick:
      membership_.on_tick(now, actions);
      if (opened_) mirror_->on_tick(now, actions);
      actions.set_timer(TimerId::tick, now + membership_.tick());
      return server_->resume(now, actions);
    case TimerId::acknowledge:
      return mirror_->on_acknowledge_timer(now, actions);
    case TimerId::drain_deadline:
      mirror_->on_drain_deadline(now, actions);
      return server_->resume(now, actions);
    case TimerId::stop_time:
      return server_->on_stop_time(now, actions);
    case TimerId::reads_first:
      return;
  }
}

void MirroredServer::on_computed(Time /*now*/, ComputationKind /*kind*/, Actions& /*actions*/) {
  MERIDIAN_CHECK(false, "{} computes nothing", membership_.identity().name);
}

void MirroredServer::on_malformed(Time now, ProcessId from, const std::string& why, Actions& actions) {
  if (from.datacenter != options_.server.self.datacenter) {
    mirror_->on_malformed(now, from, why, actions);
    return server_->resume(now, actions);
  }
  membership_.fail(now, FaultKind::failed,
                   fmt::format("{} sent a malformed message: {}", membership_.name_of(from), why), actions);
}

void MirroredServer::on_fault(Time now, const std::string& reason, Actions& actions) {
  membership_.fail(now, FaultKind::failed, reason, actions);
}

void MirroredServer::on_interrupt(Time now, Actions& actions) { server_->on_interrupt(now, actions); }

}  // namespace meridian::wan

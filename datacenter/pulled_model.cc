#include "datacenter/pulled_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

PulledModel::PulledModel(const ShardMap& shards, std::size_t servers) : done_(servers, false) {
  for (const TableSpec& table : shards.tables()) tables_.emplace_back(table.size());
  for (std::size_t server = 0; server < servers; ++server) {
    cursors_.emplace_back(shards.server_ranges(server, servers));
  }
}

void PulledModel::begin(Clock clock) {
  clock_ = clock;
  for (TransferCursor& cursor : cursors_) cursor.restart();
  done_.assign(done_.size(), false);
}

Failure PulledModel::accept(std::size_t server, const PullReply& reply, std::span<const Payload> payloads) {
  if (server >= cursors_.size() || done_[server]) return Error{"a pull reply that nobody asked for"};
  if (reply.clock != clock_)
    return Error{fmt::format("a pull reply for clock {} where {} was asked", reply.clock, clock_)};
  if (!cursors_[server].take(reply.segments)) {
    return Error{fmt::format("part {} of a pull reply is not what comes next", reply.part)};
  }
  for (std::size_t i = 0; i < reply.segments.size(); ++i) {
    const Segment& segment = reply.segments[i];
    copy_floats(tables_[segment.table].span().subspan(segment.first, segment.count), payloads[i].bytes());
  }
  if (reply.last != cursors_[server].complete()) return Error{"a pull reply that ends too early or too late"};
  done_[server] = reply.last;
  return {};
}

bool PulledModel::complete() const {
  return std::all_of(done_.begin(), done_.end(), [](bool done) { return done; });
}

std::vector<std::span<const float>> PulledModel::tables() const {
  std::vector<std::span<const float>> views;
  for (const FloatBuffer& table : tables_) views.push_back(table.span());
  return views;
}

}  // namespace meridian::datacenter

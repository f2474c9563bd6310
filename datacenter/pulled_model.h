// A whole model pulled from all servers of a datacenter: what a worker computes with, and what the first
// server writes at the end.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "datacenter/transfer.h"
#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::datacenter {

class PulledModel {
 public:
  PulledModel(const ShardMap& shards, std::size_t servers);

  /// Forgets what was pulled before and waits for replies about `clock`.
  void begin(Clock clock);

  /// Takes one part of a server's reply. An error says why it does not fit.
  Failure accept(std::size_t server, const PullReply& reply, std::span<const Payload> payloads);

  /// All parts of this server's reply are here.
  bool complete(std::size_t server) const { return done_.at(server); }
  bool complete() const;

  /// One view for each table, whole. Valid as long as this object; the values change with accept().
  std::vector<std::span<const float>> tables() const;
  std::span<float> table(std::size_t index) { return tables_.at(index).span(); }

 private:
  Clock clock_ = 0;
  std::vector<FloatBuffer> tables_;
  std::vector<TransferCursor> cursors_;
  std::vector<bool> done_;
};

}  // namespace meridian::datacenter

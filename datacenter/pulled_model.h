// What is pulled from all servers of a datacenter: the whole model, or of the tables that are read by row
// only the selected rows. A worker computes with it, and the first server writes it at the end.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "datacenter/row_selection.h"
#include "datacenter/shard_map.h"
#include "datacenter/transfer.h"
#include "src/base/float_buffer.h"
#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::datacenter {

class PulledModel {
 public:
  PulledModel(const ShardMap& shards, std::size_t servers);

  /// Forgets what was pulled before and waits for replies about `clock`, with all rows of every table.
  void begin(Clock clock);
  /// The same with the selected rows only.
  void begin(Clock clock, const RowSelection& rows);

  /// Takes one part of a server's reply. An error says why it does not fit.
  Failure accept(std::size_t server, const PullReply& reply, std::span<const Payload> payloads);

  /// All parts of this server's reply are here.
  bool complete(std::size_t server) const { return done_.at(server); }
  bool complete() const;

  /// One view for each table: whole, or of the selected rows. Valid until it begins anew; the values change
  /// with accept().
  TablesView tables() const;

  /// Of a whole model, keeps the selected rows: as if they alone had been pulled.
  void select(const RowSelection& rows);

 private:
  struct Table {
    FloatBuffer all;
    FloatBuffer some;         // of a table that is read by row, the selected rows
    std::size_t entries = 0;  // of them
    bool whole = true;        // which of the two counts
  };

  std::span<float> values(std::size_t table);
  void expect_whole(std::size_t table);
  void expect(std::size_t table, std::size_t selected_rows);

  std::vector<TableSpec> specs_;
  std::vector<std::vector<TableRange>> owned_;  // by each server
  Clock clock_ = 0;
  std::vector<Table> tables_;
  mutable std::vector<std::span<const float>> views_;  // of tables()
  std::vector<TransferCursor> cursors_;
  std::vector<std::vector<std::size_t>> offsets_;  // of each server's part in each table
  std::vector<bool> done_;
};

}  // namespace meridian::datacenter

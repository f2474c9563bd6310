// Which server owns what. Every table is cut between rows into the same number of shards, the same in every
// datacenter; a server owns a run of neighbouring shards, so of every table one contiguous range.
#pragma once

#include <cstddef>
#include <vector>

#include "src/workload/workload.h"

namespace meridian::datacenter {

/// Entries [begin, end) of one table, flat indexes.
struct TableRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  std::size_t size() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool operator==(const TableRange&) const = default;
};

/// What both have in common; empty (begin == end) where nothing.
TableRange intersection(TableRange a, TableRange b);

class ShardMap {
 public:
  /// Requires shards >= 1.
  ShardMap(std::vector<TableSpec> tables, std::size_t shards);

  const std::vector<TableSpec>& tables() const { return tables_; }
  std::size_t shards() const { return shards_; }

  /// Shard k of a table with R rows: rows floor(k * R / shards) up to floor((k + 1) * R / shards).
  TableRange shard_range(std::size_t table, std::size_t shard) const;

  /// What server `server` of `servers` owns of each table: shards floor(j * S / n) up to floor((j + 1) * S /
  /// n). Requires server < servers <= shards().
  std::vector<TableRange> server_ranges(std::size_t server, std::size_t servers) const;

 private:
  std::vector<TableSpec> tables_;
  std::size_t shards_;
};

}  // namespace meridian::datacenter

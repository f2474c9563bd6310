#include "datacenter/shard_map.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian::datacenter {

TableRange intersection(TableRange a, TableRange b) {
  const std::size_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

ShardMap::ShardMap(std::vector<TableSpec> tables, std::size_t shards)
    : tables_(std::move(tables)), shards_(shards) {
  MERIDIAN_CHECK(shards_ >= 1, "{} shards", shards_);
}

TableRange ShardMap::shard_range(std::size_t table, std::size_t shard) const {
  const TableSpec& spec = tables_.at(table);
  return {shard * spec.rows / shards_ * spec.columns, (shard + 1) * spec.rows / shards_ * spec.columns};
}

std::vector<TableRange> ShardMap::server_ranges(std::size_t server, std::size_t servers) const {
  MERIDIAN_CHECK(server < servers && servers <= shards_, "server {} of {}, {} shards", server, servers,
                 shards_);
  const std::size_t first = server * shards_ / servers;
  const std::size_t past = (server + 1) * shards_ / servers;
  std::vector<TableRange> ranges;
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    ranges.push_back({shard_range(table, first).begin, shard_range(table, past - 1).end});
  }
  return ranges;
}

}  // namespace meridian::datacenter

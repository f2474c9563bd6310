// Goal: shards and servers cover every entry of every table exactly once, at boundaries that depend on the
// number of shards alone. Reached over a grid of table shapes, shards and servers, more shards than rows
// included.
#include "datacenter/shard_map.h"

#include <gtest/gtest.h>

#include <set>

#include "src/base/check.h"

namespace meridian::datacenter {
namespace {

std::vector<TableSpec> tables_of_many_shapes() {
  return {{"one", 1, 1}, {"bias", 10, 1}, {"weights", 784, 100}, {"wide", 3, 1000}, {"primes", 101, 7}};
}

constexpr std::size_t kShardCounts[] = {1, 2, 3, 7, 16, 100, 256};

TEST(ShardMap, CutsBetweenRowsAtTheFloor) {
  const ShardMap map(tables_of_many_shapes(), 16);
  for (std::size_t table = 0; table < map.tables().size(); ++table) {
    const TableSpec& spec = map.tables()[table];
    for (std::size_t k = 0; k < 16; ++k) {
      EXPECT_EQ(map.shard_range(table, k),
                (TableRange{k * spec.rows / 16 * spec.columns, (k + 1) * spec.rows / 16 * spec.columns}))
          << spec.name << ", shard " << k;
    }
  }
  const ShardMap three({{"ten", 10, 2}}, 3);
  EXPECT_EQ(three.shard_range(0, 0), (TableRange{0, 6}));
  EXPECT_EQ(three.shard_range(0, 1), (TableRange{6, 12}));
  EXPECT_EQ(three.shard_range(0, 2), (TableRange{12, 20}));
}

TEST(ShardMap, ShardsCoverEveryEntryExactlyOnce) {
  for (const std::size_t shards : kShardCounts) {
    const ShardMap map(tables_of_many_shapes(), shards);
    for (std::size_t table = 0; table < map.tables().size(); ++table) {
      std::size_t next = 0;
      for (std::size_t k = 0; k < shards; ++k) {
        const TableRange range = map.shard_range(table, k);
        EXPECT_EQ(range.begin, next);
        EXPECT_GE(range.end, range.begin);
        next = range.end;
      }
      EXPECT_EQ(next, map.tables()[table].size());
    }
  }
}

TEST(ShardMap, ServersCoverEveryEntryExactlyOnceAndCutOnlyBetweenShards) {
  for (const std::size_t shards : kShardCounts) {
    const ShardMap map(tables_of_many_shapes(), shards);
    for (std::size_t servers = 1; servers <= std::min<std::size_t>(shards, 9); ++servers) {
      for (std::size_t table = 0; table < map.tables().size(); ++table) {
        std::set<std::size_t> boundaries;
        for (std::size_t k = 0; k < shards; ++k) boundaries.insert(map.shard_range(table, k).end);
        std::size_t next = 0;
        for (std::size_t server = 0; server < servers; ++server) {
          const TableRange range = map.server_ranges(server, servers).at(table);
          EXPECT_EQ(range.begin, next) << shards << " shards, server " << server << " of " << servers;
          EXPECT_TRUE(boundaries.contains(range.end));
          next = range.end;
        }
        EXPECT_EQ(next, map.tables()[table].size());
      }
    }
  }
}

TEST(ShardMap, AServerOwnsTheShardsBetweenItsFloors) {
  const ShardMap map({{"weights", 160, 3}}, 16);
  for (std::size_t servers = 1; servers <= 16; ++servers) {
    for (std::size_t j = 0; j < servers; ++j) {
      EXPECT_EQ(map.server_ranges(j, servers).at(0),
                (TableRange{j * 16 / servers * 30, (j + 1) * 16 / servers * 30}));
    }
  }
}

TEST(ShardMap, RefusesWhatCannotBe) {
  EXPECT_THROW(ShardMap(tables_of_many_shapes(), 0), BrokenInvariant);
  const ShardMap map(tables_of_many_shapes(), 4);
  EXPECT_THROW((void)map.server_ranges(4, 4), BrokenInvariant);
  EXPECT_THROW((void)map.server_ranges(0, 5), BrokenInvariant);
}

TEST(TableRange, IntersectsOrIsEmpty) {
  EXPECT_EQ(intersection({0, 10}, {5, 20}), (TableRange{5, 10}));
  EXPECT_EQ(intersection({5, 20}, {0, 10}), (TableRange{5, 10}));
  EXPECT_EQ(intersection({0, 20}, {5, 10}), (TableRange{5, 10}));
  EXPECT_TRUE(intersection({0, 5}, {5, 10}).empty());
  EXPECT_TRUE(intersection({0, 5}, {7, 10}).empty());
  EXPECT_TRUE(intersection({7, 10}, {0, 5}).empty());
}

}  // namespace
}  // namespace meridian::datacenter

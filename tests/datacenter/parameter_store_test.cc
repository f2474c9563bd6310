// Goal: reads see the values as they were when they were read, whatever changes later, and a snapshot is made
// once for all reads between two changes.
#include "datacenter/parameter_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

#include "src/base/check.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {
namespace {

using testing::Each;
using testing::ElementsAre;

std::vector<float> floats(const Payload& payload) {
  std::vector<float> values(payload.size() / sizeof(float));
  copy_floats(values, payload.bytes());
  return values;
}

ParameterStore counted_store() {
  ParameterStore store({{10, 15}, {7, 7}, {0, 3}});
  for (std::size_t table = 0; table < store.tables(); ++table) {
    float next = static_cast<float>(100 * table);
    for (float& value : store.change(table)) value = next++;
  }
  return store;
}

TEST(ParameterStore, HoldsARangeOfEveryTable) {
  const ParameterStore store = counted_store();
  EXPECT_EQ(store.tables(), 3U);
  EXPECT_EQ(store.total_entries(), 8U);
  EXPECT_THAT(store.values(0), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_TRUE(store.values(1).empty());
  EXPECT_THAT(store.values(2), ElementsAre(200, 201, 202));
  for (const std::size_t table : {0, 2}) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(store.values(table).data()) % 64, 0U);
  }
  EXPECT_THAT(ParameterStore({{0, 40}}).values(0), Each(0.0F));
}

TEST(ParameterStore, ReadsPartsOfARange) {
  ParameterStore store = counted_store();
  EXPECT_THAT(floats(store.read(0, 1, 3)), ElementsAre(1, 2, 3));
  EXPECT_THAT(floats(store.read(2, 0, 3)), ElementsAre(200, 201, 202));
  EXPECT_EQ(store.read(1, 0, 0).size(), 0U);
  EXPECT_THROW(store.read(0, 3, 3), BrokenInvariant);
}

TEST(ParameterStore, ASnapshotKeepsWhatItHad) {
  ParameterStore store = counted_store();
  const Payload before = store.read(0, 0, 5);
  store.change(0)[2] = -1.0F;
  const Payload between = store.read(0, 0, 5);
  for (float& value : store.change(0)) value = 9.0F;
  EXPECT_THAT(floats(before), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(floats(between), ElementsAre(0, 1, -1, 3, 4));
  EXPECT_THAT(floats(store.read(0, 0, 5)), ElementsAre(9, 9, 9, 9, 9));
}

TEST(ParameterStore, OneSnapshotServesAllReadsBetweenTwoChanges) {
  ParameterStore store = counted_store();
  const Payload first = store.read(0, 0, 5);
  const Payload second = store.read(0, 0, 5);
  EXPECT_EQ(first.bytes().data(), second.bytes().data());
  store.change(2);
  EXPECT_NE(store.read(0, 0, 5).bytes().data(), first.bytes().data());
}

TEST(ParameterStore, ASnapshotsMemoryIsUsedAgainOnceNobodyReadsIt) {
  ParameterStore store = counted_store();
  std::optional<Payload> read(store.read(0, 0, 5));
  const std::byte* const memory = read->bytes().data();
  store.change(0);
  read.reset();
  EXPECT_EQ(store.read(0, 0, 5).bytes().data(), memory);
}

}  // namespace
}  // namespace meridian::datacenter

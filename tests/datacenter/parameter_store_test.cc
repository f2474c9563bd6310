// Goal: reads see the values as they were when they were read, whatever changes later; nothing is copied for
// them unless they are still held when it does.
#include "datacenter/parameter_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <thread>
#include <vector>

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

TEST(ParameterStore, AReadKeepsWhatItHad) {
  ParameterStore store = counted_store();
  const Payload before = store.read(0, 0, 5);
  store.change(0)[2] = -1.0F;
  const Payload between = store.read(0, 0, 5);
  for (float& value : store.change(0)) value = 9.0F;
  EXPECT_THAT(floats(before), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(floats(between), ElementsAre(0, 1, -1, 3, 4));
  EXPECT_THAT(floats(store.read(0, 0, 5)), ElementsAre(9, 9, 9, 9, 9));
}

TEST(ParameterStore, WhatWasNotReadChangesInPlace) {
  ParameterStore store = counted_store();
  const float* const memory = store.values(0).data();
  const Payload part = store.read(0, 1, 2);
  store.change(0, 0, 1)[0] = -1.0F;
  for (float& value : store.change(0, 3, 2)) value = -2.0F;
  store.change(2)[0] = -3.0F;
  EXPECT_EQ(store.values(0).data(), memory);
  EXPECT_EQ(store.copies(), 0U);
  const Payload further = store.read(0, 3, 1);
  store.change(0, 3, 1)[0] = 9.0F;
  EXPECT_EQ(store.copies(), 1U) << "the second read makes it grow";
  EXPECT_THAT(floats(part), ElementsAre(1, 2));
  EXPECT_THAT(floats(further), ElementsAre(-2));
  EXPECT_THAT(store.values(0), ElementsAre(-1, 1, 2, 9, -2));
}

TEST(ParameterStore, WhatAllHaveLetGoOfIsOnItsWayNoLonger) {
  ParameterStore store = counted_store();
  EXPECT_FALSE(store.is_on_its_way());
  (void)store.read(2, 0, 3);
  EXPECT_FALSE(store.is_on_its_way()) << "nobody holds it";
  // What is read next begins before, and what lies between was not read.
  const Payload early = store.read(0, 0, 1);
  EXPECT_TRUE(store.is_on_its_way());
  store.change(0, 3, 1)[0] = -1.0F;
  EXPECT_EQ(store.copies(), 0U);
  store.change(0, 0, 1)[0] = -1.0F;
  EXPECT_EQ(store.copies(), 1U);
  EXPECT_THAT(floats(early), ElementsAre(0));
}

TEST(ParameterStore, ReadsShareTheValues) {
  ParameterStore store = counted_store();
  const auto* const memory = reinterpret_cast<const std::byte*>(store.values(0).data());
  EXPECT_EQ(store.read(0, 0, 5).bytes().data(), memory);
  EXPECT_EQ(store.read(0, 1, 4).bytes().data(), memory + sizeof(float));
}

TEST(ParameterStore, ChangesInPlaceOnceNobodyHoldsARead) {
  ParameterStore store = counted_store();
  const float* const memory = store.values(0).data();
  (void)store.read(0, 0, 5);
  EXPECT_EQ(store.change(0).data(), memory);
}

TEST(ParameterStore, CopiesOnceForAllThatIsHeld) {
  ParameterStore store = counted_store();
  const float* const memory = store.values(0).data();
  const Payload first = store.read(0, 0, 5);
  const Payload second = store.read(2, 0, 3);
  const float* const copy = store.change(2).data();
  EXPECT_NE(store.values(0).data(), memory);
  EXPECT_EQ(store.change(2).data(), copy);
  EXPECT_THAT(store.values(0), ElementsAre(0, 1, 2, 3, 4));
}

TEST(ParameterStore, TwoSetsOfValuesAreEnoughForReadsThatOverlap) {
  ParameterStore store = counted_store();
  std::set<const std::byte*> memory;
  Payload held = store.read(0, 0, 5);
  for (int round = 0; round < 10; ++round) {
    store.change(0)[0] += 1.0F;
    held = store.read(0, 0, 5);
    memory.insert(held.bytes().data());
  }
  EXPECT_EQ(memory.size(), 2U);
}

TEST(ParameterStore, AReadMayEndInAnyThread) {
  ParameterStore store = counted_store();
  for (float& value : store.change(0)) value = -1.0F;
  int spoilt = 0;
  for (int round = 0; round < 1000; ++round) {
    std::thread reader([&spoilt, held = store.read(0, 0, 5)] {
      const std::vector<float> values = floats(held);
      if (values[0] != values[4]) ++spoilt;
    });
    for (float& value : store.change(0)) value = static_cast<float>(round);
    reader.join();
  }
  EXPECT_EQ(spoilt, 0);
}

}  // namespace
}  // namespace meridian::datacenter

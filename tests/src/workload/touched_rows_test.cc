// Goal: the rows that a batch touches come out rising, each once, and every sample finds its own among them.
// How: small cases by hand; random batches over tables of several sizes against sorting, one object for all
// batches of a table, since it must forget the one before.
#include "src/workload/touched_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "src/base/random.h"

namespace meridian {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TouchedRows, ListsEachRowOnceAndPlacesEverySample) {
  TouchedRows touched(200);
  std::vector<std::uint32_t> rows;
  std::vector<std::uint32_t> places(5);
  touched.collect(std::vector<std::uint32_t>{199, 3, 64, 3, 0}, rows, places);
  EXPECT_THAT(rows, ElementsAre(0, 3, 64, 199));
  EXPECT_THAT(places, ElementsAre(3, 1, 2, 1, 0));
}

TEST(TouchedRows, OfNothingIsNothing) {
  TouchedRows touched(10);
  std::vector<std::uint32_t> rows;
  touched.collect({}, rows, {});
  EXPECT_THAT(rows, IsEmpty());
}

TEST(TouchedRows, AgreesWithSorting) {
  Random random(3);
  for (const std::size_t size : {1U, 63U, 64U, 65U, 4096U, 4097U, 300'000U}) {
    TouchedRows touched(size);
    for (const std::size_t batch : {1U, 10U, 5000U, 10U}) {
      std::vector<std::uint32_t> samples(batch);
      for (std::uint32_t& sample : samples) sample = static_cast<std::uint32_t>(random.below(size));
      samples.front() = static_cast<std::uint32_t>(size - 1);
      std::vector<std::uint32_t> rows;
      std::vector<std::uint32_t> places(batch);
      touched.collect(samples, rows, places);
      const std::set<std::uint32_t> expected(samples.begin(), samples.end());
      ASSERT_EQ(rows, std::vector<std::uint32_t>(expected.begin(), expected.end())) << size;
      for (std::size_t i = 0; i < batch; ++i) ASSERT_EQ(rows.at(places[i]), samples[i]) << size;
    }
  }
}

}  // namespace
}  // namespace meridian

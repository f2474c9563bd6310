// Goal: rows that any worker touched are summed over all workers and given away once, in runs that rise;
// others cost nothing and are 0. Reached by small tables and known rows.
#include "datacenter/row_sums.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace meridian::datacenter {
namespace {

using testing::Each;
using testing::ElementsAre;

using RowRun = std::pair<std::size_t, std::vector<float>>;

void add(RowSums& sums, const std::vector<std::uint32_t>& rows, std::size_t first,
         const std::vector<float>& floats) {
  sums.add(rows, /*first_row=*/100, first, std::as_bytes(std::span(floats)));
}

std::vector<RowRun> runs(RowSums& sums) {
  std::vector<RowRun> runs;
  sums.for_each_run([&](std::size_t first, std::span<float> values) {
    runs.emplace_back(first, std::vector<float>(values.begin(), values.end()));
    std::fill(values.begin(), values.end(), -1.0F);  // which is allowed
  });
  return runs;
}

TEST(RowSums, GivesRunsOfTouchedRows) {
  RowSums sums(/*entries=*/20, /*columns=*/2);
  add(sums, {101, 102, 107}, 0, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(runs(sums), ElementsAre(RowRun{2, {1, 2, 3, 4}}, RowRun{14, {5, 6}}));
}

TEST(RowSums, AddsWorkersUpWhereTheirRowsMeet) {
  RowSums sums(20, 2);
  add(sums, {103, 109}, 0, {1, 1, 2, 2});
  add(sums, {101, 103, 104}, 0, {10, 10, 20, 20, 30, 30});
  EXPECT_THAT(runs(sums), ElementsAre(RowRun{2, {10, 10}}, RowRun{6, {21, 21, 30, 30}}, RowRun{18, {2, 2}}));
}

TEST(RowSums, APartMayBeginAndEndWithinARow) {
  RowSums sums(20, 2);
  const std::vector<std::uint32_t> rows = {100, 105, 106};
  add(sums, rows, 0, {1});
  add(sums, rows, 1, {2, 3, 4, 5});
  add(sums, rows, 5, {6});
  EXPECT_THAT(runs(sums), ElementsAre(RowRun{0, {1, 2}}, RowRun{10, {3, 4, 5, 6}}));
}

TEST(RowSums, EachClockBeginsAtZero) {
  RowSums sums(20, 2);
  add(sums, {101, 105}, 0, {1, 2, 3, 4});
  runs(sums);
  sums.restart();
  EXPECT_THAT(sums.all(), Each(0.0F));
  add(sums, {105}, 0, {7, 8});
  EXPECT_THAT(runs(sums), ElementsAre(RowRun{10, {7, 8}}));
}

}  // namespace
}  // namespace meridian::datacenter

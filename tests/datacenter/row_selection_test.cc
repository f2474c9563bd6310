// Goal: lists of rows say the same to the worker that makes them and to each server that reads them, and no
// list that a server reads can name a row that it does not own. Reached by lists cut by hand and by spoilt
// ones.
#include "datacenter/row_selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

namespace meridian::datacenter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<TableSpec> kTables{{"rows", 20, 3, /*by_row=*/true}, {"all", 8, 2}};
// Of a server in the middle.
const std::vector<TableRange> kOwned{{5 * 3, 12 * 3}, {4, 10}};

RowSelection selection_of(std::vector<std::uint32_t> rows) {
  RowSelection selection(kTables);
  selection.change(0) = std::move(rows);
  return selection;
}

TEST(RowSelection, SaysWhichOfTheSelectedEntriesAServerHas) {
  const RowSelection rows = selection_of({1, 4, 5, 8, 9, 11, 12, 19});
  EXPECT_THAT(rows.selected(kTables, kOwned), ElementsAre(TableRange{0, 12}, TableRange{4, 10}));
  EXPECT_EQ(rows.offset(0, kTables, kOwned[0]), 6U);
  EXPECT_EQ(rows.offset(1, kTables, kOwned[1]), 0U);
  EXPECT_THAT(rows.ranges(kTables, kOwned), ElementsAre(Segment{0, 15, 3, 0}, Segment{0, 24, 6, 0},
                                                        Segment{0, 33, 3, 0}, Segment{1, 4, 6, 0}));
  EXPECT_THAT(selection_of({}).selected(kTables, kOwned), ElementsAre(TableRange{0, 0}, TableRange{4, 10}));
}

TEST(RowSelection, AServerReadsItsPartOfWhatAWorkerWrote) {
  const RowSelection rows = selection_of({1, 4, 5, 8, 9, 11, 12, 19});
  Pull pull{3, false};
  std::vector<Payload> payloads;
  rows.write_to(pull, payloads, kTables, kOwned);
  EXPECT_THAT(pull.rows, ElementsAre(RowList{0, 4}));
  RowSelection read(kTables);
  EXPECT_FALSE(read.read_from(pull, payloads, kTables, kOwned));
  EXPECT_THAT(read.rows(0), ElementsAre(5, 8, 9, 11));
  EXPECT_EQ(read.selected(kTables, kOwned)[0], (TableRange{0, 12}));
}

std::string error_of(std::vector<std::uint32_t> rows, std::vector<RowList> lists) {
  const auto bytes = std::make_shared<std::vector<std::uint32_t>>(std::move(rows));
  Pull pull{3, false};
  pull.rows = std::move(lists);
  RowSelection read(kTables);
  const Failure wrong = read.read_from(
      pull,
      std::vector<Payload>(pull.rows.size(),
                           Payload(bytes, std::as_bytes(std::span<const std::uint32_t>(*bytes)))),
      kTables, kOwned);
  EXPECT_TRUE(read.rows(0).empty() || !wrong);
  return wrong ? wrong->message : "";
}

TEST(RowSelection, RefusesListsThatDoNotFit) {
  EXPECT_EQ(error_of({5, 11}, {{0, 2}}), "");
  EXPECT_THAT(error_of({4}, {{0, 1}}), HasSubstr("row 4 of table rows; expected rising ones in [5, 12)"));
  EXPECT_THAT(error_of({12}, {{0, 1}}), HasSubstr("row 12"));
  EXPECT_THAT(error_of({6, 6}, {{0, 2}}), HasSubstr("row 6"));
  EXPECT_THAT(error_of({7, 6}, {{0, 2}}), HasSubstr("row 6"));
  EXPECT_THAT(error_of({6}, {{0, 2}}), HasSubstr("4 bytes for 2 rows"));
  EXPECT_THAT(error_of({}, {}), HasSubstr("no rows of table rows"));
  EXPECT_THAT(error_of({6}, {{1, 1}}), HasSubstr("no rows of table rows"));
  EXPECT_THAT(error_of({6}, {{0, 1}, {1, 1}}), HasSubstr("not read by row"));
}

TEST(RowSelection, ChecksWhatALearnerListed) {
  EXPECT_FALSE(selection_of({0, 19}).check(kTables));
  EXPECT_THAT(selection_of({0, 20}).check(kTables)->message, HasSubstr("row 20 of table rows at position 1"));
  EXPECT_THAT(selection_of({3, 3}).check(kTables)->message, HasSubstr("row 3"));
}

TEST(ForEachPiece, CutsEntriesAtRows) {
  const std::vector<std::uint32_t> rows{2, 7, 9};
  std::vector<std::vector<std::size_t>> pieces;
  for_each_piece(rows, 4, 3, 6,
                 [&](std::size_t row, std::size_t column, std::size_t first, std::size_t count) {
                   pieces.push_back({row, column, first, count});
                 });
  EXPECT_THAT(pieces, ElementsAre(ElementsAre(2, 3, 0, 1), ElementsAre(7, 0, 1, 4), ElementsAre(9, 0, 5, 1)));
}

}  // namespace
}  // namespace meridian::datacenter

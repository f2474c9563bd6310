// Which rows a worker's next update is about. Of a table that is read by row it is a rising list; of any
// other table, all rows. On the LAN and in the worker the selected rows lie one after the other: entry e of
// them is column e % columns of row rows[e / columns].
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "datacenter/shard_map.h"
#include "src/base/result.h"
#include "src/wire/message.h"

namespace meridian::datacenter {

class RowSelection {
 public:
  /// A list travels as one frame: no more rows of one table than this.
  static constexpr std::size_t kMostRows = 2UL << 20;

  explicit RowSelection(const std::vector<TableSpec>& tables) : rows_(tables.size()) {}

  std::span<const std::uint32_t> rows(std::size_t table) const { return rows_[table]; }
  std::vector<std::uint32_t>& change(std::size_t table) { return rows_[table]; }

  /// Of each table what is asked of a server that owns `owned`: of a table that is read by row, entries among
  /// the rows that are listed to it, from 0; of any other, the owned entries.
  std::vector<TableRange> selected(const std::vector<TableSpec>& tables,
                                   const std::vector<TableRange>& owned) const;

  /// By how much entries of selected() lie further on among all selected rows; 0 where a table is read whole.
  std::size_t offset(std::size_t table, const std::vector<TableSpec>& tables, TableRange owned) const;

  /// A read of the selected rows as dense ranges of the tables, neighbouring rows in one.
  std::vector<Segment> ranges(const std::vector<TableSpec>& tables,
                              const std::vector<TableRange>& owned) const;

  /// Adds to `pull` what it says of these rows to the server that owns `owned`: lists, and their payloads.
  void write_to(Pull& pull, std::vector<Payload>& payloads, const std::vector<TableSpec>& tables,
                const std::vector<TableRange>& owned) const;

  /// Takes the rows that a pull lists. An error says which list does not fit tables and ranges; the selection
  /// is then empty.
  Failure read_from(const Pull& pull, std::span<const Payload> payloads, const std::vector<TableSpec>& tables,
                    const std::vector<TableRange>& owned);

  /// Rows that do not rise, are none of the table, or too many: an error.
  Failure check(const std::vector<TableSpec>& tables) const;

 private:
  /// Positions in the list of the rows that lie in `owned`.
  TableRange positions(std::size_t table, std::size_t columns, TableRange owned) const;
  Failure read_list(const RowList& list, const Payload& payload, const std::vector<TableSpec>& tables,
                    const std::vector<TableRange>& owned);

  std::vector<std::vector<std::uint32_t>> rows_;  // by table; empty where the table is read whole
};

/// Calls `each(row, column, first, count)` for the pieces of rows that entries [first, first + count) among
/// selected rows are made of; `first` of a piece counts from the call's first.
template <typename Each>
void for_each_piece(std::span<const std::uint32_t> rows, std::size_t columns, std::size_t first,
                    std::size_t count, Each each) {
  std::size_t done = 0;
  while (done < count) {
    const std::size_t column = (first + done) % columns;
    const std::size_t piece = std::min(columns - column, count - done);
    each(rows[(first + done) / columns], column, done, piece);
    done += piece;
  }
}

/// Any table that is read by row?
bool any_by_row(const std::vector<TableSpec>& tables);

}  // namespace meridian::datacenter

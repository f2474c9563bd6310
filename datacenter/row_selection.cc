#include "datacenter/row_selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>

namespace meridian::datacenter {

bool any_by_row(const std::vector<TableSpec>& tables) {
  return std::any_of(tables.begin(), tables.end(), [](const TableSpec& table) { return table.by_row; });
}

TableRange RowSelection::positions(std::size_t table, std::size_t columns, TableRange owned) const {
  const std::vector<std::uint32_t>& rows = rows_[table];
  const auto position = [&](std::size_t row) {
    return static_cast<std::size_t>(std::lower_bound(rows.begin(), rows.end(), row) - rows.begin());
  };
  return {position(owned.begin / columns), position(owned.end / columns)};
}

std::vector<TableRange> RowSelection::selected(const std::vector<TableSpec>& tables,
                                               const std::vector<TableRange>& owned) const {
  std::vector<TableRange> selected = owned;
  for (std::size_t table = 0; table < tables.size(); ++table) {
    if (!tables[table].by_row) continue;
    const std::size_t columns = tables[table].columns;
    const TableRange among = positions(table, columns, owned[table]);
    selected[table] = {0, among.size() * columns};
  }
  return selected;
}

std::size_t RowSelection::offset(std::size_t table, const std::vector<TableSpec>& tables,
                                 TableRange owned) const {
  return tables[table].by_row ? positions(table, tables[table].columns, owned).begin * tables[table].columns
                              : 0;
}

std::vector<Segment> RowSelection::ranges(const std::vector<TableSpec>& tables,
                                          const std::vector<TableRange>& owned) const {
  std::vector<Segment> ranges;
  const auto add = [&](std::size_t table, std::size_t first, std::size_t count) {
    if (count > 0) ranges.push_back({static_cast<std::uint16_t>(table), first, count, 0});
  };
  for (std::size_t table = 0; table < tables.size(); ++table) {
    if (!tables[table].by_row) {
      add(table, owned[table].begin, owned[table].size());
      continue;
    }
    const std::size_t columns = tables[table].columns;
    const TableRange among = positions(table, columns, owned[table]);
    for (std::size_t i = among.begin; i < among.end;) {
      const std::size_t first = rows_[table][i];
      std::size_t end = first;
      while (i < among.end && rows_[table][i] == end) {
        ++end;
        ++i;
      }
      add(table, first * columns, (end - first) * columns);
    }
  }
  return ranges;
}

void RowSelection::write_to(Pull& pull, std::vector<Payload>& payloads, const std::vector<TableSpec>& tables,
                            const std::vector<TableRange>& owned) const {
  for (std::size_t table = 0; table < tables.size(); ++table) {
    if (!tables[table].by_row) continue;
    const TableRange among = positions(table, tables[table].columns, owned[table]);
    const auto rows = std::make_shared<std::vector<std::uint32_t>>(
        rows_[table].begin() + static_cast<std::ptrdiff_t>(among.begin),
        rows_[table].begin() + static_cast<std::ptrdiff_t>(among.end));
    pull.rows.push_back({static_cast<std::uint16_t>(table), static_cast<std::uint32_t>(rows->size())});
    payloads.emplace_back(rows, std::as_bytes(std::span<const std::uint32_t>(*rows)));
  }
}

Failure RowSelection::read_from(const Pull& pull, std::span<const Payload> payloads,
                                const std::vector<TableSpec>& tables, const std::vector<TableRange>& owned) {
  for (std::vector<std::uint32_t>& rows : rows_) rows.clear();
  std::size_t next = 0;
  Failure wrong;
  for (std::size_t table = 0; table < tables.size() && !wrong; ++table) {
    if (!tables[table].by_row) continue;
    const bool listed = next < pull.rows.size() && pull.rows[next].table == table && next < payloads.size();
    wrong = listed ? read_list(pull.rows[next], payloads[next], tables, owned)
                   : Error{fmt::format("no rows of table {}", tables[table].name)};
    ++next;
  }
  if (!wrong && next != pull.rows.size()) wrong = Error{"rows of a table that is not read by row"};
  if (wrong) {
    for (std::vector<std::uint32_t>& rows : rows_) rows.clear();
  }
  return wrong;
}

Failure RowSelection::read_list(const RowList& list, const Payload& payload,
                                const std::vector<TableSpec>& tables, const std::vector<TableRange>& owned) {
  const TableSpec& table = tables[list.table];
  std::vector<std::uint32_t>& rows = rows_[list.table];
  if (payload.size() != std::size_t{list.count} * sizeof(std::uint32_t))
    return Error{fmt::format("{} bytes for {} rows of table {}", payload.size(), list.count, table.name)};
  rows.resize(list.count);
  if (!rows.empty()) std::memcpy(rows.data(), payload.bytes().data(), payload.size());
  const std::size_t first = owned[list.table].begin / table.columns;
  const std::size_t end = owned[list.table].end / table.columns;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const bool fits = rows[i] >= first && rows[i] < end && (i == 0 || rows[i] > rows[i - 1]);
    if (!fits) {
      return Error{fmt::format("row {} of table {}; expected rising ones in [{}, {})", rows[i], table.name,
                               first, end)};
    }
  }
  return {};
}

Failure RowSelection::check(const std::vector<TableSpec>& tables) const {
  for (std::size_t table = 0; table < tables.size(); ++table) {
    if (rows_[table].size() > kMostRows) {
      return Error{fmt::format("{} rows of table {} at once; expected at most {}, with a smaller batch",
                               rows_[table].size(), tables[table].name, kMostRows)};
    }
    for (std::size_t i = 0; i < rows_[table].size(); ++i) {
      const std::uint32_t row = rows_[table][i];
      if (row < tables[table].rows && (i == 0 || row > rows_[table][i - 1])) continue;
      return Error{fmt::format("row {} of table {} at position {}; expected rising ones below {}", row,
                               tables[table].name, i, tables[table].rows)};
    }
  }
  return {};
}

}  // namespace meridian::datacenter

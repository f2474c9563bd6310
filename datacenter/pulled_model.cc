#include "datacenter/pulled_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/check.h"
#include "src/wire/float_bytes.h"

namespace meridian::datacenter {

PulledModel::PulledModel(const ShardMap& shards, std::size_t servers)
    : specs_(shards.tables()), tables_(specs_.size()), done_(servers, false) {
  for (std::size_t server = 0; server < servers; ++server) {
    owned_.push_back(shards.server_ranges(server, servers));
    cursors_.emplace_back(owned_.back());
    offsets_.emplace_back(specs_.size(), 0);
  }
}

void PulledModel::begin(Clock clock) {
  clock_ = clock;
  done_.assign(done_.size(), false);
  for (std::size_t server = 0; server < cursors_.size(); ++server) {
    cursors_[server].follow(owned_[server]);
    offsets_[server].assign(specs_.size(), 0);
  }
  for (std::size_t table = 0; table < tables_.size(); ++table) expect_whole(table);
}

void PulledModel::begin(Clock clock, const RowSelection& rows) {
  clock_ = clock;
  done_.assign(done_.size(), false);
  for (std::size_t server = 0; server < cursors_.size(); ++server) {
    cursors_[server].follow(rows.selected(specs_, owned_[server]));
    for (std::size_t table = 0; table < specs_.size(); ++table)
      offsets_[server][table] = rows.offset(table, specs_, owned_[server][table]);
  }
  for (std::size_t table = 0; table < tables_.size(); ++table) expect(table, rows.rows(table).size());
}

/// Makes room for all rows of one table: only who asks for a whole one pays for it.
void PulledModel::expect_whole(std::size_t table) {
  Table& kept = tables_[table];
  kept.whole = true;
  if (kept.all.size() != specs_[table].size()) kept.all = FloatBuffer(specs_[table].size());
}

/// Makes room for what a read by row brings of one table.
void PulledModel::expect(std::size_t table, std::size_t selected_rows) {
  if (!specs_[table].by_row) return expect_whole(table);
  Table& kept = tables_[table];
  kept.whole = false;
  kept.entries = selected_rows * specs_[table].columns;
  if (kept.some.size() < kept.entries) kept.some = FloatBuffer(kept.entries + kept.entries / 4);
}

std::span<float> PulledModel::values(std::size_t table) {
  Table& kept = tables_[table];
  return kept.whole ? kept.all.span() : kept.some.span().first(kept.entries);
}

void PulledModel::select(const RowSelection& rows) {
  for (std::size_t table = 0; table < tables_.size(); ++table) {
    if (!specs_[table].by_row) continue;
    const std::span<const float> all = tables_[table].all.span();
    MERIDIAN_CHECK(tables_[table].whole, "rows selected of rows, table {}", specs_[table].name);
    expect(table, rows.rows(table).size());
    const std::span<float> some = values(table);
    const std::size_t columns = specs_[table].columns;
    std::size_t next = 0;
    for (const std::uint32_t row : rows.rows(table)) {
      const std::span<const float> from = all.subspan(row * columns, columns);
      std::copy(from.begin(), from.end(), some.begin() + static_cast<std::ptrdiff_t>(next));
      next += columns;
    }
  }
}

Failure PulledModel::accept(std::size_t server, const PullReply& reply, std::span<const Payload> payloads) {
  if (server >= cursors_.size() || done_[server]) return Error{"a pull reply that nobody asked for"};
  if (reply.clock != clock_)
    return Error{fmt::format("a pull reply for clock {} where {} was asked", reply.clock, clock_)};
  if (!cursors_[server].take(reply.segments)) {
    return Error{fmt::format("part {} of a pull reply is not what comes next", reply.part)};
  }
  for (std::size_t i = 0; i < reply.segments.size(); ++i) {
    const Segment& segment = reply.segments[i];
    copy_floats(values(segment.table).subspan(offsets_[server][segment.table] + segment.first, segment.count),
                payloads[i].bytes());
  }
  if (reply.last != cursors_[server].complete()) return Error{"a pull reply that ends too early or too late"};
  done_[server] = reply.last;
  return {};
}

bool PulledModel::complete() const {
  return std::all_of(done_.begin(), done_.end(), [](bool done) { return done; });
}

TablesView PulledModel::tables() const {
  views_.clear();
  for (const Table& table : tables_)
    views_.push_back(table.whole ? table.all.span() : table.some.span().first(table.entries));
  return views_;
}

}  // namespace meridian::datacenter

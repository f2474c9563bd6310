#include "wan/backlog.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/base/check.h"

namespace meridian::wan {
namespace {

using datacenter::TableRange;

float value_of(float value, bool magnitudes) { return magnitudes ? std::fabs(value) : value; }

}  // namespace

// ---- merging ----------------------------------------------------------------------------------------------

MergingBacklog::MergingBacklog(std::vector<TableRange> owned, std::vector<TableRange> shared)
    : owned_(std::move(owned)), shared_(std::move(shared)) {
  for (const TableRange& range : shared_) total_ += range.size();
  if (!shared_.empty()) flat_ = shared_.front().begin;
}

/// Memory only where something comes: at a drain, where the residual is given back meanwhile.
void MergingBacklog::allocate() {
  for (const TableRange& range : owned_) sums_.push_back(FloatBuffer::untouched_zeros(range.size()));
}

void MergingBacklog::something_came() {
  unswept_ = total_;
  if (lap_left_ > 0) return;
  lap_left_ = total_;
  lap_ = mark_;
}

void MergingBacklog::add(ChunkCutter& rest) {
  if (rest.done()) return;
  if (sums_.empty()) allocate();
  if (empty()) waiting_ = 0;
  waiting_ += rest.add_rest_to(sums_);
  something_came();
}

void MergingBacklog::put_back(const std::deque<UpdateChunk>& chunks) {
  if (!chunks.empty() && sums_.empty()) allocate();
  for (const UpdateChunk& chunk : chunks) {
    for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
      float& sum = sums_[table][flat - owned_[table].begin];
      if (sum == 0.0F) ++waiting_;
      sum += value;
    });
  }
  reached_ = {};
  lap_left_ = 0;
  if (!chunks.empty() || unswept_ > 0) something_came();
}

UpdateChunk MergingBacklog::next(std::size_t max_bytes) {
  MERIDIAN_CHECK(!empty(), "an empty backlog of {} entries", total_);
  Selection taken(owned_.size());
  std::size_t earlier_tables = 0;  // bytes
  std::size_t this_table = 0;
  while (lap_left_ > 0) {
    if (flat_ >= shared_[table_].end) {
      table_ = table_ + 1 == shared_.size() ? 0 : table_ + 1;
      flat_ = shared_[table_].begin;
      // A lap that began in the middle of the tables comes back to the first: a chunk's tables only rise.
      if (table_ == 0 && earlier_tables + this_table > 0) break;
      earlier_tables += std::exchange(this_table, 0);
      continue;
    }
    float& value = sums_[table_][flat_ - owned_[table_].begin];
    if (value != 0.0F) {
      TableSelection& entries = taken[table_];
      const std::size_t offset = flat_ - owned_[table_].begin;
      const std::size_t span = entries.size() == 0 ? 1 : offset - entries.offsets.front() + 1;
      const std::size_t bytes = update_bytes(span, entries.size() + 1);
      if (earlier_tables + bytes > max_bytes && earlier_tables + this_table > 0) break;
      this_table = bytes;
      entries.add(offset, std::exchange(value, 0.0F));
      waiting_ -= std::min<std::size_t>(waiting_, 1);
    }
    ++flat_;
    --lap_left_;
    unswept_ -= std::min<std::size_t>(unswept_, 1);
  }
  if (lap_left_ == 0) {
    reached_ = lap_;
    if (unswept_ > 0) {
      lap_left_ = total_;
      lap_ = mark_;
    }
  }
  ChunkCutter cutter(taken, owned_, shared_);
  if (cutter.done()) return {};
  UpdateChunk chunk = cutter.next(max_bytes);
  MERIDIAN_CHECK(cutter.done(), "a chunk of at most {} bytes did not take what was chosen for it", max_bytes);
  return chunk;
}

void MergingBacklog::add_to(std::vector<FloatBuffer>& sums, bool magnitudes) const {
  for (std::size_t table = 0; table < sums_.size(); ++table) {
    for (std::size_t i = 0; i < sums_[table].size(); ++i) {
      sums[table][i] += value_of(sums_[table][i], magnitudes);
    }
  }
}

Selection MergingBacklog::entries() const {
  Selection waiting(owned_.size());
  if (!sums_.empty()) select_nonzeros(sums_, waiting);
  return waiting;
}

// ---- clock by clock ---------------------------------------------------------------------------------------

void ClockQueue::add(ChunkCutter& rest) {
  if (rest.done()) return;
  auto waiting = std::make_unique<Waiting>();
  waiting->clock = mark_.clock;
  waiting->selection = rest.take_rest();
  waiting->cutter = std::make_unique<ChunkCutter>(waiting->selection, owned_, shared_);
  waiting_.push_back(std::move(waiting));
}

void ClockQueue::put_back(const std::deque<UpdateChunk>& chunks) {
  returned_.insert(returned_.begin(), chunks.begin(), chunks.end());
  if (!chunks.empty()) reached_ = {};
}

UpdateChunk ClockQueue::next(std::size_t max_bytes) {
  MERIDIAN_CHECK(!empty(), "an empty backlog of {} tables", owned_.size());
  if (!returned_.empty()) {
    UpdateChunk chunk = std::move(returned_.front());
    returned_.pop_front();
    return chunk;
  }
  Waiting& first = *waiting_.front();
  UpdateChunk chunk = first.cutter->next(max_bytes);
  chunk.header.clock = first.clock;
  if (first.cutter->done()) {
    reached_.clock = first.clock;
    waiting_.pop_front();
  }
  return chunk;
}

std::size_t ClockQueue::waiting_entries() const {
  std::size_t entries = 0;
  for (const auto& waiting : waiting_) {
    for (const TableSelection& table : waiting->selection) entries += table.size();
  }
  return entries;
}

void ClockQueue::add_to(std::vector<FloatBuffer>& sums, bool magnitudes) const {
  for (const UpdateChunk& chunk : returned_) add_chunk_to(chunk, owned_, sums, magnitudes);
  for (const auto& waiting : waiting_) {
    const Selection rest = ChunkCutter(*waiting->cutter).take_rest();
    for (std::size_t table = 0; table < rest.size(); ++table) {
      for (std::size_t i = 0; i < rest[table].size(); ++i) {
        sums[table][rest[table].offsets[i]] += value_of(rest[table].values[i], magnitudes);
      }
    }
  }
}

Selection ClockQueue::entries() const {
  std::vector<FloatBuffer> sums;
  for (const TableRange& range : owned_) sums.emplace_back(range.size());
  add_to(sums, /*magnitudes=*/true);
  Selection waiting;
  select_nonzeros(sums, waiting);
  return waiting;
}

}  // namespace meridian::wan

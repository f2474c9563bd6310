#include "wan/outgoing_link.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace meridian::wan {

using datacenter::TableRange;

OutgoingLink::OutgoingLink(Options options) : options_(std::move(options)) {
  MERIDIAN_CHECK(options_.window_bytes >= 2 * options_.chunk_bytes && options_.chunk_bytes > 0,
                 "window {}, chunk {}", options_.window_bytes, options_.chunk_bytes);
}

OutgoingLink::Options OutgoingLink::sized_for(std::vector<TableRange> owned, std::vector<TableRange> shared,
                                              double bytes_per_s, Time round_trip) {
  constexpr double kChunkSeconds = 0.050;
  constexpr double kMinChunkBytes = 4096;
  constexpr double kMaxChunkBytes = 4 * 1024 * 1024;
  std::size_t shared_bytes = 0;
  for (const TableRange& range : shared) shared_bytes += range.size() * sizeof(float);
  const double chunk = std::clamp(bytes_per_s * kChunkSeconds, kMinChunkBytes, kMaxChunkBytes);
  const double window = std::min(2 * bytes_per_s * to_seconds(round_trip), static_cast<double>(shared_bytes));
  const auto chunk_bytes = static_cast<std::size_t>(chunk);
  return {std::move(owned), std::move(shared), chunk_bytes,
          std::max(2 * chunk_bytes, static_cast<std::size_t>(window))};
}

void OutgoingLink::keep(UpdateChunk chunk, std::vector<UpdateChunk>& out) {
  chunk.header.epoch = epoch_;
  chunk.header.number = next_number_++;
  chunk.header.clock = clock_;
  unacknowledged_bytes_ += chunk.payload.size();
  out.push_back(chunk);
  kept_.push_back(std::move(chunk));
}

void OutgoingLink::offer(Clock clock, const Selection& selection, std::vector<UpdateChunk>& out) {
  begin_clock(clock);
  due_ = true;
  ChunkCutter cutter(selection, options_.owned, options_.shared);
  // What is new must not overtake what waits: it joins the backlog, which is then cut anew.
  while (!backlog_filled_ && !cutter.done() && window_open()) keep(cutter.next(options_.chunk_bytes), out);
  add_to_backlog(cutter);
  send_backlog(out);
  if (!backlog_filled_) complete_clock_ = clock_;
}

void OutgoingLink::withhold(Clock clock, const Selection& selection) {
  begin_clock(clock);
  ChunkCutter cutter(selection, options_.owned, options_.shared);
  // With nothing to withhold, what an earlier exchange left in the backlog goes on.
  if (!cutter.done()) due_ = false;
  add_to_backlog(cutter);
  if (!backlog_filled_) complete_clock_ = clock_;
}

void OutgoingLink::begin_clock(Clock clock) {
  MERIDIAN_CHECK(clock >= clock_, "clock {} after {}", clock, clock_);
  clock_ = clock;
}

void OutgoingLink::add_to_backlog(ChunkCutter& cutter) {
  if (cutter.done()) return;
  if (backlog_.empty()) {
    for (const TableRange& range : options_.owned) backlog_.emplace_back(range.size());
  }
  cutter.add_rest_to(backlog_);
  backlog_filled_ = true;
}

void OutgoingLink::send_backlog(std::vector<UpdateChunk>& out) {
  if (!backlog_filled_ || !due_ || !window_open()) return;
  Selection waiting(backlog_.size());
  for (std::size_t table = 0; table < backlog_.size(); ++table) {
    const std::span<float> sums = backlog_[table].span();
    for (std::size_t i = 0; i < sums.size(); ++i) {
      if (sums[i] != 0.0F) waiting[table].add(i, sums[i]);
      sums[i] = 0.0F;
    }
  }
  ChunkCutter cutter(waiting, options_.owned, options_.shared);
  while (!cutter.done() && window_open()) keep(cutter.next(options_.chunk_bytes), out);
  backlog_filled_ = !cutter.done();
  cutter.add_rest_to(backlog_);
  if (!backlog_filled_) complete_clock_ = clock_;
}

bool OutgoingLink::acknowledged(std::uint32_t epoch, std::uint64_t number, std::vector<UpdateChunk>& out) {
  if (epoch != epoch_ || number >= next_number_) return false;
  while (!kept_.empty() && kept_.front().header.number <= number) {
    unacknowledged_bytes_ -= kept_.front().payload.size();
    kept_.pop_front();
  }
  send_backlog(out);
  return true;
}

void OutgoingLink::add_outstanding_to(std::vector<FloatBuffer>& sums, std::uint64_t applied,
                                      bool magnitudes) const {
  const auto value_of = [&](float value) { return magnitudes ? std::fabs(value) : value; };
  for (const UpdateChunk& chunk : kept_) {
    if (chunk.header.number <= applied) continue;
    for_each_entry(chunk, [&](std::size_t table, std::size_t flat, float value) {
      sums[table][flat - options_.owned[table].begin] += value_of(value);
    });
  }
  if (!backlog_filled_) return;
  for (std::size_t table = 0; table < backlog_.size(); ++table) {
    for (std::size_t i = 0; i < backlog_[table].size(); ++i) sums[table][i] += value_of(backlog_[table][i]);
  }
}

}  // namespace meridian::wan

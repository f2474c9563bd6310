#include "wan/outgoing_link.h"

#include <algorithm>
#include <utility>

#include "src/base/check.h"
#include "wan/compact_chunk.h"

namespace meridian::wan {
namespace {

/// What the next chunk's compression is expected to be at most: where it is not, the chunk is so much longer.
constexpr double kMostCompression = 8.0;
/// And at least: Gaia's own format takes 12 bytes for the 8 of the plain one.
constexpr double kLeastCompression = 0.5;

void check_limits(const LinkLimits& limits) {
  MERIDIAN_CHECK(limits.window_bytes >= 2 * limits.chunk_bytes && limits.chunk_bytes > 0,
                 "window {}, chunk {}", limits.window_bytes, limits.chunk_bytes);
}

}  // namespace

LinkLimits limits_for(double bytes_per_s, Time round_trip, std::size_t shared_bytes) {
  constexpr double kChunkSeconds = 0.050;
  constexpr double kMinChunkBytes = 4096;
  constexpr double kMaxChunkBytes = 4 * 1024 * 1024;
  constexpr double kSlowChunkBytes =
      8 * 1024;  // half of what a connection sends before others get their turn
  const double chunk = std::clamp(bytes_per_s * kChunkSeconds, kMinChunkBytes, kMaxChunkBytes);
  // Room is made for a whole chunk, also where the last one is smaller.
  const double most = 2 * static_cast<double>(shared_bytes) + chunk;
  // While one acknowledgement for every second chunk is on its way, three more chunks keep the link busy. On
  // a slow link they would keep a control message for too long.
  const double on_the_way = bytes_per_s * to_seconds(round_trip);
  const double window =
      std::min(on_the_way + std::max(on_the_way, chunk < kSlowChunkBytes ? 0 : 3 * chunk), most);
  const auto chunk_bytes = static_cast<std::size_t>(chunk);
  return {chunk_bytes, std::max(2 * chunk_bytes, static_cast<std::size_t>(window))};
}

OutgoingLink::OutgoingLink(Options options) : options_(std::move(options)) {
  check_limits(options_.limits);
  if (options_.clocks_apart) {
    backlog_ = std::make_unique<ClockQueue>(options_.owned, options_.shared);
  } else {
    backlog_ = std::make_unique<MergingBacklog>(options_.owned, options_.shared);
  }
}

void OutgoingLink::set_limits(LinkLimits limits) {
  check_limits(limits);
  options_.limits = limits;
}

void OutgoingLink::keep(UpdateChunk chunk, std::vector<UpdateChunk>& out) {
  chunk.header.number = next_number_++;
  if (chunk.header.clock == 0) chunk.header.clock = mark_.clock;
  chunk.header.released = told_released_ = released_;
  if (chunk.payload.size() > 0) {
    chunk.encoded = encode(chunk, options_.encoding, options_.shared);
    const double compression =
        static_cast<double>(chunk.payload.size()) / static_cast<double>(chunk.encoded.size());
    compression_ = std::clamp(compression, kLeastCompression, kMostCompression);
  }
  unacknowledged_bytes_ += chunk.encoded.size();
  out.push_back(chunk);
  chunk.payload = {};
  kept_.push_back(std::move(chunk));
}

std::size_t OutgoingLink::room() const {
  return static_cast<std::size_t>(static_cast<double>(options_.limits.chunk_bytes) * compression_);
}

/// What is kept, in the plain layout.
std::deque<UpdateChunk> OutgoingLink::decoded_kept() const {
  std::deque<UpdateChunk> chunks;
  for (const UpdateChunk& chunk : kept_) {
    chunks.push_back(decode(chunk.header, chunk.encoded, options_.encoding, options_.shared).value());
  }
  return chunks;
}

void OutgoingLink::offer(Clock clock, const Selection& selection, std::vector<UpdateChunk>& out) {
  begin_clock(clock);
  due_ = true;
  ChunkCutter cutter(selection, options_.owned, options_.shared);
  // What is new must not overtake what waits: it joins the backlog.
  while (backlog_->empty() && !cutter.done() && window_open()) {
    keep(cutter.next(room()), out);
  }
  backlog_->add(cutter);
  send_backlog(out);
}

void OutgoingLink::withhold(Clock clock, const Selection& selection) {
  begin_clock(clock);
  ChunkCutter cutter(selection, options_.owned, options_.shared);
  // With nothing to withhold, what an earlier exchange left in the backlog goes on.
  if (!cutter.done()) due_ = false;
  backlog_->add(cutter);
  note_complete();
}

void OutgoingLink::begin_clock(Clock clock) {
  MERIDIAN_CHECK(clock >= mark_.clock, "clock {} after {}", clock, mark_.clock);
  mark_.clock = clock;
  backlog_->mark(mark_);
}

void OutgoingLink::announced(std::uint64_t number, std::vector<UpdateChunk>& out) {
  mark_.announced = std::max(mark_.announced, number);
  backlog_->mark(mark_);
  send_backlog(out);
}

void OutgoingLink::send_backlog(std::vector<UpdateChunk>& out) {
  while (!backlog_->empty() && due_ && window_open()) {
    UpdateChunk chunk = backlog_->next(room());
    released_ = std::max(released_, backlog_->reached().announced);
    if (!chunk.header.segments.empty()) keep(std::move(chunk), out);
    note_complete();
  }
  note_complete();
  // What was announced and has come to nothing is released by a chunk without entries.
  released_ = std::max(released_, backlog_->reached().announced);
  if (released_ > told_released_ && window_open()) keep({}, out);
}

/// Notes up to which clock everything is in numbered chunks.
void OutgoingLink::note_complete() {
  const Clock reached = backlog_->reached().clock;
  if (reached <= complete_.clock) return;
  complete_ = {reached, last_number()};
  if (!completes_.empty() && completes_.back().number == complete_.number) completes_.pop_back();
  completes_.push_back(complete_);
  if (kept_.empty()) forget_acknowledged(last_number());
}

void OutgoingLink::forget_acknowledged(std::uint64_t number) {
  while (!kept_.empty() && kept_.front().header.number <= number) {
    unacknowledged_bytes_ -= kept_.front().encoded.size();
    acknowledged_released_ = kept_.front().header.released;
    kept_.pop_front();
  }
  while (!completes_.empty() && completes_.front().number <= number) {
    acknowledged_complete_ = completes_.front();
    completes_.pop_front();
  }
}

OutgoingLink::Answer OutgoingLink::acknowledged(std::uint32_t epoch, std::uint64_t number,
                                                std::vector<UpdateChunk>& out) {
  // Of a later epoch: the request for it got lost on its way, and will come again.
  if (epoch != epoch_) return Answer::stale;
  if (number >= next_number_) return Answer::impossible;
  forget_acknowledged(number);
  send_backlog(out);
  return Answer::taken;
}

OutgoingLink::Answer OutgoingLink::resume(std::uint32_t epoch, std::uint64_t number,
                                          std::vector<UpdateChunk>& out) {
  if (epoch <= epoch_) return Answer::stale;
  if (number >= next_number_ || number < acknowledged_number()) return Answer::impossible;
  forget_acknowledged(number);
  backlog_->put_back(decoded_kept());
  kept_.clear();
  unacknowledged_bytes_ = 0;
  epoch_ = epoch;
  next_number_ = number + 1;
  completes_.clear();
  complete_ = acknowledged_complete_;
  // What lost chunks released is back in the backlog: the lap that begins now releases it again.
  released_ = told_released_ = acknowledged_released_;
  send_backlog(out);
  return Answer::taken;
}

void OutgoingLink::add_outstanding_to(std::vector<FloatBuffer>& sums, std::uint64_t applied,
                                      bool magnitudes) const {
  for (const UpdateChunk& chunk : decoded_kept()) {
    if (chunk.header.number > applied) add_chunk_to(chunk, options_.owned, sums, magnitudes);
  }
  backlog_->add_to(sums, magnitudes);
}

}  // namespace meridian::wan

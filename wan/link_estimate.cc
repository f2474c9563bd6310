#include "wan/link_estimate.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "src/base/check.h"

namespace meridian::wan {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time kMostHeld = milliseconds(100);  // by the receiver, before it acknowledges
constexpr Time kRoundTripSpan = seconds(10);
constexpr Time kShortestRateSpan = seconds(1);
constexpr Time kLongestRateSpan = seconds(10);
constexpr int kRoundTripsOfRate = 10;
constexpr Time kShortestTrain = milliseconds(90);  // below, jitter of acknowledgements counts too much
constexpr Time kLongestTrain = seconds(1);         // beyond, a new one begins, so that changes show
constexpr Time kSentSlice = milliseconds(100);
constexpr std::size_t kFewSamples = 3;
constexpr int kSlices = 10;
// Beyond, several chunks count as one. No window of ours comes near it.
constexpr std::size_t kMostOnTheWay = 4096;
constexpr Time kChunk = milliseconds(50);
constexpr double kSmallestChunk = 4096;
constexpr double kSlowest = 1;  // byte per second
constexpr double kFastest = 1e12;

}  // namespace

void LinkEstimate::RecentSmallest::add(Time now, Time span, double sample) {
  if (slices_.empty() || slices_.back().begin + span / kSlices <= now) {
    slices_.push_back({now, now, sample, 0});
  }
  Slice& slice = slices_.back();
  slice.end = now;
  slice.smallest = std::min(slice.smallest, sample);
  ++slice.samples;
  while (slices_.front().end + span < now && samples() >= slices_.front().samples + kFewSamples) {
    slices_.pop_front();
  }
}

double LinkEstimate::RecentSmallest::smallest() const {
  double smallest = std::numeric_limits<double>::infinity();
  for (const Slice& slice : slices_) smallest = std::min(smallest, slice.smallest);
  return smallest;
}

std::size_t LinkEstimate::RecentSmallest::samples() const {
  std::size_t samples = 0;
  for (const Slice& slice : slices_) samples += slice.samples;
  return samples;
}

bool LinkEstimate::RecentSmallest::covers(Time now, Time span) const {
  return !slices_.empty() && slices_.front().begin + span - span / kSlices <= now;
}

LinkEstimate::LinkEstimate(double bytes_per_s, Time round_trip)
    : bytes_per_s_(bytes_per_s), round_trip_(round_trip) {
  MERIDIAN_CHECK(bytes_per_s > 0 && round_trip >= Time(0), "{} bytes/s, {} ns", bytes_per_s,
                 round_trip.count());
}

void LinkEstimate::sent(Time now, std::uint64_t number, std::size_t bytes, bool more_waiting) {
  MERIDIAN_CHECK(on_the_way_.empty() || number > on_the_way_.back().number, "chunk {} after {}", number,
                 on_the_way_.back().number);
  if (on_the_way_.empty()) {
    // Time begins anew: the link was idle because the sender had nothing for it.
    last_arrival_ = {now, arrived_bytes_, now, false};
    arrived_since_idle_ = false;
    limited_up_to_ = number;
  }
  on_the_way_bytes_ += bytes;
  const std::int64_t index = now / kSentSlice;
  SentSlice& slice = sent_slices_[static_cast<std::size_t>(index) % kSentSlices];
  if (slice.index != index) slice = {index, 0};
  slice.bytes += bytes;
  if (!more_waiting) limited_up_to_ = number;

  if (on_the_way_.size() == kMostOnTheWay) {
    Chunk& last = on_the_way_.back();
    last.number = number;
    last.bytes += bytes;
    last.more_waiting = more_waiting;
    last.limited_by_sender = true;
    return;
  }
  // Only the first two: a long burst is a queue too.
  const bool found_link_idle = !arrived_since_idle_ && on_the_way_.size() < 2;
  on_the_way_.push_back({number, bytes, now, on_the_way_bytes_, last_arrival_, more_waiting,
                         limited_up_to_.has_value(), found_link_idle});
}

void LinkEstimate::acknowledged(Time now, std::uint64_t number) {
  if (on_the_way_.empty() || on_the_way_.front().number > number) return;
  const Chunk first = on_the_way_.front();
  Chunk newest;
  std::size_t chunks = 0;
  while (!on_the_way_.empty() && on_the_way_.front().number <= number) {
    newest = on_the_way_.front();
    on_the_way_.pop_front();
    on_the_way_bytes_ -= newest.bytes;
    arrived_bytes_ += newest.bytes;
    ++chunks;
  }
  const Arrival arrival{now, arrived_bytes_, newest.sent, chunks == 1};
  measure_round_trip(now, newest, arrival.single);
  measure_delivery(newest, arrival);
  measure_train(first, arrival);

  last_arrival_ = arrival;
  arrived_since_idle_ = true;
  more_waited_behind_last_arrival_ = newest.more_waiting;
  if (limited_up_to_ && *limited_up_to_ <= number) limited_up_to_.reset();
}

// From the last arrival when the newest chunk went out until now, and at least as long as its sending took,
// so that acknowledgements that come in a heap do not count as a fast link (Cardwell et al.).
void LinkEstimate::measure_delivery(const Chunk& newest, const Arrival& arrival) {
  const Time arriving = arrival.at - newest.before.at;
  const Time sending = newest.sent - newest.before.newest_sent;
  Time took = std::max(arriving, sending);
  bool only_raises = newest.limited_by_sender;
  if (newest.before.single != arrival.single) {
    // Not comparable: the arrival before may have been acknowledged late.
    if (newest.before.single) took += kMostHeld;
    only_raises = true;
  }
  // What was possible long ago raises nothing.
  if (took <= Time(0) || (only_raises && took > rate_span())) return;
  take_rate(arrival.at, static_cast<double>(arrival.bytes - newest.before.bytes) / to_seconds(took),
            only_raises);
}

// A train goes on while each chunk was in the queue when the one before it left: then the link was never
// idle, and the pace of the acknowledgements is its rate, whatever the window.
void LinkEstimate::measure_train(const Chunk& first, const Arrival& arrival) {
  const bool queued =
      arrived_since_idle_ && more_waited_behind_last_arrival_ && first.sent + round_trip_ <= last_arrival_.at;
  if (!queued || !train_ || train_->single != arrival.single) {
    train_ = arrival;
    return;
  }
  const Time took = std::max(arrival.at - train_->at, arrival.newest_sent - train_->newest_sent);
  if (took < kShortestTrain) return;
  take_rate(arrival.at, static_cast<double>(arrival.bytes - train_->bytes) / to_seconds(took), false);
  if (took >= kLongestTrain) train_ = arrival;
}

Time LinkEstimate::rate_span() const {
  return std::clamp(kRoundTripsOfRate * round_trip_, kShortestRateSpan, kLongestRateSpan);
}

void LinkEstimate::take_rate(Time now, double bytes_per_s, bool only_raises) {
  if (only_raises && bytes_per_s <= bytes_per_s_) return;
  seconds_per_byte_.add(now, rate_span(), 1 / std::clamp(bytes_per_s, kSlowest, kFastest));
  bytes_per_s_ = 1 / seconds_per_byte_.smallest();
}

void LinkEstimate::measure_round_trip(Time now, const Chunk& newest, bool single) {
  const Time took = now - newest.sent;
  if (newest.found_link_idle) {
    idle_round_trips_.add(now, kRoundTripSpan, to_seconds(took));
    beyond_own_queue_ = {};
    round_trip_ = from_seconds(idle_round_trips_.smallest());
    return;
  }
  // On a link that is never idle, our own queue is part of every sample. What exceeds the longest that it can
  // be is the path's, if it stays so for the whole span.
  const double queue = static_cast<double>(newest.on_the_way_bytes) / bytes_per_s_;
  const double held = single ? to_seconds(kMostHeld) : 0;
  beyond_own_queue_.add(now, kRoundTripSpan, std::max(0.0, to_seconds(took) - queue - held));
  if (beyond_own_queue_.covers(now, kRoundTripSpan)) {
    round_trip_ = std::max(round_trip_, from_seconds(beyond_own_queue_.smallest()));
  }
}

void LinkEstimate::interrupted() {
  on_the_way_.clear();
  on_the_way_bytes_ = 0;
  // The next chunk finds the link idle, and with that everything else begins anew.
  beyond_own_queue_ = {};
}

std::size_t LinkEstimate::chunk_bytes() const {
  const double bytes = to_seconds(kChunk) * std::min(bytes_per_s_, kFastest);
  return static_cast<std::size_t>(std::max(bytes, kSmallestChunk));
}

std::size_t LinkEstimate::window_bytes() const {
  const double trip = to_seconds(round_trip_) * std::min(bytes_per_s_, kFastest);
  return static_cast<std::size_t>(trip + std::max(trip, 3.0 * static_cast<double>(chunk_bytes())));
}

double LinkEstimate::utilization(Time now) const {
  const std::int64_t newest = now / kSentSlice;
  const std::int64_t oldest = newest - static_cast<std::int64_t>(kSentSlices) + 1;
  std::uint64_t bytes = 0;
  for (const SentSlice& slice : sent_slices_) {
    if (slice.index >= oldest && slice.index <= newest) bytes += slice.bytes;
  }
  const double covered = to_seconds(std::max(now - oldest * kSentSlice, kSentSlice));
  return std::clamp(static_cast<double>(bytes) / (bytes_per_s_ * covered), 0.0, 1.0);
}

}  // namespace meridian::wan

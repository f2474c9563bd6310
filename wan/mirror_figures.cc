#include "wan/mirror_figures.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "wan/mirror.h"

namespace meridian::wan {

MirrorFigures Mirror::figures(Time now) const {
  MirrorFigures figures;
  figures.entries_considered = entries_considered_;
  figures.entries_sent = entries_sent_;
  if (const Clock bound = staleness_bound(); bound != kClockDone) figures.bound = bound;
  const Clock clock = std::max<Clock>(1, closed_);
  for (std::size_t table = 0; table < store_.tables(); ++table) {
    figures.thresholds.push_back(mode_.what->threshold(
        {.clock = clock, .table = table, .learning_rate_ratio = options_.learning_rate.ratio(clock)}));
  }
  figures.residual_norms = difference_.residual_norms;
  figures.difference_bound = difference_.bound;
  figures.protocol_violations = violations_;
  // Where nothing is ever sent nobody is a peer.
  if (!mode_.what->sends()) return figures;
  for (std::size_t n = 0; n < options_.neighbours.size(); ++n) figures.peers.push_back(peer_figures(now, n));
  return figures;
}

PeerFigures Mirror::peer_figures(Time now, std::size_t neighbour) const {
  const Neighbour& about = options_.neighbours[neighbour];
  PeerFigures peer;
  peer.name = about.name;
  const auto shown = [&](Clock clock) { return clock == kClockDone ? closed_ : clock; };
  peer.reported = shown(peer_clocks_[neighbour].reported);
  peer.applied = shown(peer_clocks_[neighbour].applied);
  peer.lag = closed_ - std::min(closed_, peer.reported);
  peer.present = !absences_.has_left(neighbour);
  peer.sent = bytes_[neighbour];
  peer.sent_messages = sent_messages_[neighbour];
  peer.received_messages = received_messages_[neighbour];
  peer.configured_rate_bytes_per_s = about.bytes_per_s;
  peer.threshold_scale = threshold_scales_[neighbour];
  for (const Session& session : sessions_) {
    if (session.neighbour != neighbour) continue;
    peer.silence = std::max(peer.silence, membership_.silent_for(now, session.id));
    peer.rate_bytes_per_s = std::max(peer.rate_bytes_per_s, session.estimate.bytes_per_s());
    peer.round_trip = std::max(peer.round_trip, session.estimate.round_trip());
    peer.utilization = std::max(peer.utilization, session.estimate.utilization(now));
    peer.backlog_entries += session.out.waiting_entries();
    peer.unacknowledged_bytes += session.out.unacknowledged_bytes();
    peer.window_bytes += session.out.limits().window_bytes;
    peer.breaks += session.in.breaks();
    peer.resumes += session.out.epoch() - 1;
    peer.announcements_in += session.barrier_in.open();
    peer.announcements_out += session.barrier_out.open().size();
  }
  return peer;
}

double Mirror::measure_difference() {
  difference_ = difference();
  return difference_.bound;
}

double Mirror::difference_bound() const { return difference().bound; }

namespace {

/// Several maxima side by side: each step of one would wait for the step before.
double largest_magnitude(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  std::array<float, kLanes> most{};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const float magnitude = std::fabs(values[i + lane]);
      most[lane] = magnitude > most[lane] ? magnitude : most[lane];
    }
  }
  for (; i < values.size(); ++i) most[0] = std::max(most[0], std::fabs(values[i]));
  return static_cast<double>(*std::max_element(most.begin(), most.end()));
}

/// The same for sums, in single precision within a block only.
double norm_of(std::span<const float> values) {
  constexpr std::size_t kLanes = 8;
  constexpr std::size_t kBlock = 4096;
  double sum = 0.0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::span<const float> block = values.subspan(begin, std::min(kBlock, values.size() - begin));
    std::array<float, kLanes> squares{};
    std::size_t i = 0;
    for (; i + kLanes <= block.size(); i += kLanes) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) squares[lane] += block[i + lane] * block[i + lane];
    }
    for (; i < block.size(); ++i) squares[0] += block[i] * block[i];
    sum += std::accumulate(squares.begin(), squares.end(), 0.0);
  }
  return std::sqrt(sum);
}

}  // namespace

Mirror::Difference Mirror::difference() const {
  Difference found;
  if (!mode_.what->sends()) return found;
  found.residual_norms.assign(store_.tables(), 0.0);
  std::vector<double> scales;
  for (std::size_t table = 0; table < store_.tables(); ++table)
    scales.push_back(largest_magnitude(store_.values(table)));
  std::vector<FloatBuffer> owed;  // memory of a model's size, only where anything is
  for (const Session& session : sessions_) {
    const bool nothing_is = mode_.merge->drained_towards(session.neighbour) &&
                            session.out.unacknowledged_bytes() == 0 && !session.out.has_backlog();
    if (nothing_is) continue;
    if (owed.empty()) {
      for (const datacenter::TableRange& range : store_.ranges()) owed.emplace_back(range.size());
    }
    for (FloatBuffer& table : owed) std::fill_n(table.data(), table.size(), 0.0F);
    mode_.merge->add_residual_to(session.neighbour, owed, /*magnitudes=*/true);
    for (std::size_t table = 0; table < owed.size(); ++table) {
      found.residual_norms[table] = std::max(found.residual_norms[table], norm_of(owed[table].span()));
    }
    session.out.add_outstanding_to(owed, /*applied=*/0, /*magnitudes=*/true);
    for (std::size_t table = 0; table < owed.size(); ++table) {
      if (scales[table] > 0.0)
        found.bound = std::max(found.bound, largest_magnitude(owed[table].span()) / scales[table]);
    }
  }
  return found;
}

}  // namespace meridian::wan

// Between the threads that serve metrics and the one that owns what is measured: a scrape asks for a
// snapshot, the owner makes one when it comes to it. So nothing is updated while nobody looks, and nothing
// that the owner has needs a lock.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "src/base/result.h"
#include "src/monitoring/look_rhythm.h"
#include "src/monitoring/metric_set.h"

namespace meridian::monitoring {

/// Collect() may be called from any thread, everything else is the owner's.
class ScrapeGate final : public prometheus::Collectable {
 public:
  /// How long a scrape waits for the owner; then it gets the last snapshot, and how old that is.
  static constexpr std::chrono::milliseconds kLongestWait{2000};

  /// `common`: labels of every sample, as in the snapshots.
  static Result<std::shared_ptr<ScrapeGate>> create(Labels common);
  ~ScrapeGate() override;
  ScrapeGate(const ScrapeGate&) = delete;
  ScrapeGate& operator=(const ScrapeGate&) = delete;

  /// Readable while somebody asks.
  int fd() const { return fd_; }
  /// Gives those who ask a new snapshot.
  void answer(std::vector<prometheus::MetricFamily> snapshot);
  /// The last one: whoever asks from now on gets it at once.
  void close(std::vector<prometheus::MetricFamily> snapshot);

  /// After close(): for how long, at most `most`, somebody may be expected to look (LookRhythm).
  std::chrono::milliseconds expected_within(std::chrono::milliseconds most) const;

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  using WallClock = std::chrono::steady_clock;

  void set(std::vector<prometheus::MetricFamily> snapshot, bool last);

  ScrapeGate(Labels common, int fd) : common_(std::move(common)), fd_(fd) {}

  Labels common_;
  int fd_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::uint64_t asked_ = 0;
  mutable LookRhythm rhythm_;
  std::uint64_t answered_ = 0;  // all asks up to this one
  bool closed_ = false;
  WallClock::time_point answered_at_ = WallClock::now();
  std::shared_ptr<const std::vector<prometheus::MetricFamily>> snapshot_;
};

}  // namespace meridian::monitoring

#include "src/monitoring/scrape_gate.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace meridian::monitoring {

Result<std::shared_ptr<ScrapeGate>> ScrapeGate::create(Labels common) {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) return Error{fmt::format("no descriptor for metrics: {}", std::strerror(errno))};
  return std::shared_ptr<ScrapeGate>(new ScrapeGate(std::move(common), fd));
}

ScrapeGate::~ScrapeGate() { ::close(fd_); }

void ScrapeGate::answer(std::vector<prometheus::MetricFamily> snapshot) {
  std::uint64_t ignored = 0;
  (void)!::read(fd_, &ignored, sizeof ignored);
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
    answered_ = asked_;
    answered_at_ = WallClock::now();
  }
  changed_.notify_all();
}

void ScrapeGate::close(std::vector<prometheus::MetricFamily> snapshot) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  answer(std::move(snapshot));
}

void ScrapeGate::wait_until_seen(std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  if (!between_asks_) return;
  const WallClock::duration longest = std::min<WallClock::duration>(most, *between_asks_ * 3 / 2);
  changed_.wait_for(lock, longest, [this] { return last_was_seen_; });
}

std::vector<prometheus::MetricFamily> ScrapeGate::Collect() const {
  std::unique_lock lock(mutex_);
  const WallClock::time_point now = WallClock::now();
  if (asked_at_) between_asks_ = now - *asked_at_;
  asked_at_ = now;
  const std::uint64_t mine = ++asked_;
  if (!closed_) {
    const std::uint64_t one = 1;
    (void)!::write(fd_, &one, sizeof one);
    changed_.wait_for(lock, kLongestWait, [&] { return closed_ || answered_ >= mine; });
  }
  std::vector<prometheus::MetricFamily> families = snapshot_;
  MetricSet age(common_);
  age.add("meridian_snapshot_age_seconds",
          std::chrono::duration<double>(WallClock::now() - answered_at_).count());
  for (prometheus::MetricFamily& family : age.take()) families.push_back(std::move(family));
  if (closed_) {
    last_was_seen_ = true;
    changed_.notify_all();
  }
  return families;
}

}  // namespace meridian::monitoring

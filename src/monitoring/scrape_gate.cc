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

void ScrapeGate::set(std::vector<prometheus::MetricFamily> snapshot, bool last) {
  std::uint64_t ignored = 0;
  (void)!::read(fd_, &ignored, sizeof ignored);
  auto made = std::make_shared<const std::vector<prometheus::MetricFamily>>(std::move(snapshot));
  {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(made);
    answered_ = asked_;
    answered_at_ = WallClock::now();
    closed_ = closed_ || last;
  }
  changed_.notify_all();
}

void ScrapeGate::answer(std::vector<prometheus::MetricFamily> snapshot) {
  set(std::move(snapshot), /*last=*/false);
}

void ScrapeGate::close(std::vector<prometheus::MetricFamily> snapshot) {
  set(std::move(snapshot), /*last=*/true);
}

std::chrono::milliseconds ScrapeGate::expected_within(std::chrono::milliseconds most) const {
  const std::lock_guard lock(mutex_);
  const Time longest = rhythm_.expected_within(WallClock::now().time_since_epoch(), most);
  return std::chrono::ceil<std::chrono::milliseconds>(longest);
}

std::vector<prometheus::MetricFamily> ScrapeGate::Collect() const {
  std::shared_ptr<const std::vector<prometheus::MetricFamily>> snapshot;
  WallClock::time_point made;
  {
    std::unique_lock lock(mutex_);
    rhythm_.looked(WallClock::now().time_since_epoch());
    const std::uint64_t mine = ++asked_;
    if (!closed_) {
      const std::uint64_t one = 1;
      (void)!::write(fd_, &one, sizeof one);
      changed_.wait_for(lock, kLongestWait, [&] { return closed_ || answered_ >= mine; });
    }
    snapshot = snapshot_;
    made = answered_at_;
  }
  std::vector<prometheus::MetricFamily> families;
  if (snapshot != nullptr) families = *snapshot;
  MetricSet age(common_);
  age.add("meridian_snapshot_age_seconds", std::chrono::duration<double>(WallClock::now() - made).count());
  for (prometheus::MetricFamily& family : age.take()) families.push_back(std::move(family));
  return families;
}

}  // namespace meridian::monitoring

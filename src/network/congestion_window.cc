#include "src/network/congestion_window.h"

#include <algorithm>

#include "src/base/check.h"

namespace meridian {

namespace {

constexpr double kSegment = CongestionWindow::kSegmentBytes;
constexpr double kLeastWindow = 2 * kSegment;
// Beyond this no link of ours is limited by a window.
constexpr double kLargestWindow = 1e12;

}  // namespace

std::size_t CongestionWindow::room() const {
  const auto window = static_cast<std::size_t>(window_);
  return window > outstanding_ ? window - outstanding_ : 0;
}

void CongestionWindow::on_sent(std::size_t bytes) {
  outstanding_ += bytes;
  sent_ += bytes;
}

void CongestionWindow::on_acknowledged(std::size_t bytes) {
  MERIDIAN_CHECK(bytes <= outstanding_, "{} bytes acknowledged of {}", bytes, outstanding_);
  // Who does not fill the window learns nothing about a larger one (RFC 7661).
  const bool filled = 2.0 * static_cast<double>(outstanding_) >= window_;
  outstanding_ -= bytes;
  acknowledged_ += bytes;
  if (!filled || recovering()) return;
  const auto count = static_cast<double>(bytes);
  window_ += window_ < slow_start_until_ ? count : count * kSegment / window_;
  window_ = std::min(window_, kLargestWindow);
}

void CongestionWindow::on_loss() {
  if (recovering()) return;
  slow_start_until_ = std::max(window_ / 2, kLeastWindow);
  window_ = slow_start_until_;
  recovered_at_ = sent_;
}

void CongestionWindow::on_timeout() {
  slow_start_until_ = std::max(window_ / 2, kLeastWindow);
  window_ = kSegment;
  recovered_at_ = acknowledged_;
}

}  // namespace meridian

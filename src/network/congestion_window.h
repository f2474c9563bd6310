// How much one TCP connection keeps on the way while its link loses segments: slow start, congestion
// avoidance, and half as much after a loss (Reno: RFC 5681, with the initial window of RFC 6928). Under
// random loss its throughput comes out near the formula of Mathis et al. (1997): segment / round trip x
// sqrt(3 / (2 loss)).
#pragma once

#include <cstddef>
#include <cstdint>

namespace meridian {

/// A pure state machine; everything in bytes.
class CongestionWindow {
 public:
  static constexpr std::size_t kSegmentBytes = 1448;  ///< TCP payload in a frame of 1500 bytes

  /// How much more may be sent now.
  std::size_t room() const;

  void on_sent(std::size_t bytes);
  /// They have left the window, acknowledged or given up for lost.
  void on_acknowledged(std::size_t bytes);
  /// The sender learns of a loss. Several within one window count once.
  void on_loss();
  /// It learned of it by nothing but time: starts again with one segment.
  void on_timeout();

  std::size_t window_bytes() const { return static_cast<std::size_t>(window_); }
  std::size_t outstanding_bytes() const { return outstanding_; }

 private:
  bool recovering() const { return acknowledged_ < recovered_at_; }

  double window_ = 10.0 * kSegmentBytes;
  double slow_start_until_ = 1e18;
  std::size_t outstanding_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t recovered_at_ = 0;  // in bytes acknowledged
};

}  // namespace meridian

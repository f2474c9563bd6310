// Bits one after the other in bytes, the lowest bit of a byte first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace meridian::wan {

class BitWriter {
 public:
  /// Appends to `out`, which must outlive it.
  explicit BitWriter(std::vector<std::byte>& out) : out_(out) {}

  /// Writes the lowest `count` bits of `bits`, at most 32; the others are 0.
  void put(std::uint64_t bits, unsigned count) {
    pending_ |= bits << filled_;
    filled_ += count;
    while (filled_ >= 8) {
      out_.push_back(static_cast<std::byte>(pending_ & 0xFF));
      pending_ >>= 8;
      filled_ -= 8;
    }
  }

  /// `count` zeros and a one.
  void put_unary(std::uint64_t count) {
    for (; count >= 31; count -= 31) put(0, 31);
    put(std::uint64_t{1} << count, static_cast<unsigned>(count) + 1);
  }

  /// Fills the last byte with zeros.
  void finish() {
    if (filled_ > 0) out_.push_back(static_cast<std::byte>(pending_ & 0xFF));
    pending_ = 0;
    filled_ = 0;
  }

 private:
  std::vector<std::byte>& out_;
  std::uint64_t pending_ = 0;
  unsigned filled_ = 0;
};

/// Reads what a BitWriter wrote. Beyond the end it reads zeros and is overrun().
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  /// The next `count` bits, at most 32.
  std::uint32_t take(unsigned count) {
    fill(count);
    const auto bits = static_cast<std::uint32_t>(pending_ & ((std::uint64_t{1} << count) - 1));
    drop(count);
    return bits;
  }

  /// How many zeros come before the next one; nothing where that is more than `most` or beyond the end.
  std::optional<std::uint64_t> take_unary(std::uint64_t most) {
    std::uint64_t zeros = 0;
    while (true) {
      fill(32);
      if (pending_ != 0) {
        const auto more = static_cast<unsigned>(std::countr_zero(pending_));
        zeros += more;
        drop(more + 1);
        return zeros <= most && !overrun_ ? std::optional(zeros) : std::nullopt;
      }
      zeros += filled_;
      drop(filled_);
      if (zeros > most || next_ >= bytes_.size()) return std::nullopt;
    }
  }

  bool overrun() const { return overrun_; }
  /// Bytes of which at least one bit was taken.
  std::size_t bytes_taken() const { return next_ - filled_ / 8; }

 private:
  void fill(unsigned wanted) {
    while (filled_ < wanted && next_ < bytes_.size()) {
      pending_ |= std::uint64_t{std::to_integer<std::uint8_t>(bytes_[next_++])} << filled_;
      filled_ += 8;
    }
  }
  void drop(unsigned count) {
    if (count > filled_) {
      overrun_ = true;
      count = filled_;
    }
    pending_ = count < 64 ? pending_ >> count : 0;
    filled_ -= count;
  }

  std::span<const std::byte> bytes_;
  std::size_t next_ = 0;
  std::uint64_t pending_ = 0;
  unsigned filled_ = 0;
  bool overrun_ = false;
};

}  // namespace meridian::wan

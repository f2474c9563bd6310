// Bits one after the other in bytes, the lowest bit of a byte first. Both sides move whole words of 64 bits.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace meridian::wan {

static_assert(std::endian::native == std::endian::little, "words of bits are little endian");

/// At most so many bits are put or taken at once: they and those of a byte begun before fit into a word.
inline constexpr unsigned kMostBitsAtOnce = 56;

class BitWriter {
 public:
  /// Bytes that it may write, as zeros, after the last that it returns.
  static constexpr std::size_t kSlack = sizeof(std::uint64_t);

  /// Writes to `out`, which has room for all that is put and kSlack bytes more.
  explicit BitWriter(std::byte* out) : out_(out) {}

  /// Writes the lowest `count` bits of `bits`, at most kMostBitsAtOnce; the others are 0.
  void put(std::uint64_t bits, unsigned count) {
    pending_ |= bits << filled_;
    filled_ += count;
    std::memcpy(out_, &pending_, sizeof(pending_));
    out_ += filled_ / 8;
    pending_ >>= filled_ & ~7U;
    filled_ &= 7U;
  }

  /// `count` zeros and a one.
  void put_unary(std::uint64_t count) {
    for (; count >= kMostBitsAtOnce; count -= kMostBitsAtOnce) put(0, kMostBitsAtOnce);
    put(std::uint64_t{1} << count, static_cast<unsigned>(count) + 1);
  }

  /// One past the last byte. The bits that are left in it are zeros.
  std::byte* end() const { return out_ + (filled_ > 0 ? 1 : 0); }

 private:
  std::byte* out_;
  std::uint64_t pending_ = 0;
  unsigned filled_ = 0;
};

/// Reads what a BitWriter wrote. Beyond the end it reads zeros and is overrun().
class BitReader {
 public:
  explicit BitReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  /// The bits that come next: at least kMostBitsAtOnce, those beyond the end as zeros.
  std::uint64_t peek() const {
    const std::size_t at = taken_ / 8;
    std::uint64_t word = 0;
    if (at + sizeof(word) <= bytes_.size()) {
      std::memcpy(&word, bytes_.data() + at, sizeof(word));
    } else if (at < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + at, bytes_.size() - at);
    }
    return word >> (taken_ % 8);
  }

  /// Takes so many bits.
  void skip(unsigned count) { taken_ += count; }

  /// The next `count` bits, at most kMostBitsAtOnce.
  std::uint64_t take(unsigned count) {
    const std::uint64_t bits = peek() & ((std::uint64_t{1} << count) - 1);
    taken_ += count;
    return bits;
  }

  /// How many zeros come before the next one; nothing where that is more than `most` or beyond the end.
  std::optional<std::uint64_t> take_unary(std::uint64_t most) {
    std::uint64_t zeros = 0;
    while (true) {
      const std::uint64_t seen = peek();
      if (seen != 0) {
        const auto more = static_cast<unsigned>(std::countr_zero(seen));
        zeros += more;
        taken_ += more + 1;
        return zeros <= most ? std::optional(zeros) : std::nullopt;
      }
      zeros += kMostBitsAtOnce;
      taken_ += kMostBitsAtOnce;
      if (zeros > most || overrun()) return std::nullopt;
    }
  }

  bool overrun() const { return taken_ > bytes_.size() * 8; }
  /// Bytes of which at least one bit was taken. Requires !overrun().
  std::size_t bytes_taken() const { return (taken_ + 7) / 8; }

 private:
  std::span<const std::byte> bytes_;
  std::uint64_t taken_ = 0;
};

}  // namespace meridian::wan

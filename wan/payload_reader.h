// Bytes of a payload one after another, and whole numbers in as few of them as they need (seven bits a byte,
// the lowest first).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "wan/encoded_bytes.h"

namespace meridian::wan {

inline std::size_t varint_bytes(std::size_t value) {
  std::size_t bytes = 1;
  while (value >>= 7) ++bytes;
  return bytes;
}

inline void append_varint(EncodedBytes& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::byte>(0x80 | (value & 0x7f)));
  out.push_back(static_cast<std::byte>(value));
}

/// Takes bytes off a payload's front; whoever takes more than there is gets nothing.
class PayloadReader {
 public:
  explicit PayloadReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  bool at_end() const { return bytes_.empty(); }
  std::size_t left() const { return bytes_.size(); }

  std::optional<std::span<const std::byte>> take(std::size_t count) {
    if (count > bytes_.size()) return {};
    const std::span<const std::byte> taken = bytes_.first(count);
    bytes_ = bytes_.subspan(count);
    return taken;
  }

  /// A number in as few bytes as it needs.
  std::optional<std::uint64_t> take_varint() {
    constexpr std::size_t kMaxVarintBytes = 6;  // 42 bits: more than any index
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < kMaxVarintBytes; ++i) {
      const auto byte = take(1);
      if (!byte) return {};
      const auto bits = std::to_integer<std::uint64_t>(byte->front());
      value |= (bits & 0x7f) << (7 * i);
      if ((bits & 0x80) == 0) return bits == 0 && i > 0 ? std::nullopt : std::optional(value);
    }
    return {};
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace meridian::wan

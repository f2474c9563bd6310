// Golomb's code of whole numbers (S. W. Golomb, "Run-length encodings", 1966): the quotient by a parameter in
// unary, the remainder in as few bits as it needs. Best for gaps between entries that are chosen by chance,
// with the parameter that Gallager and Van Voorhis gave ("Optimal source codes for geometrically distributed
// integer alphabets", 1975).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "wan/bit_stream.h"

namespace meridian::wan {

class GolombCode {
 public:
  /// For the gaps between `count` entries of `span`: nearly ln 2 times the mean distance, in whole numbers,
  /// so that both sides of a link find the same. Requires 0 < count <= span <= 2^32.
  static GolombCode for_gaps(std::uint64_t count, std::uint64_t span) {
    constexpr std::uint64_t kOne = 1U << 16U;
    constexpr std::uint64_t kLogarithmOf2 = 45'426;  // times kOne
    return GolombCode(static_cast<std::uint32_t>(
        std::max<std::uint64_t>(1, (span * kLogarithmOf2 + count * (kOne / 2)) / (count * kOne))));
  }

  /// Requires a parameter of at least 1.
  explicit GolombCode(std::uint32_t parameter)
      : parameter_(parameter),
        short_bits_(static_cast<unsigned>(std::bit_width(parameter)) - 1),
        shorts_((std::uint64_t{2} << short_bits_) - parameter) {}

  /// Bits of one number.
  std::uint64_t bits(std::uint32_t number) const {
    return std::uint64_t{number / parameter_} + 1 + short_bits_ + (number % parameter_ >= shorts_ ? 1 : 0);
  }

  void put(std::uint32_t number, BitWriter& out) const {
    out.put_unary(number / parameter_);
    const std::uint64_t rest = number % parameter_;
    if (rest < shorts_) return out.put(rest, short_bits_);
    const std::uint64_t longer = rest + shorts_;
    out.put((longer >> 1U) | (longer & 1U) << short_bits_, short_bits_ + 1);
  }

  /// The next number; nothing where its quotient is beyond `most` / the parameter, or the bits are at an end.
  std::optional<std::uint64_t> take(BitReader& in, std::uint64_t most) const {
    const auto quotient = in.take_unary(most / parameter_);
    if (!quotient) return {};
    std::uint64_t rest = in.take(short_bits_);
    if (rest >= shorts_) rest = (rest << 1U | in.take(1)) - shorts_;
    return *quotient * parameter_ + rest;
  }

 private:
  std::uint32_t parameter_;
  unsigned short_bits_;   ///< of the remainders that take fewer bits; the others take one more
  std::uint64_t shorts_;  ///< how many these are
};

}  // namespace meridian::wan

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
  __extension__ using Wide = unsigned __int128;

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
        inverse_(~std::uint64_t{0} / parameter + 1),
        short_bits_(static_cast<unsigned>(std::bit_width(parameter)) - 1),
        shorts_((std::uint64_t{2} << short_bits_) - parameter) {}

  /// Bits of one number.
  std::uint64_t bits(std::uint32_t number) const {
    const std::uint32_t quotient = quotient_of(number);
    const std::uint64_t rest = number - quotient * parameter_;
    return std::uint64_t{quotient} + 1 + short_bits_ + (rest >= shorts_ ? 1 : 0);
  }

  void put(std::uint32_t number, BitWriter& out) const {
    const std::uint32_t quotient = quotient_of(number);
    const std::uint64_t rest = number - quotient * parameter_;
    const std::uint64_t longer = rest + shorts_;
    const bool is_long = rest >= shorts_;
    const std::uint64_t code = is_long ? longer >> 1U | (longer & 1U) << short_bits_ : rest;
    const unsigned bits = short_bits_ + (is_long ? 1 : 0);
    if (quotient + 1 + bits > kMostBitsAtOnce) {
      out.put_unary(quotient);
      return out.put(code, bits);
    }
    out.put((code << 1U | 1U) << quotient, quotient + 1 + bits);
  }

  /// The next number; nothing where that is certainly beyond `most`, or the bits are at an end. Beyond the
  /// end of the bits are zeros: whether they were taken, the reader knows.
  std::optional<std::uint64_t> take(BitReader& in, std::uint64_t most) const {
    const std::uint64_t seen = in.peek();
    const auto zeros = static_cast<unsigned>(std::countr_zero(seen));
    if (seen == 0 || zeros + 2 + short_bits_ > kMostBitsAtOnce) return take_in_parts(in, most);
    // All of it is in view: the quotient, the remainder, and the bit that a long one has more.
    const std::uint64_t after = seen >> (zeros + 1);
    const std::uint64_t brief = after & ((std::uint64_t{1} << short_bits_) - 1);
    const bool is_long = brief >= shorts_;
    const std::uint64_t longer = (brief << 1U | (after >> short_bits_ & 1U)) - shorts_;
    in.skip(zeros + 1 + short_bits_ + (is_long ? 1 : 0));
    return std::uint64_t{zeros} * parameter_ + (is_long ? longer : brief);
  }

 private:
  /// number / parameter_ by a product (D. Lemire et al., "Faster remainder by direct computation", 2019).
  std::uint32_t quotient_of(std::uint32_t number) const {
    if (parameter_ == 1) return number;
    return static_cast<std::uint32_t>((Wide{inverse_} * number) >> 64U);
  }

  std::optional<std::uint64_t> take_in_parts(BitReader& in, std::uint64_t most) const {
    const auto quotient = in.take_unary(most / parameter_);
    if (!quotient) return {};
    std::uint64_t rest = in.take(short_bits_);
    if (rest >= shorts_) rest = (rest << 1U | in.take(1)) - shorts_;
    return *quotient * parameter_ + rest;
  }

  std::uint32_t parameter_;
  std::uint64_t inverse_;  ///< 2^64 / the parameter, rounded up
  unsigned short_bits_;    ///< of the remainders that take fewer bits; the others take one more
  std::uint64_t shorts_;   ///< how many these are
};

}  // namespace meridian::wan

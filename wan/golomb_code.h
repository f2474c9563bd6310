// Golomb's code of whole numbers (S. W. Golomb, "Run-length encodings", 1966): the quotient by a parameter in
// unary, the remainder in as few bits as it needs. Best for gaps between entries that are chosen by chance,
// with the parameter that Gallager and Van Voorhis gave ("Optimal source codes for geometrically distributed
// integer alphabets", 1975).
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

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
  /// Bits of `count` numbers whose quotients, and how many of whose remainders reach shorts(), were added up.
  std::uint64_t bits(std::uint64_t count, std::uint64_t quotients, std::uint64_t longs) const {
    return quotients + count * (1 + short_bits_) + longs;
  }

  std::uint32_t parameter() const { return parameter_; }
  /// A remainder below this takes a bit less than others.
  std::uint64_t shorts() const { return shorts_; }

  void put(std::uint32_t number, BitWriter& out) const {
    const std::uint32_t quotient = quotient_of(number);
    const std::uint64_t rest = number - quotient * parameter_;
    const std::uint64_t longer = rest + shorts_;
    const std::uint64_t is_long = rest >= shorts_ ? 1 : 0;
    // By a mask: which ones are long is hard to predict.
    const std::uint64_t long_code = longer >> 1U | (longer & 1U) << short_bits_;
    const std::uint64_t code = rest ^ ((rest ^ long_code) & (std::uint64_t{0} - is_long));
    const unsigned bits = short_bits_ + static_cast<unsigned>(is_long);
    if (quotient + 1 + bits > kMostBitsAtOnce) {
      out = put_in_parts(out, quotient, code, bits);
      return;
    }
    out.put((code << 1U | 1U) << quotient, quotient + 1 + bits);
  }

  /// What take() returns for none: more than any number.
  static constexpr std::uint64_t kNone = ~std::uint64_t{0};

  /// The next number; kNone where that is certainly beyond `most`, or the bits are at an end. Beyond the end
  /// of the bits are zeros: whether they were taken, the reader knows.
  std::uint64_t take(BitReader& in, std::uint64_t most) const {
    const std::uint64_t seen = in.peek();
    const auto zeros = static_cast<unsigned>(std::countr_zero(seen));
    if (seen == 0 || zeros + 2 + short_bits_ > kMostBitsAtOnce) {
      const auto [number, after] = take_in_parts(in, most);
      in = after;
      return number;
    }
    // All of it is in view: the quotient, the remainder, and the bit that a long one has more.
    const std::uint64_t after = seen >> (zeros + 1);
    const std::uint64_t brief = after & ((std::uint64_t{1} << short_bits_) - 1);
    const std::uint64_t is_long = brief >= shorts_ ? 1 : 0;
    const std::uint64_t more = brief + (after >> short_bits_ & 1U) - shorts_;
    in.skip(zeros + 1 + short_bits_ + static_cast<unsigned>(is_long));
    return std::uint64_t{zeros} * parameter_ + brief + (more & (std::uint64_t{0} - is_long));
  }

 private:
  /// number / parameter_ by a product (D. Lemire et al., "Faster remainder by direct computation", 2019).
  std::uint32_t quotient_of(std::uint32_t number) const {
    if (parameter_ == 1) return number;
    return static_cast<std::uint32_t>((Wide{inverse_} * number) >> 64U);
  }

  // What is rarely needed works on copies, so that writer and reader can stay in registers.

  static BitWriter put_in_parts(BitWriter out, std::uint32_t quotient, std::uint64_t code, unsigned bits) {
    out.put_unary(quotient);
    out.put(code, bits);
    return out;
  }

  std::pair<std::uint64_t, BitReader> take_in_parts(BitReader in, std::uint64_t most) const {
    const auto quotient = in.take_unary(most / parameter_);
    if (!quotient) return {kNone, in};
    std::uint64_t rest = in.take(short_bits_);
    if (rest >= shorts_) rest = (rest << 1U | in.take(1)) - shorts_;
    return {*quotient * parameter_ + rest, in};
  }

  std::uint32_t parameter_;
  std::uint64_t inverse_;  ///< 2^64 / the parameter, rounded up
  unsigned short_bits_;    ///< of the remainders that take fewer bits; the others take one more
  std::uint64_t shorts_;   ///< how many these are
};

}  // namespace meridian::wan

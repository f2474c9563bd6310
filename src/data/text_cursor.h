// Takes numbers and separators from the front of a line, without copies and independent of the locale.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

namespace meridian {

/// What is not there is not taken: each function is false then, and the cursor stands where it stood.
class TextCursor {
 public:
  explicit TextCursor(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool at_end() const { return at_ == end_; }
  bool at_digit() const { return at_ != end_ && is_digit(*at_); }
  bool at(char c) const { return at_ != end_ && *at_ == c; }

  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }

  /// Spaces and tabs, at least one.
  bool take_blanks() {
    const char* const start = at_;
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
    return at_ != start;
  }

  /// A whole number in decimal digits, without a sign, at most `largest`.
  bool take_whole(std::uint64_t largest, std::uint64_t& value) {
    const char* const start = at_;
    std::uint64_t sum = 0;
    while (at_ != end_ && is_digit(*at_) && at_ - start < kSafeDigits) {
      sum = 10 * sum + static_cast<std::uint64_t>(*at_++ - '0');
    }
    if (at_ - start == kSafeDigits && at_digit()) {
      const std::from_chars_result result = std::from_chars(start, end_, sum);
      at_ = result.ec == std::errc() ? result.ptr : start;
    }
    value = sum;
    if (at_ != start && sum <= largest) return true;
    at_ = start;
    return false;
  }

  /// A finite number in decimal notation, with a sign or without, of a size that a float can have.
  bool take_float(float& value) {
    const char* const start = at_;
    const bool negative = take('-');
    if (!negative) take('+');
    if (take_short_decimal(value)) {
      if (negative) value = -value;
      return true;
    }
    if (at_ != end_ && *at_ != '-' && take_any_float(value)) {
      if (negative) value = -value;
      return true;
    }
    at_ = start;
    return false;
  }

 private:
  static constexpr std::ptrdiff_t kSafeDigits = 19;  // any number of so many digits fits in 64 bits

  static bool is_digit(char c) { return static_cast<unsigned>(c) - static_cast<unsigned>('0') < 10U; }

  bool take_any_float(float& value) {
    std::from_chars_result result = std::from_chars(at_, end_, value);
    if (result.ec == std::errc::result_out_of_range) {
      // Too large, which is no float, or so small that the nearest float is 0 or nearly.
      double wide = 0.0;
      result = std::from_chars(at_, end_, wide);
      if (result.ec == std::errc() && std::abs(wide) > 1.0) return false;
      value = static_cast<float>(wide);
    }
    if (result.ec != std::errc() || !std::isfinite(value)) return false;
    at_ = result.ptr;
    return true;
  }

  // Digits with a point or without, few enough that their number and the power of ten to divide it by are
  // both floats: then one division rounds right (W. D. Clinger, How to Read Floating Point Numbers
  // Accurately, PLDI 1990). Anything else is left to from_chars.
  bool take_short_decimal(float& value) {
    constexpr std::ptrdiff_t kMostDigits = 7;  // 10^7 is below 2^24
    static constexpr std::array<float, kMostDigits + 1> kPowersOfTen{1e0F, 1e1F, 1e2F, 1e3F,
                                                                     1e4F, 1e5F, 1e6F, 1e7F};
    const char* p = at_;
    std::uint32_t sum = 0;
    while (p != end_ && is_digit(*p) && p - at_ <= kMostDigits) {
      sum = 10 * sum + static_cast<std::uint32_t>(*p++ - '0');
    }
    std::ptrdiff_t digits = p - at_;
    if (digits == 0) return false;
    std::ptrdiff_t decimals = 0;
    if (p != end_ && *p == '.') {
      const char* const point = p++;
      while (p != end_ && is_digit(*p) && p - point <= kMostDigits) {
        sum = 10 * sum + static_cast<std::uint32_t>(*p++ - '0');
      }
      decimals = p - point - 1;
      digits += decimals;
    }
    if (digits > kMostDigits || (p != end_ && (is_digit(*p) || *p == 'e' || *p == 'E'))) return false;
    value = static_cast<float>(sum) / kPowersOfTen[static_cast<std::size_t>(decimals)];
    at_ = p;
    return true;
  }

  const char* at_;
  const char* end_;
};

}  // namespace meridian

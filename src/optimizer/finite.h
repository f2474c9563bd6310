// A test for finite values that can stand in a vectorised loop: it only looks at the exponent's bits, so a
// loop collects it with an integer "or" where a comparison or an early exit would keep the loop scalar.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace meridian {

/// Collects whether any value it saw is infinite or not a number.
class FiniteCheck {
 public:
  void see(float value) {
    constexpr std::uint32_t kExponent = 0x7f800000U;
    constexpr std::uint32_t kOneInExponent = 0x00800000U;
    // Adding one to an exponent of all ones carries into bit 31; any other exponent leaves that bit clear.
    seen_ |= (std::bit_cast<std::uint32_t>(value) & kExponent) + kOneInExponent;
  }
  bool all_finite() const { return (seen_ & 0x80000000U) == 0; }

 private:
  std::uint32_t seen_ = 0;
};

/// Whether all of them are.
bool all_finite(std::span<const float> values);

}  // namespace meridian

// What values are rounded to before they go out (rounding.h).
#pragma once

#include <cstdint>

namespace meridian::wan {

/// The last four round blocks of kValueBlock entries, in the order in which they go out.
enum class ValueFormat : std::uint8_t {
  fp32,   ///< as they are
  fp16,   ///< halves: 10 bits of mantissa; magnitudes of 6e-8 to 65504
  bf16,   ///< the upper half of a float: 7 bits of mantissa, a float's range
  bits8,  ///< integers of at most 127 times a power of two, the block's
  bits4,  ///< integers of at most 7 times a power of two
  bits2,  ///< a sign and one of two magnitudes: the means of the block's values above and below its mean
  sign,   ///< a sign; the magnitude is the block's mean (Bernstein et al., "signSGD", ICML 2018, scaled)
};

}  // namespace meridian::wan

// The numbers that a block's values are rounded to, and the rounding. Each value comes to one of the two
// numbers of its format next to it, or to the only one where it is that or beyond all; which of the two, a
// limit for each value says: the share of the way from the lower to the higher that is rounded down still.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "wan/value_format.h"

namespace meridian::wan {

class Grating {
 public:
  /// For a block that begins with these values: 8bit and 4bit reach to their largest, 2bit and sign take
  /// their means. Values that are not finite do not count.
  Grating(ValueFormat format, std::span<const float> block);

  /// Replaces each value by what it is rounded to, and writes into `errors` what that takes off. `limits`, at
  /// least 0 and below 1, are 0.5 for the nearest number, ties to the lower one, and drawn evenly for
  /// stochastic rounding. A value that is not finite stays as it is.
  void round(std::span<float> values, const float* limits, float* errors) const;

 private:
  void set_grid(std::span<const float> block);
  void set_levels(std::span<const float> block);

  ValueFormat format_;
  float unit_ = 1.0F;
  float most_ = 0.0F;  ///< units
  float low_ = 0.0F;
  float high_ = 0.0F;
};

}  // namespace meridian::wan

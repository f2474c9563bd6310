// Rounds what goes out to numbers that take few bits on the link. What rounding takes off a value stays in
// the residual and goes out later, so that nothing is lost (Seide et al., "1-bit stochastic gradient
// descent", Interspeech 2014; Karimireddy et al., "Error feedback fixes SignSGD", ICML 2019).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "wan/what.h"

namespace meridian::wan {

/// What values are rounded to. The last four round blocks of kValueBlock entries, in the order in which they
/// go out.
enum class ValueFormat : std::uint8_t {
  fp32,   ///< as they are
  fp16,   ///< halves: 10 bits of mantissa; magnitudes of 6e-8 to 65504
  bf16,   ///< the upper half of a float: 7 bits of mantissa, a float's range
  bits8,  ///< integers of at most 127 times a power of two, the block's
  bits4,  ///< integers of at most 7 times a power of two
  bits2,  ///< a sign and one of two magnitudes: the means of the block's values above and below its mean
  sign,   ///< a sign; the magnitude is the block's mean (Bernstein et al., "signSGD", ICML 2018, scaled)
};

enum class RoundingMode : std::uint8_t {
  nearest,
  stochastic,  ///< up or down by chance, so that the mean is right; between a block's two next numbers
};

/// "fp32", "fp16", "bf16", "8bit", "4bit", "2bit", "sign"; nothing for another name.
std::optional<ValueFormat> value_format_named(std::string_view name);

/// What another part selects, rounded. Immutable; chance comes from the pass and the values themselves.
class Rounded final : public What {
 public:
  Rounded(std::unique_ptr<What> inner, ValueFormat format, RoundingMode mode);

  /// What comes to nothing stays in the residual whole. A value that is not finite is left as it is.
  void select(const FilterPass& pass, std::span<const float> values, std::span<float> residual,
              TableSelection& out) const override;
  bool sends() const override { return inner_->sends(); }
  double threshold(const FilterPass& pass) const override { return inner_->threshold(pass); }

 private:
  std::unique_ptr<What> inner_;
  ValueFormat format_;
  RoundingMode mode_;
};

}  // namespace meridian::wan

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

#include "wan/value_format.h"
#include "wan/what.h"

namespace meridian::wan {

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

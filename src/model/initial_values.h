// Initial weights of layers that rectifiers follow.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/base/random.h"

namespace meridian {

/// Draws the weights of the table `name` from a normal distribution of variance 2 / inputs, where `inputs` is
/// how many values each of the layer's outputs is a sum over (He, Zhang, Ren & Sun 2015).
inline void fill_for_rectifiers(std::uint64_t seed, std::string_view name, std::size_t inputs,
                                std::span<float> values) {
  Random random = Random::for_parts(seed, {hash_text(name)});
  const double deviation = std::sqrt(2.0 / static_cast<double>(inputs));
  for (float& value : values) value = static_cast<float>(deviation * random.normal());
}

}  // namespace meridian

// The Fisher-Yates shuffle over our own random source: std::shuffle may differ between standard libraries,
// and the same seed must give the same order everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "src/base/random.h"

namespace meridian {

inline void shuffle(Random& random, std::vector<std::uint32_t>& values) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random.below(i)]);
  }
}

}  // namespace meridian

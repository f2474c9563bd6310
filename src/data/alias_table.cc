#include "src/data/alias_table.h"

#include <cmath>
#include <numeric>

#include "src/base/check.h"

namespace meridian {

AliasTable::AliasTable(std::span<const double> weights) : slots_(weights.size()) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  MERIDIAN_CHECK(sum > 0.0 && std::isfinite(sum), "{} weights of sum {}", weights.size(), sum);
  std::vector<std::uint32_t> small;
  std::vector<std::uint32_t> large;
  for (std::uint32_t i = 0; i < slots_.size(); ++i) {
    MERIDIAN_CHECK(weights[i] >= 0.0, "weight {} is {}", i, weights[i]);
    slots_[i] = {weights[i] / sum * static_cast<double>(slots_.size()), i, i};
    (slots_[i].kept < 1.0 ? small : large).push_back(i);
  }
  // Each slot with too little is filled up from one with too much.
  while (!small.empty() && !large.empty()) {
    const std::uint32_t poor = small.back();
    const std::uint32_t rich = large.back();
    small.pop_back();
    slots_[poor].other = rich;
    slots_[rich].kept -= 1.0 - slots_[poor].kept;
    if (slots_[rich].kept < 1.0) {
      large.pop_back();
      small.push_back(rich);
    }
  }
  // Only rounding is left over.
  for (const std::uint32_t i : small) slots_[i].kept = weights[i] > 0.0 ? 1.0 : 0.0;
  for (const std::uint32_t i : large) slots_[i].kept = 1.0;
}

}  // namespace meridian

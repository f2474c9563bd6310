#include "wan/what.h"

namespace meridian::wan {

void SendAll::select(const FilterPass& /*pass*/, std::span<const float> /*values*/, std::span<float> residual,
                     TableSelection& out) const {
  for (std::size_t i = 0; i < residual.size(); ++i) {
    if (residual[i] == 0.0F) continue;
    out.add(i, residual[i]);
    residual[i] = 0.0F;
  }
}

}  // namespace meridian::wan

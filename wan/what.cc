#include "wan/what.h"

#include <algorithm>

namespace meridian::wan {

void SendAll::select(const FilterPass& /*pass*/, std::span<const float> /*values*/, std::span<float> residual,
                     TableSelection& out) const {
  append_nonzeros(residual, out);
  std::fill(residual.begin(), residual.end(), 0.0F);
}

}  // namespace meridian::wan

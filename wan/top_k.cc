#include "wan/top_k.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "wan/float_bits.h"

namespace meridian::wan {
namespace {

/// The exponent and the first four bits of the mantissa.
constexpr unsigned kBinShift = 19;
constexpr std::size_t kBins = std::size_t{1} << (31 - kBinShift);

/// The least magnitude that is taken, and how many of exactly this size.
struct Cut {
  std::uint32_t magnitude = 1;
  std::size_t equal = 0;
};

/// Where the `count` largest magnitudes end. A histogram finds the bin in which that is; only its entries are
/// looked at one by one.
Cut find_cut(std::span<const float> residual, std::size_t count) {
  std::vector<std::size_t> bins(kBins);
  std::size_t zeros = 0;
  for (const float value : residual) {
    ++bins[magnitude_bits(value) >> kBinShift];
    zeros += static_cast<std::size_t>(magnitude_bits(value) == 0);
  }
  bins[0] -= zeros;
  std::size_t above = 0;
  std::size_t bin = kBins - 1;
  for (; bin > 0 && above + bins[bin] < count; --bin) above += bins[bin];
  std::vector<std::uint32_t> within;
  within.reserve(bins[bin]);
  for (const float value : residual) {
    if (magnitude_bits(value) >> kBinShift == bin && magnitude_bits(value) != 0)
      within.push_back(magnitude_bits(value));
  }
  const std::size_t wanted = std::min(count - above, within.size());
  if (wanted == 0) return {};
  const auto cut = within.begin() + static_cast<std::ptrdiff_t>(wanted - 1);
  std::nth_element(within.begin(), cut, within.end(), std::greater<>());
  const auto larger = static_cast<std::size_t>(
      std::count_if(within.begin(), within.end(), [&](std::uint32_t one) { return one > *cut; }));
  return {*cut, wanted - larger};
}

}  // namespace

TopK::TopK(double share) : share_(share) {
  MERIDIAN_CHECK(share > 0.0 && share <= 1.0, "a share of {}", share);
}

void TopK::select(const FilterPass& /*pass*/, std::span<const float> /*values*/, std::span<float> residual,
                  TableSelection& out) const {
  const auto count = static_cast<std::size_t>(std::ceil(share_ * static_cast<double>(residual.size())));
  if (count == 0) return;
  Cut cut = find_cut(residual, count);
  for (std::size_t i = 0; i < residual.size(); ++i) {
    const std::uint32_t size = magnitude_bits(residual[i]);
    if (size < cut.magnitude) continue;
    if (size == cut.magnitude) {
      if (cut.equal == 0) continue;
      --cut.equal;
    }
    out.add(i, std::exchange(residual[i], 0.0F));
  }
}

}  // namespace meridian::wan

#include "wan/top_k.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "src/base/check.h"
#include "wan/float_bits.h"

namespace meridian::wan {
namespace {

/// Entries that are looked at to guess where the largest begin: enough for a guess that is some per cent off.
constexpr std::size_t kSample = 16384;
/// Taken as candidates for one that is wanted, and beyond that, so that the guess is hardly ever too high.
constexpr double kCandidates = 1.25;
constexpr std::size_t kMoreCandidates = 64;

/// A magnitude above which about `count` entries are, and some more.
std::uint32_t guess_least(std::span<const float> residual, std::size_t count) {
  const std::size_t stride = std::max<std::size_t>(1, residual.size() / kSample);
  std::vector<std::uint32_t> sample;
  sample.reserve(residual.size() / stride + 1);
  for (std::size_t i = 0; i < residual.size(); i += stride) sample.push_back(magnitude_bits(residual[i]));
  const double wanted = static_cast<double>(count) / static_cast<double>(stride);
  const auto rank = static_cast<std::size_t>(kCandidates * wanted) + kMoreCandidates;
  if (rank >= sample.size()) return 1;
  const auto least = sample.begin() + static_cast<std::ptrdiff_t>(rank);
  std::nth_element(sample.begin(), least, sample.end(), std::greater<>());
  return std::max(*least, 1U);
}

/// The least magnitude that is taken, and how many of exactly this size.
struct Cut {
  std::uint32_t magnitude = 1;
  std::size_t equal = 0;
};

/// Where the `count` largest of at least so many magnitudes end.
Cut find_cut(std::span<const float> values, std::size_t count) {
  std::vector<std::uint32_t> magnitudes(values.size());
  std::transform(values.begin(), values.end(), magnitudes.begin(), magnitude_bits);
  const auto cut = magnitudes.begin() + static_cast<std::ptrdiff_t>(count - 1);
  std::nth_element(magnitudes.begin(), cut, magnitudes.end(), std::greater<>());
  return {*cut, count - static_cast<std::size_t>(std::count_if(
                            magnitudes.begin(), cut, [&](std::uint32_t one) { return one > *cut; }))};
}

/// Of the entries from `begin` on, of which there are more than `count`.
void keep_largest(std::size_t count, std::size_t begin, TableSelection& out) {
  Cut cut = find_cut(std::span(out.values).subspan(begin), count);
  std::size_t kept = begin;
  for (std::size_t i = begin; i < out.size(); ++i) {
    const std::uint32_t size = magnitude_bits(out.values[i]);
    if (size < cut.magnitude || (size == cut.magnitude && cut.equal == 0)) continue;
    if (size == cut.magnitude) --cut.equal;
    out.offsets[kept] = out.offsets[i];
    out.values[kept++] = out.values[i];
  }
  out.shorten(kept);
}

}  // namespace

TopK::TopK(double share) : share_(share) {
  MERIDIAN_CHECK(share > 0.0 && share <= 1.0, "a share of {}", share);
}

void TopK::select(const FilterPass& /*pass*/, std::span<const float> /*values*/, std::span<float> residual,
                  TableSelection& out) const {
  const auto count = static_cast<std::size_t>(std::ceil(share_ * static_cast<double>(residual.size())));
  if (count == 0) return;
  const std::size_t begin = out.size();
  append_large(residual, guess_least(residual, count), out);
  if (out.size() - begin < count) {
    out.shorten(begin);
    append_large(residual, 1, out);
  }
  if (out.size() - begin > count) keep_largest(count, begin, out);
  for (std::size_t i = begin; i < out.size(); ++i) residual[out.offsets[i]] = 0.0F;
}

}  // namespace meridian::wan

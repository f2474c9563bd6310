#include "src/data/distinct_draws.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "src/base/check.h"

namespace meridian {

DistinctDraws::DistinctDraws(std::vector<double> weights)
    : weights_(std::move(weights)), table_(weights_), last_call_(weights_.size(), 0) {}

void DistinctDraws::draw(Random& random, std::span<std::uint32_t> drawn) {
  MERIDIAN_CHECK(drawn.size() <= weights_.size(), "{} of {}", drawn.size(), weights_.size());
  ++call_;
  std::size_t count = 0;
  // What was drawn already is drawn again and passed over: quick while the rest has much of the weight.
  const std::size_t tries = 4 * drawn.size() + 16;
  for (std::size_t i = 0; i < tries && count < drawn.size(); ++i) {
    const std::uint32_t candidate = table_.draw(random);
    if (std::exchange(last_call_[candidate], call_) != call_) drawn[count++] = candidate;
  }
  if (count < drawn.size()) draw_of_rest(random, drawn.subspan(count));
}

// The largest of the keys log(u) / weight, u uniform, are such a sample too: P. S. Efraimidis & P. G.
// Spirakis, Weighted Random Sampling with a Reservoir, 2006.
void DistinctDraws::draw_of_rest(Random& random, std::span<std::uint32_t> drawn) {
  keys_.clear();
  for (std::uint32_t i = 0; i < weights_.size(); ++i) {
    if (last_call_[i] != call_) keys_.emplace_back(std::log(1.0 - random.uniform()) / weights_[i], i);
  }
  const auto end = keys_.begin() + static_cast<std::ptrdiff_t>(drawn.size());
  std::partial_sort(keys_.begin(), end, keys_.end(), std::greater<>());
  std::transform(keys_.begin(), end, drawn.begin(), [](const auto& key) { return key.second; });
}

}  // namespace meridian

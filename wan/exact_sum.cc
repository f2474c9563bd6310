#include "wan/exact_sum.h"

#include <cmath>

#include "src/optimizer/finite.h"

namespace meridian::wan {

ExactSum::ExactSum(const std::vector<datacenter::TableRange>& owned) {
  for (const datacenter::TableRange& range : owned) steps_.emplace_back(range.size());
}

void ExactSum::own_step(std::size_t table, std::size_t first, std::span<float> /*values*/,
                        std::span<const float> step) {
  float* const steps = steps_[table].data() + first;
  for (std::size_t i = 0; i < step.size(); ++i) steps[i] += step[i];
}

Failure ExactSum::contribute(Clock clock, const Select& /*select*/,
                             const datacenter::ParameterStore& /*store*/, Exchange& exchange) {
  return exchange.own(clock, steps_);
}

std::optional<std::size_t> ExactSum::apply(std::span<const FloatBuffer> total, bool /*last*/,
                                           datacenter::ParameterStore& store) {
  std::optional<std::size_t> wrong;
  for (std::size_t table = 0; table < total.size(); ++table) {
    const std::span<float> values = store.change(table);
    const float* const sums = total[table].data();
    FiniteCheck check;
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] += sums[i];
      check.see(values[i]);
    }
    if (!check.all_finite() && !wrong) wrong = table;
  }
  return wrong;
}

void ExactSum::add_unsent_to(std::vector<FloatBuffer>& sums) const {
  for (std::size_t table = 0; table < steps_.size(); ++table) {
    for (std::size_t i = 0; i < steps_[table].size(); ++i) sums[table][i] += steps_[table][i];
  }
}

void ExactSum::add_apart_to(const datacenter::ParameterStore& /*store*/,
                            std::vector<FloatBuffer>& sums) const {
  for (std::size_t table = 0; table < steps_.size(); ++table) {
    for (std::size_t i = 0; i < steps_[table].size(); ++i) sums[table][i] += std::fabs(steps_[table][i]);
  }
}

}  // namespace meridian::wan

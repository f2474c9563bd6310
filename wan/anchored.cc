#include "wan/anchored.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "src/optimizer/finite.h"

namespace meridian::wan {
namespace {

void add(std::span<float> sums, std::span<const float> more) {
  for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += more[i];
}

bool all_zero(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float value) { return value == 0.0F; });
}

}  // namespace

Result<std::unique_ptr<Anchored>> Anchored::make(double weight, const OptimizerOptions& outer,
                                                 const datacenter::ParameterStore& store,
                                                 const std::vector<UpdateRule>& rules) {
  std::vector<std::unique_ptr<Optimizer>> optimizers;
  std::vector<double> weights;
  for (std::size_t table = 0; table < store.tables(); ++table) {
    const UpdateRule rule = rules.empty() ? UpdateRule::mean_gradient : rules.at(table);
    Result<std::unique_ptr<Optimizer>> optimizer = make_optimizer(outer, store.ranges()[table].size());
    if (!optimizer) return optimizer.error();
    optimizers.push_back(rule == UpdateRule::increment ? nullptr : std::move(optimizer).value());
    weights.push_back(rule == UpdateRule::mean_gradient ? weight : 1.0);
  }
  return std::unique_ptr<Anchored>(new Anchored(std::move(weights), std::move(optimizers), store));
}

Anchored::Anchored(std::vector<double> weights, std::vector<std::unique_ptr<Optimizer>> outer,
                   const datacenter::ParameterStore& store)
    : weights_(std::move(weights)),
      outer_(std::move(outer)),
      residual_(store.tables()),
      selection_(store.tables()) {
  std::size_t largest = 0;
  for (std::size_t table = 0; table < store.tables(); ++table) {
    const std::span<const float> values = store.values(table);
    anchor_.emplace_back(values.size());
    std::copy(values.begin(), values.end(), anchor_.back().data());
    steps_.emplace_back(values.size());
    largest = std::max(largest, values.size());
  }
  move_ = FloatBuffer(largest);
}

void Anchored::own_step(std::size_t table, std::size_t first, std::span<float> values,
                        std::span<const float> step) {
  float* const steps = steps_[table].data() + first;
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] += step[i];
    steps[i] += step[i];
  }
}

Failure Anchored::contribute(Clock clock, const Select& select, const datacenter::ParameterStore& store,
                             Exchange& exchange) {
  // Behind another exchange's total the replica still holds these steps, until their own total comes.
  std::vector<FloatBuffer> kept;
  if (!contributed_.empty()) {
    for (const FloatBuffer& steps : steps_) kept.push_back(steps.clone());
  }
  contributed_.push_back(std::move(kept));
  for (std::size_t table = 0; table < steps_.size(); ++table) {
    contribute(select, table, store.values(table));
  }
  return exchange.own(clock, selection_);
}

/// Writes one table's contribution into selection_ and leaves its steps zero.
void Anchored::contribute(const Select& select, std::size_t table, std::span<const float> values) {
  FloatBuffer& steps = steps_[table];
  FloatBuffer& residual = residual_[table];
  TableSelection& entries = selection_[table];
  entries.clear();
  // Weighted first: what is selected goes out as it is, also where it was rounded.
  for (float& step : steps.span()) step = static_cast<float>(weights_[table] * step);
  if (residual.empty()) {
    select(table, values, steps.span(), entries);
    if (!all_zero(steps.span())) residual = std::exchange(steps, FloatBuffer(steps.size()));
  } else {
    add(residual.span(), steps.span());
    std::fill_n(steps.data(), steps.size(), 0.0F);
    select(table, values, residual.span(), entries);
  }
}

std::optional<std::size_t> Anchored::apply(std::span<const FloatBuffer> total, bool last,
                                           datacenter::ParameterStore& store) {
  MERIDIAN_CHECK(!contributed_.empty(), "total {} without a contribution", exchanges_ + 1);
  contributed_.pop_front();
  std::optional<std::size_t> wrong;
  for (std::size_t table = 0; table < total.size(); ++table) {
    const bool finite = apply(total[table].span(), last, table, store.change(table));
    if (!finite && !wrong) wrong = table;
  }
  if (!contributed_.empty()) contributed_.front().clear();
  ++exchanges_;
  return wrong;
}

bool Anchored::apply(std::span<const float> total, bool last, std::size_t table, std::span<float> values) {
  const std::span<float> anchor = anchor_[table].span();
  const std::span<float> move = move_.span().first(total.size());
  std::copy(total.begin(), total.end(), move.begin());
  // Optimizers descend; the mean contribution points downhill already.
  const bool finite = last || outer_[table] == nullptr ||
                      outer_[table]->step(/*clock=*/1, /*gradient_scale=*/-1.0F, /*step_scale=*/1.0F,
                                          /*first=*/0, anchor, move);
  add(anchor, move);
  std::copy(anchor.begin(), anchor.end(), values.begin());
  for (const std::vector<FloatBuffer>& steps : contributed_) add(values, steps[table].span());
  add(values, steps_[table].span());
  FiniteCheck check;
  for (const float value : values) check.see(value);
  return finite && check.all_finite();
}

void Anchored::add_unsent_to(std::vector<FloatBuffer>& sums) const {
  for (std::size_t table = 0; table < steps_.size(); ++table) {
    const FloatBuffer& residual = residual_[table];
    const FloatBuffer& steps = steps_[table];
    for (std::size_t i = 0; i < residual.size(); ++i) sums[table][i] += residual[i];
    for (std::size_t i = 0; i < steps.size(); ++i) {
      sums[table][i] += static_cast<float>(weights_[table] * steps[i]);
    }
  }
}

void Anchored::add_apart_to(const datacenter::ParameterStore& store, std::vector<FloatBuffer>& sums) const {
  for (std::size_t table = 0; table < anchor_.size(); ++table) {
    const std::span<const float> values = store.values(table);
    for (std::size_t i = 0; i < values.size(); ++i) {
      sums[table][i] += std::fabs(values[i] - anchor_[table][i]);
    }
  }
}

}  // namespace meridian::wan

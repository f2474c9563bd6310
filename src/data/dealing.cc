#include "src/data/dealing.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "src/base/check.h"
#include "src/data/distributions.h"
#include "src/data/shuffle.h"

namespace meridian {
namespace {

// Numbers `ids` from 0 in the order of their appearance; returns how many there are.
std::size_t number_in_order(std::span<const std::uint32_t> ids, std::vector<std::uint32_t>& numbers) {
  std::unordered_map<std::uint32_t, std::uint32_t> known;
  numbers.resize(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    // Often the same as before: sets are written user after user.
    if (i > 0 && ids[i] == ids[i - 1]) {
      numbers[i] = numbers[i - 1];
      continue;
    }
    numbers[i] = known.try_emplace(ids[i], static_cast<std::uint32_t>(known.size())).first->second;
  }
  return known.size();
}

/// How many samples each taker holds, and who is next.
class Needs {
 public:
  Needs(const DealtUnits& units, std::span<const double> weights, const Hands& hands)
      : weights_(weights), held_(hands.size(), 0.0) {
    for (std::size_t taker = 0; taker < hands.size(); ++taker) {
      for (const std::uint32_t unit : hands[taker])
        held_[taker] += static_cast<double>(units.samples_in(unit));
    }
  }

  /// The taker that holds least for its weight with half of `samples` more (as Webster's method allots
  /// seats).
  std::size_t next(std::size_t samples) const {
    std::size_t best = 0;
    double least = 0.0;
    for (std::size_t taker = 0; taker < held_.size(); ++taker) {
      const double held = (held_[taker] + 0.5 * static_cast<double>(samples)) / weights_[taker];
      if (taker == 0 || held < least) {
        best = taker;
        least = held;
      }
    }
    return best;
  }

  void add(std::size_t taker, std::size_t samples) { held_[taker] += static_cast<double>(samples); }

 private:
  std::span<const double> weights_;
  std::vector<double> held_;
};

std::size_t samples_in(const DealtUnits& units, const UnitList& list) {
  std::size_t samples = 0;
  for (const std::uint32_t unit : list) samples += units.samples_in(unit);
  return samples;
}

// Draws one of the labels that have units left, by the weights of `mix`.
std::size_t draw_label(const std::vector<double>& mix, const std::vector<UnitList>& left, Random& random) {
  double sum = 0.0;
  for (std::size_t label = 0; label < mix.size(); ++label) sum += left[label].empty() ? 0.0 : mix[label];
  const bool by_numbers = sum <= 0.0;
  if (by_numbers) {
    for (const UnitList& units : left) sum += static_cast<double>(units.size());
  }
  double at = random.uniform() * sum;
  std::size_t last = 0;
  for (std::size_t label = 0; label < mix.size(); ++label) {
    if (left[label].empty()) continue;
    last = label;
    at -= by_numbers ? static_cast<double>(left[label].size()) : mix[label];
    if (at < 0.0) return label;
  }
  return last;  // only where rounding lost the rest
}

}  // namespace

DealtUnits::DealtUnits(std::span<const std::uint32_t> groups) : samples_(groups.size()) {
  std::vector<std::uint32_t> numbers;
  units_ = number_in_order(groups, numbers);
  starts_.resize(units_ + 1, 0);
  for (const std::uint32_t number : numbers) ++starts_[number + 1];
  std::partial_sum(starts_.begin(), starts_.end(), starts_.begin());
  std::vector<std::uint32_t> next(starts_.begin(), starts_.end() - 1);
  order_.resize(samples_);
  for (std::size_t i = 0; i < samples_; ++i) order_[next[numbers[i]]++] = static_cast<std::uint32_t>(i);
}

void DealtUnits::append(std::uint32_t unit, std::vector<std::uint32_t>& positions) const {
  if (!grouped()) {
    positions.push_back(unit);
    return;
  }
  positions.insert(positions.end(), order_.begin() + starts_[unit], order_.begin() + starts_[unit + 1]);
}

std::vector<std::uint32_t> DealtUnits::labels_of(std::span<const std::uint32_t> labels) const {
  MERIDIAN_CHECK(labels.size() == samples_, "{} labels of {} samples", labels.size(), samples_);
  std::vector<std::uint32_t> values(labels.begin(), labels.end());
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  std::vector<std::uint32_t> result(units_);
  std::vector<std::uint32_t> counts(values.size(), 0);
  std::vector<std::uint32_t> positions;
  for (std::uint32_t unit = 0; unit < units_; ++unit) {
    positions.clear();
    append(unit, positions);
    std::uint32_t most = 0;
    for (std::uint32_t& position : positions) {
      const auto found = std::lower_bound(values.begin(), values.end(), labels[position]);
      position = static_cast<std::uint32_t>(found - values.begin());  // from here on its label
      most = std::max(most, ++counts[position]);
    }
    std::uint32_t label = static_cast<std::uint32_t>(values.size());
    for (const std::uint32_t candidate : positions) {
      if (counts[candidate] == most) label = std::min(label, candidate);
    }
    for (const std::uint32_t candidate : positions) counts[candidate] = 0;
    result[unit] = label;
  }
  return result;
}

void deal_runs(const DealtUnits& units, const UnitList& list, std::span<const double> weights, Hands& hands) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const auto total = static_cast<double>(samples_in(units, list));
  std::size_t taker = 0;
  double end = total * weights[0] / sum;  // of the taker's run
  double at = 0.0;
  for (const std::uint32_t unit : list) {
    const auto samples = static_cast<double>(units.samples_in(unit));
    // A unit goes where its middle lies.
    while (at + 0.5 * samples >= end && taker + 1 < weights.size()) end += total * weights[++taker] / sum;
    hands[taker].push_back(unit);
    at += samples;
  }
}

void deal_by_need(const DealtUnits& units, const UnitList& list, std::span<const double> weights,
                  Hands& hands) {
  Needs needs(units, weights, hands);
  for (const std::uint32_t unit : list) {
    const std::size_t samples = units.samples_in(unit);
    const std::size_t taker = needs.next(samples);
    hands[taker].push_back(unit);
    needs.add(taker, samples);
  }
}

void deal_at_random(const DealtUnits& units, UnitList list, std::span<const double> weights, Random& random,
                    Hands& hands) {
  shuffle(random, list);
  if (!units.grouped()) {
    deal_runs(units, list, weights, hands);
    return;
  }
  std::stable_sort(list.begin(), list.end(), [&](std::uint32_t a, std::uint32_t b) {
    return units.samples_in(a) > units.samples_in(b);
  });
  deal_by_need(units, list, weights, hands);
}

void deal_by_label(const DealtUnits& units, UnitList list, std::span<const std::uint32_t> labels,
                   double share, std::span<const double> weights, Random& random, Hands& hands) {
  shuffle(random, list);
  const double wanted = share * static_cast<double>(samples_in(units, list));
  double drawn = 0.0;
  std::size_t sorted = 0;
  for (; sorted < list.size(); ++sorted) {
    const auto samples = static_cast<double>(units.samples_in(list[sorted]));
    if (drawn + 0.5 * samples > wanted) break;
    drawn += samples;
  }
  const auto rest = list.begin() + static_cast<std::ptrdiff_t>(sorted);
  // Stable: within a label they stay in the random order.
  std::stable_sort(list.begin(), rest,
                   [&](std::uint32_t a, std::uint32_t b) { return labels[a] < labels[b]; });
  deal_runs(units, UnitList(list.begin(), rest), weights, hands);
  deal_at_random(units, UnitList(rest, list.end()), weights, random, hands);
}

void deal_by_mix(const DealtUnits& units, UnitList list, std::span<const std::uint32_t> labels,
                 double concentration, std::span<const double> weights, Random& random, Hands& hands) {
  const std::size_t classes = 1 + *std::max_element(labels.begin(), labels.end());
  shuffle(random, list);
  std::vector<UnitList> left(classes);
  std::vector<double> concentrations(classes, 0.0);
  const auto total = static_cast<double>(samples_in(units, list));
  for (const std::uint32_t unit : list) {
    left[labels[unit]].push_back(unit);
    concentrations[labels[unit]] += concentration * static_cast<double>(units.samples_in(unit)) / total;
  }
  std::vector<std::vector<double>> mixes(hands.size(), std::vector<double>(classes));
  for (std::vector<double>& mix : mixes) draw_dirichlet(random, concentrations, mix);
  Needs needs(units, weights, hands);
  for (std::size_t dealt = 0; dealt < list.size(); ++dealt) {
    const std::size_t taker = needs.next(1);
    UnitList& pile = left[draw_label(mixes[taker], left, random)];
    needs.add(taker, units.samples_in(pile.back()));
    hands[taker].push_back(pile.back());
    pile.pop_back();
  }
}

}  // namespace meridian

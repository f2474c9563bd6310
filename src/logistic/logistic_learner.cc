#include "src/logistic/logistic_learner.h"

#include <algorithm>

#include "src/base/check.h"
#include "src/logistic/logistic_loss.h"
#include "src/logistic/score_histogram.h"

namespace meridian {
namespace {

// Samples lie all over memory: the place of one is asked for while these many before it are copied, its
// entries while half as many are.
constexpr std::size_t kSamplesAhead = 8;

// The inner product of entries with the weights of their features, in two sums so that one addition need not
// wait for the other.
float inner_product(std::span<const std::uint32_t> rows, std::span<const float> values,
                    const float* weights) {
  float even = 0.0F;
  float odd = 0.0F;
  std::size_t k = 0;
  for (; k + 1 < rows.size(); k += 2) {
    even += values[k] * weights[rows[k]];
    odd += values[k + 1] * weights[rows[k + 1]];
  }
  if (k < rows.size()) even += values[k] * weights[rows[k]];
  return even + odd;
}

}  // namespace

LogisticLearner::LogisticLearner(const LogisticOptions& options, const SparseSamples& train,
                                 const SparseSamples& test, const Partition& partition, WorkerPlace place)
    : options_(options),
      train_(train),
      test_(test),
      place_(place),
      order_(options.seed, partition, place, options.batch),
      touched_(train.features),
      samples_(options.batch),
      offsets_(options.batch + 1) {}

void LogisticLearner::list_rows(Clock clock, std::size_t table, std::vector<std::uint32_t>& rows) {
  MERIDIAN_CHECK(table == kWeight, "table {} is not read by row", table);
  order_.fill_batch(clock, samples_);
  gather_batch();
  touched_.collect(std::span(features_).first(offsets_.back()), rows,
                   std::span(places_).first(offsets_.back()));
  listed_clock_ = clock;
  listed_ = rows.size();
}

void LogisticLearner::gather_batch() {
  std::size_t entries = 0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    offsets_[i] = entries;
    entries += train_.features_of(samples_[i]).size();
  }
  offsets_.back() = entries;
  if (entries > features_.size()) {
    features_.resize(entries);
    values_.resize(entries);
    places_.resize(entries);
  }
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    if (i + kSamplesAhead < samples_.size()) {
      const std::size_t ahead = train_.offsets[samples_[i + kSamplesAhead]];
      __builtin_prefetch(train_.feature.data() + ahead);
      __builtin_prefetch(train_.value.data() + ahead);
    }
    const auto at = static_cast<std::ptrdiff_t>(offsets_[i]);
    const std::span<const std::uint32_t> features = train_.features_of(samples_[i]);
    const std::span<const float> values = train_.values_of(samples_[i]);
    std::copy(features.begin(), features.end(), features_.begin() + at);
    std::copy(values.begin(), values.end(), values_.begin() + at);
  }
}

UpdateReport LogisticLearner::compute_update(Clock clock, TablesView parameters, TablesSpan update) {
  MERIDIAN_CHECK(clock == listed_clock_, "update of clock {}, rows listed for clock {}", clock,
                 listed_clock_);
  MERIDIAN_CHECK(parameters.size() == 2 && update.size() == 2 && parameters[kWeight].size() == listed_ &&
                     update[kWeight].size() == listed_ && parameters[kBias].size() == 1 &&
                     update[kBias].size() == 1,
                 "tables for {} features", listed_);
  const float* const weights = parameters[kWeight].data();
  float* const gradient = update[kWeight].data();
  const float bias = parameters[kBias][0];
  const auto l2 = static_cast<float>(options_.l2);
  std::fill_n(gradient, listed_, 0.0F);
  UpdateReport report{samples_.size(), 0.0};
  double slopes = 0.0;
  for (std::size_t i = 0; i < samples_.size(); ++i) {
    const std::size_t size = offsets_[i + 1] - offsets_[i];
    const std::span<const std::uint32_t> rows = std::span(places_).subspan(offsets_[i], size);
    const std::span<const float> values = std::span(values_).subspan(offsets_[i], size);
    const auto logit = static_cast<double>(bias + inner_product(rows, values, weights));
    const LogisticLoss loss = logistic_loss(logit, train_.labels[samples_[i]] == 1);
    report.loss_sum += loss.loss;
    slopes += loss.slope;
    const auto slope = static_cast<float>(loss.slope);
    for (std::size_t k = 0; k < size; ++k) gradient[rows[k]] += slope * values[k] + l2 * weights[rows[k]];
  }
  update[kBias][0] = static_cast<float>(slopes);
  listed_clock_ = 0;
  return report;
}

/// Of all held-out samples, the datacenter's workers share the work in equal parts.
EvaluationSums LogisticLearner::evaluate(TablesView parameters) {
  MERIDIAN_CHECK(parameters.size() == 2 && parameters[kWeight].size() == train_.features &&
                     parameters[kBias].size() == 1,
                 "tables for {} features", train_.features);
  const std::size_t parts = options_.partition.workers[place_.datacenter];
  const std::size_t end = test_.size() * (place_.worker + 1) / parts;
  EvaluationSums sums;
  sums.more.assign(kScoreHistogramSize, 0.0);
  for (std::size_t i = test_.size() * place_.worker / parts; i < end; ++i) {
    const auto logit =
        static_cast<double>(parameters[kBias][0] + inner_product(test_.features_of(i), test_.values_of(i),
                                                                 parameters[kWeight].data()));
    const bool is_class_1 = test_.labels[i] == 1;
    if ((logit > 0.0) == is_class_1) sums.metric_sum += 1.0;
    sums.loss_sum += logistic_loss(logit, is_class_1).loss;
    ++sums.samples;
    count_score(logit, is_class_1, sums.more);
  }
  return sums;
}

}  // namespace meridian

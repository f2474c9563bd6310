// A small workload whose every number can be worked out again: linear least squares over samples drawn from a
// seed. The batch of each clock is the same whatever the number of workers; they split it between them,
// evenly or not, so that one worker alone computes what all of them add up to.
#pragma once

#include <cmath>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "src/base/random.h"
#include "src/workload/workload.h"
#include "tests/src/workload/forwarding_learner.h"

namespace meridian {

class LeastSquaresWorkload final : public Workload {
 public:
  static constexpr std::size_t kFeatures = 7;
  static constexpr std::size_t kOutputs = 3;
  static constexpr std::size_t kHeldOut = 50;

  /// `shares[w]`: the samples of each clock's batch that worker w sees.
  explicit LeastSquaresWorkload(std::vector<std::size_t> shares) : shares_(std::move(shares)) {}

  const std::vector<TableSpec>& tables() const override { return tables_; }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    Random random = Random::for_parts(kSeed, {hash_text(tables_.at(table).name)});
    for (float& value : values) value = static_cast<float>(random.uniform() - 0.5);
  }

  std::size_t samples_per_clock(WorkerPlace place) const override { return shares_.at(place.worker); }

  UpdateReport compute_gradient(WorkerPlace place, Clock clock, TablesView parameters,
                                TablesSpan gradient) const {
    for (const std::span<float> table : gradient) std::fill(table.begin(), table.end(), 0.0F);
    const std::size_t first = std::accumulate(
        shares_.begin(), shares_.begin() + static_cast<std::ptrdiff_t>(place.worker), std::size_t{0});
    UpdateReport report{shares_.at(place.worker), 0.0};
    for (std::size_t i = first; i < first + report.samples; ++i) {
      const Sample sample = sample_of(clock, i);
      for (std::size_t o = 0; o < kOutputs; ++o) {
        const float error = predict(sample, o, parameters) - sample.y[o];
        report.loss_sum += 0.5 * error * error;
        gradient[1][o] += error;
        for (std::size_t f = 0; f < kFeatures; ++f) gradient[0][f * kOutputs + o] += error * sample.x[f];
      }
    }
    return report;
  }

  EvaluationSums evaluate(std::size_t part, std::size_t parts, TablesView parameters) const {
    EvaluationSums sums;
    for (std::size_t i = part * kHeldOut / parts; i < (part + 1) * kHeldOut / parts; ++i) {
      const Sample sample = sample_of(/*clock=*/0, i);
      for (std::size_t o = 0; o < kOutputs; ++o) {
        const double error = predict(sample, o, parameters) - sample.y[o];
        sums.metric_sum += error * error;
        sums.loss_sum += 0.5 * error * error;
      }
      ++sums.samples;
    }
    return sums;
  }

  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    return std::make_unique<ForwardingLearner<LeastSquaresWorkload>>(*this, place, shares_.size());
  }

  double objective(const EvaluationSums& sums) const override {
    return std::sqrt(sums.metric_sum / static_cast<double>(sums.samples));
  }
  const char* metric_name() const override { return "rmse"; }
  bool larger_is_better() const override { return false; }

 private:
  static constexpr std::uint64_t kSeed = 11;

  struct Sample {
    float x[kFeatures];
    float y[kOutputs];
  };

  static Sample sample_of(Clock clock, std::size_t index) {
    Random random = Random::for_parts(kSeed, {clock, index});
    Sample sample{};
    for (float& x : sample.x) x = static_cast<float>(2.0 * random.uniform() - 1.0);
    for (std::size_t o = 0; o < kOutputs; ++o) {
      sample.y[o] = static_cast<float>(o) + sample.x[o] - 2.0F * sample.x[o + 1];
    }
    return sample;
  }

  static float predict(const Sample& sample, std::size_t output, TablesView parameters) {
    float value = parameters[1][output];
    for (std::size_t f = 0; f < kFeatures; ++f) value += sample.x[f] * parameters[0][f * kOutputs + output];
    return value;
  }

  std::vector<std::size_t> shares_;
  std::vector<TableSpec> tables_{{"weights", kFeatures, kOutputs}, {"bias", kOutputs, 1}};
};

}  // namespace meridian

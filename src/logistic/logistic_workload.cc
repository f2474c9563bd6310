#include "src/logistic/logistic_workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/logistic/logistic_learner.h"
#include "src/logistic/score_histogram.h"

namespace meridian {
namespace {

constexpr std::size_t kClasses = 2;

class LogisticWorkload : public Workload {
 public:
  LogisticWorkload(LogisticOptions options, SparseSamples train, SparseSamples test, Partition partition)
      : options_(std::move(options)),
        train_(std::move(train)),
        test_(std::move(test)),
        partition_(std::move(partition)),
        tables_{{"weight", train_.features, 1, true, UpdateRule::mean_gradient},
                {"bias", 1, 1, false, UpdateRule::mean_gradient}} {}

  const std::vector<TableSpec>& tables() const override { return tables_; }

  void fill_initial_values(std::size_t table, std::span<float> values) const override {
    MERIDIAN_CHECK(table < tables_.size() && values.size() == tables_[table].size(), "{} values for table {}",
                   values.size(), table);
    std::fill(values.begin(), values.end(), 0.0F);
  }

  std::size_t samples_per_clock(WorkerPlace place) const override {
    static_cast<void>(partition_.global_index(place));  // Checks that the place exists.
    return options_.batch;
  }

  /// Each sample's label, and feature and value of each of its entries, four bytes each.
  std::optional<std::uint64_t> training_bytes(WorkerPlace place) const override {
    constexpr std::uint64_t kEntryBytes = sizeof(std::uint32_t) + sizeof(float);
    std::uint64_t bytes = 0;
    for (const std::uint32_t sample : partition_.samples_of(place)) {
      bytes += sizeof(std::uint32_t) + train_.features_of(sample).size() * kEntryBytes;
    }
    return bytes;
  }

  std::unique_ptr<Learner> make_learner(WorkerPlace place) const override {
    return std::make_unique<LogisticLearner>(options_, train_, test_, partition_, place);
  }

  double objective(const EvaluationSums& sums) const override {
    if (sums.samples == 0) return 0.0;
    if (options_.objective == "auc") return area_under_curve(sums.more).area;
    const double sum = options_.objective == "loss" ? sums.loss_sum : sums.metric_sum;
    return sum / static_cast<double>(sums.samples);
  }

  const char* metric_name() const override { return options_.objective.c_str(); }
  bool larger_is_better() const override { return options_.objective != "loss"; }

  std::size_t further_sums() const override { return kScoreHistogramSize; }
  std::vector<NamedFigure> figures(const EvaluationSums& sums) const override {
    if (sums.samples == 0) return {};
    const auto samples = static_cast<double>(sums.samples);
    return {{"accuracy", sums.metric_sum / samples},
            {"auc", area_under_curve(sums.more).area},
            {"log_loss", sums.loss_sum / samples}};
  }

  std::string note() const override {
    return fmt::format("{}{}{} training and {} held-out samples of {} features, {:.1f} entries a sample",
                       options_.note, options_.note.empty() ? "" : ": ", train_.size(), test_.size(),
                       train_.features,
                       static_cast<double>(train_.entries()) / static_cast<double>(train_.size()));
  }

 private:
  LogisticOptions options_;
  SparseSamples train_;
  SparseSamples test_;
  Partition partition_;
  std::vector<TableSpec> tables_;
};

Failure check_options(const LogisticOptions& options) {
  if (options.batch == 0) return Error{"batch is 0; expected at least 1"};
  if (!(std::isfinite(options.l2) && options.l2 >= 0.0)) {
    return Error{fmt::format("l2 is {}; expected a finite number, at least 0", options.l2)};
  }
  constexpr std::array<const char*, 3> kObjectives{"accuracy", "auc", "loss"};
  if (std::find(kObjectives.begin(), kObjectives.end(), options.objective) == kObjectives.end()) {
    return Error{fmt::format("objective is '{}'; expected accuracy, auc or loss", options.objective)};
  }
  return {};
}

Failure check_samples(const SparseSamples& train, const SparseSamples& test) {
  if (train.size() == 0) return Error{"0 training samples; expected at least 1"};
  if (test.size() == 0) return Error{"0 held-out samples; expected at least 1"};
  if (train.classes() != kClasses) {
    return Error{fmt::format("{} classes of samples; expected 2", train.classes())};
  }
  if (test.label_values != train.label_values) {
    return Error{"the held-out samples have other labels than the training samples; expected the same two"};
  }
  if (test.features > train.features) {
    return Error{fmt::format("{} features in held-out samples; expected at most the {} of training samples",
                             test.features, train.features)};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Workload>> make_logistic_workload(const LogisticOptions& options, SparseSamples train,
                                                         SparseSamples test) {
  if (Failure failure = check_options(options)) return std::move(*failure);
  if (Failure failure = check_samples(train, test)) return std::move(*failure);
  Result<Partition> partition = Partition::make(options.partition, {train.size(), train.labels, {}});
  if (!partition) return partition.error();
  return std::unique_ptr<Workload>(std::make_unique<LogisticWorkload>(
      options, std::move(train), std::move(test), std::move(partition).value()));
}

}  // namespace meridian

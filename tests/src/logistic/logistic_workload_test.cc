// Goal: logistic regression keeps the workload's contract: its gradient is that of its loss, workers together
// do what one does with the joined batch, parts of an evaluation add up, wrong options and samples are named.
// How: small samples drawn here, servers replaced by a loop.
#include "src/logistic/logistic_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "src/base/random.h"
#include "src/logistic/score_histogram.h"
#include "tests/src/logistic/exact_area.h"
#include "tests/src/workload/lock_step.h"

namespace meridian {
namespace {

using testing::HasSubstr;

constexpr std::size_t kFeatures = 30;

SparseSamples draw_samples(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  SparseSamples samples;
  samples.features = kFeatures;
  samples.label_values = {-1.0F, 1.0F};
  for (std::size_t i = 0; i < count; ++i) {
    double score = 0.0;
    for (std::uint32_t feature = 0; feature < kFeatures; ++feature) {
      if (random.uniform() > 5.0 / kFeatures) continue;
      samples.feature.push_back(feature);
      samples.value.push_back(static_cast<float>(random.normal()));
      score += static_cast<double>(samples.value.back()) * (feature % 2 == 0 ? 1.0 : -1.0);
    }
    samples.offsets.push_back(samples.feature.size());
    samples.labels.push_back(score + 0.5 * random.normal() > 0.0 ? 1 : 0);
  }
  return samples;
}

constexpr std::size_t kTrain = 90;

LogisticOptions small_options() {
  LogisticOptions options;
  options.l2 = 0.1;
  options.partition.workers = {2, 1};
  options.batch = kTrain / 3;
  return options;
}

std::unique_ptr<Workload> make(const LogisticOptions& options) {
  auto workload = make_logistic_workload(options, draw_samples(1, kTrain), draw_samples(2, 41));
  EXPECT_TRUE(workload.ok()) << workload.error().message;
  return std::move(workload).value();
}

OptimizerOptions sgd() { return {"sgd", 0.5, 0.0, {}}; }

TEST(LogisticWorkload, DescribesItself) {
  LogisticOptions options = small_options();
  options.note = "drawn in a test";
  const auto workload = make(options);
  ASSERT_EQ(workload->tables().size(), 2U);
  EXPECT_EQ(workload->tables()[0], (TableSpec{"weight", 30, 1, true, UpdateRule::mean_gradient}));
  EXPECT_EQ(workload->tables()[1], (TableSpec{"bias", 1, 1, false, UpdateRule::mean_gradient}));
  EXPECT_EQ(workload->samples_per_clock({1, 0}), 30U);
  EXPECT_EQ(*workload->training_bytes({0, 0}) + *workload->training_bytes({0, 1}) +
                *workload->training_bytes({1, 0}),
            kTrain * 4 + draw_samples(1, kTrain).entries() * 8);
  EXPECT_THAT(workload->note(),
              HasSubstr("drawn in a test: 90 training and 41 held-out samples of 30 features"));
  std::vector<float> weights(kFeatures, 1.0F);
  workload->fill_initial_values(0, weights);
  EXPECT_EQ(weights, std::vector<float>(kFeatures, 0.0F));
}

/// What is minimised, over all training samples, in double precision.
double objective_of(const SparseSamples& samples, const std::vector<double>& weights, double bias,
                    double l2) {
  double sum = 0.0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    double logit = bias;
    for (std::size_t k = 0; k < samples.features_of(i).size(); ++k) {
      const double weight = weights[samples.features_of(i)[k]];
      logit += weight * static_cast<double>(samples.values_of(i)[k]);
      sum += 0.5 * l2 * weight * weight;
    }
    sum += std::log1p(std::exp(samples.labels[i] == 1 ? -logit : logit));
  }
  return sum;
}

TEST(LogisticWorkload, ItsGradientIsThatOfItsLoss) {
  LogisticOptions options = small_options();
  options.partition.workers = {1};
  options.batch = kTrain;
  const auto workload = make(options);
  const auto learner = workload->make_learner({0, 0});
  std::vector<std::uint32_t> rows;
  learner->list_rows(1, 0, rows);
  ASSERT_EQ(rows.size(), kFeatures);
  Random random(5);
  std::vector<float> parameters(kFeatures + 1);
  for (float& parameter : parameters) parameter = static_cast<float>(0.5 * random.normal());
  std::vector<float> gradient(kFeatures + 1, 1e6F);
  const std::span<const float> all(parameters);
  const std::vector<std::span<const float>> views{all.first(kFeatures), all.last(1)};
  const std::span<float> written(gradient);
  const std::vector<std::span<float>> update{written.first(kFeatures), written.last(1)};
  const UpdateReport report = learner->compute_update(1, views, update);

  const SparseSamples samples = draw_samples(1, kTrain);
  std::vector<double> at(parameters.begin(), parameters.end());
  const auto objective = [&] { return objective_of(samples, at, at.back(), options.l2); };
  constexpr double kStep = 1e-5;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double value = at[i];
    at[i] = value + kStep;
    const double above = objective();
    at[i] = value - kStep;
    const double below = objective();
    at[i] = value;
    ASSERT_NEAR(gradient[i], (above - below) / (2.0 * kStep), 2e-5) << i;
  }
  EXPECT_EQ(report.samples, kTrain);
  EXPECT_NEAR(report.loss_sum, objective_of(samples, at, at.back(), 0.0), 1e-4);
}

TEST(LogisticWorkload, WorkersTogetherDoWhatOneDoesWithTheJoinedBatch) {
  LogisticOptions options = small_options();
  const auto three = make(options);
  LockStep apart(*three, options.partition.workers, sgd());
  options.partition.workers = {1};
  options.batch = kTrain;
  const auto one = make(options);
  LockStep joined(*one, options.partition.workers, sgd());
  for (int clock = 0; clock < 20; ++clock) {
    const UpdateReport report = joined.run_clock();
    const UpdateReport of_parts = apart.run_clock();
    ASSERT_NEAR(of_parts.loss_sum, report.loss_sum, 1e-5 * report.loss_sum);
  }
  for (std::size_t i = 0; i < kFeatures; ++i) ASSERT_NEAR(apart.table(0)[i], joined.table(0)[i], 1e-5F);
  EXPECT_NEAR(apart.table(1)[0], joined.table(1)[0], 1e-5F);
  EXPECT_GT(joined.objective(), 0.75);
}

TEST(LogisticWorkload, AsksForTheFeaturesOfItsBatchOnly) {
  LogisticOptions options = small_options();
  options.batch = 1;
  const auto workload = make(options);
  const auto learner = workload->make_learner({0, 1});
  const SparseSamples samples = draw_samples(1, kTrain);
  for (Clock clock = 1; clock <= 5; ++clock) {
    std::vector<std::uint32_t> rows;
    learner->list_rows(clock, 0, rows);
    bool found = false;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      const auto features = samples.features_of(i);
      found = found || std::equal(rows.begin(), rows.end(), features.begin(), features.end());
    }
    EXPECT_TRUE(found) << clock;
  }
}

TEST(LogisticWorkload, EachDatacenterMeasuresAllHeldOutSamples) {
  LogisticOptions options = small_options();
  const auto workload = make(options);
  std::vector<float> weights(kFeatures);
  Random random(7);
  for (float& weight : weights) weight = static_cast<float>(random.normal());
  const std::vector<float> bias{0.1F};
  const std::vector<std::span<const float>> parameters{weights, bias};
  EvaluationSums first = workload->make_learner({0, 0})->evaluate(parameters);
  const EvaluationSums second = workload->make_learner({0, 1})->evaluate(parameters);
  const EvaluationSums whole = workload->make_learner({1, 0})->evaluate(parameters);
  EXPECT_EQ(first.samples, 20U);
  first += second;
  EXPECT_EQ(first.samples, 41U);
  EXPECT_EQ(first.metric_sum, whole.metric_sum);
  EXPECT_NEAR(first.loss_sum, whole.loss_sum, 1e-9);
  EXPECT_EQ(first.more, whole.more);

  std::vector<std::pair<double, bool>> scores;
  double right = 0.0;
  const SparseSamples test = draw_samples(2, 41);
  for (std::size_t i = 0; i < test.size(); ++i) {
    double logit = static_cast<double>(bias[0]);
    for (std::size_t k = 0; k < test.features_of(i).size(); ++k) {
      logit +=
          static_cast<double>(weights[test.features_of(i)[k]]) * static_cast<double>(test.values_of(i)[k]);
    }
    scores.emplace_back(logit, test.labels[i] == 1);
    right += (logit > 0.0) == (test.labels[i] == 1) ? 1.0 : 0.0;
  }
  const std::vector<NamedFigure> figures = workload->figures(whole);
  ASSERT_EQ(figures.size(), 3U);
  EXPECT_EQ(figures[0].name, "accuracy");
  EXPECT_DOUBLE_EQ(figures[0].value, right / 41.0);
  EXPECT_EQ(figures[1].name, "auc");
  EXPECT_NEAR(figures[1].value, exact_area(scores), area_under_curve(whole.more).bound + 1e-12);
  EXPECT_EQ(figures[2].name, "log_loss");
  EXPECT_DOUBLE_EQ(figures[2].value, whole.loss_sum / 41.0);
}

TEST(LogisticWorkload, ItsObjectiveIsTheOneAskedFor) {
  EvaluationSums sums{3.0, 2.0, 4, std::vector<double>(kScoreHistogramSize, 0.0)};
  count_score(1.0, true, sums.more);
  count_score(-1.0, false, sums.more);
  LogisticOptions options = small_options();
  EXPECT_EQ(make(options)->objective(sums), 0.75);
  EXPECT_STREQ(make(options)->metric_name(), "accuracy");
  EXPECT_TRUE(make(options)->larger_is_better());
  options.objective = std::string("auc");
  const auto area = make(options);
  EXPECT_EQ(area->objective(sums), 1.0);
  EXPECT_STREQ(area->metric_name(), "auc");
  EXPECT_TRUE(area->larger_is_better());
  options.objective = std::string("loss");
  const auto loss = make(options);
  EXPECT_EQ(loss->objective(sums), 0.5);
  EXPECT_STREQ(loss->metric_name(), "loss");
  EXPECT_FALSE(loss->larger_is_better());
}

std::string error_with(void (*spoil)(LogisticOptions&, SparseSamples& train, SparseSamples& test)) {
  LogisticOptions options = small_options();
  SparseSamples train = draw_samples(1, kTrain);
  SparseSamples test = draw_samples(2, 41);
  spoil(options, train, test);
  const auto workload = make_logistic_workload(options, std::move(train), std::move(test));
  return workload.ok() ? "made without error" : workload.error().message;
}

TEST(MakeLogisticWorkload, NamesWrongOptionsAndSamples) {
  EXPECT_EQ(error_with([](auto& o, auto&, auto&) { o.batch = 0; }), "batch is 0; expected at least 1");
  EXPECT_THAT(error_with([](auto& o, auto&, auto&) { o.l2 = -1.0; }), HasSubstr("l2 is -1; expected"));
  EXPECT_EQ(error_with([](auto& o, auto&, auto&) { o.objective = std::string("rmse"); }),
            "objective is 'rmse'; expected accuracy, auc or loss");
  EXPECT_THAT(error_with([](auto& o, auto&, auto&) { o.partition.kind = std::string("x"); }),
              HasSubstr("'x'"));
  EXPECT_EQ(error_with([](auto&, auto& train, auto&) { train.label_values.push_back(3.0F); }),
            "3 classes of samples; expected 2");
  EXPECT_THAT(error_with([](auto&, auto&, auto& test) {
                test.label_values = {0.0F, 1.0F};
              }),
              HasSubstr("other labels"));
  EXPECT_EQ(error_with([](auto&, auto&, auto& test) { test.features = 31; }),
            "31 features in held-out samples; expected at most the 30 of training samples");
  EXPECT_THAT(error_with([](auto&, auto& train, auto&) { train = {}; }), HasSubstr("0 training samples"));
  EXPECT_THAT(error_with([](auto&, auto&, auto& test) { test = {}; }), HasSubstr("0 held-out samples"));
}

}  // namespace
}  // namespace meridian

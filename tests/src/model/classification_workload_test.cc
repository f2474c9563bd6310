// Goal: image classification keeps the workload's contract: batches and gradients are functions of seed,
// place and clock, from any thread; workers together cover what one worker covers; parts of an evaluation add
// up; wrong options and missing data are named. How: small generated data sets, no files but those of an
// empty folder.
#include "src/model/classification_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "src/base/check.h"
#include "tests/src/model/tables_of_workload.h"

namespace meridian {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ClassificationOptions small_options() {
  ClassificationOptions options;
  options.hidden = {12};
  options.data.format = "generated";
  options.data.generated_train = 120;
  options.data.generated_test = 1101;  // Not a multiple of the block or of the numbers of parts below.
  options.partition.workers = {2, 1};
  options.batch = 16;
  return options;
}

/// Layers that draw random numbers and that keep memory of their own.
ClassificationOptions convolutional_options() {
  ClassificationOptions options = small_options();
  options.model = "cnn";
  options.hidden = {};
  options.layers = {{.kind = "conv", .outputs = 3, .kernel = 5, .stride = 2},
                    {.kind = "relu"},
                    {.kind = "dropout", .rate = 0.3},
                    {.kind = "max_pool", .kernel = 2, .stride = 2}};
  options.data.generated_test = 101;
  return options;
}

std::unique_ptr<Workload> make(const ClassificationOptions& options) {
  auto workload = make_classification_workload(options);
  EXPECT_TRUE(workload.ok()) << workload.error().message;
  return std::move(workload).value();
}

std::vector<float> gradient_at(const Workload& workload, WorkerPlace place, Clock clock,
                               TablesView parameters) {
  const TablesOfWorkload gradient(workload);
  workload.make_learner(place)->compute_update(clock, parameters, gradient.span());
  std::vector<float> all;
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    all.insert(all.end(), gradient[i].begin(), gradient[i].end());
  }
  return all;
}

TEST(ClassificationWorkload, DescribesItself) {
  const auto workload = make(small_options());
  ASSERT_EQ(workload->tables().size(), 4U);
  EXPECT_EQ(workload->tables()[0], (TableSpec{"layer0.weight", 12, 784}));
  EXPECT_EQ(workload->tables()[3], (TableSpec{"layer1.bias", 10, 1}));
  EXPECT_EQ(workload->samples_per_clock({1, 0}), 16U);
  for (const WorkerPlace place : {WorkerPlace{0, 0}, WorkerPlace{0, 1}, WorkerPlace{1, 0}}) {
    EXPECT_EQ(workload->training_bytes(place), 120U / 3 * (784 + 1));
  }
  EXPECT_STREQ(workload->metric_name(), "accuracy");
  EXPECT_TRUE(workload->larger_is_better());
  EXPECT_EQ(workload->note(),
            "GENERATED data, not real images: 120 training and 1101 held-out images of 28 x 28");
  EXPECT_EQ(workload->objective({30.0, 1.0, 40}), 0.75);
}

TEST(ClassificationWorkload, AGradientIsAFunctionOfSeedPlaceAndClock) {
  const auto one = make(small_options());
  const auto same = make(small_options());
  ClassificationOptions reseeded = small_options();
  reseeded.seed = 2;
  const auto other = make(reseeded);
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*one);
  const auto reference = gradient_at(*one, {0, 1}, 5, parameters.view());
  EXPECT_EQ(gradient_at(*same, {0, 1}, 5, parameters.view()), reference);
  EXPECT_NE(gradient_at(*one, {0, 0}, 5, parameters.view()), reference);
  EXPECT_NE(gradient_at(*one, {1, 0}, 5, parameters.view()), reference);
  EXPECT_NE(gradient_at(*one, {0, 1}, 6, parameters.view()), reference);
  EXPECT_NE(gradient_at(*other, {0, 1}, 5, parameters.view()), reference);
}

TEST(ClassificationWorkload, NormalisesAsItIsTold) {
  const auto measured = make(small_options());
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*measured);
  const auto gradient_by = [&](const Normalisation& normalisation) {
    ClassificationOptions options = small_options();
    options.normalisation = normalisation;
    return gradient_at(*make(options), {0, 0}, 1, parameters.view());
  };
  const auto images = load_images(small_options().data);
  ASSERT_TRUE(images.ok());
  const auto reference = gradient_at(*measured, {0, 0}, 1, parameters.view());
  EXPECT_EQ(gradient_by(normalisation_of(images.value().sets.train)), reference);
  EXPECT_NE(gradient_by(normalisation_by(0.5, 0.5)), reference);
}

TEST(ClassificationWorkload, WorkersTogetherGiveWhatOneGivesWithTheJoinedBatch) {
  // Each batch is a whole part, so that three workers' batches are together the one worker's: the training
  // set.
  ClassificationOptions options = small_options();
  options.batch = 40;
  const auto three = make(options);
  options.partition.workers = {1};
  options.batch = 120;
  const auto one = make(options);
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*one);
  const TablesOfWorkload joined(*one);
  const UpdateReport report = one->make_learner({0, 0})->compute_update(1, parameters.view(), joined.span());
  EXPECT_EQ(report.samples, 120U);
  const TablesOfWorkload sum(*one);
  double loss = 0.0;
  for (const WorkerPlace place : {WorkerPlace{0, 0}, WorkerPlace{0, 1}, WorkerPlace{1, 0}}) {
    const TablesOfWorkload part(*three);
    const UpdateReport own = three->make_learner(place)->compute_update(1, parameters.view(), part.span());
    EXPECT_EQ(own.samples, 40U);
    loss += own.loss_sum;
    for (std::size_t table = 0; table < part.size(); ++table) {
      for (std::size_t i = 0; i < part[table].size(); ++i) sum[table][i] += part[table][i];
    }
  }
  EXPECT_NEAR(loss, report.loss_sum, 1e-5 * report.loss_sum);
  for (std::size_t table = 0; table < sum.size(); ++table) {
    float largest = 0.0F;
    for (const float value : joined[table]) largest = std::max(largest, std::abs(value));
    ASSERT_GT(largest, 0.0F);
    for (std::size_t i = 0; i < sum[table].size(); ++i) {
      ASSERT_NEAR(sum[table][i], joined[table][i], 1e-5F * largest) << one->tables()[table].name;
    }
  }
}

TEST(ClassificationWorkload, PartsOfAnEvaluationAddUp) {
  ClassificationOptions options = small_options();
  options.data.generated_train = 2000;
  options.partition.workers = {1};
  const auto workload = make(options);
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*workload);
  const EvaluationSums whole = workload->make_learner({0, 0})->evaluate(parameters.view());
  EXPECT_EQ(whole.samples, 1101U);
  EXPECT_GT(whole.metric_sum, 0.0);
  for (const std::size_t parts : {2U, 3U, 7U, 2000U}) {
    options.partition.workers = {parts};
    const auto divided = make(options);
    EvaluationSums sums;
    for (std::size_t part = 0; part < parts; ++part) {
      const EvaluationSums own = divided->make_learner({0, part})->evaluate(parameters.view());
      EXPECT_LE(own.samples, 1101 / parts + 1);
      sums += own;
    }
    EXPECT_EQ(sums.samples, 1101U);
    // A product of other shape may round otherwise, and so may one answer of 1,101 between near equals.
    EXPECT_NEAR(sums.metric_sum, whole.metric_sum, 1.0);
    EXPECT_NEAR(sums.loss_sum, whole.loss_sum, 1e-5 * whole.loss_sum);
  }
}

void expect_that_threads_do_not_disturb_each_other(const ClassificationOptions& options) {
  const auto workload = make(options);
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*workload);
  constexpr Clock kClocks = 30;
  std::vector<std::vector<float>> expected;
  for (Clock clock = 1; clock <= kClocks; ++clock) {
    expected.push_back(gradient_at(*workload, {0, 0}, clock, parameters.view()));
  }
  const EvaluationSums measured = workload->make_learner({1, 0})->evaluate(parameters.view());
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& own_wrong : wrong) {
    threads.emplace_back([&] {
      for (Clock clock = 1; clock <= kClocks; ++clock) {
        const auto gradient = gradient_at(*workload, {0, 0}, clock, parameters.view());
        own_wrong += gradient != expected[clock - 1] ? 1 : 0;
        if (clock % 10 == 0)
          own_wrong += workload->make_learner({1, 0})->evaluate(parameters.view()) == measured ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4, 0));
}

TEST(ClassificationWorkload, ThreadsDoNotDisturbEachOther) {
  expect_that_threads_do_not_disturb_each_other(small_options());
  expect_that_threads_do_not_disturb_each_other(convolutional_options());
}

TEST(ClassificationWorkload, AConvolutionalGradientIsAFunctionOfSeedPlaceAndClock) {
  const auto one = make(convolutional_options());
  const auto same = make(convolutional_options());
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*one);
  const auto reference = gradient_at(*one, {1, 0}, 5, parameters.view());
  EXPECT_EQ(gradient_at(*same, {1, 0}, 5, parameters.view()), reference);
  EXPECT_NE(gradient_at(*one, {1, 0}, 6, parameters.view()), reference);
  EXPECT_NE(gradient_at(*one, {0, 0}, 5, parameters.view()), reference);
}

TEST(ClassificationWorkload, ANaNInTheParametersReachesTheLoss) {
  const auto workload = make(small_options());
  const TablesOfWorkload parameters = TablesOfWorkload::initial(*workload);
  parameters[0][100] = std::nanf("");
  const TablesOfWorkload gradient(*workload);
  EXPECT_TRUE(std::isnan(
      workload->make_learner({0, 0})->compute_update(1, parameters.view(), gradient.span()).loss_sum));
}

std::string error_with(void (*spoil)(ClassificationOptions&)) {
  ClassificationOptions options = small_options();
  spoil(options);
  const auto workload = make_classification_workload(options);
  return workload.ok() ? "made without error" : workload.error().message;
}

TEST(MakeClassificationWorkload, NamesWrongOptions) {
  EXPECT_EQ(error_with([](auto& o) { o.batch = 0; }), "batch is 0; expected at least 1");
  EXPECT_THAT(error_with([](auto& o) { o.model = "lenet"; }),
              HasSubstr("'lenet'; expected softmax, mlp or cnn"));
  EXPECT_THAT(error_with([](auto& o) { o.model = "softmax"; }), HasSubstr("softmax with 1 hidden layers"));
  EXPECT_THAT(error_with([](auto& o) { o.hidden = {}; }), HasSubstr("mlp without hidden layers"));
  EXPECT_THAT(error_with([](auto& o) { o.hidden = {5, 0}; }), HasSubstr("hidden layer of width 0"));
  EXPECT_THAT(error_with([](auto& o) { o.data.format = "csv"; }),
              HasSubstr("'csv'; expected idx or generated"));
  EXPECT_THAT(error_with([](auto& o) { o.partition.kind = "x"; }), HasSubstr("partition is 'x'"));
  EXPECT_THAT(error_with([](auto& o) { o.data.generated_test = 0; }),
              HasSubstr("expected at least 1 of each"));
  EXPECT_THAT(error_with([](auto& o) { o.data.classes = 1; }), HasSubstr("1 classes; expected 2 to 256"));
  EXPECT_THAT(error_with([](auto& o) {
                o.partition.workers = {100, 100};
              }),
              HasSubstr("120 training samples for 200 workers"));
}

TEST(MakeClassificationWorkload, NamesWrongLayers) {
  EXPECT_THAT(error_with([](auto& o) { o.layers = {{.kind = "relu"}}; }),
              HasSubstr("mlp with 1 described layers; expected none"));
  EXPECT_THAT(error_with([](auto& o) { o.model = "cnn"; }), HasSubstr("cnn with 1 hidden layers"));
  EXPECT_EQ(error_with([](auto& o) {
              o.model = "cnn";
              o.hidden = {};
              o.layers = {{.kind = "max_pool", .kernel = 29}};
            }),
            "workload.model.layers[0] (max_pool, windows of 29 x 29) gets images of 1 x 28 x 28; expected at "
            "least 29 x 29 pixels");
}

TEST(MakeClassificationWorkload, ReplacesMissingDataOnlyWhereAllIsMissingAndOnlyWhenAsked) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("no_images_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  ClassificationOptions options = small_options();
  options.data.format = "idx";
  options.data.path = folder;
  auto workload = make_classification_workload(options);
  ASSERT_FALSE(workload.ok());
  EXPECT_THAT(workload.error().message, HasSubstr("train-images-idx3-ubyte: no such file"));

  options.data.if_missing = "generated";
  workload = make_classification_workload(options);
  ASSERT_TRUE(workload.ok()) << workload.error().message;
  EXPECT_THAT(workload.value()->note(), StartsWith("GENERATED data, not real images ("));

  // Half a data set is a mistake to be told of, not to be replaced.
  std::ofstream(folder / "t10k-labels-idx1-ubyte") << "x";
  workload = make_classification_workload(options);
  ASSERT_FALSE(workload.ok());
  EXPECT_THAT(workload.error().message, HasSubstr("train-images-idx3-ubyte: no such file"));
  std::filesystem::remove_all(folder);
}

TEST(MakeClassificationWorkload, RefusesAPatternEvenWhereImagesMayBeGenerated) {
  ClassificationOptions options = small_options();
  options.data.format = "idx";
  options.data.if_missing = "generated";
  options.data.path = std::filesystem::path(testing::TempDir()) / "part-*";
  const auto workload = make_classification_workload(options);
  ASSERT_FALSE(workload.ok());
  EXPECT_THAT(workload.error().message,
              HasSubstr("part-*: no folder of this name has IDX files, and format idx takes no pattern"));
}

}  // namespace
}  // namespace meridian

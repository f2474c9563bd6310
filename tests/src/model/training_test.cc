// Goal: the models learn: a plain loop over gradients and SGD steps reaches the accuracy that the data allow,
// and the generated data are about as hard as Fashion-MNIST, so that what is tried on them carries over. How:
// softmax regression and a perceptron of 128 hidden units, batch 64, over GENERATED data; where MERIDIAN_DATA
// is set, over the real Fashion-MNIST in its folder fashion-mnist too, against the same bounds.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "src/model/classification_workload.h"
#include "src/optimizer/optimizer.h"
#include "tests/src/data/real_data.h"
#include "tests/src/model/tables_of_workload.h"

namespace meridian {
namespace {

struct Learnt {
  double best = 0.0;      ///< over evaluations every 100 clocks
  Clock reached_086 = 0;  ///< the first evaluation at 0.86 or above; 0 if none
};

Learnt train(const Workload& workload, double learning_rate, Clock clocks) {
  const TablesOfWorkload parameters = TablesOfWorkload::initial(workload);
  const TablesOfWorkload gradient(workload);
  std::vector<std::unique_ptr<Optimizer>> optimizers;
  for (const TableSpec& table : workload.tables()) {
    optimizers.push_back(make_optimizer({"sgd", learning_rate, 0.0}, table.size()).value());
  }
  const std::unique_ptr<Learner> learner = workload.make_learner({0, 0});
  Learnt learnt;
  for (Clock clock = 1; clock <= clocks; ++clock) {
    const UpdateReport report = learner->compute_update(clock, parameters.view(), gradient.span());
    for (std::size_t table = 0; table < parameters.size(); ++table) {
      const float scale = 1.0F / static_cast<float>(report.samples);
      EXPECT_TRUE(optimizers[table]->step(1, scale, 1.0F, 0, parameters[table], gradient[table]));
      std::transform(parameters[table].begin(), parameters[table].end(), gradient[table].begin(),
                     parameters[table].begin(), std::plus<>());
    }
    if (clock % 100 != 0) continue;
    const double accuracy = workload.objective(learner->evaluate(parameters.view()));
    learnt.best = std::max(learnt.best, accuracy);
    if (learnt.reached_086 == 0 && accuracy >= 0.86) learnt.reached_086 = clock;
  }
  return learnt;
}

class Training : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto folder = real_data("fashion-mnist");
    if (GetParam() == "idx" && !folder) GTEST_SKIP() << kNoRealData;
    options_.data.format = GetParam();
    if (folder) options_.data.path = *folder;
    options_.partition.workers = {1};
  }

  std::unique_ptr<Workload> make() const {
    auto workload = make_classification_workload(options_);
    EXPECT_TRUE(workload.ok()) << workload.error().message;
    std::cout << workload.value()->note() << '\n';
    return std::move(workload).value();
  }

  ClassificationOptions options_;
};

TEST_P(Training, SoftmaxRegressionGetsAsFarAsALineCan) {
  options_.model = "softmax";
  const Learnt learnt = train(*make(), 0.05, 1500);
  std::cout << "softmax: best " << learnt.best << '\n';
  EXPECT_GE(learnt.best, 0.80);
  EXPECT_LE(learnt.best, 0.855);
}

TEST_P(Training, PerceptronReachesTheDemosTarget) {
  options_.hidden = {128};
  const Learnt learnt = train(*make(), 0.2, 3000);
  std::cout << "perceptron: best " << learnt.best << ", 0.86 at clock " << learnt.reached_086 << '\n';
  // Too easy below, out of reach when 0. The clock between moves with the processor's rounding.
  EXPECT_GE(learnt.reached_086, 600U);
  EXPECT_LE(learnt.best, 0.90);
}

INSTANTIATE_TEST_SUITE_P(Data, Training, testing::Values("generated", "idx"),
                         [](const auto& format) { return format.param; });

}  // namespace
}  // namespace meridian

// Goal: matrix factorisation learns what there is to learn: on generated ratings the root mean squared error
// on held-out ones comes near the deviation of their noise, which nothing can beat. How: three workers in two
// datacenters in step, plain stochastic gradient descent with a falling learning rate.
#include <gtest/gtest.h>

#include <iostream>

#include "src/data/generated_ratings.h"
#include "src/factorisation/factorisation_workload.h"
#include "tests/src/workload/lock_step.h"

namespace meridian {
namespace {

constexpr double kNoise = 0.5;
constexpr Clock kEpochs = 30;

struct Learnt {
  double start = 0.0;
  double end = 0.0;
};

Learnt learn(bool biases, std::size_t rank) {
  GeneratedRatingsOptions generated;
  generated.users = 800;
  generated.items = 400;
  generated.ratings = 90'000;
  generated.rank = 2;
  generated.noise = kNoise;
  TrainAndTestRatings data = hold_out(generate_ratings(generated).value().ratings, 0.1, 1);

  FactorisationOptions options;
  options.rank = rank;
  options.l2 = 0.01;
  options.biases = biases;
  options.mean = 3.0;
  options.partition.workers = {2, 1};
  options.batch = 300;
  const auto clocks = static_cast<Clock>(kEpochs * data.train.size() / (3 * options.batch));
  OptimizerOptions optimizer{"sgd", 0.03, 0.0, {}};
  optimizer.schedule = LearningRate::make({.name = "cosine", .clocks = clocks}).value();
  options.rate_at = [optimizer](Clock clock) { return optimizer.rate_at(clock); };
  const auto workload = make_factorisation_workload(options, std::move(data));
  EXPECT_TRUE(workload.ok()) << workload.error().message;
  LockStep run(*workload.value(), options.partition.workers, optimizer);
  Learnt learnt;
  learnt.start = run.objective();
  run.run_clocks(clocks);
  learnt.end = run.objective();
  std::cout << "rmse " << learnt.start << " -> " << learnt.end << ", noise " << kNoise << '\n';
  return learnt;
}

TEST(FactorisationTraining, ComesNearTheNoiseOfTheRatings) {
  const Learnt learnt = learn(/*biases=*/true, 2);
  EXPECT_GT(learnt.start, 2.0 * kNoise);
  EXPECT_LT(learnt.end, 1.03 * kNoise);
  EXPECT_GT(learnt.end, 0.97 * kNoise);
}

TEST(FactorisationTraining, LearnsBiasesAsFactorsWhereThereAreNone) {
  EXPECT_LT(learn(/*biases=*/false, 4).end, 1.06 * kNoise);
}

}  // namespace
}  // namespace meridian

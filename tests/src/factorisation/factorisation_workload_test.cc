// Goal: matrix factorisation keeps the workload's contract: users stay with their worker, workers together do
// what one does with the joined batch, a clock is what plain stochastic gradient descent makes of it, state
// comes back, wrong options and ratings are named. How: small ratings drawn here, servers replaced by a loop.
#include "src/factorisation/factorisation_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "src/base/random.h"
#include "src/factorisation/user_factors.h"
#include "tests/src/factorisation/reference_factors.h"
#include "tests/src/workload/lock_step.h"

namespace meridian {
namespace {

using testing::HasSubstr;

constexpr std::size_t kUsers = 12;
constexpr std::size_t kItems = 9;
constexpr std::size_t kRatingsOfUser = 10;
constexpr double kRate = 0.01;

// Every user rates as often, so that workers with as many users have parts of the same size.
TrainAndTestRatings small_ratings() {
  Random random(6);
  TrainAndTestRatings data;
  for (Ratings* const ratings : {&data.train, &data.test}) {
    ratings->users = kUsers;
    ratings->items = kItems;
    for (std::uint32_t user = 0; user < kUsers; ++user) {
      for (std::size_t i = 0; i < (ratings == &data.train ? kRatingsOfUser : 2); ++i) {
        ratings->user.push_back(user);
        ratings->item.push_back(static_cast<std::uint32_t>(random.below(kItems)));
        ratings->value.push_back(static_cast<float>(3.0 + random.normal()));
      }
    }
  }
  return data;
}

FactorisationOptions small_options() {
  FactorisationOptions options;
  options.rank = 4;
  options.mean = 2.5;
  options.rate_at = [](Clock) { return static_cast<float>(kRate); };
  options.partition.workers = {2, 1};
  options.batch = kUsers * kRatingsOfUser / 3;
  return options;
}

OptimizerOptions sgd() { return {"sgd", kRate, 0.0, {}}; }

std::unique_ptr<Workload> make(const FactorisationOptions& options) {
  auto workload = make_factorisation_workload(options, small_ratings());
  EXPECT_TRUE(workload.ok()) << workload.error().message;
  return std::move(workload).value();
}

TEST(FactorisationWorkload, DescribesItself) {
  FactorisationOptions options = small_options();
  options.note = "drawn in a test";
  const auto workload = make(options);
  ASSERT_EQ(workload->tables().size(), 2U);
  EXPECT_EQ(workload->tables()[0], (TableSpec{"item_factors", 9, 5, true, UpdateRule::summed_gradient}));
  EXPECT_EQ(workload->tables()[1], (TableSpec{"mean", 1, 1, false, UpdateRule::mean_gradient}));
  EXPECT_EQ(workload->samples_per_clock({1, 0}), 40U);
  EXPECT_EQ(workload->training_bytes({1, 0}), 40U * 12);
  EXPECT_STREQ(workload->metric_name(), "rmse");
  EXPECT_FALSE(workload->larger_is_better());
  EXPECT_EQ(workload->note(), "drawn in a test: 120 ratings of 9 items by 12 users, 24 more held out");
  EXPECT_DOUBLE_EQ(workload->objective({36.0, 18.0, 4}), 3.0);
  options.biases = false;
  EXPECT_EQ(make(options)->tables()[0].columns, 4U);
}

TEST(FactorisationWorkload, StartsFromSmallFactorsNoBiasesAndTheGivenMean) {
  FactorisationOptions options = small_options();
  options.initial_scale = 0.2;
  const auto workload = make(options);
  std::vector<float> items(kItems * 5);
  std::vector<float> same(kItems * 5);
  workload->fill_initial_values(0, items);
  make(options)->fill_initial_values(0, same);
  EXPECT_EQ(items, same);
  options.seed = 2;
  make(options)->fill_initial_values(0, same);
  EXPECT_NE(items, same);
  double squares = 0.0;
  for (std::size_t item = 0; item < kItems; ++item) {
    for (std::size_t k = 0; k < 4; ++k) squares += std::pow(static_cast<double>(items[item * 5 + k]), 2);
    EXPECT_EQ(items[item * 5 + 4], 0.0F);
  }
  EXPECT_NEAR(std::sqrt(squares / (kItems * 4)), 0.2, 0.08);
  std::vector<float> mean(1);
  workload->fill_initial_values(1, mean);
  EXPECT_EQ(mean[0], 2.5F);
}

TEST(FactorisationWorkload, WorkersTogetherDoWhatOneDoesWithTheJoinedBatch) {
  // Each batch is a whole part, so that the three workers' batches are together the one worker's: all
  // ratings.
  FactorisationOptions options = small_options();
  const auto three = make(options);
  LockStep apart(*three, options.partition.workers, sgd());
  options.partition.workers = {1};
  options.batch = kUsers * kRatingsOfUser;
  const auto one = make(options);
  LockStep joined(*one, options.partition.workers, sgd());
  for (int clock = 0; clock < 30; ++clock) {
    const UpdateReport report = joined.run_clock();
    const UpdateReport of_parts = apart.run_clock();
    EXPECT_EQ(report.samples, of_parts.samples);
    ASSERT_NEAR(of_parts.loss_sum, report.loss_sum, 1e-5 * report.loss_sum);
  }
  for (std::size_t table = 0; table < 2; ++table) {
    for (std::size_t i = 0; i < joined.table(table).size(); ++i) {
      ASSERT_NEAR(apart.table(table)[i], joined.table(table)[i], 1e-5F) << table;
    }
  }
  const EvaluationSums sums = joined.evaluate();
  const EvaluationSums of_parts = apart.evaluate();
  EXPECT_EQ(of_parts.samples, 24U);
  EXPECT_NEAR(of_parts.metric_sum, sums.metric_sum, 1e-4 * sums.metric_sum);
  EXPECT_NEAR(of_parts.loss_sum, 0.5 * of_parts.metric_sum, 1e-9);
}

/// What one worker with all ratings in each batch should come to.
ReferenceModel reference_of(const FactorisationOptions& options, const Workload& workload) {
  ReferenceModel model;
  model.mean = options.mean;
  model.l2 = static_cast<double>(static_cast<float>(options.l2));
  model.items.resize(kItems);
  model.users.resize(kUsers);
  std::vector<float> items(kItems * (options.rank + 1));
  workload.fill_initial_values(0, items);
  std::vector<std::uint32_t> numbers(kUsers);
  for (std::uint32_t user = 0; user < kUsers; ++user) numbers[user] = user;
  const UserFactors users(options.seed, numbers, options.rank, true, options.initial_scale);
  for (std::size_t item = 0; item < kItems; ++item) {
    const auto first = items.begin() + static_cast<std::ptrdiff_t>(item * (options.rank + 1));
    model.items[item].factors.assign(first, first + static_cast<std::ptrdiff_t>(options.rank));
  }
  for (std::size_t user = 0; user < kUsers; ++user) {
    const float* const first = users.rows().factors + user * users.rows().stride;
    model.users[user].factors.assign(first, first + options.rank);
  }
  return model;
}

TEST(FactorisationWorkload, AgreesWithStochasticGradientDescentInDoublePrecision) {
  FactorisationOptions options = small_options();
  options.partition.workers = {1};
  options.batch = kUsers * kRatingsOfUser;
  const auto workload = make(options);
  LockStep run(*workload, options.partition.workers, sgd());
  ReferenceModel model = reference_of(options, *workload);
  const TrainAndTestRatings data = small_ratings();
  std::vector<PlacedRating> train;
  std::vector<PlacedRating> test;
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    train.push_back({data.train.user[i], data.train.item[i], data.train.value[i]});
  }
  for (std::size_t i = 0; i < data.test.size(); ++i) {
    test.push_back({data.test.user[i], data.test.item[i], data.test.value[i]});
  }
  for (int clock = 0; clock < 40; ++clock) {
    double errors = 0.0;
    ReferenceModel stepping = model;
    for (const PlacedRating& rating : train) {
      errors += stepping.error_of(rating);
      static_cast<void>(stepping.descend({&rating, 1}, kRate));
    }
    const std::vector<ReferenceFactors> gradient = model.descend(train, kRate);
    for (std::size_t item = 0; item < kItems; ++item) {
      for (std::size_t k = 0; k < options.rank; ++k) {
        model.items[item].factors[k] -= kRate * gradient[item].factors[k];
      }
      model.items[item].bias -= kRate * gradient[item].bias;
    }
    model.mean += kRate * errors / static_cast<double>(train.size());
    run.run_clock();
  }
  for (std::size_t item = 0; item < kItems; ++item) {
    for (std::size_t k = 0; k < options.rank; ++k) {
      ASSERT_NEAR(run.table(0)[item * 5 + k], model.items[item].factors[k], 1e-5) << item;
    }
    ASSERT_NEAR(run.table(0)[item * 5 + 4], model.items[item].bias, 1e-5);
  }
  EXPECT_NEAR(run.table(1)[0], model.mean, 1e-5);
  double squares = 0.0;
  for (const PlacedRating& rating : test) squares += std::pow(model.error_of(rating), 2);
  EXPECT_NEAR(run.evaluate().metric_sum, squares, 1e-4 * squares);
}

TEST(FactorisationWorkload, AsksForTheItemsOfItsBatchOnly) {
  FactorisationOptions options = small_options();
  options.batch = 3;
  const auto workload = make(options);
  const auto learner = workload->make_learner({0, 1});
  std::vector<std::uint32_t> rows;
  learner->list_rows(1, 0, rows);
  EXPECT_GE(rows.size(), 1U);
  EXPECT_LE(rows.size(), 3U);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
}

std::string state_of(const Learner& learner) {
  std::ostringstream out;
  learner.save_state(out);
  return out.str();
}

TEST(FactorisationWorkload, GoesOnFromASavedStateBitForBit) {
  FactorisationOptions options = small_options();
  options.partition.workers = {1};
  options.batch = 50;
  const auto workload = make(options);
  LockStep run(*workload, options.partition.workers, sgd());
  run.run_clocks(5);
  const std::string state = state_of(run.learner(0));
  const auto restored = workload->make_learner({0, 0});
  EXPECT_NE(state_of(*restored), state);
  std::istringstream in(state);
  ASSERT_FALSE(restored->restore_state(in));
  EXPECT_EQ(state_of(*restored), state);
  const auto tables = run.tables();
  EXPECT_EQ(restored->evaluate(tables), run.evaluate());
  std::vector<float> updates[2];
  Learner* const learners[2] = {&run.learner(0), restored.get()};
  for (const std::size_t i : {0U, 1U}) {
    std::vector<std::uint32_t> rows;
    learners[i]->list_rows(6, 0, rows);
    ASSERT_EQ(rows.size(), kItems);
    updates[i].resize(kItems * 5 + 1);
    const std::span<float> all(updates[i]);
    const std::vector<std::span<float>> update{all.first(kItems * 5), all.last(1)};
    learners[i]->compute_update(6, tables, update);
  }
  EXPECT_EQ(updates[0], updates[1]);
  EXPECT_EQ(state_of(run.learner(0)), state_of(*restored));
}

TEST(FactorisationWorkload, RefusesTheStateOfAnotherPlaceOrHalfOfOne) {
  const auto workload = make(small_options());
  const std::string state = state_of(*workload->make_learner({0, 0}));
  std::istringstream of_other(state);
  const Failure other = workload->make_learner({0, 1})->restore_state(of_other);
  ASSERT_TRUE(other);
  EXPECT_THAT(other->message, HasSubstr("other users"));
  std::istringstream cut(state.substr(0, state.size() - 1));
  const Failure half = workload->make_learner({0, 0})->restore_state(cut);
  ASSERT_TRUE(half);
  EXPECT_THAT(half->message, HasSubstr("ends before the sums of the last batch"));
}

TEST(FactorisationWorkload, GivesTheErrorOfTheLastBatchesAsAFigure) {
  const FactorisationOptions options = small_options();
  const auto workload = make(options);
  LockStep run(*workload, options.partition.workers, sgd());
  EXPECT_EQ(workload->figures(run.evaluate()).size(), 1U);
  const UpdateReport report = run.run_clock();
  const EvaluationSums sums = run.evaluate();
  const std::vector<NamedFigure> figures = workload->figures(sums);
  ASSERT_EQ(figures.size(), 2U);
  EXPECT_EQ(figures[0].name, "rmse");
  EXPECT_EQ(figures[0].value, workload->objective(sums));
  EXPECT_EQ(figures[1].name, "train_rmse");
  EXPECT_NEAR(figures[1].value, std::sqrt(2.0 * report.loss_sum / static_cast<double>(report.samples)), 1e-9);
}

std::string error_with(void (*spoil)(FactorisationOptions&, TrainAndTestRatings&)) {
  FactorisationOptions options = small_options();
  TrainAndTestRatings data = small_ratings();
  spoil(options, data);
  const auto workload = make_factorisation_workload(options, std::move(data));
  return workload.ok() ? "made without error" : workload.error().message;
}

TEST(MakeFactorisationWorkload, NamesWrongOptions) {
  EXPECT_EQ(error_with([](auto& o, auto&) { o.rank = 0; }), "rank is 0; expected 1 to 4096");
  EXPECT_EQ(error_with([](auto& o, auto&) { o.batch = 0; }), "batch is 0; expected at least 1");
  EXPECT_THAT(error_with([](auto& o, auto&) { o.partition.kind = std::string("overlap"); }),
              HasSubstr("partition is 'overlap'; expected one that gives each user's ratings to one worker"));
  EXPECT_THAT(error_with([](auto& o, auto&) { o.rate_at = nullptr; }),
              HasSubstr("no learning rate for users"));
  EXPECT_THAT(error_with([](auto& o, auto&) { o.l2 = -1.0; }),
              HasSubstr("l2 is -1; expected a finite number, at least 0"));
  EXPECT_THAT(error_with([](auto& o, auto&) { o.initial_scale = std::nan(""); }),
              HasSubstr("initial_scale is nan"));
  EXPECT_THAT(error_with([](auto& o, auto&) { o.mean = std::numeric_limits<double>::infinity(); }),
              HasSubstr("mean is inf; expected a finite number"));
  EXPECT_THAT(error_with([](auto& o, auto&) { o.partition.workers = {}; }), HasSubstr("0 datacenters"));
}

TEST(MakeFactorisationWorkload, NamesWrongRatings) {
  EXPECT_THAT(
      error_with([](auto&, auto& d) { d.train.value.clear(), d.train.user.clear(), d.train.item.clear(); }),
      HasSubstr("0 training ratings"));
  EXPECT_THAT(
      error_with([](auto&, auto& d) { d.test.value.clear(), d.test.user.clear(), d.test.item.clear(); }),
      HasSubstr("0 held-out ratings"));
  EXPECT_THAT(error_with([](auto&, auto& d) { d.train.value.pop_back(); }),
              HasSubstr("120 users, 120 items and 119 values"));
  EXPECT_EQ(error_with([](auto&, auto& d) { d.test.item[3] = 9; }),
            "held-out rating 3 is of item 9 by user 1; expected numbers below 9 and 12");
  EXPECT_THAT(error_with([](auto&, auto& d) {
                for (std::uint32_t& user : d.test.user) user = 0;
              }),
              HasSubstr("datacenter 1 (counted from 0) has 0 held-out ratings"));
}

}  // namespace
}  // namespace meridian

// Goal: on real data, logistic regression gets where it is known to get (about 85 % of answers right on a9a's
// held-out samples), and the area from the histogram is the exact one to within 1e-4. How: three workers in
// two datacenters in step, plain stochastic gradient descent; skipped where MERIDIAN_DATA is not set.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "src/data/libsvm_reader.h"
#include "src/logistic/logistic_workload.h"
#include "src/logistic/score_histogram.h"
#include "tests/src/data/real_data.h"
#include "tests/src/logistic/exact_area.h"
#include "tests/src/workload/lock_step.h"

namespace meridian {
namespace {

SparseSamples read(const std::filesystem::path& file, std::size_t features) {
  Result<SparseSamples> samples = read_libsvm({file.string()}, {.features = features});
  EXPECT_TRUE(samples.ok()) << samples.error().message;
  return std::move(samples).value();
}

TEST(A9a, IsLearntToTheKnownAccuracy) {
  const auto path = real_data("a9a");
  if (!path) GTEST_SKIP() << kNoRealData;
  const SparseSamples train = read(*path / "a9a.gz", 0);
  const SparseSamples test = read(*path / "a9a.t.gz", train.features);
  LogisticOptions options;
  options.partition.workers = {2, 1};
  options.batch = 100;
  const auto workload = make_logistic_workload(options, train, test);
  ASSERT_TRUE(workload.ok()) << workload.error().message;
  LockStep run(*workload.value(), options.partition.workers, {"sgd", 0.5, 0.0, {}});
  run.run_clocks(600);
  // Both datacenters measure all of them: every sample counts twice.
  const EvaluationSums sums = run.evaluate();
  EXPECT_EQ(sums.samples, 2 * test.size());
  for (const NamedFigure& figure : workload.value()->figures(sums)) {
    std::cout << figure.name << ' ' << figure.value << '\n';
  }
  EXPECT_GE(workload.value()->objective(sums), 0.845);

  std::vector<std::pair<double, bool>> scores;
  for (std::size_t i = 0; i < test.size(); ++i) {
    double logit = static_cast<double>(run.table(1)[0]);
    for (std::size_t k = 0; k < test.features_of(i).size(); ++k) {
      logit += static_cast<double>(run.table(0)[test.features_of(i)[k]]) *
               static_cast<double>(test.values_of(i)[k]);
    }
    scores.emplace_back(logit, test.labels[i] == 1);
  }
  const AreaUnderCurve found = area_under_curve(sums.more);
  const double exact = exact_area(scores);
  std::cout << "area " << found.area << ", exact " << exact << ", bound " << found.bound << '\n';
  EXPECT_NEAR(found.area, exact, 1e-4);
  EXPECT_GE(exact, 0.895);
}

}  // namespace
}  // namespace meridian

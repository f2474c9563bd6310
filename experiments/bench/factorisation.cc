// How fast matrix factorisation and sparse logistic regression learn on one core: ratings and entries per
// second of a worker's whole part of a clock, which is drawing the batch, listing its rows and computing the
// update, but not what servers and network do. Time is the processor's, so that a busy machine does not blur
// it.
//
// Two limits stand beside it: the memory traffic of each rating's rows (item and gradient read, gradient
// written, user read and written) at the speed at which this machine adds one array of the size of those
// tables to another, and the arithmetic at the speed at which it multiplies and adds numbers that stay in the
// first-level cache.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "experiments/bench/wanted_instruction_set.h"
#include "src/base/float_buffer.h"
#include "src/base/instruction_sets.h"
#include "src/data/generated_ratings.h"
#include "src/data/generated_sparse_samples.h"
#include "src/factorisation/factorisation_workload.h"
#include "src/logistic/logistic_workload.h"

namespace meridian {
namespace {

constexpr double kShortest = 1.0;  // seconds that a row is measured

double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

MERIDIAN_FOR_EACH_INSTRUCTION_SET(void, multiply_and_add,
                                  (const float* __restrict terms, float factor, float* __restrict sums,
                                   std::size_t size),
                                  (terms, factor, sums, size)) {
  for (std::size_t i = 0; i < size; ++i) sums[i] += factor * terms[i];
}

/// Floats per second that are multiplied and added to others, over arrays of this many: the best of some
/// tries.
double floats_per_second(std::size_t size) {
  constexpr int kTries = 20;
  const std::size_t passes = 1 + (std::size_t{1} << 22) / size;
  FloatBuffer terms(size);
  FloatBuffer sums(size);
  double best = 0.0;
  for (int attempt = 0; attempt < kTries; ++attempt) {
    const double begin = processor_seconds();
    for (std::size_t pass = 0; pass < passes; ++pass) {
      multiply_and_add(terms.data(), 0.5F, sums.data(), size);
    }
    best = std::max(best, static_cast<double>(passes * size) / (processor_seconds() - begin));
  }
  return best;
}

/// The tables as a server would hold them, and what a learner asks of them.
class Worker {
 public:
  explicit Worker(const Workload& workload)
      : learner_(workload.make_learner({0, 0})),
        columns_(workload.tables()[0].columns),
        batch_(workload.samples_per_clock({0, 0})),
        table_(workload.tables()[0].size()),
        pulled_(table_.size()),
        update_(table_.size()) {
    workload.fill_initial_values(0, table_.span());
    workload.fill_initial_values(1, {&other_, 1});
  }

  /// Runs clocks until they took long enough; returns samples per second.
  double samples_per_second() {
    double seconds = 0.0;
    double samples = 0.0;
    while (seconds < kShortest) {
      rows_.clear();
      seconds -= processor_seconds();
      learner_->list_rows(++clock_, 0, rows_);
      seconds += processor_seconds();
      for (std::size_t k = 0; k < rows_.size(); ++k) {
        std::copy_n(table_.data() + rows_[k] * columns_, columns_, pulled_.data() + k * columns_);
      }
      const std::span<const float> parameters[] = {pulled_.span().first(rows_.size() * columns_),
                                                   {&other_, 1}};
      const std::span<float> update[] = {update_.span().first(rows_.size() * columns_), {&other_update_, 1}};
      seconds -= processor_seconds();
      learner_->compute_update(clock_, parameters, update);
      seconds += processor_seconds();
      samples += static_cast<double>(batch_);
    }
    return samples / seconds;
  }

  std::size_t rows() const { return rows_.size(); }
  std::size_t bytes() const { return rows_.size() * columns_ * sizeof(float); }

 private:
  std::unique_ptr<Learner> learner_;
  std::size_t columns_;
  std::size_t batch_;
  FloatBuffer table_;
  FloatBuffer pulled_;
  FloatBuffer update_;
  float other_ = 0.0F;
  float other_update_ = 0.0F;
  std::vector<std::uint32_t> rows_;
  Clock clock_ = 0;
};

int fail(const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return EXIT_FAILURE;
}

int measure_factorisation() {
  GeneratedRatingsOptions generated;
  generated.users = 20'000;
  generated.items = 20'000;
  generated.ratings = 3'000'000;
  const Result<GeneratedRatings> ratings = generate_ratings(generated);
  if (!ratings) return fail(ratings.error());
  const TrainAndTestRatings data = hold_out(ratings.value().ratings, 0.01, 1);
  constexpr std::size_t kInCache = 2048;
  const double arithmetic = floats_per_second(kInCache);
  fmt::print("matrix factorisation, {} ratings of {} items by {} users\n", data.train.size(), generated.items,
             generated.users);
  fmt::print("{:>6} {:>8} {:>8} {:>18} {:>16} {:>20}\n", "rank", "batch", "rows", "million ratings/s",
             "share of memory", "share of arithmetic");
  for (const std::size_t rank : {8U, 32U, 128U}) {
    for (const std::size_t batch : {4096U, 65536U}) {
      FactorisationOptions options;
      options.rank = rank;
      options.l2 = 0.02;
      options.mean = generated.mean;
      options.rate_at = [](Clock) { return 0.001F; };
      options.partition.workers = {1};
      options.batch = batch;
      const auto workload = make_factorisation_workload(options, data);
      if (!workload) return fail(workload.error());
      Worker worker(*workload.value());
      const double per_second = worker.samples_per_second();
      // A pass of the addition reads two arrays and writes one of them, of all that a batch goes through.
      const auto columns = static_cast<double>(rank + 1);
      const double touched = 3.0 * columns + 2.0 * columns;  // floats of a rating
      const double memory = 3.0 * floats_per_second(worker.bytes() / sizeof(float));
      // The product, the gradient and the user's step, each with the penalty: five pairs of a product and a
      // sum.
      const double pairs = 5.0 * static_cast<double>(rank);
      fmt::print("{:>6} {:>8} {:>8} {:>18.1f} {:>16.2f} {:>20.2f}\n", rank, batch, worker.rows(),
                 1e-6 * per_second, per_second * touched / memory, per_second * pairs / arithmetic);
    }
  }
  return EXIT_SUCCESS;
}

int measure_logistic() {
  fmt::print("\nsparse logistic regression\n{:>10} {:>16} {:>8} {:>18} {:>18}\n", "features",
             "entries/sample", "batch", "million samples/s", "million entries/s");
  for (const std::size_t features : {1'000U, 1'000'000U}) {
    GeneratedSparseSamplesOptions generated;
    generated.samples = 100'000;
    generated.held_out_samples = 100;
    generated.features = features;
    generated.features_per_sample = 40.0;
    const Result<GeneratedSparseSamples> samples = generate_sparse_samples(generated);
    if (!samples) return fail(samples.error());
    const SparseSamples& train = samples.value().train;
    const double entries = static_cast<double>(train.entries()) / static_cast<double>(train.size());
    for (const std::size_t batch : {256U, 4096U}) {
      LogisticOptions options;
      options.partition.workers = {1};
      options.batch = batch;
      const auto workload = make_logistic_workload(options, train, samples.value().held_out);
      if (!workload) return fail(workload.error());
      const double per_second = Worker(*workload.value()).samples_per_second();
      fmt::print("{:>10} {:>16.1f} {:>8} {:>18.2f} {:>18.0f}\n", features, entries, batch, 1e-6 * per_second,
                 1e-6 * per_second * entries);
    }
  }
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace meridian

int main() {
  meridian::bench::require_wanted_instruction_set();
  const int code = meridian::measure_factorisation();
  return code == EXIT_SUCCESS ? meridian::measure_logistic() : code;
}

#include "src/program/calibration.h"

#include <barrier>
#include <chrono>
#include <mutex>
#include <numeric>
#include <thread>
#include <vector>

#include "src/base/float_buffer.h"

namespace meridian::program {
namespace {

using WallClock = std::chrono::steady_clock;

double seconds_since(WallClock::time_point begin) {
  return std::chrono::duration<double>(WallClock::now() - begin).count();
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// One worker's parameters, as they are at first, and room for its gradient.
class Buffers {
 public:
  explicit Buffers(const Workload& workload) {
    for (std::size_t table = 0; table < workload.tables().size(); ++table) {
      parameters_.emplace_back(workload.tables()[table].size());
      sums_.emplace_back(workload.tables()[table].size());
      workload.fill_initial_values(table, parameters_.back().span());
      parameter_views_.emplace_back(parameters_.back().span());
      sum_views_.emplace_back(sums_.back().span());
    }
  }

  std::span<const std::span<const float>> parameters() const { return parameter_views_; }
  std::span<const std::span<float>> sums() const { return sum_views_; }

 private:
  std::vector<FloatBuffer> parameters_;
  std::vector<FloatBuffer> sums_;
  std::vector<std::span<const float>> parameter_views_;
  std::vector<std::span<float>> sum_views_;
};

}  // namespace

void warm_up(const Workload& workload, WorkerPlace place) {
  const Buffers buffers(workload);
  (void)workload.compute_gradient(place, 1, buffers.parameters(), buffers.sums());
}

ComputeConfig measure_compute(const Deployment& deployment) {
  // Long against a time slice: where there are more workers than cores, each computes at full speed for a
  // while and then not at all. That is also why the figures are means: a median would see none of the
  // waiting.
  constexpr double kSeconds = 2.0;
  constexpr Clock kLeastClocks = 3;
  const Workload& workload = deployment.workload();
  const Config& config = deployment.config();
  std::size_t all_workers = 0;
  for (const DatacenterConfig& datacenter : config.datacenters) all_workers += datacenter.workers;
  std::barrier<> together(static_cast<std::ptrdiff_t>(all_workers));
  std::mutex mutex;
  std::vector<double> gradients;
  std::vector<double> evaluations;

  const auto measure_worker = [&](WorkerPlace place, std::size_t workers) {
    warm_up(workload, place);
    const Buffers buffers(workload);
    together.arrive_and_wait();
    const auto begin = WallClock::now();
    Clock clock = 0;
    while (clock < kLeastClocks || seconds_since(begin) < kSeconds) {
      (void)workload.compute_gradient(place, ++clock, buffers.parameters(), buffers.sums());
    }
    const double gradient_s = seconds_since(begin) / clock;
    together.arrive_and_wait();
    const auto evaluation_begin = WallClock::now();
    (void)workload.evaluate(place.worker, workers, buffers.parameters());
    const double evaluation_s = seconds_since(evaluation_begin);
    const std::lock_guard lock(mutex);
    gradients.push_back(gradient_s);
    evaluations.push_back(evaluation_s);
  };

  std::vector<std::thread> threads;
  for (std::size_t d = 0; d < config.datacenters.size(); ++d) {
    for (std::size_t w = 0; w < config.datacenters[d].workers; ++w) {
      threads.emplace_back(measure_worker, WorkerPlace{d, w}, config.datacenters[d].workers);
    }
  }
  for (std::thread& thread : threads) thread.join();

  ComputeConfig measured = config.workload.compute;
  measured.measured = false;
  measured.seconds_per_clock = mean(gradients);
  measured.seconds_per_evaluation = mean(evaluations);
  return measured;
}

}  // namespace meridian::program

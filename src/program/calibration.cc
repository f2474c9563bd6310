#include "src/program/calibration.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "src/base/float_buffer.h"

namespace meridian::program {
namespace {

using WallClock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

ComputeConfig measure_compute(const Deployment& deployment) {
  constexpr Clock kClocks = 30;
  constexpr double kMostSeconds = 3.0;
  const Workload& workload = deployment.workload();
  std::mutex mutex;
  std::vector<double> gradients;
  std::vector<double> evaluations;

  const auto measure_worker = [&](WorkerPlace place, std::size_t workers) {
    std::vector<FloatBuffer> parameters;
    std::vector<FloatBuffer> sums;
    std::vector<std::span<const float>> parameter_views;
    std::vector<std::span<float>> sum_views;
    for (std::size_t table = 0; table < workload.tables().size(); ++table) {
      parameters.emplace_back(workload.tables()[table].size());
      sums.emplace_back(workload.tables()[table].size());
      workload.fill_initial_values(table, parameters.back().span());
      parameter_views.emplace_back(parameters.back().span());
      sum_views.emplace_back(sums.back().span());
    }
    const auto timed = [&](const auto& work) {
      const auto begin = WallClock::now();
      work();
      return std::chrono::duration<double>(WallClock::now() - begin).count();
    };
    const auto begin = WallClock::now();
    for (Clock clock = 1; clock <= kClocks; ++clock) {
      const double seconds =
          timed([&] { (void)workload.compute_gradient(place, clock, parameter_views, sum_views); });
      const std::lock_guard lock(mutex);
      if (clock > 1) gradients.push_back(seconds);
      if (clock > 2 && std::chrono::duration<double>(WallClock::now() - begin).count() > kMostSeconds) break;
    }
    const double seconds = timed([&] { (void)workload.evaluate(place.worker, workers, parameter_views); });
    const std::lock_guard lock(mutex);
    evaluations.push_back(seconds);
  };

  std::vector<std::thread> threads;
  const Config& config = deployment.config();
  for (std::size_t d = 0; d < config.datacenters.size(); ++d) {
    for (std::size_t w = 0; w < config.datacenters[d].workers; ++w) {
      threads.emplace_back(measure_worker, WorkerPlace{d, w}, config.datacenters[d].workers);
    }
  }
  for (std::thread& thread : threads) thread.join();

  ComputeConfig measured = config.workload.compute;
  measured.measured = false;
  measured.seconds_per_clock = median(std::move(gradients));
  measured.seconds_per_evaluation = median(std::move(evaluations));
  return measured;
}

}  // namespace meridian::program

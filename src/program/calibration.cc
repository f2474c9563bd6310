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
  constexpr Clock kClocks = 30;
  constexpr double kMostSeconds = 3.0;
  const Workload& workload = deployment.workload();
  std::mutex mutex;
  std::vector<double> gradients;
  std::vector<double> evaluations;

  const auto measure_worker = [&](WorkerPlace place, std::size_t workers) {
    const Buffers buffers(workload);
    const auto timed = [&](const auto& work) {
      const auto begin = WallClock::now();
      work();
      return std::chrono::duration<double>(WallClock::now() - begin).count();
    };
    const auto begin = WallClock::now();
    for (Clock clock = 1; clock <= kClocks; ++clock) {
      const double seconds =
          timed([&] { (void)workload.compute_gradient(place, clock, buffers.parameters(), buffers.sums()); });
      const std::lock_guard lock(mutex);
      if (clock > 1) gradients.push_back(seconds);
      if (clock > 2 && std::chrono::duration<double>(WallClock::now() - begin).count() > kMostSeconds) break;
    }
    const double seconds =
        timed([&] { (void)workload.evaluate(place.worker, workers, buffers.parameters()); });
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

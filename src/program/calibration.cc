#include "src/program/calibration.h"

#include <algorithm>
#include <barrier>
#include <chrono>
#include <deque>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

#include "datacenter/row_selection.h"
#include "src/base/float_buffer.h"
#include "src/program/link_parts.h"

namespace meridian::program {
namespace {

using WallClock = std::chrono::steady_clock;

double seconds_since(WallClock::time_point begin) {
  return std::chrono::duration<double>(WallClock::now() - begin).count();
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// One worker's learner, the parameters as they are at first, and room for its update.
class Calibrated {
 public:
  Calibrated(const Workload& workload, WorkerPlace place)
      : tables_(workload.tables()),
        learner_(workload.make_learner(place)),
        rows_(tables_),
        some_(tables_.size()) {
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      all_.emplace_back(tables_[table].size());
      update_.emplace_back(tables_[table].by_row ? 0 : tables_[table].size());
      workload.fill_initial_values(table, all_.back().span());
      whole_.emplace_back(all_.back().span());
    }
  }

  void update(Clock clock) {
    std::vector<std::span<const float>> parameters = whole_;
    std::vector<std::span<float>> update;
    for (std::size_t table = 0; table < tables_.size(); ++table) {
      if (tables_[table].by_row) parameters[table] = pick_rows(clock, table);
      update.push_back(update_[table].span().first(parameters[table].size()));
    }
    (void)learner_->compute_update(clock, parameters, update);
  }

  void evaluate() { (void)learner_->evaluate(whole_); }

 private:
  /// The rows that a pull would have brought, in a buffer of their own.
  std::span<const float> pick_rows(Clock clock, std::size_t table) {
    std::vector<std::uint32_t>& rows = rows_.change(table);
    rows.clear();
    learner_->list_rows(clock, table, rows);
    const std::size_t columns = tables_[table].columns;
    const std::size_t entries = rows.size() * columns;
    if (some_[table].size() < entries) {
      some_[table] = FloatBuffer(entries);
      update_[table] = FloatBuffer(entries);
    }
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(all_[table].data() + rows[i] * columns, columns, some_[table].data() + i * columns);
    return std::as_const(some_[table]).span().first(entries);
  }

  const std::vector<TableSpec>& tables_;
  std::unique_ptr<Learner> learner_;
  datacenter::RowSelection rows_;
  std::vector<FloatBuffer> all_;
  std::vector<FloatBuffer> some_;  // of tables that are read by row
  std::vector<FloatBuffer> update_;
  std::vector<std::span<const float>> whole_;
};

/// How long the messages of one clock take inside a datacenter while no core has anything to do: a worker's
/// push, and then the servers' replies to all workers.
double lan_seconds(const Workload& workload, const DatacenterConfig& datacenter, const LinkConfig& lan) {
  std::size_t model_bytes = 0;
  for (const TableSpec& table : workload.tables()) model_bytes += table.size() * sizeof(float);
  const double models =
      1.0 + static_cast<double>(datacenter.workers) / static_cast<double>(datacenter.servers);
  return models * static_cast<double>(model_bytes) / bytes_per_second(lan.bandwidth_mbps) +
         2 * lan.delay_ms / 1e3;
}

/// The lock step of one datacenter's workers, for a while.
class LockStep {
 public:
  LockStep(std::size_t workers, double seconds)
      : seconds_(seconds), all_(static_cast<std::ptrdiff_t>(workers), ClockEnd{this}) {}

  void begin() { all_.arrive_and_wait(); }
  /// Waits for the others. False once it is enough.
  bool next_clock() {
    all_.arrive_and_wait();
    return !enough_;
  }
  /// After the last clock: how long one took, its pause included.
  double seconds_per_clock() const { return lasted_ / clocks_; }

 private:
  struct ClockEnd {
    LockStep* step;
    void operator()() const noexcept { step->on_clock_end(); }
  };

  void on_clock_end() noexcept {
    constexpr int kLeastClocks = 3;
    if (clocks_++ < 0) {
      began_ = WallClock::now();
      return;
    }
    lasted_ = seconds_since(began_);
    enough_ = clocks_ >= kLeastClocks && lasted_ >= seconds_;
  }

  double seconds_;
  WallClock::time_point began_;
  double lasted_ = 0.0;
  int clocks_ = -1;  // the beginning is the end of none
  bool enough_ = false;
  std::barrier<ClockEnd> all_;
};

}  // namespace

void warm_up(const Workload& workload, WorkerPlace place) { Calibrated(workload, place).update(/*clock=*/1); }

ComputeConfig measure_compute(const Deployment& deployment) {
  // Long against a time slice: where there are more workers than cores, each computes at full speed for a
  // while and then not at all. That is also why the figures are means: a median would see none of the
  // waiting.
  constexpr double kSeconds = 2.0;
  const Workload& workload = deployment.workload();
  const Config& config = deployment.config();
  std::size_t all_workers = 0;
  std::deque<LockStep> steps;  // by datacenter
  std::vector<double> pauses;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    all_workers += datacenter.workers;
    steps.emplace_back(datacenter.workers, kSeconds);
    pauses.push_back(lan_seconds(workload, datacenter, config.wan.lan));
  }
  std::barrier<> together(static_cast<std::ptrdiff_t>(all_workers));
  std::mutex mutex;
  std::vector<double> gradients;
  std::vector<double> evaluations;

  const auto measure_worker = [&](WorkerPlace place) {
    warm_up(workload, place);
    Calibrated worker(workload, place);
    LockStep& step = steps[place.datacenter];
    const double pause = pauses[place.datacenter];
    together.arrive_and_wait();
    step.begin();
    Clock clock = 0;
    do {
      std::this_thread::sleep_for(std::chrono::duration<double>(pause));
      worker.update(++clock);
    } while (step.next_clock());
    together.arrive_and_wait();
    const auto begin = WallClock::now();
    worker.evaluate();
    const double evaluation_s = seconds_since(begin);
    const std::lock_guard lock(mutex);
    gradients.push_back(step.seconds_per_clock() - pause);
    evaluations.push_back(evaluation_s);
  };

  std::vector<std::thread> threads;
  for (std::size_t d = 0; d < config.datacenters.size(); ++d) {
    for (std::size_t w = 0; w < config.datacenters[d].workers; ++w)
      threads.emplace_back(measure_worker, WorkerPlace{d, w});
  }
  for (std::thread& thread : threads) thread.join();

  ComputeConfig measured = config.workload.compute;
  measured.measured = false;
  measured.seconds_per_clock = mean(gradients);
  measured.seconds_per_evaluation = mean(evaluations);
  return measured;
}

}  // namespace meridian::program

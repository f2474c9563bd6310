// Workers in lock step over one copy of the tables: each clock all of them read the same counts, then all
// their increments are added. What the servers of one datacenter do, without the servers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "src/workload/workload.h"

namespace meridian {

class LockStep {
 public:
  /// `workers` of each datacenter, as the workload was made with.
  LockStep(const Workload& workload, const std::vector<std::size_t>& workers) : workload_(workload) {
    for (std::size_t table = 0; table < workload.tables().size(); ++table) {
      tables_.emplace_back(workload.tables()[table].size(), 1.0F);
      workload.fill_initial_values(table, tables_.back());
    }
    for (std::size_t datacenter = 0; datacenter < workers.size(); ++datacenter) {
      for (std::size_t worker = 0; worker < workers[datacenter]; ++worker) {
        learners_.push_back(workload.make_learner({datacenter, worker}));
      }
    }
  }

  /// Returns the mean training loss of the samples.
  double clock() {
    ++clock_;
    std::vector<std::vector<float>> next = tables_;
    UpdateReport sum;
    for (const auto& learner : learners_) {
      const UpdateReport report = update_of(*learner, next);
      sum.samples += report.samples;
      sum.loss_sum += report.loss_sum;
    }
    tables_ = std::move(next);
    return sum.loss_sum / static_cast<double>(sum.samples);
  }

  EvaluationSums evaluate() {
    EvaluationSums sums;
    for (const auto& learner : learners_) sums += learner->evaluate(view());
    return sums;
  }
  double objective() { return workload_.objective(evaluate()); }

  Learner& learner(std::size_t index) { return *learners_[index]; }
  std::vector<float>& table(std::size_t index) { return tables_[index]; }
  const std::vector<std::vector<float>>& tables() const { return tables_; }
  Clock clocks() const { return clock_; }
  /// Goes on from the tables and the clock of another one.
  void continue_from(const LockStep& other) {
    tables_ = other.tables_;
    clock_ = other.clock_;
  }
  std::vector<std::span<const float>> view() const { return {tables_.begin(), tables_.end()}; }

 private:
  UpdateReport update_of(Learner& learner, std::vector<std::vector<float>>& sums) {
    const std::vector<TableSpec>& specs = workload_.tables();
    std::vector<std::vector<std::uint32_t>> rows(specs.size());
    std::vector<std::vector<float>> pulled(specs.size());
    std::vector<std::vector<float>> update(specs.size());
    for (std::size_t table = 0; table < specs.size(); ++table) {
      if (!specs[table].by_row) {
        pulled[table] = tables_[table];
      } else {
        learner.list_rows(clock_, table, rows[table]);
        for (const std::uint32_t row : rows[table]) {
          const auto first = tables_[table].begin() + static_cast<std::ptrdiff_t>(row * specs[table].columns);
          pulled[table].insert(pulled[table].end(), first,
                               first + static_cast<std::ptrdiff_t>(specs[table].columns));
        }
      }
      // Whatever was there is to be overwritten.
      update[table].assign(pulled[table].size(), 1e6F);
    }
    const std::vector<std::span<const float>> parameters(pulled.begin(), pulled.end());
    const std::vector<std::span<float>> updates(update.begin(), update.end());
    const UpdateReport report = learner.compute_update(clock_, parameters, updates);
    for (std::size_t table = 0; table < specs.size(); ++table) {
      const std::size_t columns = specs[table].columns;
      for (std::size_t i = 0; i < update[table].size(); ++i) {
        const std::size_t row = specs[table].by_row ? rows[table][i / columns] : i / columns;
        sums[table][row * columns + i % columns] += update[table][i];
      }
    }
    return report;
  }

  const Workload& workload_;
  std::vector<std::vector<float>> tables_;
  std::vector<std::unique_ptr<Learner>> learners_;
  Clock clock_ = 0;
};

}  // namespace meridian

// A run without servers: all workers' learners in step over one copy of the tables, which an optimizer steps
// by the sum of their updates, as one datacenter's server would.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "src/base/check.h"
#include "src/base/float_buffer.h"
#include "src/optimizer/optimizer.h"
#include "src/workload/workload.h"

namespace meridian {

class LockStep {
 public:
  /// `workload` must outlive this and have `workers` in each datacenter.
  LockStep(const Workload& workload, const std::vector<std::size_t>& workers, const OptimizerOptions& options)
      : workload_(workload) {
    for (std::size_t i = 0; i < workload.tables().size(); ++i) {
      const TableSpec& table = workload.tables()[i];
      tables_.emplace_back(table.size());
      workload.fill_initial_values(i, tables_.back().span());
      sums_.emplace_back(table.size());
      optimizers_.push_back(make_optimizer(options, table.size()).value());
    }
    for (std::size_t datacenter = 0; datacenter < workers.size(); ++datacenter) {
      for (std::size_t worker = 0; worker < workers[datacenter]; ++worker) {
        learners_.push_back(workload.make_learner({datacenter, worker}));
      }
    }
  }

  /// The next clock of all workers. Returns the sums of their reports.
  UpdateReport run_clock() {
    ++clock_;
    for (FloatBuffer& sum : sums_) std::fill_n(sum.data(), sum.size(), 0.0F);
    touched_.assign(tables_.size(), {});
    UpdateReport total;
    for (const std::unique_ptr<Learner>& learner : learners_) {
      const UpdateReport own = add_update(*learner);
      total.samples += own.samples;
      total.loss_sum += own.loss_sum;
    }
    for (std::size_t i = 0; i < tables_.size(); ++i) step(i, total.samples);
    return total;
  }

  void run_clocks(Clock count) {
    for (Clock i = 0; i < count; ++i) run_clock();
  }

  EvaluationSums evaluate() {
    const std::vector<std::span<const float>> views = tables();
    EvaluationSums sums;
    for (const std::unique_ptr<Learner>& learner : learners_) sums += learner->evaluate(views);
    return sums;
  }

  double objective() { return workload_.objective(evaluate()); }

  Clock clock() const { return clock_; }
  Learner& learner(std::size_t worker) { return *learners_[worker]; }
  std::span<float> table(std::size_t i) { return tables_[i].span(); }
  std::vector<std::span<const float>> tables() const {
    std::vector<std::span<const float>> views;
    for (const FloatBuffer& table : tables_) views.push_back(table.span());
    return views;
  }

 private:
  UpdateReport add_update(Learner& learner) {
    std::vector<std::vector<std::uint32_t>> rows(tables_.size());
    std::vector<FloatBuffer> pulled;
    std::vector<FloatBuffer> updates;
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const TableSpec& spec = workload_.tables()[i];
      if (spec.by_row) {
        learner.list_rows(clock_, i, rows[i]);
        MERIDIAN_CHECK(
            std::adjacent_find(rows[i].begin(), rows[i].end(), std::greater_equal<>()) == rows[i].end(),
            "rows of {} do not rise", spec.name);
      } else {
        for (std::size_t row = 0; row < spec.rows; ++row) rows[i].push_back(static_cast<std::uint32_t>(row));
      }
      pulled.emplace_back(rows[i].size() * spec.columns);
      updates.emplace_back(rows[i].size() * spec.columns);
      // A learner must write over what is there.
      std::fill_n(updates.back().data(), updates.back().size(), 1e9F);
      for (std::size_t k = 0; k < rows[i].size(); ++k) {
        std::copy_n(tables_[i].data() + rows[i][k] * spec.columns, spec.columns,
                    pulled.back().data() + k * spec.columns);
      }
    }
    std::vector<std::span<const float>> parameters;
    std::vector<std::span<float>> update;
    for (const FloatBuffer& buffer : pulled) parameters.push_back(buffer.span());
    for (FloatBuffer& buffer : updates) update.push_back(buffer.span());
    const UpdateReport report = learner.compute_update(clock_, parameters, update);
    for (std::size_t i = 0; i < tables_.size(); ++i) {
      const std::size_t columns = workload_.tables()[i].columns;
      for (std::size_t k = 0; k < rows[i].size(); ++k) {
        for (std::size_t c = 0; c < columns; ++c)
          sums_[i][rows[i][k] * columns + c] += update[i][k * columns + c];
        touched_[i].push_back(rows[i][k]);
      }
    }
    return report;
  }

  void step(std::size_t i, std::size_t samples) {
    const TableSpec& spec = workload_.tables()[i];
    const float scale = spec.rule == UpdateRule::mean_gradient ? 1.0F / static_cast<float>(samples) : 1.0F;
    std::sort(touched_[i].begin(), touched_[i].end());
    touched_[i].erase(std::unique(touched_[i].begin(), touched_[i].end()), touched_[i].end());
    for (const std::uint32_t row : touched_[i]) {
      const std::size_t first = row * spec.columns;
      const std::span<float> values = tables_[i].span().subspan(first, spec.columns);
      const std::span<float> change = sums_[i].span().subspan(first, spec.columns);
      if (spec.rule != UpdateRule::increment) {
        MERIDIAN_CHECK(optimizers_[i]->step(clock_, scale, 1.0F, first, values, change), "step of {}",
                       spec.name);
      }
      for (std::size_t c = 0; c < spec.columns; ++c) values[c] += change[c];
    }
  }

  const Workload& workload_;
  Clock clock_ = 0;
  std::vector<FloatBuffer> tables_;
  std::vector<FloatBuffer> sums_;
  std::vector<std::vector<std::uint32_t>> touched_;
  std::vector<std::unique_ptr<Optimizer>> optimizers_;
  std::vector<std::unique_ptr<Learner>> learners_;
};

}  // namespace meridian

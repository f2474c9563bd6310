// A learner without state, for test workloads that are functions of place and clock: it asks its workload,
// which has compute_gradient(place, clock, parameters, gradient) and evaluate(part, parts, parameters).
#pragma once

#include "src/workload/learner.h"

namespace meridian {

template <typename WorkloadType>
class ForwardingLearner final : public Learner {
 public:
  /// `workers`: of its datacenter.
  ForwardingLearner(const WorkloadType& workload, WorkerPlace place, std::size_t workers)
      : workload_(workload), place_(place), workers_(workers) {}

  UpdateReport compute_update(Clock clock, TablesView parameters, TablesSpan update) override {
    return workload_.compute_gradient(place_, clock, parameters, update);
  }

  EvaluationSums evaluate(TablesView parameters) override {
    return workload_.evaluate(place_.worker, workers_, parameters);
  }

 private:
  const WorkloadType& workload_;
  WorkerPlace place_;
  std::size_t workers_;
};

}  // namespace meridian

#include "tests/wan/trial/expected_sums.h"

#include <utility>

namespace meridian::wan {

ExpectedSums::ExpectedSums(const DeploymentOptions& options, const CountingWorkload& workload,
                           const SimulatedDeployment& deployment)
    : options_(options), workload_(workload) {
  for (std::size_t d = 0; d < options_.datacenters.size(); ++d) weights_.push_back(deployment.weight(d));
  std::vector<Table> zeros;
  std::vector<Table> initial;
  for (std::size_t table = 0; table < workload_.tables().size(); ++table) {
    const std::size_t size = workload_.tables()[table].size();
    zeros.emplace_back(size);
    initial.emplace_back(size);
    workload_.fill_initial_values(table, initial.back());
    outer_.push_back(make_optimizer(options_.parameters.outer, size).value());
  }
  steps_.push_back(std::move(zeros));
  anchors_.push_back(std::move(initial));
}

const std::vector<ExpectedSums::Table>& ExpectedSums::steps(Clock clock) {
  const double factor = -options_.optimizer.learning_rate / CountingWorkload::kSamples;
  while (steps_.size() <= clock) {
    const auto next_clock = static_cast<Clock>(steps_.size());
    std::vector<Table> next = steps_.back();
    for (std::size_t table = 0; table < next.size(); ++table) {
      for (std::size_t entry = 0; entry < next[table].size(); ++entry) {
        const double weight = weights_[workload_.owner(table, entry)];
        next[table][entry] +=
            static_cast<float>(weight * factor * workload_.gradient_sum(table, entry, next_clock));
      }
    }
    steps_.push_back(std::move(next));
  }
  return steps_[clock];
}

const std::vector<ExpectedSums::Table>& ExpectedSums::anchors(std::size_t exchange) {
  while (anchors_.size() <= exchange) {
    const auto clock = static_cast<Clock>(anchors_.size() * options_.parameters.h);
    steps(clock);
    const std::vector<Table>& until = steps_[clock];
    const std::vector<Table>& before = steps_[clock - options_.parameters.h];
    std::vector<Table> next = anchors_.back();
    for (std::size_t table = 0; table < next.size(); ++table) {
      Table move(next[table].size());
      for (std::size_t i = 0; i < move.size(); ++i) move[i] = until[table][i] - before[table][i];
      MERIDIAN_CHECK(outer_[table]->step(1, -1.0F, 1.0F, 0, next[table], move),
                     "an anchor's move {} of table {}", exchange, table);
      for (std::size_t i = 0; i < move.size(); ++i) next[table][i] += move[i];
    }
    anchors_.push_back(std::move(next));
  }
  return anchors_[exchange];
}

}  // namespace meridian::wan

#include "src/workload/learner.h"

#include "src/base/check.h"

namespace meridian {

EvaluationSums& EvaluationSums::operator+=(const EvaluationSums& other) {
  metric_sum += other.metric_sum;
  loss_sum += other.loss_sum;
  samples += other.samples;
  if (more.empty()) {
    more = other.more;
    return *this;
  }
  MERIDIAN_CHECK(other.more.empty() || other.more.size() == more.size(), "{} further sums and {}",
                 more.size(), other.more.size());
  for (std::size_t i = 0; i < other.more.size(); ++i) more[i] += other.more[i];
  return *this;
}

void Learner::list_rows(Clock /*clock*/, std::size_t table, std::vector<std::uint32_t>& /*rows*/) {
  MERIDIAN_CHECK(false, "this learner reads no table by row, not even table {}", table);
}

void Learner::save_state(std::ostream& /*out*/) const {}

Failure Learner::restore_state(std::istream& /*in*/) { return {}; }

}  // namespace meridian

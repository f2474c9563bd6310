#include "src/sweep/data_movement.h"

#include <algorithm>
#include <limits>

#include "src/base/check.h"

namespace meridian::sweep {

namespace {

struct Flow {
  double left = 0.0;
  double most = 0.0;  // bytes/s
  double rate = 0.0;
  double delay_s = 0.0;
};

/// The rates of flows that are sorted by `most`: who can use the least is served first, and what it leaves is
/// shared by the others.
void share(std::vector<Flow>& flows, double capacity) {
  std::size_t others = flows.size();
  for (Flow& flow : flows) {
    flow.rate = std::min(flow.most, capacity / static_cast<double>(others--));
    capacity -= flow.rate;
  }
}

}  // namespace

double moving_time_s(const std::vector<Movement>& movements, std::optional<double> ingress_bytes_per_s) {
  std::vector<Flow> flows;
  for (const Movement& movement : movements) {
    MERIDIAN_CHECK(movement.bytes_per_s > 0.0, "{} bytes/s", movement.bytes_per_s);
    if (movement.bytes > 0.0) flows.push_back({movement.bytes, movement.bytes_per_s, 0.0, movement.delay_s});
  }
  std::sort(flows.begin(), flows.end(), [](const Flow& a, const Flow& b) { return a.most < b.most; });
  double now_s = 0.0;
  double last_s = 0.0;
  while (!flows.empty()) {
    share(flows, ingress_bytes_per_s.value_or(std::numeric_limits<double>::infinity()));
    const auto time_of = [](const Flow& flow) { return flow.left / flow.rate; };
    const auto first = std::min_element(
        flows.begin(), flows.end(), [&](const Flow& a, const Flow& b) { return time_of(a) < time_of(b); });
    const double step_s = time_of(*first);
    now_s += step_s;
    last_s = std::max(last_s, now_s + first->delay_s);
    for (Flow& flow : flows) flow.left = std::max(0.0, flow.left - flow.rate * step_s);
    flows.erase(first);
  }
  return last_s;
}

}  // namespace meridian::sweep

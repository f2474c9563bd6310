// How group_by_bandwidth() searches. Once the hubs are chosen, the best hub for each member follows, so the
// search is over sets of hubs only. Times are whole numbers (of a millionth of what the fastest link takes):
// sums are exact, and neither the unit of the matrix nor rounding decides between equals.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

#include "src/base/check.h"
#include "wan/overlay.h"

namespace meridian::wan {
namespace {

using Cost = std::uint64_t;
using Costs = std::vector<std::vector<Cost>>;  // [from][to]
using Hubs = std::vector<std::size_t>;         // sorted

constexpr double kFastestLink = 1e6;
constexpr Cost kSlowestLink = 1'000'000'000'000;
constexpr std::size_t kMostForAllSets = 12;
constexpr std::size_t kHalfFrom = 4;     // so few that a mesh would be the fastest plan, and no saving
constexpr std::size_t kLimitedFrom = 8;  // with fewer, even one hub takes more than the share, or nearly
constexpr double kMostLinkShare = 0.3;
constexpr Cost kTolerance = 10;  // one in so many: bandwidths are not known better

Costs costs_of(const std::vector<std::vector<double>>& bandwidth) {
  const std::size_t n = bandwidth.size();
  double fastest = 0;
  for (std::size_t from = 0; from < n; ++from) {
    MERIDIAN_CHECK(bandwidth[from].size() == n, "row {} has {} of {} columns", from, bandwidth[from].size(),
                   n);
    for (std::size_t to = 0; to < n; ++to) {
      if (from != to && std::isfinite(bandwidth[from][to])) fastest = std::max(fastest, bandwidth[from][to]);
    }
  }
  Costs costs(n, std::vector<Cost>(n, 0));
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      const double rate = bandwidth[from][to];
      if (from == to || rate == std::numeric_limits<double>::infinity()) continue;
      const double cost = kFastestLink * fastest / rate;
      // Also false where there is no rate at all.
      const bool ordinary = rate > 0 && cost < static_cast<double>(kSlowestLink);
      costs[from][to] = ordinary ? static_cast<Cost>(std::llround(cost)) : kSlowestLink;
    }
  }
  return costs;
}

std::size_t links_of(std::size_t datacenters, std::size_t groups) {
  return 2 * (datacenters - groups) + groups * (groups - 1);
}

std::size_t most_groups(std::size_t datacenters) {
  if (datacenters < kHalfFrom) return datacenters;
  if (datacenters < kLimitedFrom) return (datacenters + 1) / 2;
  const double most = kMostLinkShare * static_cast<double>(datacenters * (datacenters - 1));
  std::size_t groups = 1;
  while (static_cast<double>(links_of(datacenters, groups + 1)) <= most) ++groups;
  return groups;
}

// A set of hubs with the members' best choice among them.
struct Plan {
  Cost time = 0;
  std::size_t links = 0;
  Cost sum = 0;  // over all links
  Hubs hubs;
  std::vector<std::size_t> hub_of;  // by datacenter; of a hub itself

  bool faster_than(const Plan& other) const {
    return std::tie(time, sum, links, hubs) < std::tie(other.time, other.sum, other.links, other.hubs);
  }
  bool leaner_than(const Plan& other) const {
    return std::tie(sum, links, hubs) < std::tie(other.sum, other.links, other.hubs);
  }
};

class Search {
 public:
  explicit Search(Costs costs) : costs_(std::move(costs)), n_(costs_.size()), most_groups_(most_groups(n_)) {}

  Plan best() const {
    std::vector<Plan> plans = n_ <= kMostForAllSets ? all_plans() : good_plans();
    Cost least = std::numeric_limits<Cost>::max();
    for (const Plan& plan : plans) least = std::min(least, plan.time);
    std::optional<Plan> best;
    for (Plan& plan : plans) {
      if (plan.time > least + least / kTolerance) continue;
      if (!best || plan.leaner_than(*best)) best = std::move(plan);
    }
    return std::move(*best);
  }

 private:
  // The slowest link of members to hubs and of hubs to members.
  struct Phases {
    Cost up = 0;
    Cost down = 0;
  };

  Cost round_trip(std::size_t member, std::size_t hub) const {
    return costs_[member][hub] + costs_[hub][member];
  }

  // The hub with the fastest way down to `member` among those that take at most `up` on the way up.
  Cost best_down(std::size_t member, const Hubs& hubs, Cost up) const {
    Cost best = std::numeric_limits<Cost>::max();
    for (const std::size_t hub : hubs) {
      if (costs_[member][hub] <= up) best = std::min(best, costs_[hub][member]);
    }
    return best;
  }

  // The least sum of both phases over all choices of hubs by members. Starts from the fastest possible phase
  // up and lets it grow just so far that who is slowest on the way down has another choice.
  Phases best_phases(const Hubs& hubs, const std::vector<std::size_t>& members) const {
    Cost up = 0;
    for (const std::size_t member : members) {
      Cost fastest = std::numeric_limits<Cost>::max();
      for (const std::size_t hub : hubs) fastest = std::min(fastest, costs_[member][hub]);
      up = std::max(up, fastest);
    }
    std::optional<Phases> best;
    while (true) {
      Cost down = 0;
      std::optional<std::size_t> slowest;
      for (const std::size_t member : members) {
        const Cost own = best_down(member, hubs, up);
        if (!slowest || own > down) slowest = member;
        down = std::max(down, own);
      }
      if (!best || up + down < best->up + best->down) best = Phases{up, down};
      std::optional<Cost> next_up;
      for (const std::size_t hub : hubs) {
        if (!slowest || costs_[hub][*slowest] >= down) continue;
        const Cost needed = costs_[*slowest][hub];
        next_up = next_up ? std::min(*next_up, needed) : needed;
      }
      if (!next_up) return *best;
      up = *next_up;
    }
  }

  Plan plan_with(const Hubs& hubs) const {
    Plan plan{0, links_of(n_, hubs.size()), 0, hubs, std::vector<std::size_t>(n_, n_)};
    Cost among_hubs = 0;
    for (const std::size_t from : hubs) {
      plan.hub_of[from] = from;
      for (const std::size_t to : hubs) {
        among_hubs = std::max(among_hubs, costs_[from][to]);
        plan.sum += costs_[from][to];
      }
    }
    std::vector<std::size_t> members;
    for (std::size_t each = 0; each < n_; ++each) {
      if (plan.hub_of[each] == n_) members.push_back(each);
    }
    const Phases phases = best_phases(hubs, members);
    for (const std::size_t member : members) choose_hub(member, phases, plan);
    plan.time = phases.up + among_hubs + phases.down;
    return plan;
  }

  // The nearest hub that lengthens neither phase.
  void choose_hub(std::size_t member, const Phases& phases, Plan& plan) const {
    std::size_t nearest = n_;
    for (const std::size_t hub : plan.hubs) {
      if (costs_[member][hub] > phases.up || costs_[hub][member] > phases.down) continue;
      if (nearest == n_ || round_trip(member, hub) < round_trip(member, nearest)) nearest = hub;
    }
    MERIDIAN_CHECK(nearest != n_, "no hub for {} within {} and {}", member, phases.up, phases.down);
    plan.hub_of[member] = nearest;
    plan.sum += round_trip(member, nearest);
  }

  std::vector<Plan> all_plans() const {
    std::vector<Plan> plans;
    for (std::uint32_t set = 1; set < (1U << n_); ++set) {
      Hubs hubs;
      for (std::size_t each = 0; each < n_; ++each) {
        if (((set >> each) & 1U) != 0) hubs.push_back(each);
      }
      if (hubs.size() <= most_groups_) plans.push_back(plan_with(hubs));
    }
    return plans;
  }

  // Adds one hub after the other, each time the best; at each number, hubs move to better places in their
  // groups. The number that pays grows like the root of the number of datacenters, since hubs are a mesh.
  std::vector<Plan> good_plans() const {
    const std::size_t most =
        std::min(most_groups_, 2 + 2 * static_cast<std::size_t>(std::sqrt(static_cast<double>(n_))));
    std::vector<Plan> plans;
    Hubs hubs;
    while (hubs.size() < most) {
      std::optional<Plan> grown;
      for (std::size_t each = 0; each < n_; ++each) {
        if (std::binary_search(hubs.begin(), hubs.end(), each)) continue;
        Plan plan = plan_with(with(hubs, each));
        if (!grown || plan.faster_than(*grown)) grown = std::move(plan);
      }
      plans.push_back(with_hubs_moved(std::move(*grown)));
      hubs = plans.back().hubs;
    }
    return plans;
  }

  // Each hub hands over to a member of its group while that makes the plan faster. It ends because plans only
  // get faster, and there are finitely many.
  Plan with_hubs_moved(Plan plan) const {
    bool moved = true;
    while (moved) {
      moved = false;
      const std::vector<std::size_t> hub_of = plan.hub_of;
      for (std::size_t member = 0; member < n_; ++member) {
        const auto old = std::find(plan.hubs.begin(), plan.hubs.end(), hub_of[member]);
        if (hub_of[member] == member || old == plan.hubs.end()) continue;
        Hubs others = plan.hubs;
        others.erase(others.begin() + (old - plan.hubs.begin()));
        Plan other = plan_with(with(std::move(others), member));
        if (!other.faster_than(plan)) continue;
        plan = std::move(other);
        moved = true;
      }
    }
    return plan;
  }

  static Hubs with(Hubs hubs, std::size_t hub) {
    hubs.insert(std::lower_bound(hubs.begin(), hubs.end(), hub), hub);
    return hubs;
  }

  Costs costs_;
  std::size_t n_;
  std::size_t most_groups_;
};

}  // namespace

std::vector<Overlay::Group> group_by_bandwidth(const std::vector<std::vector<double>>& bandwidth) {
  if (bandwidth.empty()) return {};
  const Plan plan = Search(costs_of(bandwidth)).best();
  std::vector<Overlay::Group> groups;
  for (const std::size_t hub : plan.hubs) {
    Overlay::Group group{hub, {}};
    for (std::size_t each = 0; each < bandwidth.size(); ++each) {
      if (each != hub && plan.hub_of[each] == hub) group.members.push_back(each);
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

}  // namespace meridian::wan

// Goal: on every overlay each update reaches every other datacenter exactly once, and `behind` and `sources`
// tell what really passes; what is no overlay is refused with the reason. Reached by sending one update from
// every datacenter of random overlays along relays(), and by tables of wrong groups and trees.
#include "wan/overlay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <numeric>
#include <utility>

#include "src/base/random.h"

namespace meridian::wan {
namespace {

using Parents = std::vector<std::optional<std::size_t>>;
using Link = std::pair<std::size_t, std::size_t>;

std::vector<std::size_t> shuffled(std::size_t count, Random& random) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (std::size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

Overlay random_overlay(std::size_t datacenters, Random& random) {
  const std::vector<std::size_t> order = shuffled(datacenters, random);
  const std::uint64_t shape = random.below(3);
  if (shape == 0) return Overlay::mesh(datacenters);
  if (shape == 1) {
    const std::size_t count = 1 + random.below(datacenters);
    std::vector<Overlay::Group> groups;
    for (std::size_t i = 0; i < datacenters; ++i) {
      if (i < count) {
        groups.push_back({order[i], {}});
      } else {
        groups[random.below(count)].members.push_back(order[i]);
      }
    }
    return Overlay::hubs(datacenters, groups).value();
  }
  Parents parent_of(datacenters);
  for (std::size_t i = 1; i < datacenters; ++i) parent_of[order[i]] = order[random.below(i)];
  return Overlay::tree(datacenters, parent_of).value();
}

Relation relation(const Overlay& overlay, std::size_t datacenter, std::size_t neighbour) {
  for (const OverlayNeighbour& each : overlay.neighbours(datacenter)) {
    if (each.datacenter == neighbour) return each.relation;
  }
  ADD_FAILURE() << datacenter << " has no neighbour " << neighbour;
  return Relation::peer;
}

// Which links the update of `origin` takes, each as often as it does.
std::vector<Link> journey(const Overlay& overlay, std::size_t origin) {
  std::vector<Link> taken;
  std::deque<Link> on_the_way;
  for (const OverlayNeighbour& to : overlay.neighbours(origin))
    on_the_way.emplace_back(origin, to.datacenter);
  while (!on_the_way.empty() && taken.size() < 10 * overlay.datacenters()) {
    const auto [from, at] = on_the_way.front();
    on_the_way.pop_front();
    taken.emplace_back(from, at);
    const Relation came_from = relation(overlay, at, from);
    for (const OverlayNeighbour& to : overlay.neighbours(at)) {
      if (to.datacenter != from && relays(came_from, to.relation)) on_the_way.emplace_back(at, to.datacenter);
    }
  }
  return taken;
}

TEST(Overlay, EveryUpdateReachesEveryOtherDatacenterOnce) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const std::size_t datacenters = 1 + random.below(12);
    const Overlay overlay = random_overlay(datacenters, random);
    std::map<Link, std::vector<std::size_t>> carried;  // by link, the origins in ascending order
    for (std::size_t origin = 0; origin < datacenters; ++origin) {
      std::vector<std::size_t> reached;
      for (const Link& link : journey(overlay, origin)) {
        reached.push_back(link.second);
        carried[link].push_back(origin);
      }
      std::sort(reached.begin(), reached.end());
      std::vector<std::size_t> others(datacenters);
      std::iota(others.begin(), others.end(), std::size_t{0});
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(origin));
      EXPECT_EQ(reached, others) << "from " << origin;
    }

    std::size_t links = 0;
    for (std::size_t own = 0; own < datacenters; ++own) {
      const std::vector<OverlayNeighbour> neighbours = overlay.neighbours(own);
      links += neighbours.size();
      for (const OverlayNeighbour& each : neighbours) {
        EXPECT_TRUE(overlay.linked(own, each.datacenter));
        EXPECT_EQ(each.behind, (carried[{each.datacenter, own}])) << own << " behind " << each.datacenter;
        EXPECT_EQ(overlay.sources(each.datacenter, own), each.behind.size());
      }
    }
    EXPECT_EQ(links, overlay.links());
  }
}

TEST(Overlay, LinksOnlyNeighbours) {
  const Overlay overlay = Overlay::hubs(5, {{1, {0, 2}}, {4, {3}}}).value();
  std::vector<Link> linked;
  for (std::size_t a = 0; a < 5; ++a) {
    for (std::size_t b = 0; b < 5; ++b) {
      if (overlay.linked(a, b)) linked.emplace_back(a, b);
    }
  }
  EXPECT_EQ(linked, (std::vector<Link>{{0, 1}, {1, 0}, {1, 2}, {1, 4}, {2, 1}, {3, 4}, {4, 1}, {4, 3}}));
  EXPECT_EQ(overlay.neighbours(1),
            (std::vector<OverlayNeighbour>{
                {0, Relation::child, {0}}, {2, Relation::child, {2}}, {4, Relation::peer, {3, 4}}}));
  EXPECT_EQ(overlay.neighbours(3), (std::vector<OverlayNeighbour>{{4, Relation::parent, {0, 1, 2, 4}}}));
}

TEST(Overlay, OneGroupEachIsAMesh) {
  const Overlay hubs = Overlay::hubs(3, {{0, {}}, {1, {}}, {2, {}}}).value();
  for (std::size_t each = 0; each < 3; ++each) {
    EXPECT_EQ(hubs.neighbours(each), Overlay::mesh(3).neighbours(each));
  }
}

TEST(Overlay, RefusesWrongGroups) {
  struct Case {
    std::vector<Overlay::Group> groups;
    std::string names;
  };
  const std::vector<Case> cases = {{{{0, {1}}}, "datacenters[2] is in no group"},
                                   {{}, "datacenters[0] is in no group"},
                                   {{{0, {1, 2}}, {1, {}}}, "datacenters[1] has more than one place"},
                                   {{{0, {1, 2, 2}}}, "datacenters[2] has more than one place"},
                                   {{{0, {0, 1, 2}}}, "datacenters[0] has more than one place"},
                                   {{{0, {1, 2, 3}}}, "datacenters[3], but there are 3"},
                                   {{{7, {0, 1, 2}}}, "datacenters[7], but there are 3"}};
  for (const Case& each : cases) {
    const Result<Overlay> overlay = Overlay::hubs(3, each.groups);
    ASSERT_FALSE(overlay.ok()) << each.names;
    EXPECT_NE(overlay.error().message.find(each.names), std::string::npos) << overlay.error().message;
  }
  EXPECT_FALSE(Overlay::hubs(0, {}).ok());
}

TEST(Overlay, RefusesWrongTrees) {
  struct Case {
    Parents parent_of;
    std::string names;
  };
  const std::vector<Case> cases = {
      {{{}, {}, 0, 0}, "two roots, datacenters[0] and datacenters[1]"},
      {{{}, 2, 3, 1}, "cycle: the parents of datacenters[1]"},
      {{1, 2, 3, 0}, "cycle"},
      {{{}, 0, 2, 0}, "cycle: the parents of datacenters[2]"},
      {{{}, 4, 0, 0}, "datacenters[4], but there are 4"},
      {{{}, 0, 0}, "places 3 datacenters, but there are 4"},
  };
  for (const Case& each : cases) {
    const Result<Overlay> overlay = Overlay::tree(4, each.parent_of);
    ASSERT_FALSE(overlay.ok()) << each.names;
    EXPECT_NE(overlay.error().message.find(each.names), std::string::npos) << overlay.error().message;
  }
  EXPECT_FALSE(Overlay::tree(0, {}).ok());
}

TEST(Overlay, DescribesItself) {
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  EXPECT_EQ(Overlay::mesh(4).describe(names), "mesh: 12 links, everybody with everybody\n");
  EXPECT_EQ(Overlay::hubs(4, {{2, {0, 3}}, {1, {}}}).value().describe(names),
            "hubs: 6 links (a mesh has 12)\n  b: no members\n  c: a, d\n");
  EXPECT_EQ(Overlay::tree(4, {1, {}, 0, 1}).value().describe(names),
            "tree: 6 links (a mesh has 12)\n  b\n    a\n      c\n    d\n");
}

}  // namespace
}  // namespace meridian::wan

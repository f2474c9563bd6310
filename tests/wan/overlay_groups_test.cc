// Goal: groups found from bandwidths are nearly the best by the measure of the three phases, within the share
// of a mesh's links, and look sensible for the 11 EC2 regions. Reached by the measured matrix, by matrices
// with known clusters, and by trying every plan of small random ones.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>

#include "src/base/random.h"
#include "wan/overlay.h"

namespace meridian::wan {
namespace {

using Matrix = std::vector<std::vector<double>>;
using Groups = std::vector<Overlay::Group>;

enum Region : std::size_t {
  virginia,
  california,
  oregon,
  ireland,
  frankfurt,
  tokyo,
  seoul,
  singapore,
  sydney,
  mumbai,
  sao_paulo
};

// Mb/s between Amazon's 11 regions in the order above (Hsieh et al., NSDI 2017).
Matrix ec2() {
  const std::vector<std::vector<double>> upper = {{116, 132, 58, 69, 58, 51, 38, 45, 51, 94},
                                                  {212, 33, 51, 57, 71, 55, 71, 40, 56},
                                                  {59, 53, 60, 77, 50, 40, 37, 59},
                                                  {191, 44, 44, 36, 33, 76, 56},
                                                  {40, 37, 31, 22, 100, 55},
                                                  {163, 161, 70, 69, 38},
                                                  {163, 56, 85, 35},
                                                  {62, 78, 16.76},
                                                  {38, 31},
                                                  {32}};
  Matrix matrix(11, std::vector<double>(11, 0));
  for (std::size_t from = 0; from < upper.size(); ++from) {
    for (std::size_t i = 0; i < upper[from].size(); ++i) {
      const std::size_t to = from + 1 + i;
      matrix[from][to] = matrix[to][from] = upper[from][i];
    }
  }
  return matrix;
}

Matrix uniform(std::size_t datacenters, double rate) {
  return Matrix(datacenters, std::vector<double>(datacenters, rate));
}

// Near ones (by `cluster_of`) at 1000, far ones at 10.
Matrix clusters(const std::vector<std::size_t>& cluster_of) {
  Matrix matrix = uniform(cluster_of.size(), 10);
  for (std::size_t from = 0; from < cluster_of.size(); ++from) {
    for (std::size_t to = 0; to < cluster_of.size(); ++to) {
      if (cluster_of[from] == cluster_of[to]) matrix[from][to] = 1000;
    }
  }
  return matrix;
}

// The measure, by its definition.
double exchange_time(const Matrix& bandwidth, const Groups& groups) {
  double up = 0;
  double among = 0;
  double down = 0;
  for (const Overlay::Group& group : groups) {
    for (const std::size_t member : group.members) {
      up = std::max(up, 1 / bandwidth[member][group.hub]);
      down = std::max(down, 1 / bandwidth[group.hub][member]);
    }
    for (const Overlay::Group& other : groups) {
      if (other.hub != group.hub) among = std::max(among, 1 / bandwidth[group.hub][other.hub]);
    }
  }
  return up + among + down;
}

double best_time_of_all(const Matrix& bandwidth) {
  const std::size_t n = bandwidth.size();
  double best = std::numeric_limits<double>::infinity();
  std::vector<std::size_t> hub_of(n);
  const std::function<void(std::size_t)> place = [&](std::size_t next) {
    if (next < n) {
      for (hub_of[next] = 0; hub_of[next] < n; ++hub_of[next]) place(next + 1);
      return;
    }
    Groups groups;
    for (std::size_t hub = 0; hub < n; ++hub) {
      if (hub_of[hub] != hub) continue;
      groups.push_back({hub, {}});
      for (std::size_t each = 0; each < n; ++each) {
        if (each != hub && hub_of[each] == hub) groups.back().members.push_back(each);
      }
    }
    const bool counts = n < 4 || groups.size() <= (n + 1) / 2;
    if (counts && Overlay::hubs(n, groups).ok()) best = std::min(best, exchange_time(bandwidth, groups));
  };
  place(0);
  return best;
}

double link_share(const Overlay& overlay) {
  return static_cast<double>(overlay.links()) /
         static_cast<double>(Overlay::mesh(overlay.datacenters()).links());
}

const Overlay::Group& group_of(const Groups& groups, std::size_t datacenter) {
  return *std::find_if(groups.begin(), groups.end(), [&](const Overlay::Group& group) {
    return group.hub == datacenter ||
           std::find(group.members.begin(), group.members.end(), datacenter) != group.members.end();
  });
}

TEST(GroupByBandwidth, Ec2RegionsFallIntoSensibleGroups) {
  const Groups groups = group_by_bandwidth(ec2());
  const Result<Overlay> overlay = Overlay::hubs(11, groups);
  ASSERT_TRUE(overlay.ok()) << overlay.error().message;
  EXPECT_LE(link_share(overlay.value()), 0.3);
  EXPECT_GE(groups.size(), 2U);
  EXPECT_EQ(&group_of(groups, tokyo), &group_of(groups, seoul));
  EXPECT_EQ(&group_of(groups, tokyo), &group_of(groups, singapore));
  EXPECT_EQ(&group_of(groups, california), &group_of(groups, oregon));
  EXPECT_EQ(&group_of(groups, ireland), &group_of(groups, frankfurt));
  EXPECT_NE(&group_of(groups, tokyo), &group_of(groups, virginia));
  const std::vector<std::string> names = {"virginia", "california", "oregon", "ireland", "frankfurt", "tokyo",
                                          "seoul",    "singapore",  "sydney", "mumbai",  "sao_paulo"};
  RecordProperty("groups", overlay.value().describe(names));
}

TEST(GroupByBandwidth, FindsClearClusters) {
  EXPECT_EQ(group_by_bandwidth(clusters({0, 1, 0, 1, 1, 0, 0, 1, 1})),
            (Groups{{0, {2, 5, 6}}, {1, {3, 4, 7, 8}}}));
  EXPECT_EQ(group_by_bandwidth(clusters({0, 0, 1, 1, 2})).size(), 3U);

  // More than are searched exhaustively: 6 clusters of 4.
  std::vector<std::size_t> cluster_of;
  for (std::size_t each = 0; each < 24; ++each) cluster_of.push_back(each % 6);
  const Groups groups = group_by_bandwidth(clusters(cluster_of));
  ASSERT_EQ(groups.size(), 6U);
  for (const Overlay::Group& group : groups) {
    EXPECT_EQ(group.members.size(), 3U);
    for (const std::size_t member : group.members) EXPECT_EQ(cluster_of[member], cluster_of[group.hub]);
  }
}

TEST(GroupByBandwidth, TheHubIsWhereTheWideLinkIs) {
  Matrix matrix = clusters({0, 0, 0, 1, 1, 1});
  matrix[1][5] = matrix[5][1] = 100;
  EXPECT_EQ(group_by_bandwidth(matrix), (Groups{{1, {0, 2}}, {5, {3, 4}}}));
}

TEST(GroupByBandwidth, NoPlanOfSmallMatricesTakesMuchLessTime) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Random random(seed);
    const std::size_t datacenters = 1 + random.below(5);
    Matrix matrix = uniform(datacenters, 0);
    for (std::vector<double>& row : matrix) {
      for (double& rate : row) rate = 1 + 99 * random.uniform();
    }
    const Groups groups = group_by_bandwidth(matrix);
    ASSERT_TRUE(Overlay::hubs(datacenters, groups).ok()) << seed;
    EXPECT_LE(exchange_time(matrix, groups), best_time_of_all(matrix) * 1.1001) << seed;
  }
}

TEST(GroupByBandwidth, EveryDatacenterIsInOneGroupWithinTheShareOfLinks) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    const std::size_t datacenters = 8 + random.below(30);
    Matrix matrix = uniform(datacenters, 0);
    for (std::vector<double>& row : matrix) {
      for (double& rate : row) rate = 1 + 99 * random.uniform();
    }
    const Groups groups = group_by_bandwidth(matrix);
    const Result<Overlay> overlay = Overlay::hubs(datacenters, groups);
    ASSERT_TRUE(overlay.ok()) << seed << ": " << overlay.error().message;
    EXPECT_LE(link_share(overlay.value()), 0.3) << seed << ", " << datacenters;
    EXPECT_EQ(groups, group_by_bandwidth(matrix)) << seed;
    for (std::vector<double>& row : matrix) {
      for (double& rate : row) rate *= 1e6 / 8;
    }
    EXPECT_EQ(groups, group_by_bandwidth(matrix)) << "another unit changes nothing, seed " << seed;
  }
}

TEST(GroupByBandwidth, TheShareOfLinksComesBeforeTime) {
  // A hub for each of the 5 clusters would be fastest, with a third of a mesh's links.
  const Groups groups = group_by_bandwidth(clusters({0, 0, 1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_LE(link_share(Overlay::hubs(10, groups).value()), 0.3);
}

TEST(GroupByBandwidth, OneGroupOnlyWhereItIsBest) {
  // Equal links: through one hub an exchange takes two turns, through more hubs with members three.
  EXPECT_EQ(group_by_bandwidth(uniform(8, 100)).size(), 1U);
  EXPECT_EQ(group_by_bandwidth(uniform(4, 100)).size(), 1U);
  EXPECT_EQ(group_by_bandwidth(uniform(3, 100)).size(), 3U) << "and in a mesh, which few may have, one";
}

TEST(GroupByBandwidth, FewDatacentersAndBrokenFigures) {
  EXPECT_TRUE(group_by_bandwidth({}).empty());
  EXPECT_EQ(group_by_bandwidth(uniform(1, 0)), (Groups{{0, {}}}));
  EXPECT_EQ(group_by_bandwidth(uniform(2, 3)), (Groups{{0, {}}, {1, {}}}));

  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double broken[] = {0, -1, kInfinity, std::numeric_limits<double>::quiet_NaN(), 1e-300, 1e300};
  for (const double one : broken) {
    EXPECT_TRUE(Overlay::hubs(9, group_by_bandwidth(uniform(9, one))).ok()) << one;
    Matrix matrix = clusters({0, 0, 0, 0, 1, 1, 1, 1, 1});
    matrix[0][1] = matrix[5][2] = matrix[7][8] = one;
    EXPECT_TRUE(Overlay::hubs(9, group_by_bandwidth(matrix)).ok()) << one;
  }
  Matrix cut = uniform(4, 10);
  cut[0][3] = 0;
  EXPECT_EQ(group_by_bandwidth(cut).size(), 1U) << "nothing goes over a link that does not exist";
}

}  // namespace
}  // namespace meridian::wan

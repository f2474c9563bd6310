// The overlay: which datacenters exchange updates directly, and what is passed on to whom, so that every
// update reaches every other datacenter exactly once. A mesh links everybody with everybody; groups with a
// hub each, or a tree, cost far fewer links over the WAN for a few more hops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "src/base/result.h"
#include "wan/relation.h"

namespace meridian::wan {

struct OverlayNeighbour {
  std::size_t datacenter = 0;
  Relation relation = Relation::peer;
  /// The datacenters whose updates arrive over this neighbour, itself included, sorted.
  std::vector<std::size_t> behind;

  bool operator==(const OverlayNeighbour&) const = default;
};

/// Immutable after construction. Datacenters go by their position in the configuration. Every overlay is a
/// forest whose roots are peers of one another: in a mesh all are roots, among hubs the hubs are, and a tree
/// has one.
class Overlay {
 public:
  /// A hub and the datacenters that reach the others through it.
  struct Group {
    std::size_t hub = 0;
    std::vector<std::size_t> members;  ///< the hub not included

    bool operator==(const Group&) const = default;
  };

  /// Everybody is a peer of everybody. Requires at least one datacenter.
  static Overlay mesh(std::size_t datacenters);

  /// Hubs are peers of one another, members are children of their hub. An error unless every datacenter is in
  /// exactly one group; it calls datacenters `datacenters[3]`.
  static Result<Overlay> hubs(std::size_t datacenters, const std::vector<Group>& groups);

  /// `parent_of[d]`: the parent of datacenter d; none for the root. An error unless there is exactly one root
  /// and no cycle; it calls datacenters `datacenters[3]`.
  static Result<Overlay> tree(std::size_t datacenters,
                              const std::vector<std::optional<std::size_t>>& parent_of);

  std::size_t datacenters() const { return parent_of_.size(); }

  /// By position.
  std::vector<OverlayNeighbour> neighbours(std::size_t datacenter) const;

  bool linked(std::size_t a, std::size_t b) const;

  /// How many datacenters' updates `from` sends over its link to its neighbour `to`, its own included.
  /// Requires linked(from, to).
  std::size_t sources(std::size_t from, std::size_t to) const;

  /// Links, that is ordered pairs of neighbours: a dense exchange sends one model over each.
  std::size_t links() const;

  /// A few lines for the user: the groups with hub and members, or the tree, by `names` (one for each
  /// datacenter, by position).
  std::string describe(std::span<const std::string> names) const;

 private:
  enum class Shape : std::uint8_t { mesh, hubs, tree };
  using Parents = std::vector<std::optional<std::size_t>>;

  Overlay(Shape shape, Parents parent_of);

  Relation relation_of(std::size_t datacenter, std::size_t neighbour) const;
  bool below(std::size_t datacenter, std::size_t ancestor) const;
  std::string describe_below(std::size_t datacenter, std::span<const std::string> names,
                             std::size_t depth) const;

  Shape shape_;
  Parents parent_of_;
  std::vector<std::size_t> subtree_sizes_;  // itself included
};

/// Groups found from a bandwidth matrix, for one dense exchange over hubs. Its time is the sum of three
/// phases (members to hubs, hubs among themselves, hubs to members), each as long as its slowest link takes
/// for one model. Of all plans within 10 % of the least time, the one with the least time summed over its
/// links is taken, that is, the one that uses the scarce links least; then fewer links, then the first by
/// position.
///
/// From 8 datacenters on only plans with at most 0.3 of a mesh's links count, from 4 on those with at most
/// half of the datacenters as hubs. With 2 both are hubs. Exact for at most 12 datacenters; a greedy search
/// with local moves beyond.
///
/// `bandwidth[from][to]` in any unit, the diagonal unused; a link without bandwidth (0, or not a number)
/// counts as extremely slow. Requires a square matrix. Groups come by their hub's position, members sorted;
/// the result depends on the matrix's ratios only.
std::vector<Overlay::Group> group_by_bandwidth(const std::vector<std::vector<double>>& bandwidth);

}  // namespace meridian::wan

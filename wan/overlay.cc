#include "wan/overlay.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "src/base/check.h"

namespace meridian::wan {
namespace {

using Parents = std::vector<std::optional<std::size_t>>;

std::string called(std::size_t datacenter) { return fmt::format("datacenters[{}]", datacenter); }

Error no_such(std::size_t datacenter, std::size_t datacenters) {
  return Error{
      fmt::format("the overlay names {}, but there are {} datacenters", called(datacenter), datacenters)};
}

// Whether following parents from `start` ends at a root. More steps than datacenters means a cycle.
bool reaches_root(const Parents& parent_of, std::size_t start) {
  std::size_t at = start;
  for (std::size_t steps = 0; steps < parent_of.size(); ++steps) {
    if (!parent_of[at]) return true;
    at = *parent_of[at];
  }
  return false;
}

}  // namespace

Overlay::Overlay(Shape shape, Parents parent_of)
    : shape_(shape), parent_of_(std::move(parent_of)), subtree_sizes_(parent_of_.size(), 1) {
  MERIDIAN_CHECK(!parent_of_.empty(), "an overlay without datacenters");
  for (std::size_t each = 0; each < datacenters(); ++each) {
    for (auto up = parent_of_[each]; up; up = parent_of_[*up]) ++subtree_sizes_[*up];
  }
}

Overlay Overlay::mesh(std::size_t datacenters) { return Overlay(Shape::mesh, Parents(datacenters)); }

Result<Overlay> Overlay::hubs(std::size_t datacenters, const std::vector<Group>& groups) {
  Parents parent_of(datacenters);
  std::vector<bool> placed(datacenters, false);
  const auto place = [&](std::size_t datacenter) -> Failure {
    if (datacenter >= datacenters) return no_such(datacenter, datacenters);
    if (placed[datacenter]) {
      return Error{fmt::format("{} has more than one place in the groups: each datacenter is in exactly one",
                               called(datacenter))};
    }
    placed[datacenter] = true;
    return {};
  };
  for (const Group& group : groups) {
    if (Failure failure = place(group.hub)) return *failure;
    for (const std::size_t member : group.members) {
      if (Failure failure = place(member)) return *failure;
      parent_of[member] = group.hub;
    }
  }
  for (std::size_t each = 0; each < datacenters; ++each) {
    if (!placed[each]) {
      return Error{fmt::format("{} is in no group: each datacenter is in exactly one", called(each))};
    }
  }
  if (datacenters == 0) return Error{"an overlay needs at least one datacenter"};
  return Overlay(Shape::hubs, std::move(parent_of));
}

Result<Overlay> Overlay::tree(std::size_t datacenters, const Parents& parent_of) {
  if (datacenters == 0) return Error{"an overlay needs at least one datacenter"};
  if (parent_of.size() != datacenters) {
    return Error{
        fmt::format("the tree places {} datacenters, but there are {}", parent_of.size(), datacenters)};
  }
  std::optional<std::size_t> root;
  for (std::size_t each = 0; each < datacenters; ++each) {
    if (parent_of[each] && *parent_of[each] >= datacenters) return no_such(*parent_of[each], datacenters);
    if (parent_of[each]) continue;
    if (root) {
      return Error{fmt::format("the tree has two roots, {} and {}: only one datacenter has no parent",
                               called(*root), called(each))};
    }
    root = each;
  }
  for (std::size_t each = 0; each < datacenters; ++each) {
    if (!reaches_root(parent_of, each)) {
      return Error{fmt::format("the tree has a cycle: the parents of {} never end at a root", called(each))};
    }
  }
  return Overlay(Shape::tree, parent_of);
}

bool Overlay::linked(std::size_t a, std::size_t b) const {
  MERIDIAN_CHECK(a < datacenters() && b < datacenters(), "{} and {} of {}", a, b, datacenters());
  if (a == b) return false;
  return parent_of_[a] == b || parent_of_[b] == a || (!parent_of_[a] && !parent_of_[b]);
}

Relation Overlay::relation_of(std::size_t datacenter, std::size_t neighbour) const {
  if (parent_of_[datacenter] == neighbour) return Relation::parent;
  return parent_of_[neighbour] == datacenter ? Relation::child : Relation::peer;
}

bool Overlay::below(std::size_t datacenter, std::size_t ancestor) const {
  std::optional<std::size_t> at = datacenter;
  while (at && *at != ancestor) at = parent_of_[*at];
  return at.has_value();
}

std::vector<OverlayNeighbour> Overlay::neighbours(std::size_t datacenter) const {
  std::vector<OverlayNeighbour> neighbours;
  for (std::size_t each = 0; each < datacenters(); ++each) {
    if (!linked(datacenter, each)) continue;
    OverlayNeighbour neighbour{each, relation_of(datacenter, each), {}};
    const bool up = neighbour.relation == Relation::parent;
    for (std::size_t source = 0; source < datacenters(); ++source) {
      // Over the parent comes everything but what is below us, over others what is below them.
      if (up ? !below(source, datacenter) : below(source, each)) neighbour.behind.push_back(source);
    }
    neighbours.push_back(std::move(neighbour));
  }
  return neighbours;
}

std::size_t Overlay::sources(std::size_t from, std::size_t to) const {
  MERIDIAN_CHECK(linked(from, to), "{} and {} are no neighbours", from, to);
  if (relation_of(from, to) == Relation::child) return datacenters() - subtree_sizes_[to];
  return subtree_sizes_[from];
}

std::size_t Overlay::links() const {
  const auto roots = static_cast<std::size_t>(std::count(parent_of_.begin(), parent_of_.end(), std::nullopt));
  return roots * (roots - 1) + 2 * (datacenters() - roots);
}

std::string Overlay::describe_below(std::size_t datacenter, std::span<const std::string> names,
                                    std::size_t depth) const {
  std::string text = fmt::format("{:{}}{}\n", "", 2 * depth, names[datacenter]);
  for (std::size_t each = 0; each < datacenters(); ++each) {
    if (parent_of_[each] == datacenter) text += describe_below(each, names, depth + 1);
  }
  return text;
}

std::string Overlay::describe(std::span<const std::string> names) const {
  MERIDIAN_CHECK(names.size() == datacenters(), "{} names for {} datacenters", names.size(), datacenters());
  if (shape_ == Shape::mesh) return fmt::format("mesh: {} links, everybody with everybody\n", links());

  const std::size_t mesh_links = datacenters() * (datacenters() - 1);
  std::string text = fmt::format("{}: {} links (a mesh has {})\n", shape_ == Shape::hubs ? "hubs" : "tree",
                                 links(), mesh_links);
  for (std::size_t root = 0; root < datacenters(); ++root) {
    if (parent_of_[root]) continue;
    if (shape_ == Shape::tree) {
      text += describe_below(root, names, 1);
      continue;
    }
    std::vector<std::string> members;
    for (std::size_t each = 0; each < datacenters(); ++each) {
      if (parent_of_[each] == root) members.push_back(names[each]);
    }
    text += fmt::format("  {}: {}\n", names[root],
                        members.empty() ? "no members" : fmt::format("{}", fmt::join(members, ", ")));
  }
  return text;
}

}  // namespace meridian::wan

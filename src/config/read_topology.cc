#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

/// Reads `hubs`: every datacenter in one group, as its hub or as a member.
class GroupsReader {
 public:
  GroupsReader(Problems& problems, const Config& config) : problems_(problems), config_(config) {}

  std::vector<HubGroup> read(Fields& topology) {
    const YamlNode* node = topology.find("hubs");
    const auto entries = topology.list("hubs", "a list of groups such as {hub: A, members: [B, C]}");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Fields fields(problems_, &entries[i], fmt::format("{}[{}]", topology.path_of("hubs"), i));
      read_group(fields);
    }
    if (node->kind == Kind::list && sound_) refuse_left_out(*node, topology.path_of("hubs"));
    std::sort(groups_.begin(), groups_.end(),
              [](const HubGroup& a, const HubGroup& b) { return a.hub < b.hub; });
    return std::move(groups_);
  }

 private:
  void read_group(Fields& fields) {
    HubGroup group;
    const YamlNode* hub_node = fields.find("hub", Presence::required);
    const auto hub = hub_node == nullptr ? std::nullopt : take(*hub_node, fields.path_of("hub"));
    const std::string members_path = fields.path_of("members");
    const auto members = fields.list("members", "a list of datacenters' names");
    for (std::size_t i = 0; i < members.size(); ++i) {
      if (const auto member = take(members[i], fmt::format("{}[{}]", members_path, i)))
        group.members.push_back(*member);
    }
    fields.refuse_unknown();
    if (!hub) {
      sound_ = false;
      return;
    }
    group.hub = *hub;
    std::sort(group.members.begin(), group.members.end());
    groups_.push_back(std::move(group));
  }

  /// A datacenter that no group has had yet.
  std::optional<std::size_t> take(const YamlNode& node, const std::string& path) {
    const auto datacenter = read_datacenter_name(node, path, config_, problems_);
    if (!datacenter) {
      sound_ = false;
      return std::nullopt;
    }
    const auto [earlier, is_new] = places_.try_emplace(*datacenter, node.place);
    if (is_new) return datacenter;
    problems_.add(node.place,
                  fmt::format("{} names '{}' again, first at {}", path, config_.datacenters[*datacenter].name,
                              problems_.describe(earlier->second)),
                  "every datacenter in one group");
    return std::nullopt;
  }

  void refuse_left_out(const YamlNode& node, const std::string& path) {
    for (std::size_t d = 0; d < config_.datacenters.size(); ++d) {
      if (places_.contains(d) || config_.datacenters[d].name.empty()) continue;
      problems_.add(node.place, fmt::format("{} leaves out '{}'", path, config_.datacenters[d].name),
                    "every datacenter in one group");
    }
  }

  Problems& problems_;
  const Config& config_;
  std::vector<HubGroup> groups_;
  std::map<std::size_t, Place> places_;  // of datacenters in groups, where they are named
  bool sound_ = true;
};

using Parents = std::vector<std::optional<std::size_t>>;

/// The datacenters without a parent.
std::vector<std::size_t> roots_of(const Parents& parents) {
  std::vector<std::size_t> roots;
  for (std::size_t d = 0; d < parents.size(); ++d) {
    if (!parents[d]) roots.push_back(d);
  }
  return roots;
}

/// A datacenter from which no root is reached; nothing in a forest.
std::optional<std::size_t> find_circle(const Parents& parents) {
  for (std::size_t start = 0; start < parents.size(); ++start) {
    std::size_t here = start;
    std::size_t steps = 0;
    while (parents[here] && steps <= parents.size()) {
      here = *parents[here];
      ++steps;
    }
    if (parents[here]) return here;
  }
  return std::nullopt;
}

void refuse_bad_tree(const YamlNode& node, const std::string& path, const Parents& parents,
                     const Config& config, Problems& problems) {
  if (const auto member = find_circle(parents)) {
    std::string circle = config.datacenters[*member].name;
    std::size_t here = *parents[*member];
    for (; here != *member; here = *parents[here]) circle += " -> " + config.datacenters[here].name;
    problems.add(node.place,
                 fmt::format("{} goes in a circle: {} -> {}", path, circle, config.datacenters[here].name),
                 "parents that lead to one root");
    return;
  }
  const std::vector<std::size_t> roots = roots_of(parents);
  if (roots.size() == 1) return;
  std::string names;
  for (const std::size_t root : roots)
    names += (names.empty() ? "" : ", ") + in_quotes(config.datacenters[root].name);
  problems.add(node.place, fmt::format("{} gives no parent to {}", path, names),
               "a parent for every datacenter but one, the root");
}

/// Reads `tree`, a map from child to parent: the parents of all datacenters.
Parents read_tree(Fields& topology, const Config& config) {
  Problems& problems = topology.problems();
  const std::string path = topology.path_of("tree");
  const YamlNode* node = topology.find("tree");
  Parents parents(config.datacenters.size());
  Fields fields(problems, node, path);
  if (!fields.has_map()) return parents;
  bool sound = true;
  for (const YamlNode::Key& key : node->keys) {
    const auto child = config.find_datacenter(key.text);
    if (!child) refuse_datacenter_name(key.place, key.text, path, config, problems);
    const YamlNode* value = fields.find(key.text, Presence::required);
    const auto parent = value == nullptr
                            ? std::nullopt
                            : read_datacenter_name(*value, fields.path_of(key.text), config, problems);
    sound = sound && child && parent;
    if (child) parents[*child] = parent;
  }
  if (sound) refuse_bad_tree(*node, path, parents, config, problems);
  return parents;
}

TopologyConfig read_topology_map(Fields fields, const Config& config) {
  TopologyConfig topology;
  const bool has_hubs = fields.find("hubs") != nullptr;
  const bool has_tree = fields.find("tree") != nullptr;
  fields.refuse_unknown();
  if (has_hubs && has_tree) {
    fields.problems().add(fields.place(), fmt::format("{} has hubs and also tree", fields.path()),
                          "one of the two");
  } else if (has_hubs) {
    topology.kind = TopologyConfig::Kind::hubs;
    topology.groups = GroupsReader(fields.problems(), config).read(fields);
  } else if (has_tree) {
    topology.kind = TopologyConfig::Kind::tree;
    topology.parents = read_tree(fields, config);
  } else if (fields.has_map()) {
    fields.problems().add(fields.place(), fmt::format("{} says neither hubs nor tree", fields.path()),
                          "one of the two");
  }
  return topology;
}

}  // namespace

void read_topology(Fields& wan, Config& config) {
  const YamlNode* node = wan.find("topology");
  if (node == nullptr || node->kind == Kind::broken) return;
  const std::string path = wan.path_of("topology");
  if (node->kind == Kind::map) {
    config.wan.topology = read_topology_map(Fields(wan.problems(), node, path), config);
    return;
  }
  if (node->kind == Kind::scalar && node->text == "mesh") return;
  if (node->kind == Kind::scalar && node->text == "hubs") {
    config.wan.topology.kind = TopologyConfig::Kind::hubs_auto;
    return;
  }
  wan.problems().add(node->place, fmt::format("{} is {}", path, describe_value(*node)),
                     "mesh, hubs, or a map with hubs or tree");
}

}  // namespace meridian

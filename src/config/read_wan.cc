#include <fmt/format.h>

#include <map>

#include "src/config/choices.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

const Range kBandwidthsMbps = Range::above(0, 1e6);
constexpr double kLongestDelayMs = 60'000;
constexpr double kLongestDeadlineSeconds = 86'400;
constexpr std::uint64_t kMostClocksApart = 1'000'000;

/// Bandwidth and delay of `fields`: the delay as delay_ms one way or as rtt_ms there and back.
std::optional<LinkConfig> read_link(Fields& fields) {
  LinkConfig link;
  const bool has_rate =
      fields.number("bandwidth_mbps", link.bandwidth_mbps, kBandwidthsMbps, Presence::required);
  const bool has_both = fields.find("delay_ms") != nullptr && fields.find("rtt_ms") != nullptr;
  double rtt_ms = 0;
  bool has_delay = false;
  if (has_both) {
    fields.problems().add(fields.place_of("rtt_ms"),
                          fmt::format("{} says the delay twice, as delay_ms and as rtt_ms", fields.path()),
                          "delay_ms (one way) or rtt_ms (there and back)");
  } else if (fields.find("delay_ms") != nullptr) {
    has_delay = fields.number("delay_ms", link.delay_ms, Range::from_to(0, kLongestDelayMs));
  } else if (fields.find("rtt_ms") != nullptr) {
    has_delay = fields.number("rtt_ms", rtt_ms, Range::from_to(0, 2 * kLongestDelayMs));
    link.delay_ms = rtt_ms / 2;
  } else if (fields.has_map()) {
    fields.problems().add(fields.place(), fmt::format("{} says no delay", fields.path_of("rtt_ms")),
                          "rtt_ms (there and back) or delay_ms (one way)");
  }
  if (!has_rate || !has_delay) return std::nullopt;
  return link;
}

/// Reads `links` and fills the matrix: the default first, then pairs, then single directions over them.
class LinksReader {
 public:
  LinksReader(Problems& problems, const Config& config)
      : problems_(problems), config_(config), names_(datacenter_names(config)) {}

  std::vector<std::vector<LinkConfig>> read(Fields& wan) {
    const std::size_t count = config_.datacenters.size();
    matrix_.assign(count, std::vector<LinkConfig>(count));
    const YamlNode* node = wan.find("links", count > 1 ? Presence::required : Presence::optional);
    if (node == nullptr || node->kind == Kind::broken) return matrix_;
    if (node->kind == Kind::scalar) {
      read_scalar(*node, wan.path_of("links"));
    } else {
      read_map(Fields(problems_, node, wan.path_of("links")));
    }
    return matrix_;
  }

 private:
  /// A direction by the positions of its ends.
  using Ends = std::pair<std::size_t, std::size_t>;

  void read_scalar(const YamlNode& node, const std::string& path) {
    if (node.text != "lan") {
      problems_.add(node.place, fmt::format("{} is {}", path, in_quotes(node.text)),
                    "lan (every link as inside a datacenter), or a map with default and pairs");
      return;
    }
    fill(config_.wan.lan);
  }

  void fill(LinkConfig link) {
    for (std::size_t from = 0; from < matrix_.size(); ++from) {
      for (std::size_t to = 0; to < matrix_.size(); ++to) {
        if (from != to) matrix_[from][to] = link;
      }
    }
  }

  void read_map(Fields links) {
    const YamlNode* fallback = links.find("default");
    if (fallback != nullptr) {
      Fields fields(problems_, fallback, links.path_of("default"));
      if (const auto link = read_link(fields)) fill(*link);
      fields.refuse_unknown();
    }
    const auto entries = links.list("pairs", "a list of links");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Fields fields(problems_, &entries[i], fmt::format("{}[{}]", links.path_of("pairs"), i));
      read_entry(fields);
    }
    links.refuse_unknown();
    apply();
    if (fallback == nullptr) refuse_gaps(links);
  }

  void read_entry(Fields& fields) {
    const bool both_ways = fields.find("between") != nullptr;
    const auto ends = both_ways ? read_between(fields) : read_direction(fields);
    const auto link = read_link(fields);
    if (both_ways && (fields.find("from") != nullptr || fields.find("to") != nullptr)) {
      problems_.add(fields.place(), fmt::format("{} has between and also from or to", fields.path()),
                    "between (both directions), or from and to (one)");
      return;
    }
    fields.refuse_unknown();
    if (!ends) return;
    if (ends->first == ends->second) {
      problems_.add(
          fields.place(),
          fmt::format("{} links '{}' to itself", fields.path(), config_.datacenters[ends->first].name),
          "two different datacenters");
      return;
    }
    note(fields, *ends, both_ways, link);
  }

  std::optional<Ends> read_between(Fields& fields) {
    const YamlNode* node = fields.find("between");
    if (node->kind == Kind::broken) return std::nullopt;
    if (node->kind != Kind::list || node->children.size() != 2) {
      problems_.add(node->place,
                    fmt::format("{} is {}", fields.path_of("between"),
                                node->kind == Kind::list ? fmt::format("a list of {}", node->children.size())
                                                         : describe_value(*node)),
                    "two datacenters, such as [virginia, tokyo]");
      return std::nullopt;
    }
    const auto first = position_of(node->children[0], fields.path_of("between"));
    const auto second = position_of(node->children[1], fields.path_of("between"));
    if (!first || !second) return std::nullopt;
    return Ends{*first, *second};
  }

  std::optional<Ends> read_direction(Fields& fields) {
    if (fields.has_map() && !fields.has("from") && !fields.has("to")) {
      problems_.add(fields.place(), fmt::format("{} does not say which link it is", fields.path()),
                    "between: [A, B] (both directions), or from: A and to: B (one)");
      fields.find("from");
      fields.find("to");
      return std::nullopt;
    }
    const YamlNode* from_node = fields.find("from", Presence::required);
    const YamlNode* to_node = fields.find("to", Presence::required);
    const auto from = from_node == nullptr ? std::nullopt : position_of(*from_node, fields.path_of("from"));
    const auto to = to_node == nullptr ? std::nullopt : position_of(*to_node, fields.path_of("to"));
    if (!from || !to) return std::nullopt;
    return Ends{*from, *to};
  }

  std::optional<std::size_t> position_of(const YamlNode& node, const std::string& path) {
    if (node.kind == Kind::broken) return std::nullopt;
    if (node.kind == Kind::scalar) {
      if (const auto position = config_.find_datacenter(node.text)) return position;
      problems_.add(node.place,
                    fmt::format("{} names {}, which is no datacenter{}", path, in_quotes(node.text),
                                perhaps(node.text, names_)),
                    names_.empty() ? "a datacenter's name" : one_of(names_));
    } else {
      problems_.add(node.place, fmt::format("{} is {}", path, describe_value(node)), "a datacenter's name");
    }
    return std::nullopt;
  }

  /// Keeps an entry, refusing the second one for the same link. A refused link (nothing) still counts as
  /// given.
  void note(Fields& fields, Ends ends, bool both_ways, std::optional<LinkConfig> link) {
    const Ends key = both_ways && ends.first > ends.second ? Ends{ends.second, ends.first} : ends;
    auto& given = both_ways ? pairs_ : directions_;
    const auto [earlier, is_new] = given.try_emplace(key, Given{link, fields.place()});
    if (is_new) return;
    problems_.add(
        fields.place(),
        fmt::format("the link {} {} {} is given twice, first at {}", config_.datacenters[ends.first].name,
                    both_ways ? "-" : "->", config_.datacenters[ends.second].name,
                    problems_.describe(earlier->second.place)),
        both_ways ? "each pair once" : "each direction once");
  }

  void apply() {
    for (const auto& [ends, given] : pairs_) {
      matrix_[ends.first][ends.second] = matrix_[ends.second][ends.first] = given.link.value_or(LinkConfig{});
    }
    for (const auto& [ends, given] : directions_) {
      matrix_[ends.first][ends.second] = given.link.value_or(LinkConfig{});
    }
  }

  void refuse_gaps(Fields& links) {
    for (std::size_t a = 0; a < matrix_.size(); ++a) {
      for (std::size_t b = a + 1; b < matrix_.size(); ++b) {
        if (pairs_.contains({a, b})) continue;
        const bool there = directions_.contains({a, b});
        const bool back = directions_.contains({b, a});
        if (there && back) continue;
        const auto& from = config_.datacenters[there ? b : a].name;
        const auto& to = config_.datacenters[there ? a : b].name;
        problems_.add(
            links.place(),
            fmt::format("{} has no link {} {} {}", links.path(), from, there || back ? "->" : "-", to),
            "an entry in pairs, or a default");
      }
    }
  }

  struct Given {
    std::optional<LinkConfig> link;
    Place place;
  };

  Problems& problems_;
  const Config& config_;
  std::vector<std::string_view> names_;
  std::vector<std::vector<LinkConfig>> matrix_;
  std::map<Ends, Given> pairs_;
  std::map<Ends, Given> directions_;
};

void read_parameters(Fields fields, WanParameters& parameters) {
  fields.number("v0", parameters.v0, Range::from_to(0, 1e6));
  fields.choice("schedule", parameters.schedule, kSchedules);
  fields.integer("ds", parameters.ds, 0, kMostClocksApart);
  fields.integer("h", parameters.h, 1, kMostClocksApart);
  fields.refuse_unknown();
}

void read_deadlines(Fields fields, DeadlinesConfig& deadlines) {
  const Range range = Range::above(0, kLongestDeadlineSeconds);
  fields.number("start_s", deadlines.start_s, range);
  fields.number("silence_s", deadlines.silence_s, range);
  fields.number("drain_s", deadlines.drain_s, range);
  fields.refuse_unknown();
}

}  // namespace

void read_wan(Fields& root, Config& config) {
  const Presence presence = config.datacenters.size() > 1 ? Presence::required : Presence::optional;
  Fields fields = root.map("wan", presence);
  WanConfig& wan = config.wan;
  fields.choice("mode", wan.mode, kModes);
  if (const YamlNode* lan = fields.find("lan")) {
    Fields lan_fields(root.problems(), lan, fields.path_of("lan"));
    if (const auto link = read_link(lan_fields)) wan.lan = *link;
    lan_fields.refuse_unknown();
  }
  wan.links = LinksReader(root.problems(), config).read(fields);
  read_parameters(fields.map("parameters"), wan.parameters);
  read_deadlines(fields.map("deadlines"), wan.deadlines);
  fields.refuse_unknown();
}

}  // namespace meridian

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "src/config/choices.h"
#include "src/config/mode_presets.h"
#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

const Range kBandwidthsMbps = Range::above(0, 1e6);
constexpr double kLongestDelayMs = 60'000;
constexpr double kLongestDeadlineSeconds = 86'400;
constexpr std::uint64_t kMostClocksApart = 1'000'000;
constexpr std::uint64_t kLongestRampClocks = 1'000'000'000;
constexpr double kLargestThreshold = 1e6;
constexpr std::size_t kLongestTableName = 128;

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
  LinksReader(Problems& problems, const Config& config) : problems_(problems), config_(config) {}

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
    return read_datacenter_name(node, path, config_, problems_);
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
  std::vector<std::vector<LinkConfig>> matrix_;
  std::map<Ends, Given> pairs_;
  std::map<Ends, Given> directions_;
};

/// Where the keys below wan stand that the file or a --set gives.
class GivenPlaces {
 public:
  /// Looks which of `keys` `fields` has, and calls them PREFIX.KEY, or KEY without a prefix. What is there
  /// and null counts as absent.
  void note(const Fields& fields, const std::string& prefix, std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      if (!fields.has_value(key)) continue;
      places_.emplace(prefix.empty() ? std::string(key) : fmt::format("{}.{}", prefix, key),
                      fields.place_of(key));
    }
  }

  /// The place of the first of `keys` that is given, or `otherwise`.
  Place first_of(const std::vector<std::string>& keys, Place otherwise) const {
    for (const std::string& key : keys) {
      if (const auto found = places_.find(key); found != places_.end()) return found->second;
    }
    return otherwise;
  }

  GivenKeys keys() const {
    GivenKeys given;
    for (const auto& [key, place] : places_) given.keys.insert(key);
    return given;
  }

 private:
  std::map<std::string, Place> places_;
};

/// The mode's parts, with the file's own words over them.
void read_choice_of_parts(Fields& wan, ModeChoice& choice) {
  wan.choice("what", choice.what, kWhats);
  wan.choice("when", choice.when, kWhens);
  wan.choice("wait", choice.wait, kWaits);
  wan.truth("selective_barrier", choice.selective_barrier);
  wan.choice("merge", choice.merge, kMerges);
}

/// `linear` needs the end of its ramp, and nothing else has one.
void read_ramp(Fields& fields, WanParameters& parameters) {
  const bool is_linear = parameters.schedule == "linear";
  const Presence presence = is_linear ? Presence::required : Presence::optional;
  double v_end = 0;
  std::uint32_t ramp_clocks = 0;
  if (fields.number("v_end", v_end, Range::from_to(0, kLargestThreshold), presence)) parameters.v_end = v_end;
  if (fields.integer("ramp_clocks", ramp_clocks, 1, kLongestRampClocks, presence))
    parameters.ramp_clocks = ramp_clocks;
  if (is_linear) return;
  for (const std::string_view key : {"v_end", "ramp_clocks"}) {
    if (!fields.has_value(key)) continue;
    fields.problems().add(fields.place_of(key),
                          fmt::format("{} with the schedule {}", fields.path_of(key), parameters.schedule),
                          "no such key, or schedule: linear");
  }
}

bool is_table_name(std::string_view name) {
  return !name.empty() && name.size() <= kLongestTableName &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-' || c == '/';
         });
}

/// Which tables there are depends on the model, so the program checks the names.
void read_tables(Fields& parameters_fields, WanParameters& parameters) {
  const YamlNode* node = parameters_fields.find("tables");
  Fields tables(parameters_fields.problems(), node, parameters_fields.path_of("tables"));
  if (!tables.has_map()) return;
  for (const YamlNode::Key& key : node->keys) {
    if (!is_table_name(key.text)) {
      tables.problems().add(
          key.place, fmt::format("{} names {}", tables.path(), in_quotes(key.text)),
          fmt::format("a table's name, at most {} of letters, digits, '.', '_', '-' and '/'",
                      kLongestTableName));
      continue;
    }
    if (tables.find(key.text) == nullptr) continue;
    Fields fields = tables.map(key.text);
    TableParameters own{parameters.v0, parameters.floor, parameters.by};
    fields.number("v0", own.v0, Range::from_to(0, kLargestThreshold));
    fields.number("floor", own.floor, Range::from_to(0, kLargestThreshold));
    fields.choice("by", own.by, kFilterUnits);
    fields.refuse_unknown();
    parameters.tables.emplace(key.text, own);
  }
}

void read_ds(Fields& fields, WanParameters& parameters) {
  const YamlNode* node = fields.find("ds");
  if (node != nullptr && node->kind == Kind::scalar && node->text == "auto") {
    parameters.ds_auto = true;
  } else if (node != nullptr) {
    const auto ds =
        read_integer(*node, fields.path_of("ds"), 0, kMostClocksApart, fields.problems(), ", or auto");
    if (ds) parameters.ds = static_cast<std::uint32_t>(*ds);
  }
  fields.integer("ds_most", parameters.ds_most, 1, kMostClocksApart);
}

void read_outer(Fields fields, OptimizerConfig& outer, GivenPlaces& given) {
  given.note(fields, "parameters.outer", {"name", "learning_rate", "momentum"});
  fields.choice("name", outer.name, kOptimizers);
  fields.number("learning_rate", outer.learning_rate, Range::above(0, 1000));
  const bool uses_momentum = outer.name != "sgd";
  fields.number("momentum", outer.momentum, Range::below(0, 1),
                uses_momentum ? Presence::required : Presence::optional);
  if (!uses_momentum && outer.momentum != 0) {
    fields.problems().add(fields.place_of("momentum"),
                          fmt::format("{} is {}, which the optimizer sgd does not use",
                                      fields.path_of("momentum"), outer.momentum),
                          "0, or name: momentum or nesterov");
  }
  fields.refuse_unknown();
}

void read_parameters(Fields fields, WanParameters& parameters, GivenPlaces& given) {
  given.note(fields, "parameters",
             {"v0", "schedule", "v_end", "ramp_clocks", "floor", "soft_ratio", "soft_below", "by", "tables",
              "ds", "ds_most", "h"});
  fields.number("v0", parameters.v0, Range::from_to(0, kLargestThreshold));
  const bool known =
      fields.choice("schedule", parameters.schedule, kSchedules) || !fields.has_value("schedule");
  if (known) {
    read_ramp(fields, parameters);
  } else {
    fields.find("v_end");
    fields.find("ramp_clocks");
  }
  fields.number("floor", parameters.floor, Range::from_to(0, kLargestThreshold));
  fields.number("soft_ratio", parameters.soft_ratio, Range::above(0, 1));
  fields.number("soft_below", parameters.soft_below, Range::from_to(0, 1));
  fields.choice("by", parameters.by, kFilterUnits);
  read_tables(fields, parameters);
  read_ds(fields, parameters);
  fields.integer("h", parameters.h, 1, kMostClocksApart);
  read_outer(fields.map("outer"), parameters.outer, given);
  fields.refuse_unknown();
}

void read_deadlines(Fields fields, DeadlinesConfig& deadlines, GivenPlaces& given) {
  given.note(fields, "deadlines", {"start_s", "silence_s", "drain_s", "wait_s", "barrier_s"});
  const Range range = Range::above(0, kLongestDeadlineSeconds);
  fields.number("start_s", deadlines.start_s, range);
  fields.number("silence_s", deadlines.silence_s, range);
  fields.number("drain_s", deadlines.drain_s, range);
  fields.number("wait_s", deadlines.wait_s, range);
  fields.number("barrier_s", deadlines.barrier_s, range);
  fields.refuse_unknown();
}

/// The mode, its parts and parameters and the policies.
void read_method(Fields& fields, WanConfig& wan) {
  GivenPlaces given;
  given.note(
      fields, "",
      {"mode", "what", "when", "wait", "selective_barrier", "merge", "topology", "on_silence", "on_barrier"});
  // What is read after a word that was refused would be judged by words that the user did not write.
  const std::size_t before = fields.problems().count();
  fields.choice("mode", wan.mode, kModes);
  const ModePreset& preset = *find_mode_preset(wan.mode);
  wan.choice = preset.choice;
  wan.parameters.h = preset.default_h;
  read_choice_of_parts(fields, wan.choice);
  read_parameters(fields.map("parameters"), wan.parameters, given);
  fields.choice("on_silence", wan.on_silence, kOnSilence);
  fields.choice("on_barrier", wan.on_barrier, kOnBarrier);
  read_deadlines(fields.map("deadlines"), wan.deadlines, given);
  wan.given = given.keys();
  if (fields.problems().count() > before) return;
  for (const Contradiction& found : find_contradictions(wan)) {
    fields.problems().add(given.first_of(found.keys, fields.place_of("mode")), found.what, found.expected);
  }
}

}  // namespace

void read_wan(Fields& root, Config& config) {
  const Presence presence = config.datacenters.size() > 1 ? Presence::required : Presence::optional;
  Fields fields = root.map("wan", presence);
  WanConfig& wan = config.wan;
  read_method(fields, wan);
  if (const YamlNode* lan = fields.find("lan")) {
    Fields lan_fields(root.problems(), lan, fields.path_of("lan"));
    if (const auto link = read_link(lan_fields)) wan.lan = *link;
    lan_fields.refuse_unknown();
  }
  wan.links = LinksReader(root.problems(), config).read(fields);
  read_topology(fields, config);
  fields.refuse_unknown();
}

}  // namespace meridian

#include "src/config/links_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/config/input_file.h"
#include "src/config/link_events.h"
#include "src/config/link_prices.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

const Range kCapsMbps = Range::above(0, 1e6);
constexpr std::size_t kMostEvents = 10'000;
const char* const kExpected =
    "lan (every link as inside a datacenter), a links file, or a map with default and pairs";

/// The names in `between`, `from` and `to` of a list of pairs.
void add_places(const YamlNode& links, std::vector<std::string>& places) {
  const YamlNode* pairs = links.find("pairs");
  if (pairs == nullptr) return;
  const auto add = [&](const YamlNode& node) {
    if (node.kind == Kind::scalar && std::find(places.begin(), places.end(), node.text) == places.end())
      places.push_back(node.text);
  };
  for (const YamlNode& pair : pairs->children) {
    if (const YamlNode* between = pair.find("between")) {
      for (const YamlNode& name : between->children) add(name);
    }
    for (const std::string_view key : {"from", "to"}) {
      if (const YamlNode* name = pair.find(key)) add(*name);
    }
  }
}

}  // namespace

LinksDocument::LinksDocument(const YamlNode& node, std::string path, const Folder& folder, Problems& problems)
    : problems_(problems), path_(std::move(path)), folder_(folder), place_(node.place) {
  if (node.kind == Kind::map) {
    inline_ = &node;
    if (const YamlNode* file = node.find("file")) open_file(*file, path_ + ".file");
  } else if (node.kind == Kind::scalar && node.text == "lan") {
    is_lan_ = true;
  } else if (node.kind == Kind::scalar) {
    open_file(node, path_);
  } else if (node.kind != Kind::broken) {
    problems.add(node.place, fmt::format("{} is {}", path_, describe_value(node)), kExpected);
  }
}

void LinksDocument::open_file(const YamlNode& node, const std::string& key) {
  if (node.kind != Kind::scalar) {
    if (node.kind != Kind::broken)
      problems_.add(node.place, fmt::format("{} is {}", key, describe_value(node)), "a links file");
    return;
  }
  const Folder file = (folder_ / node.text).lexically_normal();
  const Result<std::string> text = read_input_file(file);
  if (!text) {
    problems_.add(node.place,
                  fmt::format("{} is {}, which {}", key, in_quotes(node.text), text.error().message),
                  kExpected);
    return;
  }
  file_name_ = file.string();
  file_folder_ = file.parent_path();
  file_ = parse_yaml(text.value(), problems_.add_source(file_name_), problems_);
}

std::vector<LinksDocument::Layer> LinksDocument::layers() const {
  std::vector<Layer> layers;
  if (file_) layers.push_back({&*file_, "", file_folder_, true});
  if (inline_ != nullptr) layers.push_back({inline_, path_, folder_, false});
  return layers;
}

std::vector<std::string> LinksDocument::places() const {
  std::vector<std::string> places;
  for (const Layer& layer : layers()) add_places(*layer.node, places);
  return places;
}

LinksDescription LinksDocument::read(const std::vector<std::string>& names) {
  names_ = names;
  if (file_) {
    std::vector<std::string> places;
    add_places(*file_, places);
    known_.insert(places.begin(), places.end());
  }
  LinksDescription description;
  description.links.assign(names.size(), std::vector<std::optional<LinkConfig>>(names.size()));
  description.caps.resize(names.size());
  for (const Layer& layer : layers()) read_layer(layer, description);
  std::stable_sort(description.events.begin(), description.events.end(),
                   [](const auto& a, const auto& b) { return a.at_s < b.at_s; });
  return description;
}

void LinksDocument::read_layer(const Layer& layer, LinksDescription& description) {
  Fields fields(problems_, layer.node, layer.path);
  if (layer.is_file) {
    fields.find("name");  // what the set of links is called, for its readers
    if (const YamlNode* lan = fields.find("lan")) {
      Fields lan_fields(problems_, lan, fields.path_of("lan"));
      description.lan = read_lan(lan_fields);
      lan_fields.refuse_unknown();
    }
  } else {
    fields.find("file");
  }
  read_default(fields, layer, description);
  read_pairs(fields, layer, description);
  read_caps(fields, description);
  read_prices_of(fields, description);
  read_events(fields, layer, description);
  fields.refuse_unknown();
}

void LinksDocument::read_default(Fields& fields, const Layer& layer, LinksDescription& description) {
  const YamlNode* node = fields.find("default");
  if (node == nullptr) return;
  Fields own(problems_, node, fields.path_of("default"));
  const std::optional<LinkConfig> link = read_link(own, layer.folder);
  own.refuse_unknown();
  for (std::size_t from = 0; from < names_.size(); ++from) {
    for (std::size_t to = 0; to < names_.size(); ++to) {
      // What is refused counts as given: it is no gap.
      if (from != to && !description.links[from][to])
        description.links[from][to] = link.value_or(LinkConfig{});
    }
  }
}

void LinksDocument::read_pairs(Fields& fields, const Layer& layer, LinksDescription& description) {
  pairs_.clear();
  directions_.clear();
  const auto entries = fields.list("pairs", "a list of links");
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Fields entry(problems_, &entries[i], fmt::format("{}[{}]", fields.path_of("pairs"), i));
    bool both_ways = false;
    const auto ends = read_ends(entry, both_ways);
    const auto link = read_link(entry, layer.folder);
    if (both_ways && (entry.find("from") != nullptr || entry.find("to") != nullptr)) {
      problems_.add(entry.place(), fmt::format("{} has between and also from or to", entry.path()),
                    "between (both directions), or from and to (one)");
      continue;
    }
    entry.refuse_unknown();
    if (!ends) continue;
    if (ends->first == ends->second) {
      problems_.add(entry.place(), fmt::format("{} links '{}' to itself", entry.path(), names_[ends->first]),
                    "two different datacenters");
      continue;
    }
    note(entry, *ends, both_ways, link);
  }
  for (const auto& [ends, given] : pairs_) {
    description.links[ends.first][ends.second] = description.links[ends.second][ends.first] =
        given.link.value_or(LinkConfig{});
  }
  for (const auto& [ends, given] : directions_) {
    description.links[ends.first][ends.second] = given.link.value_or(LinkConfig{});
  }
}

std::optional<LinksDocument::Ends> LinksDocument::read_ends(Fields& fields, bool& both_ways) {
  const YamlNode* between = fields.find("between");
  both_ways = between != nullptr;
  if (both_ways) {
    if (between->kind == Kind::broken) return std::nullopt;
    if (between->kind != Kind::list || between->children.size() != 2) {
      problems_.add(
          between->place,
          fmt::format("{} is {}", fields.path_of("between"),
                      between->kind == Kind::list ? fmt::format("a list of {}", between->children.size())
                                                  : describe_value(*between)),
          "two datacenters, such as [virginia, tokyo]");
      return std::nullopt;
    }
    const auto first = position_of(between->children[0], fields.path_of("between"));
    const auto second = position_of(between->children[1], fields.path_of("between"));
    if (!first || !second) return std::nullopt;
    return Ends{*first, *second};
  }
  if (!fields.has_map()) return std::nullopt;
  if (!fields.has("from") && !fields.has("to")) {
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

/// Keeps an entry, refusing the second one for the same link. A refused link (nothing) still counts as given.
void LinksDocument::note(Fields& fields, Ends ends, bool both_ways, const std::optional<LinkConfig>& link) {
  const Ends key = both_ways && ends.first > ends.second ? Ends{ends.second, ends.first} : ends;
  auto& given = both_ways ? pairs_ : directions_;
  const auto [earlier, is_new] = given.try_emplace(key, Given{link, fields.place()});
  if (is_new) return;
  problems_.add(
      fields.place(),
      fmt::format("the link {} {} {} is given twice, first at {}", names_[ends.first], both_ways ? "-" : "->",
                  names_[ends.second], problems_.describe(earlier->second.place)),
      both_ways ? "each pair once" : "each direction once");
}

void LinksDocument::read_caps(Fields& fields, LinksDescription& description) {
  const YamlNode* node = fields.find("caps");
  Fields caps(problems_, node, fields.path_of("caps"));
  if (!caps.has_map()) return;
  for (const YamlNode::Key& key : node->keys) {
    const auto position = position_of_name(key.place, key.text, caps.path());
    if (caps.find(key.text) == nullptr) continue;
    Fields own = caps.map(key.text);
    DatacenterCaps read;
    double mbps = 0;
    if (own.number("egress_mbps", mbps, kCapsMbps)) read.egress_mbps = mbps;
    if (own.number("ingress_mbps", mbps, kCapsMbps)) read.ingress_mbps = mbps;
    own.refuse_unknown();
    if (position) description.caps[*position] = read;
  }
}

/// A list of prices is of one day and one source: one beside the file stands in place of the file's.
void LinksDocument::read_prices_of(Fields& fields, LinksDescription& description) {
  const YamlNode* node = fields.find("prices");
  if (node == nullptr) return;
  Fields own(problems_, node, fields.path_of("prices"));
  if (!own.has_map()) return;
  description.prices =
      read_prices(own, names_.size(), [this](Place place, const std::string& text, const std::string& path) {
        return position_of_name(place, text, path);
      });
}

void LinksDocument::read_events(Fields& fields, const Layer& layer, LinksDescription& description) {
  const auto entries = fields.list("events", "a list of events");
  if (entries.size() > kMostEvents) {
    problems_.add(fields.place_of("events"),
                  fmt::format("{} has {} events", fields.path_of("events"), entries.size()),
                  fmt::format("at most {}", kMostEvents));
    return;
  }
  const PlaceNames names{
      [this](const YamlNode& node, const std::string& path) { return position_of(node, path); },
      names_.size()};
  for (std::size_t i = 0; i < entries.size(); ++i) {
    Fields own(problems_, &entries[i], fmt::format("{}[{}]", fields.path_of("events"), i));
    if (auto event = read_link_event(own, names, layer.folder, Presence::required))
      description.events.push_back(std::move(*event));
  }
}

std::optional<std::size_t> LinksDocument::position_of(const YamlNode& node, const std::string& path) {
  if (node.kind == Kind::broken) return std::nullopt;
  if (node.kind == Kind::scalar) return position_of_name(node.place, node.text, path);
  problems_.add(node.place, fmt::format("{} is {}", path, describe_value(node)), "a datacenter's name");
  return std::nullopt;
}

std::optional<std::size_t> LinksDocument::position_of_name(Place place, const std::string& text,
                                                           const std::string& path) {
  const auto found = std::find(names_.begin(), names_.end(), text);
  if (found != names_.end() && !text.empty()) return static_cast<std::size_t>(found - names_.begin());
  if (known_.contains(text)) return std::nullopt;  // a place of the file that this run has no use for
  std::vector<std::string_view> names;
  for (const std::string& name : names_) {
    if (!name.empty()) names.emplace_back(name);
  }
  for (const std::string& name : known_) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  }
  problems_.add(
      place,
      fmt::format("{} names {}, which is no datacenter{}", path, in_quotes(text), perhaps(text, names)),
      names.empty() ? "a datacenter's name" : one_of(names));
  return std::nullopt;
}

void LinksDocument::refuse_gaps(const std::vector<std::string>& names, const LinksDescription& description) {
  if (!file_ && inline_ == nullptr) return;  // nothing could be read
  for (std::size_t a = 0; a < names.size(); ++a) {
    for (std::size_t b = a + 1; b < names.size(); ++b) {
      const bool there = description.links[a][b].has_value();
      const bool back = description.links[b][a].has_value();
      if (there && back) continue;
      const std::string& from = names[there ? b : a];
      const std::string& to = names[there ? a : b];
      problems_.add(place_,
                    fmt::format("{}{} has no link {} {} {}", path_,
                                file_ ? fmt::format(" ({})", file_name_) : std::string(), from,
                                there || back ? "->" : "-", to),
                    "an entry in pairs, or a default");
    }
  }
}

}  // namespace meridian

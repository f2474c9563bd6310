#include "src/config/emulation_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <map>

#include "src/config/fields.h"
#include "src/config/input_file.h"
#include "src/config/link_events.h"
#include "src/config/links_reader.h"
#include "src/config/overrides.h"
#include "src/config/read_host_port.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostPlaces = 256;
constexpr std::size_t kMostRelays = 4096;

class EmulationReader {
 public:
  EmulationReader(const YamlNode& tree, Problems& problems, std::filesystem::path file)
      : root_(problems, &tree, ""), problems_(problems) {
    emulation_.file = std::move(file);
  }

  EmulationConfig read() {
    root_.find("name");
    root_.integer("seed", emulation_.seed, 0, UINT64_MAX);
    const YamlNode* links = root_.find("links", Presence::required);
    const auto relays = root_.list("relays", "a list of relays", Presence::required);
    HostPort api;
    if (read_host_port(root_, "api", api, 0, Presence::optional)) emulation_.api = api;
    root_.refuse_unknown();
    if (relays.size() > kMostRelays) {
      problems_.add(root_.place_of("relays"), fmt::format("relays has {} relays", relays.size()),
                    fmt::format("at most {}", kMostRelays));
      return emulation_;
    }
    if (links == nullptr || links->kind == Kind::broken) return emulation_;
    LinksDocument document(*links, "links", emulation_.file.parent_path(), problems_);
    if (document.is_lan()) {
      problems_.add(links->place, "links is 'lan'", "a links file, or a map with default and pairs");
      return emulation_;
    }
    emulation_.places = document.places();
    add_places_of(relays);
    if (emulation_.places.size() > kMostPlaces) {
      problems_.add(links->place, fmt::format("links names {} places", emulation_.places.size()),
                    fmt::format("at most {}", kMostPlaces));
      return emulation_;
    }
    LinksDescription read = document.read(emulation_.places);
    emulation_.links = std::move(read.links);
    emulation_.caps = std::move(read.caps);
    emulation_.prices = std::move(read.prices);
    emulation_.events = std::move(read.events);
    for (std::size_t i = 0; i < relays.size(); ++i) {
      Fields fields(problems_, &relays[i], fmt::format("relays[{}]", i));
      read_relay(fields);
    }
    return std::move(emulation_);
  }

 private:
  /// Where every link is a default, only the relays say which places there are.
  void add_places_of(std::span<const YamlNode> relays) {
    for (const YamlNode& relay : relays) {
      for (const std::string_view key : {"from", "to"}) {
        const YamlNode* name = relay.find(key);
        if (name == nullptr || name->kind != Kind::scalar || name->text.empty()) continue;
        auto& places = emulation_.places;
        if (std::find(places.begin(), places.end(), name->text) == places.end()) places.push_back(name->text);
      }
    }
  }

  std::optional<std::size_t> read_place(Fields& fields, std::string_view key) const {
    std::string name;
    if (!fields.text(key, name, "a place's name", Presence::required)) return std::nullopt;
    const auto& places = emulation_.places;
    const auto found = std::find(places.begin(), places.end(), name);
    if (found == places.end()) return std::nullopt;
    return static_cast<std::size_t>(found - places.begin());
  }

  void read_relay(Fields& fields) {
    RelayConfig relay;
    const auto from = read_place(fields, "from");
    const auto to = read_place(fields, "to");
    const bool has_listen = read_host_port(fields, "listen", relay.listen, 0, Presence::required);
    const bool has_target = read_host_port(fields, "target", relay.target, 1, Presence::required);
    fields.refuse_unknown();
    if (!from || !to || !has_listen || !has_target) return;
    relay.from = *from;
    relay.to = *to;
    if (relay.from == relay.to) {
      problems_.add(fields.place(), fmt::format("{} goes from a place to itself", fields.path()),
                    "two different places");
      return;
    }
    for (const auto& [a, b] : {std::pair(*from, *to), std::pair(*to, *from)}) {
      if (emulation_.links[a][b]) continue;
      problems_.add(fields.place(),
                    fmt::format("{} needs the link {} -> {}, which links does not have", fields.path(),
                                emulation_.places[a], emulation_.places[b]),
                    "an entry in pairs, or a default");
    }
    const std::string listen = fmt::format("{}:{}", relay.listen.host, relay.listen.port);
    const auto [earlier, is_new] = listening_.try_emplace(listen, fields.place());
    if (!is_new && relay.listen.port != 0) {
      problems_.add(fields.place_of("listen"),
                    fmt::format("{} is {}, as of the relay at {}", fields.path_of("listen"), listen,
                                problems_.describe(earlier->second)),
                    "an address of its own for each relay");
    }
    emulation_.relays.push_back(std::move(relay));
  }

  Fields root_;
  Problems& problems_;
  EmulationConfig emulation_;
  std::map<std::string, Place> listening_;
};

/// The map in `text`, which came in a request.
std::optional<YamlNode> parse_request(std::string_view text, Problems& problems) {
  std::optional<YamlNode> tree = parse_yaml(text, 0, problems);
  if (tree && tree->kind == Kind::map) return tree;
  if (tree) problems.add({0, 1, 1}, fmt::format("the request is {}", describe_value(*tree)), "a map");
  return std::nullopt;
}

}  // namespace

Result<EmulationConfig> read_emulation_text(std::string_view text, const std::filesystem::path& file,
                                            const std::vector<std::string>& overrides,
                                            const Environment& environment) {
  Problems problems(file.string(), overrides);
  std::optional<YamlNode> tree = parse_yaml(text, 0, problems);
  if (!tree) return Error{problems.text()};
  if (tree->kind == Kind::null) {
    problems.add({0, 1, 1}, "the file holds no emulation", "links and relays");
    return Error{problems.text()};
  }
  for (std::size_t i = 0; i < overrides.size(); ++i) apply_override(*tree, overrides[i], i + 1, problems);
  expand_variables(*tree, environment, problems);
  EmulationConfig emulation =
      EmulationReader(*tree, problems, std::filesystem::absolute(file).lexically_normal()).read();
  if (!problems.empty()) return Error{problems.text()};
  return emulation;
}

Result<EmulationConfig> read_emulation(const std::filesystem::path& file,
                                       const std::vector<std::string>& overrides,
                                       const Environment& environment) {
  const Result<std::string> text = read_input_file(file);
  if (!text) {
    return Error{
        fmt::format("{}: {}; expected a YAML file", printable(file.string(), 400), text.error().message)};
  }
  return read_emulation_text(text.value(), file, overrides, environment);
}

Result<EmulationConfig> read_links_file(const std::filesystem::path& file) {
  Problems problems(file.string(), {});
  YamlNode node;
  node.kind = Kind::scalar;
  node.text = std::filesystem::absolute(file).string();
  EmulationConfig links;
  links.file = node.text;
  LinksDocument document(node, "links", links.file.parent_path(), problems);
  links.places = document.places();
  LinksDescription read = document.read(links.places);
  if (!problems.empty()) return Error{problems.text()};
  links.links = std::move(read.links);
  links.caps = std::move(read.caps);
  links.prices = std::move(read.prices);
  links.events = std::move(read.events);
  return links;
}

ConfigKind kind_of_config(const std::filesystem::path& file) {
  const Result<std::string> text = read_input_file(file);
  if (!text) return ConfigKind::run;
  Problems problems(file.string(), {});
  const std::optional<YamlNode> tree = parse_yaml(text.value(), 0, problems);
  if (!tree || tree->find("workload") != nullptr || tree->find("datacenters") != nullptr)
    return ConfigKind::run;
  const auto has_any = [&](std::initializer_list<std::string_view> keys) {
    return std::any_of(keys.begin(), keys.end(), [&](auto key) { return tree->find(key) != nullptr; });
  };
  if (has_any({"relays", "links", "api"})) return ConfigKind::emulation;
  return has_any({"pairs", "default", "caps", "prices", "events"}) ? ConfigKind::links : ConfigKind::run;
}

Result<LinkEventConfig> read_event_text(std::string_view text, const std::vector<std::string>& places) {
  Problems problems("request", {});
  const std::optional<YamlNode> tree = parse_request(text, problems);
  if (!tree) return Error{problems.text()};
  const PlaceNames names{[&](const YamlNode& node, const std::string& path) -> std::optional<std::size_t> {
                           const auto found = std::find(places.begin(), places.end(), node.text);
                           if (node.kind == Kind::scalar && found != places.end())
                             return static_cast<std::size_t>(found - places.begin());
                           const std::vector<std::string_view> known(places.begin(), places.end());
                           problems.add(node.place, fmt::format("{} is {}", path, describe_value(node)),
                                        known.empty() ? "a place" : one_of(known));
                           return std::nullopt;
                         },
                         places.size()};
  Fields fields(problems, &*tree, "");
  const auto event = read_link_event(fields, names, {}, Presence::optional);
  if (!event) return Error{problems.text()};
  return *event;
}

Result<LinkChangeConfig> read_link_change_text(std::string_view text) {
  Problems problems("request", {});
  const std::optional<YamlNode> tree = parse_request(text, problems);
  if (!tree) return Error{problems.text()};
  Fields fields(problems, &*tree, "");
  LinkChangeConfig change;
  double number = 0;
  if (fields.number("bandwidth_mbps", number, kBandwidthsMbps)) change.bandwidth_mbps = number;
  change.delay_ms = read_delay(fields, Presence::optional);
  if (fields.number("loss", number, kLosses)) change.loss = number;
  change.jitter = read_jitter(fields, {});
  fields.refuse_unknown();
  if (!problems.empty()) return Error{problems.text()};
  if (!change.bandwidth_mbps && !change.delay_ms && !change.loss && !change.jitter) {
    problems.add(tree->place, "the request changes nothing",
                 "at least one of bandwidth_mbps, delay_ms, rtt_ms, loss and jitter");
    return Error{problems.text()};
  }
  return change;
}

}  // namespace meridian

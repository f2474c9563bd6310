#include "src/config/link_events.h"

#include <fmt/format.h>

#include <array>

#include "src/config/choices.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Action = LinkEventConfig::Action;
using Kind = YamlNode::Kind;

constexpr double kLongestEventSeconds = 1e7;

std::optional<Action> action_named(std::string_view name) {
  for (std::size_t i = 0; i < kLinkActions.size(); ++i) {
    if (kLinkActions[i] == name) return static_cast<Action>(i);
  }
  return std::nullopt;
}

/// Both directions of a pair, one direction, or all links of a datacenter.
class TargetReader {
 public:
  TargetReader(Fields& fields, const PlaceNames& names) : fields_(fields), names_(names) {}

  /// Whether the event is about something of this run.
  bool read(LinkEventConfig& event) {
    const YamlNode* between = fields_.find("between");
    const YamlNode* from = fields_.find("from");
    const YamlNode* to = fields_.find("to");
    const YamlNode* datacenter = fields_.find("datacenter");
    const bool pair = between != nullptr && from == nullptr && to == nullptr && datacenter == nullptr;
    const bool direction = from != nullptr && to != nullptr && between == nullptr && datacenter == nullptr;
    const bool whole = datacenter != nullptr && between == nullptr && from == nullptr && to == nullptr;
    if (!fields_.has_map()) return false;
    if (event.action == Action::pause && !whole) {
      refuse("datacenter, and no link, with action: pause");
      return false;
    }
    if (!pair && !direction && !whole) {
      refuse("one of between: [A, B], from and to, and datacenter");
      return false;
    }
    if (whole) return read_datacenter(*datacenter, event);
    if (direction) return read_direction(*from, *to, event);
    if (between->kind != Kind::list || between->children.size() != 2) {
      fields_.problems().add(between->place,
                             fmt::format("{} is {}", fields_.path_of("between"), describe_value(*between)),
                             "two datacenters, such as [virginia, tokyo]");
      return false;
    }
    return read_pair(between->children[0], between->children[1], "between", "between", true, event);
  }

 private:
  void refuse(const std::string& expected) {
    fields_.problems().add(fields_.place(), fmt::format("{} does not say what it is about", fields_.path()),
                           expected);
  }

  bool read_direction(const YamlNode& from, const YamlNode& to, LinkEventConfig& event) {
    return read_pair(from, to, "from", "to", false, event);
  }

  bool read_pair(const YamlNode& from, const YamlNode& to, std::string_view from_key, std::string_view to_key,
                 bool both_ways, LinkEventConfig& event) {
    const auto first = names_.position(from, fields_.path_of(from_key));
    const auto second = names_.position(to, fields_.path_of(to_key));
    if (!first || !second) return false;
    if (*first == *second) {
      fields_.problems().add(fields_.place(), fmt::format("{} is about a link to itself", fields_.path()),
                             "two different datacenters");
      return false;
    }
    event.links.push_back({*first, *second});
    if (both_ways) event.links.push_back({*second, *first});
    return true;
  }

  bool read_datacenter(const YamlNode& node, LinkEventConfig& event) {
    const auto own = names_.position(node, fields_.path_of("datacenter"));
    if (!own) return false;
    event.datacenter = own;
    if (event.action == Action::pause) return true;
    for (std::size_t other = 0; other < names_.count; ++other) {
      if (other == *own) continue;
      event.links.push_back({*own, other});
      event.links.push_back({other, *own});
    }
    return true;
  }

  Fields& fields_;
  const PlaceNames& names_;
};

constexpr auto kDegradedKeys = std::to_array<std::string_view>(
    {"bandwidth_mbps", "bandwidth_factor", "delay_ms", "rtt_ms", "loss", "jitter"});

void read_degradation(Fields& fields, LinkEventConfig& event, const Folder& folder) {
  double number = 0;
  bool any = false;
  for (const std::string_view key : kDegradedKeys) any = any || fields.find(key) != nullptr;
  if (fields.number("bandwidth_mbps", number, kBandwidthsMbps)) event.bandwidth_mbps = number;
  if (fields.number("bandwidth_factor", number, Range::above(0, 1000))) event.bandwidth_factor = number;
  event.delay_ms = read_delay(fields, Presence::optional);
  if (fields.number("loss", number, kLosses)) event.loss = number;
  event.jitter = read_jitter(fields, folder);
  if (event.bandwidth_mbps && event.bandwidth_factor) {
    fields.problems().add(fields.place_of("bandwidth_factor"),
                          fmt::format("{} says the bandwidth twice", fields.path()),
                          "bandwidth_mbps or bandwidth_factor");
  }
  if (!any) {
    fields.problems().add(
        fields.place(), fmt::format("{} degrades nothing", fields.path()),
        "at least one of bandwidth_mbps, bandwidth_factor, delay_ms, rtt_ms, loss and jitter");
  }
}

void refuse_degradation(Fields& fields, const std::string& action) {
  for (const std::string_view key : kDegradedKeys) {
    if (fields.find(key) == nullptr) continue;
    fields.problems().add(fields.place_of(key),
                          fmt::format("{} with action: {}", fields.path_of(key), action),
                          "no such key, or action: degrade");
  }
}

}  // namespace

const char* to_string(Action action) { return kLinkActions.at(static_cast<std::size_t>(action)).data(); }

std::optional<LinkEventConfig> read_link_event(Fields& fields, const PlaceNames& names, const Folder& folder,
                                               Presence time) {
  const std::size_t before = fields.problems().count();
  LinkEventConfig event;
  std::string action = "cut";
  const bool known = fields.choice("action", action, kLinkActions, Presence::required);
  event.action = action_named(action).value_or(Action::cut);
  fields.number("at_s", event.at_s, Range::from_to(0, kLongestEventSeconds), time);
  double for_s = 0;
  if (fields.number("for_s", for_s, Range::above(0, kLongestEventSeconds))) {
    event.for_s = for_s;
    if (known && (event.action == Action::restore || event.action == Action::reset)) {
      fields.problems().add(fields.place_of("for_s"),
                            fmt::format("{} with action: {}", fields.path_of("for_s"), action),
                            "no such key: it is done at once");
    }
  }
  if (known && event.action == Action::degrade) {
    read_degradation(fields, event, folder);
  } else if (known) {
    refuse_degradation(fields, action);
  } else {
    for (const std::string_view key : kDegradedKeys) fields.find(key);
  }
  const bool ours = TargetReader(fields, names).read(event);
  fields.refuse_unknown();
  if (!ours || fields.problems().count() > before) return std::nullopt;
  return event;
}

}  // namespace meridian

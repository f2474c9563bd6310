#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "src/config/sections.h"
#include "src/config/spelling.h"

namespace meridian {

namespace {

using Kind = YamlNode::Kind;

constexpr std::size_t kMostDatacenters = 256;
constexpr std::size_t kMostProcesses = 1024;               ///< workers, or servers, of one datacenter
constexpr std::size_t kMostMachines = 2 * kMostProcesses;  ///< one for each of its processes
constexpr std::size_t kLongestName = 32;
constexpr std::size_t kLongestAddress = 253;  ///< of a host name in DNS
/// A server listens on four ports in a row (config.h), so the last three cannot be the first one.
constexpr std::uint64_t kPortsOfServer = 4;
constexpr std::uint64_t kLastPort = 65536 - kPortsOfServer;

const char* const kAddressExpected = R"(an address and a port, such as "10.0.0.5:7000" or "[fd00::5]:7000")";

bool is_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto allowed = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= kLongestName && letter(name.front()) && name.back() != '-' &&
         std::all_of(name.begin(), name.end(), allowed);
}

/// A host name or an IPv4 address as it is, an IPv6 address in brackets as endpoints write it; nothing if
/// neither.
std::optional<std::string> checked_address(std::string_view text) {
  const auto made_of = [](std::string_view part, std::string_view others) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [&](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             others.find(c) != std::string_view::npos;
    });
  };
  if (text.size() > kLongestAddress) return std::nullopt;
  const bool in_brackets = text.size() > 2 && text.front() == '[' && text.back() == ']';
  const std::string_view inside = in_brackets ? text.substr(1, text.size() - 2) : text;
  const bool version_6 = inside.find(':') != std::string_view::npos;
  if (version_6 && made_of(inside, ":.%")) return fmt::format("[{}]", inside);
  if (!version_6 && !in_brackets && made_of(text, ".-_")) return std::string(text);
  return std::nullopt;
}

bool read_address(Fields& fields, std::string_view key, std::string& out, Presence presence) {
  const char* const expected = "a host name or an IP address";
  std::string text;
  if (!fields.text(key, text, expected, presence)) return false;
  const auto address = checked_address(text);
  if (!address) {
    fields.problems().add(fields.place_of(key), fmt::format("{} is {}", fields.path_of(key), in_quotes(text)),
                          expected);
    return false;
  }
  out = *address;
  return true;
}

std::optional<HostConfig> host_from_text(const YamlNode& node, const std::string& path, Problems& problems) {
  const auto text = read_text(node, path, kAddressExpected, problems);
  if (!text) return std::nullopt;
  const std::size_t colon = text->rfind(':');
  const auto address =
      colon == std::string::npos ? std::nullopt : checked_address(std::string_view(*text).substr(0, colon));
  // "fd00::5" is an address without a port, not the address "fd00:" with port 5.
  const bool bare_version_6 = address && address->front() == '[' && text->front() != '[';
  HostConfig host;
  if (address && !bare_version_6) {
    const char* const end = text->data() + text->size();
    const auto [read, failure] = std::from_chars(text->data() + colon + 1, end, host.port);
    if (failure == std::errc() && read == end && host.port >= 1 && host.port <= kLastPort) {
      host.lan_address = host.wan_address = *address;
      return host;
    }
  }
  problems.add(node.place, fmt::format("{} is {}", path, in_quotes(*text)),
               fmt::format("{}, the port from 1 to {}", kAddressExpected, kLastPort));
  return std::nullopt;
}

std::optional<HostConfig> host_from_map(const YamlNode& node, const std::string& path, Problems& problems) {
  Fields fields(problems, &node, path);
  HostConfig host;
  const bool has_lan = read_address(fields, "lan", host.lan_address, Presence::required);
  if (!read_address(fields, "wan", host.wan_address, Presence::optional)) host.wan_address = host.lan_address;
  const bool has_port = fields.integer("port", host.port, 1, kLastPort, Presence::required);
  fields.refuse_unknown();
  if (!has_lan || !has_port) return std::nullopt;
  return host;
}

bool ports_overlap(const HostConfig& a, const HostConfig& b) {
  return std::abs(int{a.port} - int{b.port}) < static_cast<int>(kPortsOfServer);
}

/// Two servers that cannot both listen: the same address as somebody reaches it, and ports that overlap. LAN
/// addresses of different datacenters may be equal, each inside its own network.
bool clash(const HostConfig& a, const HostConfig& b, bool same_datacenter) {
  return ports_overlap(a, b) &&
         (a.wan_address == b.wan_address || (same_datacenter && a.lan_address == b.lan_address));
}

void read_hosts(Fields& fields, const Config& config, DatacenterConfig& datacenter) {
  Problems& problems = fields.problems();
  const auto nodes = fields.list("hosts", "a list with one address for each server");
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", fields.path_of("hosts"), i);
    const auto host = nodes[i].kind == Kind::map ? host_from_map(nodes[i], path, problems)
                                                 : host_from_text(nodes[i], path, problems);
    if (!host) continue;
    const auto clashes_in = [&](const DatacenterConfig& other, bool same) {
      return std::any_of(other.hosts.begin(), other.hosts.end(),
                         [&](const HostConfig& one) { return clash(*host, one, same); });
    };
    if (clashes_in(datacenter, true) ||
        std::any_of(config.datacenters.begin(), config.datacenters.end(),
                    [&](const auto& other) { return clashes_in(other, false); })) {
      problems.add(nodes[i].place, fmt::format("{} has ports of a server before it", path),
                   fmt::format("{} ports of its own from {} on", kPortsOfServer, host->port));
    }
    datacenter.hosts.push_back(*host);
  }
  if (!nodes.empty() && nodes.size() != datacenter.servers) {
    problems.add(
        fields.place_of("hosts"),
        fmt::format("{} names {} for {} servers", fields.path_of("hosts"), nodes.size(), datacenter.servers),
        "one for each server");
  }
}

void read_datacenter(Fields& fields, Config& config) {
  DatacenterConfig datacenter;
  const std::string expected = fmt::format(
      "at most {} of a-z, 0-9 and -, a letter first and no - last, such as us-east-1", kLongestName);
  if (fields.text("name", datacenter.name, expected, Presence::required)) {
    const Place place = fields.place_of("name");
    if (!is_name(datacenter.name)) {
      fields.problems().add(
          place, fmt::format("{} is {}", fields.path_of("name"), in_quotes(datacenter.name)), expected);
    } else if (config.find_datacenter(datacenter.name)) {
      fields.problems().add(place, fmt::format("two datacenters are named '{}'", datacenter.name),
                            "a name of its own for each");
    }
  }
  fields.integer("workers", datacenter.workers, 1, kMostProcesses);
  fields.integer("servers", datacenter.servers, 1, kMostProcesses);
  std::size_t machines = 0;
  if (fields.integer("machines", machines, 1, kMostMachines)) datacenter.machines = machines;
  read_hosts(fields, config, datacenter);
  fields.refuse_unknown();
  config.datacenters.push_back(std::move(datacenter));
}

}  // namespace

void refuse_datacenter_name(Place place, const std::string& text, const std::string& path,
                            const Config& config, Problems& problems) {
  const auto names = datacenter_names(config);
  problems.add(
      place,
      fmt::format("{} names {}, which is no datacenter{}", path, in_quotes(text), perhaps(text, names)),
      names.empty() ? "a datacenter's name" : one_of(names));
}

void refuse_keys_of_no_datacenter(Fields& fields, const YamlNode& node, const Config& config) {
  const auto names = datacenter_names(config);
  for (const YamlNode::Key& key : node.keys) {
    if (std::find(names.begin(), names.end(), key.text) == names.end())
      refuse_datacenter_name(key.place, key.text, fields.path(), config, fields.problems());
  }
}

std::optional<std::size_t> read_datacenter_name(const YamlNode& node, const std::string& path,
                                                const Config& config, Problems& problems) {
  if (node.kind == Kind::broken) return std::nullopt;
  if (node.kind != Kind::scalar) {
    problems.add(node.place, fmt::format("{} is {}", path, describe_value(node)), "a datacenter's name");
    return std::nullopt;
  }
  const auto position = config.find_datacenter(node.text);
  if (!position) refuse_datacenter_name(node.place, node.text, path, config, problems);
  return position;
}

std::vector<std::string_view> datacenter_names(const Config& config) {
  std::vector<std::string_view> names;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    if (!datacenter.name.empty()) names.push_back(datacenter.name);
  }
  return names;
}

void read_datacenters(Fields& root, Config& config) {
  const std::string expected = fmt::format("a list of 1 to {} datacenters", kMostDatacenters);
  const YamlNode* node = root.find("datacenters", Presence::required);
  if (node == nullptr || node->kind == Kind::broken) return;
  if (node->kind != Kind::list || node->children.empty() || node->children.size() > kMostDatacenters) {
    const std::string found = node->kind != Kind::list ? describe_value(*node)
                              : node->children.empty() ? "an empty list"
                                                       : fmt::format("a list of {}", node->children.size());
    root.problems().add(node->place, fmt::format("datacenters is {}", found), expected);
    return;
  }
  for (std::size_t i = 0; i < node->children.size(); ++i) {
    Fields fields(root.problems(), &node->children[i], fmt::format("datacenters[{}]", i));
    read_datacenter(fields, config);
  }
}

}  // namespace meridian

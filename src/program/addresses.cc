#include "src/program/addresses.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "src/output/atomic_file.h"
#include "src/program/deployment.h"
#include "src/program/link_parts.h"

namespace meridian::program {
namespace {

std::string endpoint(const std::string& host, std::uint16_t port) {
  return fmt::format("tcp://{}:{}", host, port);
}

std::string server_name(const DatacenterConfig& datacenter, std::size_t index) {
  return process_name(datacenter.name, ProcessId::server(0, static_cast<std::uint16_t>(index)));
}

}  // namespace

std::map<ProcessId, std::string> process_names(const Config& config) {
  std::map<ProcessId, std::string> names;
  for (const ProcessId id : processes_of(config))
    names[id] = process_name(config.datacenters[id.datacenter].name, id);
  return names;
}

Result<AddressBook> AddressBook::from_hosts(const Config& config) {
  AddressBook book;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    if (datacenter.hosts.size() != datacenter.servers) {
      return Error{
          fmt::format("{}: datacenter {} has no hosts; `meridian node` expects datacenters[].hosts with one "
                      "HOST:PORT for each server",
                      config.file.string(), datacenter.name)};
    }
    for (std::size_t index = 0; index < datacenter.servers; ++index) {
      const HostConfig& host = datacenter.hosts[index];
      const auto port = [&](unsigned offset) { return static_cast<std::uint16_t>(host.port + offset); };
      book.listening_[server_name(datacenter, index)] = {
          endpoint(host.lan_address, port(0)), endpoint(host.lan_address, port(1)),
          endpoint(host.wan_address, port(2)), endpoint(host.wan_address, port(3))};
    }
  }
  for (const DatacenterConfig& from : config.datacenters) {
    for (const DatacenterConfig& to : config.datacenters) {
      if (from.name == to.name) continue;
      for (std::size_t i = 0; i < from.servers; ++i) {
        for (std::size_t j = 0; j < to.servers; ++j) {
          const ServerEndpoints& there = book.listening_[server_name(to, j)];
          book.wan_routes_[server_name(from, i)][server_name(to, j)] = {there.wan_control, there.wan_data};
        }
      }
    }
  }
  return book;
}

Result<AddressBook> AddressBook::on_this_machine(const Config& config, FreePorts& ports,
                                                 std::vector<wan::emulator::RelayDescription>& relays) {
  const std::string host = "127.0.0.1";
  bool enough = true;
  const auto take = [&] {
    const std::optional<std::uint16_t> port = ports.take();
    enough = enough && port;
    return port.value_or(0);
  };

  AddressBook book;
  struct WanPorts {
    std::uint16_t control = 0;
    std::uint16_t data = 0;
  };
  std::map<std::string, WanPorts> wan_ports;
  for (const DatacenterConfig& datacenter : config.datacenters) {
    for (std::size_t index = 0; index < datacenter.servers; ++index) {
      const std::string name = server_name(datacenter, index);
      const WanPorts wan{take(), take()};
      wan_ports[name] = wan;
      book.listening_[name] = {endpoint(host, take()), endpoint(host, take()), endpoint(host, wan.control),
                               endpoint(host, wan.data)};
    }
  }
  const std::size_t count = config.datacenters.size();
  const EmulatedLinks links = emulated_links(config);
  const auto link_index = [&](std::size_t from, std::size_t to) { return links.index[from][to].value(); };
  for (std::size_t from = 0; from < count; ++from) {
    for (std::size_t to = 0; to < count; ++to) {
      if (from == to) continue;
      for (std::size_t i = 0; i < config.datacenters[from].servers; ++i) {
        for (std::size_t j = 0; j < config.datacenters[to].servers; ++j) {
          const std::string caller = server_name(config.datacenters[from], i);
          const std::string called = server_name(config.datacenters[to], j);
          const WanPorts there = wan_ports[called];
          const WanPorts relay{take(), take()};
          relays.push_back(
              {{host, relay.control}, {host, there.control}, link_index(from, to), link_index(to, from)});
          relays.push_back(
              {{host, relay.data}, {host, there.data}, link_index(from, to), link_index(to, from)});
          book.wan_routes_[caller][called] = {endpoint(host, relay.control), endpoint(host, relay.data)};
        }
      }
    }
  }
  if (!enough) return Error{"cannot find enough free ports on 127.0.0.1"};
  return book;
}

Failure AddressBook::write(const std::filesystem::path& file) const {
  nlohmann::json json;
  for (const auto& [server, at] : listening_) {
    json["listening"][server] = {{"lan_control", at.lan_control},
                                 {"lan_data", at.lan_data},
                                 {"wan_control", at.wan_control},
                                 {"wan_data", at.wan_data}};
  }
  json["wan_routes"] = nlohmann::json::object();
  for (const auto& [from, routes] : wan_routes_) {
    for (const auto& [to, peer] : routes)
      json["wan_routes"][from][to] = {{"control", peer.control}, {"data", peer.data}};
  }
  return output::write_text_atomically(file, json.dump(1) + "\n");
}

Result<AddressBook> AddressBook::from_file(const std::filesystem::path& file) {
  constexpr std::size_t kMostBytes = 64 * 1024 * 1024;
  const Result<std::string> text = output::read_text(file, kMostBytes);
  if (!text) return text.error();
  AddressBook book;
  try {
    const nlohmann::json json = nlohmann::json::parse(text.value());
    for (const auto& [server, at] : json.at("listening").items()) {
      book.listening_[server] = {at.at("lan_control"), at.at("lan_data"), at.at("wan_control"),
                                 at.at("wan_data")};
    }
    for (const auto& [from, routes] : json.at("wan_routes").items()) {
      for (const auto& [to, peer] : routes.items())
        book.wan_routes_[from][to] = {peer.at("control"), peer.at("data")};
    }
  } catch (const nlohmann::json::exception& error) {
    return Error{fmt::format("{}: not an address file: {}", file.string(), error.what())};
  }
  return book;
}

Result<Addresses> AddressBook::of(ProcessId self, std::size_t own_servers,
                                  const std::vector<ProcessId>& counterparts,
                                  const std::map<ProcessId, std::string>& names) const {
  Addresses addresses;
  const auto unknown = [&](ProcessId id) {
    return Error{fmt::format("no address is known for {}", names.at(id))};
  };
  const auto call_on_lan = [&](ProcessId server) {
    const auto at = listening_.find(names.at(server));
    if (at == listening_.end()) return false;
    addresses.peers[server] = {at->second.lan_control, at->second.lan_data};
    return true;
  };
  for (std::size_t index = 0; index < own_servers; ++index) {
    const ProcessId server = ProcessId::server(self.datacenter, static_cast<std::uint16_t>(index));
    const bool calls = self.role == Role::worker || (index == 0 && self.index != 0);
    if (calls && !call_on_lan(server)) return unknown(server);
  }
  if (self.role == Role::worker) return addresses;

  const auto own = listening_.find(names.at(self));
  if (own == listening_.end()) return unknown(self);
  addresses.listeners = {{Channel::control, own->second.lan_control},
                         {Channel::data, own->second.lan_data},
                         {Channel::control, own->second.wan_control, /*wide_area=*/true},
                         {Channel::data, own->second.wan_data, /*wide_area=*/true}};
  for (const ProcessId counterpart : counterparts) {
    const auto routes = wan_routes_.find(names.at(self));
    if (routes == wan_routes_.end() || !routes->second.contains(names.at(counterpart)))
      return unknown(counterpart);
    addresses.peers[counterpart] = routes->second.at(names.at(counterpart));
  }
  return addresses;
}

}  // namespace meridian::program

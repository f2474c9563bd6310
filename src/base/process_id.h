// Who is who: every process of a deployment is one worker or one server of one datacenter.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace meridian {

enum class Role : std::uint8_t { worker = 0, server = 1 };

/// "worker" or "server".
const char* to_string(Role role);

/// A process by its datacenter's position in the configuration, its role, and its index within that role.
struct ProcessId {
  std::uint16_t datacenter = 0;
  Role role = Role::worker;
  std::uint16_t index = 0;

  auto operator<=>(const ProcessId&) const = default;

  static ProcessId worker(std::uint16_t datacenter, std::uint16_t index) {
    return {datacenter, Role::worker, index};
  }
  static ProcessId server(std::uint16_t datacenter, std::uint16_t index) {
    return {datacenter, Role::server, index};
  }
};

/// "tokyo-worker-1": how logs, folders and messages name a process.
std::string process_name(const std::string& datacenter_name, ProcessId id);

}  // namespace meridian

template <>
struct std::hash<meridian::ProcessId> {
  std::size_t operator()(const meridian::ProcessId& id) const noexcept {
    return (static_cast<std::size_t>(id.datacenter) << 24) ^ (static_cast<std::size_t>(id.role) << 16) ^
           id.index;
  }
};

// Who listens where and who calls whom: from the hosts in the configuration for a deployment on real
// machines, or from free local ports and the emulator's relays for `meridian run`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/base/process_id.h"
#include "src/base/result.h"
#include "src/config/config.h"
#include "src/program/free_ports.h"
#include "src/runtime/real/real_runtime.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

/// Where a server listens, as ZeroMQ endpoints.
struct ServerEndpoints {
  std::string lan_control;
  std::string lan_data;
  std::string wan_control;
  std::string wan_data;
};

/// Everything that a run's processes need to find each other.
class AddressBook {
 public:
  /// From datacenters[].hosts; an error names the datacenter that has none.
  static Result<AddressBook> from_hosts(const Config& config);
  /// Written by `meridian run` for its processes.
  static Result<AddressBook> from_file(const std::filesystem::path& file);

  /// On this machine, on `ports` of 127.0.0.1, which must outlive the run.
  /// `relays` becomes those through which the datacenters reach each other, over emulated_links(config).
  static Result<AddressBook> on_this_machine(const Config& config, FreePorts& ports,
                                             std::vector<wan::emulator::RelayDescription>& relays);

  Failure write(const std::filesystem::path& file) const;

  /// What `self` listens at and calls. A worker calls all servers of its datacenter, a server other than the
  /// first calls the first one and each of its `counterparts` elsewhere. `named` names processes as the book
  /// does.
  Result<Addresses> of(ProcessId self, std::size_t own_servers, const std::vector<ProcessId>& counterparts,
                       const std::map<ProcessId, std::string>& names) const;

 private:
  std::map<std::string, ServerEndpoints> listening_;                          // by server
  std::map<std::string, std::map<std::string, Addresses::Peer>> wan_routes_;  // by calling and called server
};

/// The names of all processes of a configuration.
std::map<ProcessId, std::string> process_names(const Config& config);

}  // namespace meridian::program

// What `meridian emulate` is told: links, and the TCP relays that go over them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/config/expansion.h"
#include "src/config/host_port.h"

namespace meridian {

/// Connections that are accepted at `listen`, which stands at the place `from`, go on to `target`, which
/// stands at `to`.
struct RelayConfig {
  std::size_t from = 0;
  std::size_t to = 0;
  HostPort listen;  ///< port 0: one that is free
  HostPort target;

  bool operator==(const RelayConfig&) const = default;
};

struct EmulationConfig {
  std::filesystem::path file;
  std::uint64_t seed = 1;  ///< of jitter and loss
  std::vector<std::string> places;
  std::vector<std::vector<std::optional<LinkConfig>>> links;  ///< [from][to]; all that relays use are there
  std::vector<DatacenterCaps> caps;
  std::vector<LinkEventConfig> events;
  std::optional<PricesConfig> prices = std::nullopt;  ///< for whoever reads them; an emulation costs nothing
  std::vector<RelayConfig> relays;
  std::optional<HostPort> api;  ///< where the HTTP API listens; nowhere if empty

  bool operator==(const EmulationConfig&) const = default;
};

/// As read_config, for the file of an emulation. Places are those that its pairs name and those of its
/// relays.
Result<EmulationConfig> read_emulation(const std::filesystem::path& file,
                                       const std::vector<std::string>& overrides,
                                       const Environment& environment);
Result<EmulationConfig> read_emulation_text(std::string_view text, const std::filesystem::path& file,
                                            const std::vector<std::string>& overrides,
                                            const Environment& environment);

/// A links file by itself, as an emulation without relays.
Result<EmulationConfig> read_links_file(const std::filesystem::path& file);

/// Which kind of configuration a file is, by its top keys: a run (which it also is when it is unreadable), an
/// emulation, or a links file.
enum class ConfigKind : std::uint8_t { run, emulation, links };
ConfigKind kind_of_config(const std::filesystem::path& file);

/// One event as JSON or YAML, the keys as in a file; at_s is 0 where not given. Errors say "request:1:8:
/// ...".
Result<LinkEventConfig> read_event_text(std::string_view text, const std::vector<std::string>& places);

/// New values of a link's own.
struct LinkChangeConfig {
  std::optional<double> bandwidth_mbps;
  std::optional<double> delay_ms;
  std::optional<double> loss;
  std::optional<JitterConfig> jitter;
};
Result<LinkChangeConfig> read_link_change_text(std::string_view text);

}  // namespace meridian

#include "src/config/config.h"

#include <fmt/format.h>

namespace meridian {

std::optional<std::size_t> Config::find_datacenter(const std::string& datacenter_name) const {
  for (std::size_t i = 0; i < datacenters.size(); ++i) {
    if (datacenters[i].name == datacenter_name) return i;
  }
  return std::nullopt;
}

bool WanConfig::is_lan() const {
  for (std::size_t from = 0; from < links.size(); ++from) {
    for (std::size_t to = 0; to < links[from].size(); ++to) {
      if (from != to && !(links[from][to] == lan)) return false;
    }
  }
  return true;
}

std::filesystem::path output_folder(const Config& config) {
  if (config.output_dir) return *config.output_dir;
  return std::filesystem::path("runs") / fmt::format("{}-{}-{}", config.name, config.wan.mode, config.seed);
}

}  // namespace meridian

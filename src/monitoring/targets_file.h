// The list of addresses that serve a run's metrics, as Prometheus' file service discovery reads it
// (file_sd_configs) and `meridian top` too.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace meridian::monitoring {

/// Addresses ("127.0.0.1:43210") with labels of their own.
struct TargetGroup {
  std::vector<std::string> addresses;
  std::map<std::string, std::string> labels;

  bool operator==(const TargetGroup&) const = default;
};

/// Replaces the file at once, so that no reader sees half of it; makes its folder where that is not there.
Failure write_targets(const std::filesystem::path& file, const std::vector<TargetGroup>& groups);

/// Errors name the file and what is wrong in it.
Result<std::vector<TargetGroup>> read_targets(const std::filesystem::path& file);

}  // namespace meridian::monitoring

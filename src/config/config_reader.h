// From a YAML file, --set options and the environment to a Config, or to every reason why not. Nothing that a
// file contains can crash it or make it grow without bounds; see yaml_tree.h for the limits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/config/expansion.h"

namespace meridian {

/// Reads `file`, applies `overrides` (each "a.b=value", as after --set) in their order, expands variables,
/// and checks everything. The error has one line for each problem found, in the order of the file:
/// "FILE:LINE:COLUMN: what is wrong; what was expected", FILE as given, or "--set a.b=value: ..." for what an
/// override brought in. Relative paths become absolute, from the folder of `file`.
Result<Config> read_config(const std::filesystem::path& file, const std::vector<std::string>& overrides,
                           const Environment& environment);

/// The same for text that stands for the contents of `file`, which need not exist.
Result<Config> read_config_text(std::string_view text, const std::filesystem::path& file,
                                const std::vector<std::string>& overrides, const Environment& environment);

}  // namespace meridian

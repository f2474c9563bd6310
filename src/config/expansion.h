// ${VAR} and ${VAR:-default} in the values of a configuration.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "src/config/problems.h"
#include "src/config/yaml_tree.h"

namespace meridian {

/// Looks up an environment variable; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

/// Replaces ${VAR} (an error when not set), ${VAR:-default} (the default when not set or empty) and $$ (one
/// dollar) in every value below `node`; keys stay as they are. What comes out is plain text whatever quotes
/// it stood in, so that "${SEED}" can be a number.
void expand_variables(YamlNode& node, const Environment& environment, Problems& problems);

}  // namespace meridian

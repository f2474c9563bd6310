// A YAML value as one line that reads back as the same value, for --set.
#pragma once

#include <string>

#include "src/config/yaml_tree.h"

namespace meridian::sweep {

std::string flow_text(const YamlNode& value);

}  // namespace meridian::sweep

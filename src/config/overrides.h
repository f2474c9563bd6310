// --set a.b=value: one value of the tree replaced before anything is checked.
#pragma once

#include <cstddef>
#include <string>

#include "src/config/problems.h"
#include "src/config/yaml_tree.h"

namespace meridian {

/// Applies the `source`-th override (from 1), `text` as typed after --set. Keys are joined by dots; an
/// element of a list goes by its `name` or its position from 0. The value is YAML and replaces whatever stood
/// there, a map included; null takes an optional key out, and an element out of its list. Maps on the way
/// that are missing are made; whether the keys exist is for the reader to say.
void apply_override(YamlNode& root, const std::string& text, std::size_t source, Problems& problems);

}  // namespace meridian

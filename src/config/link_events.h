// Something that happens to links or to a datacenter, read from one map.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/config/config.h"
#include "src/config/fields.h"
#include "src/config/link_values.h"

namespace meridian {

/// What a name in the description of links stands for.
struct PlaceNames {
  /// The position of a datacenter of this run; nothing where it is none, or refused.
  std::function<std::optional<std::size_t>(const YamlNode& node, const std::string& path)> position;
  std::size_t count = 0;
};

/// The event in `fields`; nothing where it is refused or about places that are not of this run.
std::optional<LinkEventConfig> read_link_event(Fields& fields, const PlaceNames& names, const Folder& folder,
                                               Presence time);

/// "cut", "degrade", ...
const char* to_string(LinkEventConfig::Action action);

}  // namespace meridian

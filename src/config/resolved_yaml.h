// A configuration written out in full, every default filled in: what a run leaves in its folder as
// config.yaml.
#pragma once

#include <string>

#include "src/config/config.h"

namespace meridian {

/// The same text for equal configurations. read_config_text gives an equal Config back (but for `file` and
/// `overwrite_output`, which are no keys): numbers are written in the shortest form that reads back exactly,
/// paths absolute, dollars doubled.
std::string resolved_yaml(const Config& config);

}  // namespace meridian

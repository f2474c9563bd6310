// Files that a configuration consists of: the YAML itself, links files, traces and recorded delays.
#pragma once

#include <filesystem>
#include <string>

#include "src/base/result.h"

namespace meridian {

/// All of a file's text, of no more than kLargestYamlBytes and one byte. The error says why there is none,
/// without the file's name: "is a folder", "cannot be read: No such file or directory".
Result<std::string> read_input_file(const std::filesystem::path& file);

}  // namespace meridian

// Where the real data sets are that some tests learn from. They are not part of the project and may not be in
// general: without the environment variable MERIDIAN_DATA such a test is skipped. With it all of them must be
// there.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <optional>

namespace meridian {

/// Why a test is skipped where real_data() has nothing.
inline constexpr const char* kNoRealData = "MERIDIAN_DATA is not set";

/// The folder of the data set `name`; nothing where no real data were given.
inline std::optional<std::filesystem::path> real_data(const char* name) {
  const char* const folder = std::getenv("MERIDIAN_DATA");
  if (folder == nullptr) return std::nullopt;
  return std::filesystem::path(folder) / name;
}

}  // namespace meridian

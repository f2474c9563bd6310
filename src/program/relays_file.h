// The emulator's relays as a file: how `meridian run` tells its emulator process which of its processes reach
// each other. The links stand in the configuration.
#pragma once

#include <filesystem>
#include <vector>

#include "src/base/result.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

Failure write_relays(const std::filesystem::path& file,
                     const std::vector<wan::emulator::RelayDescription>& relays);
Result<std::vector<wan::emulator::RelayDescription>> read_relays(const std::filesystem::path& file);

}  // namespace meridian::program

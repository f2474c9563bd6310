// The emulator's links and relays as a file: how `meridian run` tells its emulator process what to emulate.
#pragma once

#include <filesystem>

#include "src/base/result.h"
#include "wan/emulator/emulator.h"

namespace meridian::program {

Failure write_emulator_description(const std::filesystem::path& file,
                                   const wan::emulator::Description& description);
Result<wan::emulator::Description> read_emulator_description(const std::filesystem::path& file);

}  // namespace meridian::program

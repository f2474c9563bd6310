// What every command that runs something does first: read the configuration, find the output folder. And how
// it says what went wrong, and what a run came to.
#pragma once

#include <filesystem>
#include <string>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/config/emulation_config.h"
#include "src/output/summary.h"
#include "src/program/commands.h"
#include "src/program/deployment.h"

namespace meridian::program {

/// Prints the problem on stderr.
void print_error(const std::string& message);

/// Reads the configuration with the process's environment.
Result<Config> load_config(const ConfigArguments& arguments);
/// The same for an emulation's.
Result<EmulationConfig> load_emulation(const ConfigArguments& arguments);

/// Says on stderr what the run trains on, and from where.
void print_data_note(const Deployment& deployment);

/// The folder of this run: --out, or output.dir, or runs/NAME-MODE-SEED.
std::filesystem::path run_folder(const Config& config, const OutputArguments& output);

/// What a finished run says on stdout in one line, and its exit code.
int conclude(const output::Summary& summary, const std::filesystem::path& folder);

}  // namespace meridian::program

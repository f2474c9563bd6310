// The folder in which a run leaves its files, and their names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "src/base/result.h"
#include "src/output/summary.h"

namespace meridian::output {

inline constexpr const char* kConfigFile = "config.yaml";
inline constexpr const char* kSummaryFile = "summary.json";
inline constexpr const char* kTimelineFile = "timeline.jsonl";
inline constexpr const char* kModelFile = "model.safetensors";
inline constexpr const char* kLogFile = "log";

/// Where the processes of a run on one machine find each other; in the emulator's folder its links, and what
/// each of them carried.
inline constexpr const char* kAddressesFile = "addresses.json";
inline constexpr const char* kRelaysFile = "relays.json";
inline constexpr const char* kEmulatorAddressFile = "address";
inline constexpr const char* kCarriedFile = "carried.json";

/// Where the processes of a run serve their metrics.
inline constexpr const char* kTargetsFile = "targets.json";

/// The folder of the process that emulates the WAN, beside the DATACENTER-ROLE-INDEX folders of the others.
inline constexpr const char* kEmulatorFolder = "emulator";

/// Creates `folder` and those above it where they are not there. An error names the path.
Failure make_folder(const std::filesystem::path& folder);

/// Makes `folder` ready for a run: creates it where it is not there, and refuses one that holds anything.
/// With `overwrite` it removes what an earlier run left there (the files above, also those in the folders of
/// its processes, and those folders once empty) and nothing else; links are removed, never followed. An error
/// names the path.
Failure prepare_run_folder(const std::filesystem::path& folder, bool overwrite);

}  // namespace meridian::output

// Joins what the first servers of a run's datacenters left in its folder into the run's own summary.json,
// timeline.jsonl and model.safetensors.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "src/base/result.h"
#include "src/config/config.h"
#include "src/runtime/machine.h"

namespace meridian::program {

/// What ended a run too early.
struct RunFailure {
  FaultKind kind = FaultKind::failed;
  std::string reason;
};

/// Reads FOLDER/config.yaml and FOLDER/DATACENTER-server-0/. An error names the file and the reason.
/// `failure`: what ended the run, where its parts cannot know it.
Failure join_folder(const std::filesystem::path& folder, const std::optional<RunFailure>& failure = {});

/// Whether FOLDER holds the folders of a deployment's processes, started one by one: what joined them earlier
/// may be older than they are.
bool holds_deployment(const std::filesystem::path& folder);

/// The configuration of the run in FOLDER, as its files or those of any of its processes have it.
Result<Config> config_of_run(const std::filesystem::path& folder);

/// "WAN" or "LAN": over what the run in FOLDER ran, by its configuration; "-" where that cannot be read.
std::string links_word(const std::filesystem::path& folder);

}  // namespace meridian::program

// What is fixed of the files a run leaves, checked key by key: the same for `run` and for `simulate`.
#pragma once

#include <filesystem>

namespace meridian::integration {

/// Expects all files of a finished run in `folder` with every key of the right type, numbers that agree with
/// each other, and replicas that the drain made equal. Failures name the key.
void expect_finished_run(const std::filesystem::path& folder);

/// Expects every key in summary.json with the right type or null, whatever became of the run.
void expect_summary_keys(const std::filesystem::path& folder);

}  // namespace meridian::integration

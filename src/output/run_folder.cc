#include "src/output/run_folder.h"

#include <array>
#include <regex>
#include <system_error>
#include <vector>

#include "src/output/atomic_file.h"

namespace meridian::output {

namespace {

constexpr std::array kRunFiles = {kConfigFile,  kSummaryFile,   kTimelineFile, kModelFile,
                                  kLogFile,     kAddressesFile, kRelaysFile,   kEmulatorAddressFile,
                                  kCarriedFile, kTargetsFile};

bool is_process_folder(const std::string& name) {
  static const std::regex pattern("[^/]+-(worker|server)-[0-9]+");
  return name == kEmulatorFolder || std::regex_match(name, pattern);
}

Error failed(const std::filesystem::path& path, const char* what, const std::error_code& code) {
  return Error{fmt::format("{}: {}: {}", path.string(), what, code.message())};
}

/// Removes a file or a link of this path; a folder that happens to have the name stays.
Failure remove_file(const std::filesystem::path& path) {
  std::error_code code;
  const std::filesystem::file_type type = std::filesystem::symlink_status(path, code).type();
  if (type != std::filesystem::file_type::regular && type != std::filesystem::file_type::symlink) {
    return std::nullopt;
  }
  std::filesystem::remove(path, code);
  if (code) return failed(path, "cannot be removed", code);
  return std::nullopt;
}

Failure remove_run_files(const std::filesystem::path& folder) {
  for (const char* name : kRunFiles) {
    for (const std::string& file : {std::string(name), name + std::string(kPartSuffix)}) {
      if (Failure failure = remove_file(folder / file)) return failure;
    }
  }
  return std::nullopt;
}

/// The real folders (no links) in `folder` that have a process's name.
Result<std::vector<std::filesystem::path>> process_folders(const std::filesystem::path& folder) {
  std::error_code code;
  std::vector<std::filesystem::path> found;
  auto entry = std::filesystem::directory_iterator(folder, code);
  for (; !code && entry != std::filesystem::directory_iterator(); entry.increment(code)) {
    std::error_code ignored;
    if (entry->symlink_status(ignored).type() != std::filesystem::file_type::directory) continue;
    if (is_process_folder(entry->path().filename().string())) found.push_back(entry->path());
  }
  if (code) return failed(folder, "cannot be read", code);
  return found;
}

Failure remove_earlier_run(const std::filesystem::path& folder) {
  if (Failure failure = remove_run_files(folder)) return failure;
  Result<std::vector<std::filesystem::path>> folders = process_folders(folder);
  if (!folders) return folders.error();
  for (const std::filesystem::path& process_folder : folders.value()) {
    if (Failure failure = remove_run_files(process_folder)) return failure;
    // Removes it only if nothing of anybody else's lies in it; then it stays.
    std::error_code not_empty;
    std::filesystem::remove(process_folder, not_empty);
  }
  return std::nullopt;
}

}  // namespace

Failure make_folder(const std::filesystem::path& folder) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return failed(folder, "the output folder cannot be created", code);
  return std::nullopt;
}

Failure prepare_run_folder(const std::filesystem::path& folder, bool overwrite) {
  if (Failure failure = make_folder(folder)) return failure;
  std::error_code code;
  const bool empty = std::filesystem::is_empty(folder, code);
  if (code) return failed(folder, "the output folder cannot be read", code);
  if (empty) return std::nullopt;
  if (!overwrite) {
    return Error{
        fmt::format("{}: the output folder is not empty; expected an empty or a new one: --out DIR for "
                    "another, or --overwrite to replace an earlier run's files",
                    folder.string())};
  }
  return remove_earlier_run(folder);
}

}  // namespace meridian::output

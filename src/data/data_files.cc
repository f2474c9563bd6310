#include "src/data/data_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>
#include <glob.h>

#include <algorithm>
#include <system_error>

namespace meridian {
namespace {

namespace fs = std::filesystem;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

// Of a file in both forms, the plain one counts. `files` are sorted.
void drop_second_forms(std::vector<fs::path>& files) {
  const std::vector<fs::path> all = files;
  files.erase(std::remove_if(files.begin(), files.end(),
                             [&](const fs::path& path) {
                               return path.extension() == ".gz" &&
                                      std::binary_search(all.begin(), all.end(),
                                                         path.parent_path() / path.stem());
                             }),
              files.end());
}

Result<std::vector<fs::path>> files_of_folder(const fs::path& folder, const std::vector<std::string>& known) {
  std::vector<fs::path> all;
  std::error_code code;
  for (fs::directory_iterator entry(folder, code), end; !code && entry != end; entry.increment(code)) {
    if (is_file(entry->path())) all.push_back(entry->path());
  }
  if (code) return Error{fmt::format("{}: cannot read the folder: {}", folder.string(), code.message())};
  std::sort(all.begin(), all.end());
  for (const std::string& pattern : known) {
    std::vector<fs::path> matching;
    std::copy_if(all.begin(), all.end(), std::back_inserter(matching), [&](const fs::path& path) {
      const std::string name = path.filename().string();
      return fnmatch(pattern.c_str(), name.c_str(), FNM_PERIOD) == 0 ||
             fnmatch((pattern + ".gz").c_str(), name.c_str(), FNM_PERIOD) == 0;
    });
    drop_second_forms(matching);
    if (!matching.empty()) return matching;
  }
  return Error{fmt::format("{}: no data file in this folder; expected {}, plain or with .gz", folder.string(),
                           fmt::join(known, " or "))};
}

std::vector<fs::path> files_that_match(const std::string& pattern) {
  std::vector<fs::path> files;
  glob_t found{};
  if (glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      if (is_file(found.gl_pathv[i])) files.emplace_back(found.gl_pathv[i]);
    }
  }
  globfree(&found);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<std::vector<fs::path>> find_data_files(const std::string& source,
                                              const std::vector<std::string>& known) {
  std::error_code ignored;
  if (is_file(source)) return std::vector<fs::path>{source};
  if (fs::is_directory(source, ignored)) return files_of_folder(source, known);
  std::vector<fs::path> files = files_that_match(source);
  if (!files.empty()) return files;
  return Error{
      fmt::format("{}: no such file; expected a file, a folder or a pattern that some file matches", source)};
}

}  // namespace meridian

// Finds the files that a data path of a configuration means.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "src/base/result.h"

namespace meridian {

/// The files of `source`, in this order of precedence: a file of that name; of a folder of that name the
/// files that match the first of the `known` name patterns that any matches ("docword*.txt"), each also with
/// .gz and of both forms the plain one; the files that `source` matches as a pattern (* ? [...]). Several
/// files come in the order of their names, byte by byte. At least one. Errors: there is none, naming the
/// source and what was expected.
Result<std::vector<std::filesystem::path>> find_data_files(const std::string& source,
                                                           const std::vector<std::string>& known);

}  // namespace meridian

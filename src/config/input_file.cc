#include "src/config/input_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "src/config/yaml_tree.h"

namespace meridian {

Result<std::string> read_input_file(const std::filesystem::path& file) {
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) return Error{"is a folder"};
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return Error{fmt::format("cannot be read: {}", std::strerror(errno == 0 ? EIO : errno))};
  // One byte more than may be there tells a file that is too large, and reads no more of it.
  std::string text(kLargestYamlBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return Error{"cannot be read to its end"};
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

}  // namespace meridian

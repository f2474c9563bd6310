#include "src/config/input_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
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
  // One byte more than may be there tells a file that is too large, and no more of it is read.
  std::string text;
  std::array<char, std::size_t{16} << 10> part{};
  while (stream && text.size() <= kLargestYamlBytes) {
    stream.read(part.data(), static_cast<std::streamsize>(part.size()));
    text.append(part.data(), static_cast<std::size_t>(stream.gcount()));
  }
  if (stream.bad()) return Error{"cannot be read to its end"};
  text.resize(std::min(text.size(), kLargestYamlBytes + 1));
  return text;
}

}  // namespace meridian

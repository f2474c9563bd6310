#include "src/program/launcher_link.h"

#include <sys/stat.h>

#include <utility>

namespace meridian::program {

Result<LauncherLink> LauncherLink::open(int descriptor) {
  struct stat status {};
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0) {
    return Error{fmt::format(
        "--launcher-fd {}: is not open; expected the descriptor that `meridian run` hands over", descriptor)};
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error{fmt::format(
        "--launcher-fd {}: is not a socket; expected the descriptor that `meridian run` hands over",
        descriptor)};
  }
  return LauncherLink(LineSocket(Descriptor(descriptor)));
}

void LauncherLink::send_line(std::string_view line) {
  if (!socket_.send_line(line)) ++dropped_;
}

std::vector<std::string> LauncherLink::read_lines() {
  std::vector<std::string> lines;
  socket_.receive();
  while (std::optional<std::string> line = socket_.next_line()) lines.push_back(*std::move(line));
  return lines;
}

}  // namespace meridian::program

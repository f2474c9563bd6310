// A child as Meridian's own processes are: says that it is there, ends itself when the launcher is gone,
// answers "interrupt" and ends, and answers "descriptors" with how many it has open. With a second argument
// it ignores SIGTERM.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>

#include "src/program/launcher_link.h"

namespace {

std::string open_descriptors() {
  int open = 0;
  for (int number = 0; number < 1024; ++number) open += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
  char byte = 0;
  return fmt::format("{} open, {} bytes of input", open, ::read(STDIN_FILENO, &byte, 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (argc > 2) ::signal(SIGTERM, SIG_IGN);
  auto link = meridian::program::LauncherLink::open(std::atoi(argv[1]));
  if (!link) return 3;
  link.value().send_line("ready");
  while (!link.value().gone()) {
    const int events = POLLIN | (link.value().wants_write() ? POLLOUT : 0);
    pollfd waiting{link.value().fd(), static_cast<short>(events), 0};
    ::poll(&waiting, 1, -1);
    for (const std::string& line : link.value().read_lines()) {
      if (line == "interrupt") {
        link.value().send_line("interrupted");
        link.value().flush();
        return 0;
      }
      if (line == "descriptors") link.value().send_line(open_descriptors());
    }
    link.value().flush();
  }
  return 4;
}
